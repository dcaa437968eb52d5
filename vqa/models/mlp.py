"""A perceptron on feature vectors, standardised by constants that are kept with its weights."""

from collections.abc import Sequence

import torch
from torch import Tensor, nn

from vqa.models.dropout import Dropout
from vqa.models.exact import Linear, gelu


class Standardise(nn.Module):
    """Subtract a mean and divide by a standard deviation per channel, then cut off what lies far outside.

    Both are buffers, 0 and 1 until :meth:`fit` is called. A channel that does not vary is only centred.

    Args:
        channels: number of features.
        limit: largest absolute value that is passed on, in standard deviations.
    """

    mean: Tensor
    std: Tensor

    def __init__(self, channels: int, limit: float) -> None:
        super().__init__()
        self.limit = limit
        self.register_buffer("mean", torch.zeros(channels))
        self.register_buffer("std", torch.ones(channels))

    @torch.no_grad()
    def fit(self, features: Tensor) -> None:
        """Take mean and population standard deviation from ``(n, channels)`` features."""
        double = features.double()  # features of one set differ by ten orders of magnitude
        std = double.std(dim=0, unbiased=False)
        constant = std <= 1e-6 * double.abs().amax(dim=0)  # up to the rounding of float32
        self.mean.copy_(double.mean(dim=0))
        self.std.copy_(torch.where(constant, 1.0, std))

    def forward(self, features: Tensor) -> Tensor:
        """Features ``(B, channels)`` to values in [-limit, limit]."""
        return ((features - self.mean) / self.std).clamp(-self.limit, self.limit)


class FeatureVQA(nn.Module):
    """Standardised features, hidden layers of linear map, exact GELU and dropout, and a linear head.

    Args:
        channels: number of features.
        hidden: widths of the hidden layers, at least one.
        dropout: drop probability after each of them.
        limit: see :class:`Standardise`.
    """

    def __init__(self, channels: int, hidden: Sequence[int], dropout: float, limit: float) -> None:
        super().__init__()
        self.standardise = Standardise(channels, limit)
        widths = zip((channels, *hidden), hidden, strict=False)
        self.feature_backbone = nn.ModuleList(Linear(before, after) for before, after in widths)
        self.dropout = Dropout(dropout)
        self.vqa_head = Linear(hidden[-1], 1)

    def forward(self, features: Tensor) -> Tensor:
        """Raw features ``(B, channels)`` to scores ``(B,)``."""
        x = self.standardise(features)
        for layer in self.feature_backbone:
            x = self.dropout(gelu(layer(x)))
        return self.vqa_head(x).squeeze(1)
