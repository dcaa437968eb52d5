"""BVQA-2022's head, that of MDTVSFA with more inputs: relative and mapped quality (MULTIBRANCH_B 14.1.4).

The released head has besides, for each data set, an affine map ``lm`` to its scale. It has no gradient under the
default loss, keeps its start values, and gives nothing but an RMSE (discrepancy B2): it is left out.
"""

import math

import torch
from torch import Tensor, nn

from vqa.models.exact import Linear, sigmoid
from vqa.models.init import initialise
from vqa.models.sequence import GRU, temporal_pooling


class Fixed(nn.Module):
    """The affine map x -> x of one number: two of the four parameters of the score map, which are never trained."""

    def __init__(self) -> None:
        super().__init__()
        self.register_buffer("weight", torch.ones(1, 1))
        self.register_buffer("bias", torch.zeros(1))

    def forward(self, x: Tensor) -> Tensor:
        return x * self.get_buffer("weight")[0, 0] + self.get_buffer("bias")


class Logistic(nn.Module):
    """:func:`vqa.models.exact.sigmoid` as a layer."""

    def forward(self, x: Tensor) -> Tensor:
        return sigmoid(x)


class BVQA2022Head(nn.Module):
    """Rows of frames to relative and mapped qualities, under the released names, one of them misspelt.

    Args:
        channels: numbers of a row, 4608 in the paper.
        reduced: width after the linear layer.
        hidden: of the GRU.
    """

    def __init__(self, channels: int, reduced: int = 128, hidden: int = 32) -> None:
        super().__init__()
        self.dimemsion_reduction = Linear(channels, reduced)
        self.feature_aggregation = GRU(reduced, hidden)
        self.regression = Linear(hidden, 1)
        self.nlm = nn.Sequential(Linear(1, 1), Logistic(), Fixed())

    def frames(self, rows: Tensor) -> Tensor:
        """Qualities ``(B, L)`` of rows ``(B, L, channels)``."""
        return self.regression(self.feature_aggregation(self.dimemsion_reduction(rows))).squeeze(2)

    def forward(self, rows: Tensor, lengths: Tensor) -> Tensor:
        """Relative and mapped qualities, both in (0, 1): ``(B, 2)``.

        Args:
            rows: ``(B, L, channels)``.
            lengths: how many of them count, ``(B,)``.
        """
        relative = sigmoid(temporal_pooling(self.frames(rows), lengths)[1])
        return torch.stack([relative, self.nlm(relative[:, None]).squeeze(1)], dim=1)


def initialise_bvqa2022(model: BVQA2022Head, generator: torch.Generator) -> None:
    """Overwrite all parameters in place: library defaults, and the score map with its fixed start."""
    initialise(model, generator, linear_std=None)
    with torch.no_grad():
        first = model.get_submodule("nlm.0")
        first.get_parameter("weight").fill_(2 * math.sqrt(3))
        first.get_parameter("bias").fill_(-math.sqrt(3))
