"""Sharpness of a frame: how its edges are correlated with themselves a few pixels further on (TLVQM, spec 8.1.3)."""

import numpy as np

from vqa.handcrafted.matlab import imfilter, imresize
from vqa.handcrafted.tlvqm_temporal import SOBEL

# Frames wider than this are halved.
_WIDEST = 1280
# Patches of 17 x 17 pixels, 16 apart, the first one at pixel 8 (1-based); the last one leaves room for the offsets.
_PATCH, _STEP, _FIRST, _ROOM = 17, 16, 7, 24
# Largest offset, and largest one whose extremum counts; a patch with less energy than this is not valid.
_REACH, _EXTREMA, _ENERGY = 6, 5, 1e-4
_OFFSETS = [(i, j) for i in range(_REACH + 1) for j in range(_REACH + 1) if i == 0 or j == 0 or i == j]


def sharpness(edges: np.ndarray) -> np.ndarray:
    """The nine numbers of group "sharpness", ``(9,)``; zeros where no patch is valid.

    Args:
        edges: ``(H, W)`` edge map of the frame in full size.
    """
    if edges.shape[1] > _WIDEST:
        edges = imresize(edges, 0.5)
    if min(edges.shape) <= _FIRST + _ROOM:
        return np.zeros(9)
    gradients = imfilter(edges, SOBEL.T), imfilter(edges, SOBEL)  # horizontal, vertical
    patches = [_patches(gradient) for gradient in gradients]
    correlations = np.zeros((_REACH + 1, _REACH + 1, *patches[0].shape[:2]))
    for i, j in _OFFSETS:
        weights = (i / (i + j), j / (i + j)) if i + j else (1.0, 1.0)
        for weight, gradient, own in zip(weights, gradients, patches, strict=True):
            if weight:
                correlations[i, j] += weight * np.einsum("...ij,...ij", _patches(gradient, i, j), own) / _PATCH**2
    valid = correlations[0, 0] > _ENERGY
    if not valid.any():
        return np.zeros(9)
    magnitude = np.sqrt(gradients[0] ** 2 + gradients[1] ** 2)
    spreads = _patches(magnitude).std((-2, -1), ddof=1)[valid]
    curves = correlations[:, :, valid] / correlations[0, 0, valid]
    high = spreads > spreads.mean()
    # Spec 8.1.3: each patch of high spread adds once more the map of the last valid patch, not its own.
    total = curves.sum(-1) + high.sum() * curves[..., -1]
    rings = np.maximum(*np.indices(curves.shape[:2]))
    sums = np.array([curves[rings == ring].sum(0) for ring in range(1, _REACH + 1)])
    rolls = (sums / np.where(sums[0] > 0, sums[0], 1.0)).mean(-1)
    return np.array(
        [
            rolls[1:].mean(),
            rolls[1:4].mean(),
            rolls[1],
            *_extrema(total / total[0, 0]),
            high.sum() / valid.size,
            (~high).sum() / valid.size,
            spreads[high].mean() if high.any() else 0.0,
            spreads[~high].mean() if not high.all() else 0.0,
        ]
    )


def _patches(image: np.ndarray, i: int = 0, j: int = 0) -> np.ndarray:
    """View of all patches, moved down by i and right by j: ``(rows, columns, 17, 17)``."""
    height, width = image.shape
    windows = np.lib.stride_tricks.sliding_window_view(image, (_PATCH, _PATCH))
    return windows[_FIRST + i : height - _ROOM + i : _STEP, _FIRST + j : width - _ROOM + j : _STEP]


def _extrema(total: np.ndarray) -> tuple[float, float]:
    """Distances, over 5, of the largest local maximum and of the lowest local minimum of the summed map, 0 for none."""
    padded = np.pad(total, 1)  # neighbours on no ray are 0, those outside as well (8.1.3)
    largest = lowest = 0.0
    places = [0.0, 0.0]
    for i, j in _OFFSETS:
        if not 0 < max(i, j) <= _EXTREMA:
            continue
        # Points on the axes are compared across their ray, those on the diagonal along it (8.1.3).
        di, dj = int(i == 0 or j > 0), int(j == 0 or i > 0)
        here = padded[i + 1, j + 1]
        neighbours = padded[i + 1 - di, j + 1 - dj], padded[i + 1 + di, j + 1 + dj]
        if here > max(neighbours) and here > largest:
            largest, places[0] = here, float(np.hypot(i, j)) / _EXTREMA
        if here < min(neighbours) and here < lowest:
            lowest, places[1] = here, float(np.hypot(i, j)) / _EXTREMA
    return places[0], places[1]
