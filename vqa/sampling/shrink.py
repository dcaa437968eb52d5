"""Larger frames scaled down to a short side, smaller ones left alone."""

import torch.nn.functional as F
from torch import Tensor


def shrunk_size(width: int, height: int, short_side: int) -> tuple[int, int]:
    """Width and height after the short side, if larger, became ``short_side``; the other side is truncated.

    A ``short_side`` of 0 changes nothing.
    """
    short = min(width, height)
    if not short_side or short <= short_side:
        return width, height
    return short_side * width // short, short_side * height // short


def shrink(frames: Tensor, short_side: int) -> Tensor:
    """Frames ``(n, H, W, 3)`` uint8 to ``(n, h, w, 3)`` uint8 of :func:`shrunk_size`: bilinear with antialiasing.

    Frame by frame, so that little memory is needed beyond the result.
    """
    height, width = frames.shape[1:3]
    new_width, new_height = shrunk_size(width, height, short_side)
    if (new_width, new_height) == (width, height):
        return frames
    out = frames.new_empty(len(frames), new_height, new_width, 3)
    for source, target in zip(frames, out, strict=True):
        small = F.interpolate(
            source.permute(2, 0, 1)[None].float(), (new_height, new_width), mode="bilinear", antialias=True
        )
        target.copy_(small[0].permute(1, 2, 0).round().clamp(0, 255))
    return out
