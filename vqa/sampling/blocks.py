"""Frames of a video in blocks that a motion network looks at, and which rows they give (MULTIBRANCH_B 14.1.3)."""

from dataclasses import dataclass

import torch
from torch import Tensor


@dataclass(frozen=True)
class Block:
    """Frames that a motion network looks at together.

    Attributes:
        frames: their numbers in the video, ``(kept,)`` int64, rising; some are repeated if the block is short.
        first: the first one whose row counts: those before it belong to the block before.
    """

    frames: Tensor
    first: int

    @property
    def rows(self) -> Tensor:
        """Numbers of the frames whose rows count, ``(rows,)`` int64."""
        return self.frames[self.first :]


def frame_blocks(n_frames: int, block: int, kept: int) -> list[Block]:
    """Cut a video into blocks, and keep evenly spaced frames of each.

    Full blocks from the start on, as long as a frame follows them, and then the last ``block`` frames of the video, of
    which only those that are in no block before them count. A video of ``block`` frames or fewer is one block.

    Args:
        n_frames: frames of the video, at least one.
        block: frames of a block, 64 as released.
        kept: of them that are looked at, 32 as released.

    Returns:
        The blocks in order; the frames of all :attr:`Block.rows` rise.

    Raises:
        ValueError: for a video without frames, or sizes that are not positive.
    """
    if min(n_frames, block, kept) < 1:
        raise ValueError(f"{n_frames} frames in blocks of {block} with {kept} kept: all must be positive")
    full = (n_frames - 1) // block
    if not full:
        return [Block(evenly_spaced(n_frames, kept), 0)]
    inside = evenly_spaced(block, kept)
    blocks = [Block(inside + number * block, 0) for number in range(full)]
    last = inside + n_frames - block
    return [*blocks, Block(last, int((last < full * block).sum()))]


def evenly_spaced(n_frames: int, kept: int) -> Tensor:
    """Numbers from the first to the last of ``n_frames`` frames: ``(kept,)`` int64, in float32 and truncated."""
    return torch.linspace(0, n_frames - 1, kept, dtype=torch.float32).long()
