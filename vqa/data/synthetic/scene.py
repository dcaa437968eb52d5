"""A scene: a still world, things that move in it, an overlay; and how a camera pose turns it into a frame."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from PIL import Image


@dataclass(frozen=True)
class Sprite:
    """A small picture on a path through the world.

    ``image`` is RGBA; at time ``t`` (frames) its centre is at ``start + velocity t + gravity t^2 / 2`` plus a swing of
    ``swing`` pixels at ``rate`` radians per frame and ``phase`` radians, all in world pixels.
    """

    image: Image.Image
    start: tuple[float, float]
    velocity: tuple[float, float] = (0.0, 0.0)
    gravity: float = 0.0
    swing: tuple[float, float] = (0.0, 0.0)
    rate: float = 0.0
    phase: float = 0.0

    def position(self, t: float) -> tuple[float, float]:
        """Return the centre ``(x, y)`` in world pixels."""
        x = self.start[0] + self.velocity[0] * t + self.swing[0] * math.sin(self.rate * t + self.phase)
        y = self.start[1] + self.velocity[1] * t + self.swing[1] * math.cos(self.rate * t + self.phase)
        return x, y + self.gravity * t * t / 2


@dataclass(frozen=True)
class Scene:
    """What is in front of the camera.

    Args:
        world: RGB picture, at least as large as the frame, in the frame's own pixel size: at zoom 1 a world pixel is a
            frame pixel, which keeps undegraded frames crisp.
        content_id: what the picture was made from; equal ids mean the same picture.
        motion: camera motion that suits the content: ``"camera"``, ``"scroll"`` (along y) or ``"track"`` (along x).
        sprites: moving things, drawn in order.
        overlay: RGBA picture of the frame's size that stays in place (a game's score, a player's controls), or None.
    """

    world: Image.Image
    content_id: str
    motion: str = "camera"
    sprites: tuple[Sprite, ...] = ()
    overlay: Image.Image | None = None

    def render(self, pose: np.ndarray, t: float, size: tuple[int, int]) -> np.ndarray:
        """Return the frame at time ``t`` seen from ``pose`` = (centre x, centre y, zoom, angle in radians).

        Returns:
            ``(H, W, 3) uint8 in [0, 255]`` for ``size`` = (W, H).
        """
        x, y, zoom, angle = (float(v) for v in pose)
        width, height = size
        c, s = math.cos(angle) / zoom, math.sin(angle) / zoom
        origin = (x - c * width / 2 + s * height / 2, y - s * width / 2 - c * height / 2)
        if zoom == 1 and angle == 0 and origin == (0, 0):
            frame = self.world.crop((0, 0, width, height))
        else:
            matrix = (c, -s, origin[0], s, c, origin[1])
            frame = self.world.transform(size, Image.Transform.AFFINE, matrix, Image.Resampling.BICUBIC)
        for sprite in self.sprites:
            sx, sy = sprite.position(t)
            dx, dy = (sx - x) * zoom, (sy - y) * zoom
            left = width / 2 + dx * math.cos(angle) + dy * math.sin(angle) - sprite.image.width / 2
            top = height / 2 - dx * math.sin(angle) + dy * math.cos(angle) - sprite.image.height / 2
            frame.paste(sprite.image, (round(left), round(top)), sprite.image)
        if self.overlay is not None:
            frame.paste(self.overlay, (0, 0), self.overlay)
        return np.asarray(frame)


def path(
    kind: str,
    world: tuple[int, int],
    size: tuple[int, int],
    n_frames: int,
    shake: float,
    generator: np.random.Generator,
) -> np.ndarray:
    """Return the camera's pose at every frame, eased at both ends and always inside the world.

    Args:
        kind: the scene's ``motion``.
        world: world size in pixels.
        size: frame size in pixels.
        n_frames: number of poses.
        shake: strength in [0, 1]; 1 is a hand that trembles by about 5 pixels and 2 degrees.
        generator: decides where the camera looks, how it moves and how the hand trembles.

    Returns:
        ``(n_frames, 4)`` float64: centre x, centre y, zoom, angle in radians.
    """
    room = np.array([world[0] - size[0], world[1] - size[1]], dtype=float)
    t = np.linspace(0, 1, n_frames) if n_frames > 1 else np.zeros(1)
    ease = t * t * (3 - 2 * t)
    if kind == "scroll":  # three flicks of the page with rests between them
        ease = np.clip(3 * t - np.floor(3 * t), 0, 0.5) * 2 / 3 + np.floor(3 * t) / 3
    ends = generator.uniform(0.1, 0.9, (2, 2))
    if kind == "scroll":
        ends[1, 0] = ends[0, 0]
    if kind == "track":
        ends = np.array([[0.05, 0.5], [0.95, 0.5]])[:: generator.choice([-1, 1])]
    if kind == "camera" and generator.random() < 0.25:
        ends[1] = ends[0] + generator.normal(0, 0.04, 2)
    zoom, angle = np.ones(n_frames), np.zeros(n_frames)
    if kind == "camera" and n_frames > 1:
        zoom = 1 + generator.uniform(0, 0.12) + generator.uniform(-0.1, 0.1) * ease
        angle = generator.normal(0, 0.03) + generator.normal(0, 0.04) * ease
    tremor = _tremor(n_frames, generator)
    centre = np.array(size) / 2 + room * (ends[0] + (ends[1] - ends[0]) * ease[:, None])
    centre += 5.0 * shake * tremor[:, :2]
    angle += 0.035 * shake * tremor[:, 2]
    # Half of the upright box around the turned frame: the centre keeps this distance from the world's edges.
    turn = np.abs(np.stack([np.cos(angle), np.sin(angle)], axis=1))
    half = np.stack([turn @ size, turn @ size[::-1]], axis=1) / (2 * zoom[:, None])
    half = np.minimum(half, np.array(world) / 2)
    centre = np.clip(centre, half, np.array(world) - half)
    return np.column_stack([centre, zoom, angle])


def _tremor(n_frames: int, generator: np.random.Generator) -> np.ndarray:
    """Return ``(n_frames, 3)`` of unit variance: hand tremor, a mix of slow and fast oscillations."""
    t = np.arange(n_frames)[:, None, None]
    rate = generator.uniform(0.4, 2.2, (1, 3, 4))
    phase = generator.uniform(0, 2 * np.pi, (1, 3, 4))
    return np.sin(rate * t + phase).sum(-1) / np.sqrt(2)
