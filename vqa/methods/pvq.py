"""PVQ: region features of frames and clips, one regressor for a video and its patches, L1 loss (MULTIBRANCH_B 14.3)."""

from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from vqa.data.items import Item
from vqa.methods.base import FineTuning, Inputs, Reader, Reporting, Stream
from vqa.methods.recipe import Trained, configured
from vqa.models.inception_time import InceptionTime, InceptionTimeConfig
from vqa.models.init import initialise
from vqa.optim.fastai_adam import FastaiAdam, one_cycle
from vqa.settings.params import Run
from vqa.settings.strict import one_of


@dataclass(frozen=True)
class Config:
    """A block of params with ``module: pvq``.

    Attributes:
        network: size of the regressor.
        steps: rows of each region, as the extractor ``pvq`` makes them.
        patches: learn the MOS of the patches too, where a data set has them.
        initial: ``seed``.
        labels: ``raw``: MOS on its own scale, as released; ``range``: from 0 to 1 over the data set's range, which an
            output that starts near 0 reaches in few steps.
        epochs: passes over the training set.
        finetune: the recipe of runs that start from another run.
        batch_size: items per step; the last, smaller batch of an epoch is left out.
        lr: highest learning rate of the cycle.
        weight_decay: decoupled, on weights of convolutions and of the linear layer alone.
    """

    network: InceptionTimeConfig
    steps: int
    patches: bool
    initial: str
    labels: str
    epochs: int
    finetune: FineTuning
    batch_size: int
    lr: float
    weight_decay: float

    def __post_init__(self) -> None:
        one_of("labels", self.labels, ("raw", "range"))


class PVQ(Trained):
    """The method (:class:`vqa.methods.base.Method`; ``Branched``, ``Labelled`` and ``Cycled`` besides).

    Its outputs are the scores of the video and, where they are trained, of its three patches. The released code keeps
    the epoch with the best SRCC on the test videos (discrepancy PV5). It has no averaged weights.
    """

    config: Config
    reporting = Reporting(selection="best_srcc")
    drop_last = True

    def build(self, generator: torch.Generator) -> nn.Module:
        """The regressor; weights and biases uniform in +-1/sqrt(fan_in)."""
        model = InceptionTime(self.config.network)
        initialise(model, generator, linear_std=None)
        return model

    def sample(self, item: Item, read: Reader, phase: str, stream: Stream) -> Inputs:
        """Sequences of an item.

        Returns:
            ``rows`` ``(regions * steps, channels)`` float32: of the whole video, and in training with patches of these
            too; ``labels`` ``(regions - 1,)``, their MOS; ``range`` ``(2,)``, lowest and highest MOS of the data set.

        Raises:
            ValueError: if the rows are not as params say.
        """
        rows, steps = torch.from_numpy(read.features("pvq")), self.config.steps
        patches = read.patches() if self.config.patches and phase == "train" else np.zeros(0, np.float32)
        needed = (1 + len(patches)) * steps
        if rows.shape[1] != self.config.network.channels or len(rows) < needed or len(rows) % steps:
            raise ValueError(
                f"features are {tuple(rows.shape)}, and params want {needed, self.config.network.channels}"
            )
        given = torch.from_numpy(patches)
        return {"rows": rows[:needed], "labels": given, "range": torch.tensor(read.mos_range())}

    def scores(self, model: nn.Module, inputs: Inputs, second_pass: bool = False) -> Tensor:
        """Scores of the regions ``(B, regions)``, that of the whole video first."""
        assert isinstance(inputs, dict), "rows, labels and range, by name"
        return model(inputs["rows"], inputs["rows"].shape[1] // self.config.steps)

    def fuse(self, scores: np.ndarray, phase: str) -> np.ndarray:
        """The score of the whole video."""
        return scores[:, 0]

    def labels(self, inputs: Inputs, mos: Tensor) -> Tensor:
        """MOS of the video and of its patches, ``(B, regions)``."""
        assert isinstance(inputs, dict), "rows, labels and range, by name"
        both = torch.cat([mos[:, None], inputs["labels"].to(mos)], dim=1)
        if self.config.labels == "raw":
            return both
        low, high = inputs["range"].to(mos).split(1, dim=1)
        return (both - low) / (high - low)

    def loss(self, scores: Tensor, mos: Tensor) -> Tensor:
        """Mean absolute difference over all regions, which all weigh the same."""
        return (scores - mos).abs().mean()

    def optimizer(self, model: nn.Module) -> torch.optim.Optimizer:
        """fastai's Adam, with weight decay on weights that are matrices."""
        groups = {
            decay: [p for name, p in model.named_parameters() if (p.ndim > 1) == decay] for decay in (True, False)
        }
        decayed = {"params": groups[True], "weight_decay": self.config.weight_decay}
        return FastaiAdam([decayed, {"params": groups[False]}], self.config.lr)

    def learning_rate(self, step: int, steps_per_epoch: int) -> float:
        """One cycle over all epochs."""
        return one_cycle(step / (self.config.epochs * steps_per_epoch))[0]

    def momentum(self, step: int, steps_per_epoch: int) -> float:
        """Low where the learning rate is high."""
        return one_cycle(step / (self.config.epochs * steps_per_epoch))[1]


def make(block: dict[str, Any], run: Run, where: str) -> PVQ:
    """PVQ with the recipe of ``block``, changed by ``run``; ParamsError says where something does not fit."""
    return PVQ(*configured(Config, block, run, where))
