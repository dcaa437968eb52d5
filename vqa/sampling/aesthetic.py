"""The aesthetic view of DOVER: few whole frames, small (MULTIBRANCH_A 13.1.5)."""

from dataclasses import dataclass

import torch
import torch.nn.functional as F
from torch import Tensor

from vqa.settings.strict import one_of


@dataclass(frozen=True)
class AestheticSampling:
    """How the aesthetic view of a video is made.

    Attributes:
        frames: segments of the video, one frame each.
        size: height and width, whatever the video's; its shape is not kept.
        offset: ``random`` within each segment, as released in tests too (discrepancy DO7), or ``centre``.
        antialias: whether frames are smoothed before they are made smaller; the version of the library that the
            published numbers come from did not (discrepancy DO6).
    """

    frames: int
    size: tuple[int, int]
    offset: str
    antialias: bool

    def __post_init__(self) -> None:
        one_of("offset", self.offset, ("random", "centre"))
        if min(self.frames, *self.size) < 1:
            raise ValueError(f"frames and size must be positive, got {self}")


def view_indices(n_frames: int, rule: AestheticSampling, generator: torch.Generator) -> Tensor:
    """Frames of the view, ``(frames,)`` int64.

    The last two frames of a segment are never chosen, and all are the first frame if there are fewer than segments
    (discrepancy DO8). A segment of three frames or fewer gives its first one, and nothing is drawn of two or fewer.
    """
    length = n_frames // rule.frames
    offsets = torch.zeros(rule.frames, dtype=torch.int64)
    if length > 2:
        offsets += (length - 2) // 2
        if rule.offset == "random":
            offsets = torch.randint(length - 2, (rule.frames,), generator=generator)
    return (length * torch.arange(rule.frames) + offsets) % n_frames


def shrink_view(frames: Tensor, rule: AestheticSampling) -> Tensor:
    """Frames ``(n, H, W, 3)`` uint8 to the view ``(3, n, h, w)`` uint8, halves rounded to even."""
    pixels = frames.permute(0, 3, 1, 2).float()
    small = F.interpolate(pixels, rule.size, mode="bilinear", align_corners=False, antialias=rule.antialias)
    return small.round().clamp(0, 255).to(torch.uint8).transpose(0, 1)
