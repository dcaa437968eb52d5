"""DSD-PRO: progressive residual aggregation of frozen appearance and motion features, L1 loss (MULTIBRANCH_B 14.4)."""

from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor, nn

from vqa.data.items import Item
from vqa.methods.base import FineTuning, Inputs, Reader, Reporting, Stream
from vqa.methods.recipe import Trained, configured
from vqa.models.dsdpro import ProgressiveResidual
from vqa.models.init import initialise
from vqa.settings.params import Run


@dataclass(frozen=True)
class Config:
    """Block ``methods.dsdpro`` of params.

    Attributes:
        levels: numbers of each of the four levels in a row of the extractor ``dsdpro``.
        hidden: width before the score; embeddings are four times as wide.
        norm: layer norms, as in the version that the published results are of (discrepancy DS5).
        initial: ``seed``.
        labels: what the lowest and the highest MOS of the whole data set, test items included, are mapped to
            (discrepancy DS2).
        epochs: passes over the training set.
        finetune: the recipe of runs that start from another run, which the released code does not have.
        batch_size: items per step; the last, smaller batch of an epoch is left out.
        lr: learning rate, the same in all epochs.
    """

    levels: tuple[int, ...]
    hidden: int
    norm: bool
    initial: str
    labels: tuple[float, float]
    epochs: int
    finetune: FineTuning
    batch_size: int
    lr: float
    weight_decay: float = 0.0


class DSDPro(Trained):
    """The method (:class:`vqa.methods.base.Method`, ``Labelled`` besides). It has no averaged weights.

    The released code picks its epoch on a validation part; here it is picked as the protocols say.
    """

    config: Config
    reporting = Reporting(selection="best_srcc")
    drop_last = True

    def build(self, generator: torch.Generator) -> nn.Module:
        """The head; weights and biases uniform in +-1/sqrt(fan_in)."""
        model = ProgressiveResidual(self.config.levels, self.config.hidden, self.config.norm)
        initialise(model, generator, linear_std=None)
        return model

    def sample(self, item: Item, read: Reader, phase: str, stream: Stream) -> Inputs:
        """Rows of the segments ``(S, channels)`` and the range ``(2,)`` of the data set's MOS; the same in all phases.

        Raises:
            ValueError: if the rows are not as long as the levels of params say.
        """
        rows = torch.from_numpy(read.features("dsdpro"))
        if rows.shape[1] != sum(self.config.levels):
            raise ValueError(f"features have {rows.shape[1]} channels, methods.dsdpro.levels {sum(self.config.levels)}")
        return {"rows": rows, "range": torch.tensor(read.mos_range())}

    def scores(self, model: nn.Module, inputs: Inputs, second_pass: bool = False) -> Tensor:
        """Mean of the scores of the segments, about in the range of the mapped labels."""
        assert isinstance(inputs, dict), "rows and range, by name"
        return model(inputs["rows"]).mean(dim=1)

    def labels(self, inputs: Inputs, mos: Tensor) -> Tensor:
        """MOS mapped linearly to the range that params give."""
        assert isinstance(inputs, dict), "rows and range, by name"
        low, high = inputs["range"].to(mos).unbind(dim=1)
        first, last = self.config.labels
        return first + (last - first) * (mos - low) / (high - low)

    def loss(self, scores: Tensor, mos: Tensor) -> Tensor:
        """Mean absolute difference from the mapped labels."""
        return (scores - mos).abs().mean()

    def optimizer(self, model: nn.Module) -> torch.optim.Optimizer:
        """Adam without decay, unless a run gives one."""
        rate, decay = self.config.lr, self.config.weight_decay
        return torch.optim.Adam(model.parameters(), lr=rate, weight_decay=decay, fused=True)

    def learning_rate(self, step: int, steps_per_epoch: int) -> float:
        """Constant."""
        return 1.0


def make(block: dict[str, Any], run: Run, where: str) -> DSDPro:
    """DSD-PRO with the recipe of ``block``, changed by ``run``; ParamsError says where something does not fit."""
    return DSDPro(*configured(Config, block, run, where))
