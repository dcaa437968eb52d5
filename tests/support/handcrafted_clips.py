"""Clips for tests of handcrafted features: those of the golden files by their recipe, real ones, and drawn pictures."""

import itertools
import zlib

import av
import numpy as np
import pytest
from golden import Vectors, generator
from mirror import mirror_folder
from scipy import ndimage

from vqa.handcrafted.planes import frame_planes

Planes = tuple[np.ndarray, np.ndarray, np.ndarray]
# Names in the mirror where they are not the clips' own.
FILES = {"3339962845": "VSFA/*/test.mp4"}


def _cells(key: str, height: int, width: int, side: int, low: int, high: int, seed: int) -> np.ndarray:
    drawn = generator(key, seed).integers(low, high, size=(-(-height // side), -(-width // side)))
    return drawn.repeat(side, 0).repeat(side, 1)[:height, :width]


def clip(vectors: Vectors, name: str) -> Planes:
    """Planes Y ``(T, H, W)``, U and V ``(T, H/2, W/2)``, uint8, of the synthetic clip with this name."""
    n, height, width, _, vy, vx, oy, ox, amplitude, kind = (int(p) for p in vectors[f"clips/{name}/param"])
    half = (height // 2, width // 2)
    if kind == 3:
        y, u, v = (np.full((n, *shape), 128, np.uint8) for shape in ((height, width), half, half))
        return y, u, v
    key, seed = f"vclip/{name}", vectors.seed
    canvas = 16 + _cells(f"{key}/cells", height, width, 12, 0, 256, seed) * 3 // 4
    canvas = canvas + generator(f"{key}/tex", seed).integers(0, 32, size=(height, width))
    side = height // 4
    thing = _cells(f"{key}/obj", side, side, 6, 0, 256, seed)
    chroma = [
        _cells(f"{key}/{c}", *half, 8, -48, 49, seed) + generator(f"{key}/t{c}", seed).integers(0, 8, size=half)
        for c in "uv"
    ]
    frames: tuple[list[np.ndarray], ...] = ([], [], [])
    for t in range(n):
        noise = generator(f"{key}/noise/{t}", seed)
        z = noise.integers(0, amplitude + 1, size=(height, width))
        z_chroma = [noise.integers(0, amplitude // 2 + 1, size=half) for _ in "uv"]
        luma = np.roll(canvas, (-vy * t, -vx * t), (0, 1))
        top, left = (height // 3 + oy * t) % (height - side + 1), (width // 3 + ox * t) % (width - side + 1)
        luma[top : top + side, left : left + side] = thing
        luma += z
        if kind == 1:
            corner, rest = np.s_[: height // 3, : width // 3], np.s_[2 * height // 3 :, 2 * width // 3 :]
            luma[corner] = 250 + (z[corner] & 3)
            luma[rest] = z[rest] & 3
            luma[2 * height // 3 :, : width // 8] = 252
        if kind == 2:
            luma[:, : width // 3] = 100
        frames[0].append(luma)
        for to, canvas_chroma, noisy in zip(frames[1:], chroma, z_chroma, strict=True):
            plane = 128 + np.roll(canvas_chroma, (-vy * t // 2, -vx * t // 2), (0, 1)) + noisy
            if kind == 2:
                plane[:, : width // 6] = 120
            to.append(plane)
    y, u, v = (np.clip(np.stack(planes), 0, 255).astype(np.uint8) for planes in frames)
    return y, u, v


def bytes_check(planes: Planes) -> np.ndarray:
    """What ``bytes_check`` of a clip holds: number, sum and CRC-32 of the raw video's bytes, and its first five."""
    raw = np.concatenate([plane.reshape(len(plane), -1) for plane in planes], axis=1)
    return np.array([raw.size, raw.sum(dtype=np.int64), zlib.crc32(raw.tobytes()), *raw.ravel()[:5]])


def real_clip(name: str, count: int) -> Planes:
    """The first ``count`` frames of a clip of the mirror as its decoder gives them; skips where it is not there."""
    files = sorted(mirror_folder().rglob(FILES.get(name, f"{name}.mp4")))
    if not files:
        pytest.skip(f"no {name}.mp4 in the mirror")
    with av.open(str(files[0])) as container:
        planes = [frame_planes(frame) for frame in itertools.islice(container.decode(video=0), count)]
    y, u, v = (np.stack(plane) for plane in zip(*planes, strict=True))
    return y, u, v


def drawn(*shape: int, levels: int = 256, seed: int = 0) -> np.ndarray:
    """Random numbers in [0, 1) of so many levels: with few of them much is equal."""
    return np.random.default_rng(seed).integers(0, levels, size=shape) / levels


def smooth(height: int, width: int, seed: int = 0) -> np.ndarray:
    """Random numbers of about [0, 1] that change slowly, around the border too."""
    return ndimage.gaussian_filter(drawn(height, width, seed=seed), 1.5, mode="wrap") * 4 - 1.5
