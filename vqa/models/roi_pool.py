"""Region pooling of a feature map, as torchvision's RoIPool (MULTIBRANCH_B 14.3.3)."""

import math

import torch
from torch import Tensor

# Feature maps of both networks are 1/32 of the frame, and a region has two bins along each side.
SCALE, BINS = 1 / 32, 2

Box = tuple[float, float, float, float]


def roi_pool(maps: Tensor, boxes: list[Box]) -> Tensor:
    """Maxima of the four quarters of every region.

    Corners are rounded to cells, halves away from 0, and the last cell belongs to the region: a whole frame is one cell
    larger than its map, so that its quarters may share a row or a column (discrepancy PV2). What lies outside of the
    map does not count, and a quarter outside of it is 0.

    Args:
        maps: ``(B, C, H, W)``.
        boxes: left, top, right and bottom in pixels of the frame.

    Returns:
        ``(B, boxes, C, 2, 2)``.
    """
    height, width = maps.shape[2:]
    pooled = maps.new_zeros(len(maps), len(boxes), maps.shape[1], BINS, BINS)
    for number, (left, top, right, bottom) in enumerate(boxes):
        rows, columns = _cells(top, bottom, height), _cells(left, right, width)
        for i, (first, last) in enumerate(rows):
            for j, (begin, end) in enumerate(columns):
                if first < last and begin < end:
                    pooled[:, number, :, i, j] = maps[:, :, first:last, begin:end].amax(dim=(2, 3))
    return pooled


def _cells(low: float, high: float, size: int) -> list[tuple[int, int]]:
    """First cell and the one behind the last of both bins along a side of ``size`` cells."""
    start, end = _rounded(low * SCALE), _rounded(high * SCALE)
    extent = max(end - start + 1, 1)
    bins = ((start + i * extent // BINS, start - (-(i + 1) * extent // BINS)) for i in range(BINS))
    return [(min(max(first, 0), size), min(max(last, 0), size)) for first, last in bins]


def _rounded(value: float) -> int:
    """To the nearest whole number, halves away from 0."""
    return int(math.copysign(math.floor(abs(value) + 0.5), value))


def adaptive_average(rows: Tensor, steps: int) -> Tensor:
    """``(N, ...)`` to ``(steps, ...)``: step k is the mean of rows floor(k N / steps) to ceil((k+1) N / steps) - 1."""
    n = len(rows)
    cuts = ((k * n // steps, -(-(k + 1) * n // steps)) for k in range(steps))
    return torch.stack([rows[first:last].mean(dim=0) for first, last in cuts])
