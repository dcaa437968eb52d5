"""Geometry of shifted 3-D windows: partition, shift masks, relative positions and fragment distances (METHODS 3.3).

Pure functions of sizes. Token order inside a window is (t, h, w).
"""

import math
from functools import lru_cache
from itertools import product

import torch
import torch.nn.functional as F
from torch import Tensor

Size2 = tuple[int, int]
Size3 = tuple[int, ...]  # of three
CPU = torch.device("cpu")


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
def layout(lattice: Size2, size: Size3, window: Size3, shift: Size3, device: torch.device = CPU) -> Tensor:
    """What each place of each window of a shifted block holds: ``(4, n_windows, N)`` int32.

    The four are the token's number in the feature map, row and column of its fragment, and its region: the roll brings
    together what lies at opposite edges, and tokens of different regions do not see each other. The lattice of fragment
    rows and columns is spread over the feature map by nearest neighbour and rolled with it.
    """
    tokens = torch.arange(math.prod(size)).view(1, *size, 1).float()
    rows, cols = torch.arange(lattice[0]), torch.arange(lattice[1])
    grid = torch.stack(torch.meshgrid(rows, cols, indexing="ij")).float()[None, :, None]
    spread = F.interpolate(grid, size=size, mode="nearest").permute(0, 2, 3, 4, 1)
    region = torch.zeros(1, *size, 1)
    slices = [
        [slice(-w), slice(-w, -s or None) if s else slice(0), slice(-s, None)]
        for w, s in zip(window, shift, strict=True)
    ]
    for label, (d, h, w) in enumerate(product(*slices)):
        region[:, d, h, w] = label
    rolled = torch.roll(torch.cat([tokens, spread], dim=-1), tuple(-s for s in shift), (1, 2, 3))
    return partition(torch.cat([rolled, region], dim=-1), window)[0].permute(2, 0, 1).int().contiguous().to(device)


@lru_cache(maxsize=64)
@torch.inference_mode(False)
def shift_mask(size: Size3, window: Size3, shift: Size3, device: torch.device = CPU) -> Tensor:
    """Attention mask of a shifted block: ``(n_windows, N, N)`` float, 0 inside a region and -100 across regions."""
    region = layout((1, 1), size, window, shift)[3]
    return ((region[:, :, None] != region[:, None, :]) * -100.0).to(device)


@lru_cache(maxsize=64)
@torch.inference_mode(False)
def fragment_distance(lattice: Size2, size: Size3, window: Size3, shift: Size3, device: torch.device = CPU) -> Tensor:
    """L1 distance between the fragments of two tokens: ``(n_windows, N, N)`` float, integers from 0.

    It is a distance and not a 0/1 gate (discrepancy F4).
    """
    place = layout(lattice, size, window, shift)[1:3].float()
    return (place[:, :, :, None] - place[:, :, None, :]).abs().sum(0).to(device)
