"""Areas of a frame that are as bright or as dark as it gets (TLVQM, spec 8.1.3)."""

import numpy as np
from scipy import ndimage

# An area is within this of the frame's extreme luma, which must be beyond the next two, and has so many pixels.
_NEAR, _BRIGHT, _DARK, _SMALLEST = 0.05, 0.9, 0.1, 50


def saturation(y: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Saturated pixels and the four numbers of group "saturation".

    Args:
        y: ``(H, W)`` luma in [0, 1].

    Returns:
        ``(H, W)`` bool, and ``(4,)``: share of the frame that is bright, the same per area, and both for dark.
    """
    windows = ndimage.minimum_filter(y, 3)[1:-1, 1:-1], ndimage.maximum_filter(y, 3)[1:-1, 1:-1]
    mask, numbers = np.zeros(y.shape, dtype=bool), []
    for marks, present in (
        (windows[0] > y.max() - _NEAR, y.max() > _BRIGHT),
        (windows[1] < y.min() + _NEAR, y.min() < _DARK),
    ):
        area, count = _areas(marks) if present else (np.zeros_like(mask), 0)
        mask |= area
        numbers += [area.mean(), area.mean() / max(count, 1)]
    return mask, np.array(numbers)


def _areas(marks: np.ndarray) -> tuple[np.ndarray, int]:
    """Union of the 3x3 windows that are marked, without small components; and how many are left.

    Two windows belong together when they share a pixel: when marks made 2x2 touch each other, be it at a corner.

    Args:
        marks: ``(H - 2, W - 2)`` bool, at the top left corner of each window.
    """
    padded = np.pad(marks, ((0, 2), (0, 2)))
    blocks = ndimage.binary_dilation(padded, np.ones((2, 2)), origin=-1)
    labels, count = ndimage.label(blocks, np.ones((3, 3)))
    # Windows of one component have no pixel in common with another's: a maximum hands out the labels.
    labels = ndimage.maximum_filter(np.where(padded, labels, 0), 3, origin=1, mode="constant")
    sizes = np.bincount(labels.ravel(), minlength=count + 1)
    large = sizes >= _SMALLEST
    large[0] = False
    return large[labels], int(large.sum())
