"""What is measured on pixels: gradients, texture, and how similar a decoded frame is to its pristine original."""

from __future__ import annotations

import numpy as np

_GMS_C = 170.0


def gradient_similarity(reference: np.ndarray, distorted: np.ndarray) -> float:
    """Return the mean gradient magnitude similarity of two frames, in [0, 1], 1 for equal frames.

    Prewitt gradients of luma and the constant 170 follow Xue et al., "Gradient Magnitude Similarity Deviation"
    (IEEE TIP 2014), at full resolution.

    Args:
        reference: ``(H, W, 3) uint8 in [0, 255]``.
        distorted: the same shape.
    """
    a, b = squared_gradient(reference), squared_gradient(distorted)
    return float(np.mean((2 * np.sqrt(a * b) + _GMS_C) / (a + b + _GMS_C)))


def texture(reference: np.ndarray) -> float:
    """Return how textured a frame is, in [0, 1]: its mean gradient magnitude on a saturating scale."""
    return float(1 - np.exp(-np.sqrt(squared_gradient(reference)).mean() / 12))


def luma(frame: np.ndarray) -> np.ndarray:
    """Return ``(H, W)`` float32 luma (BT.601) of a frame ``(H, W, 3) uint8``."""
    red, green, blue = np.moveaxis(frame, -1, 0)
    return red * np.float32(0.299) + green * np.float32(0.587) + blue * np.float32(0.114)


def squared_gradient(frame: np.ndarray) -> np.ndarray:
    """Return ``(H - 2, W - 2)`` float32 squared Prewitt gradient magnitude of the luma of ``(H, W, 3) uint8``."""
    plane = luma(frame)
    across = plane[:, 2:] - plane[:, :-2]
    down = plane[2:, :] - plane[:-2, :]
    x = (across[:-2] + across[1:-1] + across[2:]) / 3
    y = (down[:, :-2] + down[:, 1:-1] + down[:, 2:]) / 3
    return x * x + y * y
