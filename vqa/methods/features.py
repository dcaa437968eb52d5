"""A perceptron on published feature vectors, trained as FAST-VQA is: its loss, schedule, perturbation and average.

Small enough that a whole study of generalization on real opinion scores takes minutes on two CPU cores. It is no
method of the paper: the features see whole videos, and nothing below them is trained.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from vqa.data.items import Item
from vqa.io import InputError
from vqa.methods.base import FineTuning, Inputs, Reader, Stream
from vqa.methods.recipe import Trained, configured
from vqa.models.init import initialise
from vqa.models.mlp import FeatureVQA
from vqa.optim.losses import fastvqa_loss
from vqa.optim.schedule import warmup_cosine
from vqa.settings.params import Run


@dataclass(frozen=True)
class Config:
    """A block of params with ``module: features``.

    Attributes:
        features: name of the feature set, a file ``prepared/DATASET/features/NAME.npy``.
        channels: number of its features.
        hidden: widths of the hidden layers.
        dropout: drop probability after each of them.
        limit: standardised features are cut off there, on both sides.
        initial: ``seed``.
        epochs: passes over the training set.
        finetune: the recipe of runs that start from another run, whose standardisation they keep.
        batch_size: items per step; the last, smaller batch of an epoch is kept.
        lr: base learning rate of all parameters.
        weight_decay: decoupled, on every parameter, biases included.
        warmup_epochs: linear warm-up of the learning rate.
        rank_weight: weight of L_mono in the loss.
        ema_decay: of the averaged weights.
    """

    features: str
    channels: int
    hidden: tuple[int, ...]
    dropout: float
    limit: float
    initial: str
    epochs: int
    finetune: FineTuning
    batch_size: int
    lr: float
    weight_decay: float
    warmup_epochs: float
    rank_weight: float
    ema_decay: float

    def __post_init__(self) -> None:
        if not self.hidden or min(self.channels, *self.hidden) < 1:
            raise ValueError("channels and hidden must be positive, with at least one hidden layer")
        if not self.limit > 0:
            raise ValueError(f"limit: {self.limit} must be positive")


class Features(Trained):
    """The method (:class:`vqa.methods.base.Method`, and :class:`vqa.methods.base.Fitted`)."""

    config: Config

    def __init__(self, config: Config, tuned: bool, frozen_epochs: int = 0) -> None:
        super().__init__(config, frozen_epochs)
        self.ema_decay, self.tuned = config.ema_decay, tuned

    def build(self, generator: torch.Generator) -> nn.Module:
        """The perceptron; weights and biases uniform in +-1/sqrt(fan_in)."""
        config = self.config
        model = FeatureVQA(config.channels, config.hidden, config.dropout, config.limit)
        initialise(model, generator, linear_std=None)
        return model

    def fit(self, model: nn.Module, inputs: Iterable[Inputs]) -> None:
        """Standardise by the training items; a fine-tuning keeps what its first weights have been trained with."""
        if not self.tuned:
            standardise: Any = model.standardise
            standardise.fit(torch.cat([batch for batch in inputs if isinstance(batch, Tensor)]))

    def sample(self, item: Item, read: Reader, phase: str, stream: Stream) -> Tensor:
        """Feature vector of an item, ``(channels,)`` float32, undefined ones 0; the same in all phases.

        As published, or the one row of an extraction.
        """
        vector = np.nan_to_num(read.features(self.config.features).reshape(-1), posinf=0.0, neginf=0.0)
        if len(vector) != self.config.channels:
            raise InputError(
                f"{item.name}: the set {self.config.features} has {len(vector)} features, "
                f"the method's channels in params.yaml are {self.config.channels}"
            )
        return torch.from_numpy(vector)

    def scores(self, model: nn.Module, inputs: Tensor, second_pass: bool = False) -> Tensor:
        """Output of the perceptron."""
        return model(inputs)

    def loss(self, scores: Tensor, mos: Tensor) -> Tensor:
        """L_lin + rank_weight * L_mono."""
        return fastvqa_loss(scores, mos, self.config.rank_weight)

    def optimizer(self, model: nn.Module) -> torch.optim.Optimizer:
        """AdamW with one learning rate; all in one kernel, for with so few weights the calls are what takes time."""
        return torch.optim.AdamW(
            model.parameters(), lr=self.config.lr, weight_decay=self.config.weight_decay, fused=True
        )

    def learning_rate(self, step: int, steps_per_epoch: int) -> float:
        """Warm-up, then the cosine of FAST-VQA (:func:`vqa.optim.schedule.warmup_cosine`)."""
        warmup = int(self.config.warmup_epochs * steps_per_epoch)
        return warmup_cosine(step, warmup, self.config.epochs * steps_per_epoch)


def make(block: dict[str, Any], run: Run, where: str) -> Features:
    """The method with the recipe of ``block``, changed by ``run``; ParamsError says where something does not fit."""
    config, frozen_epochs = configured(Config, block, run, where, "is for pictures, and features are none")
    return Features(config, run.parent is not None, frozen_epochs)
