"""What both systems ask of a clip before they look at it, and how they count its seconds (VIDEVAL_TLVQM 8.0, 8.1.1)."""

import math

import numpy as np

# Of VIDEVAL, in pixels: smaller frames leave no room for TLVQM's borders and patches. TLVQM alone makes do with less.
SMALLEST = 64


def rounded_rate(fps: float) -> int:
    """Frames per second as a whole number, halves up."""
    return math.floor(fps + 0.5)


def half_second(fps: float, system: str) -> int:
    """Sampled frames from one segment to the next: half the rounded frame rate.

    Raises:
        ValueError: if the rate is below two frames per second, which ``system`` needs.
    """
    if rounded_rate(fps) < 2:
        raise ValueError(f"frame rate {fps}: {system} needs two frames per second at least")
    return rounded_rate(fps) // 2


def segments(count: int, half: int) -> list[slice]:
    """Ranges of sampled frames of about a second each, one of overlap; none if there are too few.

    Args:
        count: sampled frames of the clip.
        half: of :func:`half_second`.
    """
    return [slice(start, start + half + 1) for start in range(0, count - half, half)]


def even_sides(y: np.ndarray, u: np.ndarray, v: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Planes ``(T, H, W)`` and two of half the size, rounded up, without the last row or column where a side is odd."""
    rows, columns = y.shape[1] // 2, y.shape[2] // 2
    return y[:, : 2 * rows, : 2 * columns], u[:, :rows, :columns], v[:, :rows, :columns]


def check_planes(y: np.ndarray, u: np.ndarray, v: np.ndarray, smallest: int, system: str) -> None:
    """Raise ValueError if planes do not belong together, or a side is odd or below the ``smallest`` of ``system``."""
    frames, height, width = y.shape
    if height % 2 or width % 2:
        raise ValueError(f"{width}x{height}: {system} needs an even width and height")
    if u.shape != (frames, height // 2, width // 2) or v.shape != u.shape:
        raise ValueError(f"chroma planes {u.shape}, {v.shape} are not half of luma planes {y.shape}")
    if min(height, width) < smallest:
        raise ValueError(f"{width}x{height}: {system} needs {smallest} pixels at least on both sides")
