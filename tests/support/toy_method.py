"""Toy: the mean colour of the first frame, one linear layer, squared error. The smallest method there is."""

from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from vqa.data.items import Item
from vqa.methods.base import FineTuning, Reader, Stream, adapt
from vqa.methods.recipe import Trained
from vqa.models.init import initialise
from vqa.settings.params import Run
from vqa.settings.strict import build


@dataclass(frozen=True)
class Config:
    """Block ``methods.toy`` of params."""

    initial: str
    epochs: int
    finetune: FineTuning
    batch_size: int
    lr: float
    weight_decay: float


class Toy(Trained):
    """The method (:class:`vqa.methods.base.Method`)."""

    config: Config
    ema_decay = 0.9

    def build(self, generator: torch.Generator) -> nn.Module:
        model = nn.Linear(3, 1)
        initialise(model, generator)
        return model

    def sample(self, item: Item, read: Reader, phase: str, stream: Stream) -> Tensor:
        return torch.from_numpy(read.frames(np.array([0]))[0]).float().mean(dim=(0, 1)) / 255

    def scores(self, model: nn.Module, inputs: Tensor, second_pass: bool = False) -> Tensor:
        return model(inputs).squeeze(1)

    def loss(self, scores: Tensor, mos: Tensor) -> Tensor:
        return (scores - mos).square().mean()

    def optimizer(self, model: nn.Module) -> torch.optim.Optimizer:
        return torch.optim.AdamW(model.parameters(), lr=self.config.lr, weight_decay=self.config.weight_decay)

    def learning_rate(self, step: int, steps_per_epoch: int) -> float:
        return 1.0


def make(block: dict[str, Any], run: Run, where: str) -> Toy:
    return Toy(*adapt(build(Config, block, where), run))
