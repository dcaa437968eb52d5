"""Clips of the golden files for handcrafted features: their recipe, and planes of real clips as they are decoded."""

import zlib
from pathlib import Path

import av
import numpy as np
from golden import Vectors, generator

Planes = tuple[np.ndarray, np.ndarray, np.ndarray]


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


def decoded(path: Path, count: int | None = None) -> Planes:
    """The first ``count`` frames of a file of yuv420p, or all, as its decoder hands them out."""
    planes: tuple[list[np.ndarray], ...] = ([], [], [])
    with av.open(str(path)) as container:
        for frame in container.decode(video=0):
            assert frame.format.name == "yuv420p"
            for to, plane in zip(planes, frame.planes, strict=True):
                lines = np.frombuffer(plane, np.uint8).reshape(plane.height, plane.line_size)
                to.append(lines[:, : plane.width].copy())
            if count is not None and len(planes[0]) == count:
                break
    y, u, v = (np.stack(p) for p in planes)
    return y, u, v
