"""BVQA-2022: quality-aware and motion features, GRU, temporal pooling, two correlation losses (MULTIBRANCH_B 14.1)."""

from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from vqa.methods.base import Inputs, Reporting
from vqa.methods.recipe import configured
from vqa.methods.vsfa import Config, SequenceHead
from vqa.models.bvqa2022 import BVQA2022Head, initialise_bvqa2022
from vqa.optim.correlation_losses import correlation_loss, rank_correlation_loss
from vqa.settings.params import Run


class BVQA2022(SequenceHead):
    """The method (:class:`vqa.methods.base.Method`, ``Branched`` besides): its outputs are relative and mapped quality.

    The last, smaller batch of an epoch is left out (discrepancy B10). It has no averaged weights.
    """

    reporting = Reporting(selection="best_srcc", plcc="mapped")
    drop_last = True

    def build(self, generator: torch.Generator) -> nn.Module:
        """The head; weights and biases as of the library's layers, from ``generator``."""
        model = BVQA2022Head(self.config.channels, self.config.reduced, self.config.hidden)
        initialise_bvqa2022(model, generator)
        return model

    def scores(self, model: nn.Module, inputs: Inputs, second_pass: bool = False) -> Tensor:
        """Relative and mapped qualities ``(B, 2)``, both in (0, 1)."""
        assert isinstance(inputs, dict), "rows, length and range, by name"
        return model(inputs["rows"], inputs["length"])

    def fuse(self, scores: np.ndarray, phase: str) -> np.ndarray:
        """The mapped quality; the order of the relative one is the same."""
        return scores[:, 1]

    def loss(self, scores: Tensor, mos: Tensor) -> Tensor:
        """Correlation loss of the mapped quality plus that of the soft ranks of the relative one (discrepancy B1)."""
        return correlation_loss(scores[:, 1], mos) + rank_correlation_loss(scores[:, 0], mos)


def make(block: dict[str, Any], run: Run, where: str) -> BVQA2022:
    """BVQA-2022 with the recipe of ``block``, changed by ``run``; ParamsError says where something does not fit."""
    return BVQA2022(*configured(Config, block, run, where))
