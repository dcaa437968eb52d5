"""DSD-PRO's head: levels of appearance and motion, aggregated one after the other (MULTIBRANCH_B 14.4.4)."""

from collections.abc import Sequence

import torch
from torch import Tensor, nn

from vqa.models.exact import Linear


class Embedding(nn.Module):
    """Linear map, ELU, layer norm, linear map; its names are the released ones.

    Args:
        channels: width of the input.
        width: of the output.
        norm: without, this is the first released version.
    """

    def __init__(self, channels: int, width: int, norm: bool) -> None:
        super().__init__()
        between = nn.LayerNorm(width) if norm else nn.Identity()
        self.embedding = nn.Sequential(Linear(channels, width), nn.ELU(), between, Linear(width, width))

    def forward(self, x: Tensor) -> Tensor:
        """``(..., channels)`` to ``(..., width)``."""
        return self.embedding(x)


class ProgressiveResidual(nn.Module):
    """Segments of a video to its score.

    Args:
        levels: numbers of each level in a segment's row, the first level first.
        hidden: width before the score; embeddings are four times as wide.
        norm: layer norms, as in the second released version.
    """

    def __init__(self, levels: Sequence[int], hidden: int, norm: bool) -> None:
        super().__init__()
        self.levels, width = tuple(levels), 4 * hidden
        for number, channels in enumerate(levels, start=1):
            before = width if number > 1 else 0
            self.add_module(f"blk{number}", Embedding(channels + before, width, norm))
        between = nn.LayerNorm(hidden) if norm else nn.Identity()
        self.fc = nn.Sequential(Linear(width, hidden), nn.ReLU(), between, Linear(hidden, 1))

    def aggregate(self, segments: Tensor) -> list[Tensor]:
        """What each level adds, before it is added: ``(B, S, sum of levels)`` to one ``(B, S, width)`` for each."""
        added: list[Tensor] = []
        total = None
        for number, own in enumerate(segments.split(self.levels, dim=-1), start=1):
            seen = own if total is None else torch.cat([own, total], dim=-1)
            added.append(self.get_submodule(f"blk{number}")(seen))
            total = added[-1] if total is None else added[-1] + total
        return added

    def forward(self, segments: Tensor) -> Tensor:
        """Rows ``(B, S, sum of levels)`` to scores of the segments ``(B, S)``; a video's is their mean."""
        return self.fc(torch.stack(self.aggregate(segments)).sum(dim=0)).squeeze(-1)
