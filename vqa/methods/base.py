"""What a method is: sampling, model, loss and recipe bound together (see :class:`Method`)."""

from collections.abc import Callable
from typing import Protocol

import numpy as np
import torch
from torch import Tensor, nn

from vqa.data.items import Item

# The three ways in which an item is looked at: for a training step, as the released code tests (random), and
# deterministically for the clean protocol.
PHASES = ("train", "released", "clean")

Read = Callable[[np.ndarray], np.ndarray]
Stream = Callable[[str], torch.Generator]


class Method(Protocol):
    """The contract between a method and the trainer.

    Attributes:
        epochs: passes over the training set.
        batch_size: items per optimizer step.
        ema_decay: of the averaged weights.
    """

    epochs: int
    batch_size: int
    ema_decay: float

    def build(self, generator: torch.Generator) -> nn.Module:
        """Make the model; all its initial weights come from ``generator``."""

    def sample(self, item: Item, read: Read, phase: str, stream: Stream) -> Tensor:
        """Network input of one item, ``(clips, ...)`` float32.

        ``read(indices)`` gives its frames ``(n, H, W, 3)`` uint8; ``stream(purpose)`` a generator for this item.
        """

    def scores(self, model: nn.Module, inputs: Tensor, second_pass: bool = False) -> Tensor:
        """Scores ``(B,)`` of a batch ``(B, clips, ...)``; ``second_pass`` is the one at perturbed weights."""

    def loss(self, scores: Tensor, mos: Tensor) -> Tensor:
        """Training loss of a batch, a scalar."""

    def optimizer(self, model: nn.Module) -> torch.optim.Optimizer:
        """The optimizer, its groups at their base learning rates."""

    def learning_rate(self, step: int, steps_per_epoch: int) -> float:
        """Multiplier of the base learning rates at optimizer step ``step`` = 0, 1, ..."""
