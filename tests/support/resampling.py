"""Resizing and patch cutting by loops, straight from their definitions: what the SAMA samplers are compared with."""

import itertools

import numpy as np


def bilinear(frame: np.ndarray, size: tuple[int, int]) -> np.ndarray:
    """``(C, H, W)`` resized by the definition: pixel centres mapped back, neighbours weighted, no antialiasing."""
    for axis, n in enumerate(size, start=1):
        length = frame.shape[axis]
        position = np.maximum((np.arange(n) + 0.5) * length / n - 0.5, 0)
        low = np.floor(position).astype(int)
        high, weight = np.minimum(low + 1, length - 1), position - low
        weight = weight.reshape(-1, 1) if axis == 1 else weight
        frame = frame.take(low, axis) * (1 - weight) + frame.take(high, axis) * weight
    return frame


def patches(
    frame: np.ndarray, u: tuple[np.ndarray, np.ndarray], grid: tuple[int, int], patch: tuple[int, int]
) -> np.ndarray:
    """Every pixel of the spliced frame looked up on its own in ``(C, H, W)``, for a grid of cells and a patch size."""
    (rows, cols), (ph, pw) = grid, patch
    H, W = frame.shape[1:]
    out = np.zeros((3, rows * ph, cols * pw))
    for y, x in itertools.product(range(rows * ph), range(cols * pw)):
        i, j = y // ph, x // pw
        top = min(H // rows * i, H - ph) + int(np.float32(u[0][i, j] * np.float32(H // rows - ph)))
        left = min(W // cols * j, W - pw) + int(np.float32(u[1][i, j] * np.float32(W // cols - pw)))
        out[:, y, x] = frame[:, top + y % ph, left + x % pw]
    return out
