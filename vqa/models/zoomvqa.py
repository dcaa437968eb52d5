"""Zoom-VQA: an image branch on cells of frames, and a video branch on fragments (MULTIBRANCH_A 13.2.1, 13.2.4)."""

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from vqa.models.convnext import ConvNeXt2d, ConvNeXt2dConfig
from vqa.models.dropout import Dropout
from vqa.models.exact import Linear, sigmoid
from vqa.models.heads import FragmentVQA


class CellWeightedVQA(nn.Module):
    """The image branch: scores of cells, averaged by weights of their own.

    The weights' head is called ``head_weight``, so that a rule which finds weights by their names finds its biases too
    (discrepancy Z16).

    Args:
        config: size of the backbone.
        cells: along each side.
        hidden: width of both heads, 384 in the paper.
        dropout: drop probability in both heads.
    """

    def __init__(self, config: ConvNeXt2dConfig, cells: int, hidden: int = 384, dropout: float = 0.1) -> None:
        super().__init__()
        self.cells, width = cells, sum(config.widths)
        self.backbone = ConvNeXt2d(config)
        self.head_score, self.head_weight = (
            nn.Sequential(Linear(width, hidden), nn.ReLU(), Dropout(dropout), Linear(hidden, 1)) for _ in range(2)
        )

    def describe(self, images: Tensor) -> Tensor:
        """Normalised images ``(B, 3, H, W)`` to cells ``(B, cells^2, channels of all stages)``, row by row."""
        maps = (F.adaptive_avg_pool2d(output, self.cells) for output in self.backbone(images))
        return torch.cat(list(maps), dim=1).flatten(2).transpose(1, 2)

    def judge(self, cells: Tensor) -> tuple[Tensor, Tensor]:
        """Scores >= 0 and weights in (0, 1) of cells ``(B, n, channels)``: both ``(B, n)``.

        A cell with a score of 0 has no gradient (discrepancy Z8).
        """
        return F.relu(self.head_score(cells).squeeze(2)), sigmoid(self.head_weight(cells).squeeze(2))

    def forward(self, images: Tensor) -> Tensor:
        """Normalised images ``(B, 3, H, W)`` to scores ``(B,)``."""
        scores, weights = self.judge(self.describe(images))
        return (scores * weights).sum(dim=1) / weights.sum(dim=1)


class ZoomVQA(nn.Module):
    """Both branches, which share nothing; each part alone has the names of its published file."""

    def __init__(self, iqa: CellWeightedVQA, vqa: FragmentVQA) -> None:
        super().__init__()
        self.iqa, self.vqa = iqa, vqa
