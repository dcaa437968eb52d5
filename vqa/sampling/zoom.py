"""What Zoom-VQA looks at: two frames per second for its image branch, scaled frames for its video branch.

MULTIBRANCH_A 13.2.2 and 13.2.4.
"""

import torch
import torch.nn.functional as F
from torch import Tensor

PER_SECOND = 2
# By how many pictures FFmpeg's conversion of rates runs ahead
AHEAD = 1.1


def picture_frames(n_frames: int, fps: float) -> Tensor:
    """Frames that FFmpeg writes at two pictures per second, ``(n,)`` int64: the first two, then early (Z9)."""
    chosen: list[int] = []
    for number in range(n_frames):
        if (number + 1) * PER_SECOND / fps >= len(chosen) - AHEAD:
            chosen.append(number)
    return torch.tensor(chosen)


def short_side(frames: Tensor, size: int, antialias: bool) -> Tensor:
    """Frames ``(n, 3, H, W)`` in [0, 1] scaled so that the short side is ``size``; the other is cut to whole pixels.

    ``antialias`` says whether they are smoothed first: later versions of the library do, the earlier did not
    (discrepancy Z6).
    """
    height, width = frames.shape[2:]
    short = min(height, width)
    new = (int(size * height / short), int(size * width / short))
    return F.interpolate(frames, new, mode="bilinear", align_corners=False, antialias=antialias)


def cropped(frames: Tensor, size: int, generator: torch.Generator | None) -> Tensor:
    """A square of ``size`` of frames ``(n, 3, H, W)``: one place for all, at random, or in the middle, rounded down.

    Validation in training rounds to even instead (discrepancy Z7).
    """
    room = [side - size for side in frames.shape[2:]]
    if generator is None:
        top, left = (spare // 2 for spare in room)
    else:
        top, left = (int(torch.randint(spare + 1, (1,), generator=generator)) for spare in room)
    return frames[:, :, top : top + size, left : left + size]


def scaled_size(height: int, width: int, size: int) -> tuple[int, int]:
    """Height and width of frames whose short side is scaled to ``size``, in the released order of operations.

    It loses a pixel of the long side where a product that should be whole is a little less.
    """
    if height > width:
        return int(height / (width / size)), size
    return size, int(width / (height / size))


def scaled(frames: Tensor, size: int) -> Tensor:
    """Frames ``(3, T, H, W)`` uint8 with their short side scaled to ``size``, values truncated; 0 leaves them."""
    if not size:
        return frames
    new = scaled_size(frames.shape[2], frames.shape[3], size)
    larger = F.interpolate(frames.transpose(0, 1) / 255.0, new, mode="bilinear", align_corners=False)
    return (larger * 255.0).to(torch.uint8).transpose(0, 1)
