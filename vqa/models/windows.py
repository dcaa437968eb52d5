"""Geometry of shifted 3-D windows: partition, shift masks, relative positions and fragment distances (METHODS 3.3).

Pure functions of sizes. Token order inside a window is (t, h, w).
"""

from functools import lru_cache

import torch
import torch.nn.functional as F
from torch import Tensor

Size3 = tuple[int, ...]  # of three


def partition(x: Tensor, window: Size3) -> Tensor:
    """Cut ``(B, D, H, W, C)`` into windows: ``(B, n_windows, d*h*w, C)``; sizes must be multiples of the window."""
    B, D, H, W, C = x.shape
    d, h, w = window
    x = x.view(B, D // d, d, H // h, h, W // w, w, C)
    return x.permute(0, 1, 3, 5, 2, 4, 6, 7).reshape(B, -1, d * h * w, C)


def merge(windows: Tensor, window: Size3, size: Size3) -> Tensor:
    """Inverse of :func:`partition`: ``(B, n_windows, d*h*w, C)`` to ``(B, D, H, W, C)`` with (D, H, W) = ``size``."""
    B, C = windows.shape[0], windows.shape[-1]
    (d, h, w), (D, H, W) = window, size
    x = windows.view(B, D // d, H // h, W // w, d, h, w, C)
    return x.permute(0, 1, 4, 2, 5, 3, 6, 7).reshape(B, D, H, W, C)


def effective_window(size: Size3, window: Size3, shift: Size3) -> tuple[Size3, Size3]:
    """Where the feature map is not larger than the window, the window shrinks to it and that shift becomes 0."""
    fits = [s <= w for s, w in zip(size, window, strict=True)]
    return (
        tuple(s if f else w for s, w, f in zip(size, window, fits, strict=True)),
        tuple(0 if f else s for s, f in zip(shift, fits, strict=True)),
    )


def relative_position_index(window: Size3) -> Tensor:
    """Row of the bias table for every pair of tokens of one window: ``(N, N)`` int64, N = d*h*w."""
    axes = [torch.arange(n) for n in window]
    tokens = torch.stack(torch.meshgrid(*axes, indexing="ij")).flatten(1)
    difference = tokens[:, :, None] - tokens[:, None, :] + torch.tensor(window)[:, None, None] - 1
    _, h, w = window
    return (difference[0] * (2 * h - 1) + difference[1]) * (2 * w - 1) + difference[2]


@lru_cache(maxsize=64)
@torch.inference_mode(False)  # a tensor cached while predicting must serve training later
def shift_mask(size: Size3, window: Size3, shift: Size3) -> Tensor:
    """Attention mask of a shifted block: ``(n_windows, N, N)`` float, 0 inside a region and -100 across regions."""
    label = torch.zeros(1, *size, 1)
    count = 0
    slices = [
        [slice(-w), slice(-w, -s or None) if s else slice(0), slice(-s, None)]
        for w, s in zip(window, shift, strict=True)
    ]
    for d in slices[0]:
        for h in slices[1]:
            for w in slices[2]:
                label[:, d, h, w] = count
                count += 1
    tokens = partition(label, window)[0, :, :, 0]
    return (tokens[:, :, None] != tokens[:, None, :]) * -100.0


@lru_cache(maxsize=64)
@torch.inference_mode(False)  # a tensor cached while predicting must serve training later
def fragment_distance(lattice: tuple[int, int], size: Size3, window: Size3, shift: Size3) -> Tensor:
    """L1 distance between the fragments of two tokens: ``(n_windows, N, N)`` float, integers from 0.

    The lattice of fragment rows and columns is spread over the feature map by nearest neighbour, rolled like the
    features of a shifted block and cut into windows. It is a distance and not a 0/1 gate (discrepancy F4).
    """
    rows, cols = torch.arange(lattice[0]), torch.arange(lattice[1])
    grid = torch.stack(torch.meshgrid(rows, cols, indexing="ij")).float()[None, :, None]
    spread = F.interpolate(grid, size=size, mode="nearest").permute(0, 2, 3, 4, 1)
    spread = torch.roll(spread, shifts=tuple(-s for s in shift), dims=(1, 2, 3))
    tokens = partition(spread, window)[0]
    return (tokens[:, :, None] - tokens[:, None, :]).abs().sum(-1)
