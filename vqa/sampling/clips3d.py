"""Which frames make up PVQ's clips (MULTIBRANCH_B 14.3.2)."""

import numpy as np
import torch
from torch import Tensor


def clip_ends(n_frames: int, count: int, length: int) -> Tensor:
    """Last frames of ``count`` clips, ``(count,)`` int64 from 0, spread evenly; they overlap in short videos."""
    # With numpy's rounding, as released: of 177 frames, PyTorch would end the 28th clip a frame later.
    return torch.from_numpy(np.linspace(length, n_frames, count).astype(np.int64)) - 1


def clip_frames(n_frames: int, count: int, length: int) -> Tensor:
    """Frames of all clips, ``(count, length)`` int64; what would lie outside of the video is its first or last."""
    frames = clip_ends(n_frames, count, length)[:, None] + torch.arange(1 - length, 1)
    return frames.clamp(0, n_frames - 1)


def notebook_windows(n: int, steps: int) -> list[list[int]]:
    """Rows of the windows that the released notebook pools in time: ``steps`` windows of as many rows (PV3).

    With fewer rows than steps the starts are zero or negative, and count from the end.
    """
    starts = (-(-(i * (n - steps)) // (steps - 1)) for i in range(steps))
    return [list(range(n))[start : start + steps] for start in starts]
