"""Which frames DSD-PRO looks at, and at which size (MULTIBRANCH_B 14.4.1)."""

import torch
from torch import Tensor

CLIP = 8
# A segment's frame of appearance, in its clip
APPEARANCE = 4
LARGEST = (1920, 1080)


def segment_starts(n_frames: int, count: int) -> Tensor:
    """First frames of ``count`` segments, ``(count,)`` int64, from frame 5 to 13 before the end.

    The released code fails below 13 frames; here no start lies before the first frame.
    """
    last = max(count - 1, 1)
    return torch.tensor([max(0, int(i * (n_frames - 18) / last + 5)) for i in range(count)])


def clip_frames(n_frames: int, count: int) -> Tensor:
    """The frames of all segments, ``(count, 8)`` int64; a video that ends before a clip does repeats its last frame."""
    return (segment_starts(n_frames, count)[:, None] + torch.arange(CLIP)).clamp(max=n_frames - 1)


def used_size(width: int, height: int) -> tuple[int, int]:
    """Width and height at which a video is looked at.

    Only what is larger than 1920x1080 in both directions is scaled, to just that size and not keeping its shape
    (discrepancy DS3).
    """
    long, short = LARGEST
    if width > height > short and width > long:
        return long, short
    if height > width > short and height > long:
        return short, long
    return width, height
