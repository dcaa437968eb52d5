"""Degradations of known strength, as user content has them before it is encoded.

A strength is in [0, 1]: 0 changes nothing, 1 is the worst that the suite makes. They act in the order of a camera:
optics (defocus, motion blur), digital zoom (downscale), exposure and contrast, sensor noise. Noise comes last so that
no later step washes it out and its strength means the same in every clip. ``shake`` acts on the camera path
(:mod:`vqa.data.synthetic.scene`), ``drops`` on the order of frames, ``compression`` in the encoder.
"""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
from PIL import Image, ImageFilter

DEFOCUS_SIGMA = 2.2
MOTION_LENGTH = 8
DOWNSCALE_FACTOR = 3.5
NOISE_SD = 34.0
DROP_SHARE = 0.6


class Degrader:
    """The chain of spatial degradations of one clip.

    Args:
        strengths: strength in [0, 1] by name; names that are missing count as 0.
        size: frame size (W, H) in pixels.
        generator: decides directions, signs and the noise.
    """

    def __init__(self, strengths: Mapping[str, float], size: tuple[int, int], generator: np.random.Generator) -> None:
        self.strengths = strengths
        self.size = size
        self._generator = generator
        self._under = generator.random() < 0.6
        self._direction = ((0, 1), (1, 0), (1, 1), (1, -1))[int(generator.integers(4))]
        self._curve = self._tone_curve()
        # One field of noise, larger than the frame, is cut anew for every frame: fresh noise at a tenth of the cost.
        sd = NOISE_SD * self._strength("noise")
        shape = (size[1] + 40, size[0] + 40, 1)
        field = generator.standard_normal(shape, dtype=np.float32)
        colour = generator.standard_normal((*shape[:2], 3), dtype=np.float32)
        self._noise = (sd * (0.85 * field + 0.5 * colour)).round().astype(np.int16) if sd else None

    def __call__(self, frame: np.ndarray) -> np.ndarray:
        """Degrade one frame ``(H, W, 3) uint8 in [0, 255]``; the result has the same shape and type."""
        picture = Image.fromarray(frame)
        if sigma := DEFOCUS_SIGMA * self._strength("defocus"):
            picture = picture.filter(ImageFilter.GaussianBlur(sigma))
        if length := MOTION_LENGTH * self._strength("motion_blur"):
            picture = Image.fromarray(_smear(np.asarray(picture), length, self._direction))
        if extra := (DOWNSCALE_FACTOR - 1) * self._strength("downscale"):
            width, height = (max(4, round(side / (1 + extra))) for side in self.size)
            small = picture.resize((width, height), Image.Resampling.BILINEAR)
            picture = small.resize(self.size, Image.Resampling.BICUBIC)
        if self._curve is not None:
            picture = picture.point(self._curve)
        pixels = np.asarray(picture)
        if self._noise is not None:
            top, left = self._generator.integers(0, 41, 2)
            grain = self._noise[top : top + self.size[1], left : left + self.size[0]]
            pixels = np.clip(pixels + grain, 0, 255).astype(np.uint8)
        return pixels

    def _strength(self, name: str) -> float:
        return float(self.strengths.get(name, 0.0))

    def _tone_curve(self) -> list[int] | None:
        exposure, contrast = self._strength("exposure"), self._strength("contrast")
        if not exposure and not contrast:
            return None
        tone = np.arange(256) / 255
        tone = tone * (1 - 0.7 * exposure) if self._under else tone + (1.25 * tone + 0.15) * 0.6 * exposure
        tone = 0.5 + (np.clip(tone, 0, 1) - 0.5) * (1 - 0.65 * contrast)
        return [int(v) for v in np.clip(255 * tone, 0, 255).round()] * 3


def drop_frames(n_frames: int, strength: float, generator: np.random.Generator) -> list[int]:
    """Return which source frame is shown at each of ``n_frames`` positions: a dropped frame repeats its predecessor.

    At strength 1 the share of repeats is ``DROP_SHARE``, in runs of one to five frames. The first frame is never
    dropped.
    """
    shown = list(range(n_frames))
    wanted = round(DROP_SHARE * strength * n_frames)
    repeats: set[int] = set()
    while len(repeats) < min(wanted, n_frames - 1):
        start = int(generator.integers(1, n_frames))
        for index in range(start, min(start + int(generator.integers(1, 6)), n_frames)):
            if len(repeats) < wanted:
                repeats.add(index)
    for index in sorted(repeats):
        shown[index] = shown[index - 1]
    return shown


def _smear(frame: np.ndarray, length: float, direction: tuple[int, int]) -> np.ndarray:
    """Average the frame over ``1 + length`` pixels along a direction; the last step counts by its fraction."""
    steps = int(np.ceil(length))
    weights = np.minimum(1.0, 1 + length - np.arange(steps + 1))
    weights = np.round(256 * weights / weights.sum()).astype(int)
    weights[0] += 256 - weights.sum()
    pad = np.pad(frame.astype(np.uint16), ((steps, steps), (steps, steps), (0, 0)), mode="edge")
    total = np.zeros(frame.shape, dtype=np.uint16)
    height, width = frame.shape[:2]
    for step, weight in enumerate(weights.astype(np.uint16)):
        offset = step - steps // 2
        top, left = steps + offset * direction[0], steps + offset * direction[1]
        total += weight * pad[top : top + height, left : left + width]
    return (total >> 8).astype(np.uint8)
