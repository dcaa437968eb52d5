"""Which frames of a video make up its clips (METHODS 3.1 for FAST-VQA, 5.1 for SAMA)."""

from dataclasses import dataclass

import torch
from torch import Tensor

from vqa.settings.strict import one_of


@dataclass(frozen=True)
class TemporalSampling:
    """Rule for the frames of the clips of one video.

    The video is cut into ``clips`` equal segments of q = N // clips frames; each gives one clip of ``frames`` frames,
    ``interval`` apart, so a clip spans ``frames * interval`` frames.

    Attributes:
        frames: frames per clip (32 in the paper).
        interval: distance of two frames (2 in the paper).
        clips: clips per video (1 in training, 4 at test in the paper).
        offset: ``random``: the clip starts uniformly in [0, q - span - 1] of its segment if q > span, else at 0; the
            released FAST-VQA code does this at test time as well (discrepancy F1). ``centre``: at
            max(0, q - span) // 2, deterministic.
        past_end: what stands for frames beyond the end of the video: ``wrap`` starts over at frame 0 (FAST-VQA),
            ``clamp`` repeats the last frame (SAMA) (discrepancy F3).

    Raises:
        ValueError: if a number is not positive or an option is unknown.
    """

    frames: int = 32
    interval: int = 2
    clips: int = 1
    offset: str = "random"
    past_end: str = "wrap"

    def __post_init__(self) -> None:
        if min(self.frames, self.interval, self.clips) < 1:
            raise ValueError(f"frames, interval and clips must be positive, got {self}")
        one_of("offset", self.offset, ("random", "centre"))
        one_of("past_end", self.past_end, ("wrap", "clamp"))


def offset_range(n_frames: int, rule: TemporalSampling) -> int:
    """Number of possible random starts in a segment: 1 means that the start is 0."""
    return max(1, n_frames // rule.clips - rule.frames * rule.interval)


def clip_offsets(n_frames: int, rule: TemporalSampling, generator: torch.Generator) -> Tensor:
    """Start of every clip inside its segment: ``(clips,)`` int64; ``generator`` is unused where nothing is random."""
    if rule.offset == "centre":
        spare = max(0, n_frames // rule.clips - rule.frames * rule.interval)
        return torch.full((rule.clips,), spare // 2)
    return torch.randint(offset_range(n_frames, rule), (rule.clips,), generator=generator)


def frame_indices(n_frames: int, rule: TemporalSampling, offsets: Tensor) -> Tensor:
    """Frame numbers of all clips, clip after clip: ``(clips * frames,)`` int64 in [0, n_frames).

    Raises:
        ValueError: for a video without frames.
    """
    if n_frames < 1:
        raise ValueError("a video without frames cannot be sampled")
    starts = torch.arange(rule.clips) * (n_frames // rule.clips) + offsets
    indices = (starts[:, None] + torch.arange(rule.frames) * rule.interval).flatten()
    return indices % n_frames if rule.past_end == "wrap" else indices.clamp(max=n_frames - 1)
