"""VSFA: frozen ResNet statistics of every frame, GRU, temporal pooling, L1 loss (MULTIBRANCH_B 14.2)."""

from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor, nn

from vqa.data.items import Item
from vqa.methods.base import FineTuning, Inputs, Reader, Reporting, Stream
from vqa.methods.recipe import Trained, configured
from vqa.models.init import initialise
from vqa.models.vsfa import VSFAHead
from vqa.optim.schedule import step_decay
from vqa.settings.params import Run


@dataclass(frozen=True)
class Config:
    """Block ``methods.vsfa`` of params, and that of every head on rows of frames.

    Attributes:
        features: the extractor whose rows are read.
        channels: numbers of a row.
        reduced: width after the linear layer.
        hidden: of the GRU.
        initial: ``seed``.
        epochs: passes over the training set.
        finetune: the recipe of runs that start from another run, which the released code does not have.
        batch_size: items per step.
        lr: base learning rate of all parameters.
        decay_epochs: epochs between two steps of the learning rate.
        decay: its factor at each step; VSFA's is 1, for the released schedule is never stepped (discrepancy V1).
        weight_decay: coupled L2 of Adam.
    """

    features: str
    channels: int
    reduced: int
    hidden: int
    initial: str
    epochs: int
    finetune: FineTuning
    batch_size: int
    lr: float
    decay_epochs: int
    decay: float
    weight_decay: float = 0.0


class SequenceHead(Trained):
    """What VSFA and BVQA-2022 have in common: rows of frames to a recurrent head, with Adam and a stepped rate.

    The released codes pick their epoch on a validation part; here it is picked as the protocols say.
    """

    config: Config

    def sample(self, item: Item, read: Reader, phase: str, stream: Stream) -> Inputs:
        """Rows of an item, the same in all phases.

        Returns:
            ``rows`` ``(L, channels)`` float32, zeros behind the item's own; ``length``, how many these are; ``range``
            ``(2,)``, lowest and highest MOS of the data set.

        Raises:
            ValueError: if the rows are not as wide as params say.
        """
        config = self.config
        rows = torch.from_numpy(read.features(config.features))
        if rows.shape[1] != config.channels:
            raise ValueError(f"rows of {config.features} have {rows.shape[1]} numbers, params say {config.channels}")
        length = torch.tensor(read.length(config.features))
        return {"rows": rows, "length": length, "range": torch.tensor(read.mos_range())}

    def optimizer(self, model: nn.Module) -> torch.optim.Optimizer:
        """Adam with one learning rate."""
        rate, decay = self.config.lr, self.config.weight_decay
        return torch.optim.Adam(model.parameters(), lr=rate, weight_decay=decay, fused=True)

    def learning_rate(self, step: int, steps_per_epoch: int) -> float:
        """A step down every few epochs (:func:`vqa.optim.schedule.step_decay`)."""
        return step_decay(step // steps_per_epoch, self.config.decay_epochs, self.config.decay)


class VSFA(SequenceHead):
    """The method (:class:`vqa.methods.base.Method`, ``Labelled`` besides). It has no averaged weights."""

    reporting = Reporting(selection="best_srcc")

    def build(self, generator: torch.Generator) -> nn.Module:
        """The head; weights and biases as of the library's layers, from ``generator``."""
        model = VSFAHead(self.config.channels, self.config.reduced, self.config.hidden)
        initialise(model, generator, linear_std=None)
        return model

    def scores(self, model: nn.Module, inputs: Inputs, second_pass: bool = False) -> Tensor:
        """Pooled qualities, of the size of MOS over the data set's highest."""
        assert isinstance(inputs, dict), "rows, length and range, by name"
        return model(inputs["rows"], inputs["length"])

    def labels(self, inputs: Inputs, mos: Tensor) -> Tensor:
        """MOS over the highest of the whole data set, test items included (discrepancy V4)."""
        assert isinstance(inputs, dict), "rows, length and range, by name"
        return mos / inputs["range"][:, 1].to(mos)

    def loss(self, scores: Tensor, mos: Tensor) -> Tensor:
        """Mean absolute difference from the scaled labels."""
        return (scores - mos).abs().mean()


def make(block: dict[str, Any], run: Run, where: str) -> VSFA:
    """VSFA with the recipe of ``block``, changed by ``run``; ParamsError says where something does not fit."""
    return VSFA(*configured(Config, block, run, where))
