"""Means and deviations over the positions of a feature map: rows of numbers from frames (MULTIBRANCH_B 14.0.3)."""

from collections.abc import Callable

import torch
from torch import Tensor

# What networks look at together, in pixels: one frame of 4K, sixteen of 540p. By its layer sizes, ResNet-50 holds
# roughly 200 bytes of activations for each.
AT_A_TIME = 1 << 23


def deviation(positions: Tensor) -> Tensor:
    """Unbiased standard deviation over the last axis: ``(..., P)`` to ``(...)``.

    A constant row gives 0 with a zero gradient of every order, where the square root of its variance has none.
    """
    constant = (positions == positions[..., :1]).all(dim=-1)
    slope = torch.arange(positions.shape[-1], dtype=positions.dtype, device=positions.device)
    varied = torch.where(constant.unsqueeze(-1), slope, positions)
    return varied.std(dim=-1, correction=1).masked_fill(constant, 0)


def mean_and_deviation(feature_map: Tensor) -> Tensor:
    """All means and then all unbiased deviations of the channels: ``(B, C, ...)`` to ``(B, 2 C)``.

    Raises:
        ValueError: for a map of a single position, which has no unbiased deviation; the released codes go on with NaN.
    """
    positions = feature_map.flatten(2)
    if positions.shape[2] < 2:
        raise ValueError("a feature map of a single position has no deviation: a side of the frames must exceed 32")
    return torch.cat([positions.mean(dim=2), deviation(positions)], dim=1)


def check_size(width: int, height: int) -> None:
    """Raise ValueError for frames of which a network with a stride of 32 keeps a single position."""
    if max(width, height) <= 32:
        raise ValueError(f"frames of {width}x{height} are too small: a side must exceed 32")


def pooled_frames(frames: Tensor, feature_map: Callable[[Tensor], Tensor], at_a_time: int = AT_A_TIME) -> Tensor:
    """Describe every frame by itself.

    Args:
        frames: ``(n, H, W, 3)`` uint8 RGB.
        feature_map: gives maps ``(m, C, h, w)`` of frames ``(m, H, W, 3)`` uint8.
        at_a_time: pixels that are looked at together, in whole frames and at least one: this bounds the memory, and
            the result does not depend on it up to rounding.

    Returns:
        ``(n, 2 C)``: :func:`mean_and_deviation` of each.
    """
    some = max(1, at_a_time // (frames.shape[1] * frames.shape[2]))
    return torch.cat([mean_and_deviation(feature_map(piece)) for piece in frames.split(some)])
