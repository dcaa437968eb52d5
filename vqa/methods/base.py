"""What a method is: sampling, model, loss and recipe bound together (see :class:`Method`)."""

import dataclasses
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Any, Protocol, TypeVar, runtime_checkable

import numpy as np
import torch
from torch import Tensor, nn

from vqa.data.items import Item
from vqa.settings.params import Run
from vqa.settings.strict import one_of

# The three ways in which an item is looked at: for a training step, as the released code tests (random), and
# deterministically for the clean protocol.
PHASES = ("train", "released", "clean")

# Initial weights that are drawn from the seed; any other name is one of vqa.models.checkpoints.
SEED = "seed"

# What a network takes: clips (B, clips, ...), or several named tensors (B, ...).
Inputs = Tensor | dict[str, Tensor]
Stream = Callable[[str], torch.Generator]
Recipe = TypeVar("Recipe")


class Reader(Protocol):
    """Gives what is stored of one item."""

    def frames(self, indices: np.ndarray) -> np.ndarray:
        """Frames ``(n, H, W, 3)`` uint8 RGB."""

    def features(self, name: str) -> np.ndarray:
        """Features float32 of the set ``name``: ``(channels,)`` of a published one, ``(L, channels)`` of an extraction.

        Of an extraction, L is the number of rows of the longest item of the data set; what is missing is zero.
        """

    def length(self, name: str) -> int:
        """How many rows of the extraction ``name`` are the item's own."""

    def mos_range(self) -> tuple[float, float]:
        """Lowest and highest MOS of the whole data set, all splits included, as released codes scale labels."""

    def patches(self) -> np.ndarray:
        """MOS ``(3,)`` float32 of space-time patches of the item; ``(0,)`` where the data set has none."""


@dataclass(frozen=True)
class Reporting:
    """How the released code of a method picks and maps its test metrics (discrepancies P1, P10).

    Attributes:
        selection: ``per_metric``: the best epoch of every metric on its own; ``best_srcc``: all metrics of the epoch
            with the best SRCC on the first test split of the data set.
        plcc: ``raw``, or ``mapped`` by the 4-parameter logistic fitted on the test set.

    Raises:
        ValueError: for an unknown option.
    """

    selection: str = "per_metric"
    plcc: str = "raw"

    def __post_init__(self) -> None:
        one_of("selection", self.selection, ("per_metric", "best_srcc"))
        one_of("plcc", self.plcc, ("raw", "mapped"))


@dataclass(frozen=True)
class FineTuning:
    """Recipe of a run that starts from another run (METHODS 3.8): one optimizer and one schedule over all epochs.

    Attributes:
        frozen_epochs: first epochs, in which parameters with ``backbone`` in their name do not move.
        epochs: epochs after them, end to end.
    """

    frozen_epochs: int
    epochs: int


def adapt(config: Recipe, run: Run) -> tuple[Recipe, int]:
    """What a run changes in a method's recipe.

    Args:
        config: dataclass with ``weight_decay``, ``epochs`` and ``finetune`` (:class:`FineTuning`).
        run: may give a weight decay, or start from another run.

    Returns:
        The changed recipe, and how many of its epochs keep the backbone fixed.
    """
    changed: Any = config  # a dataclass with these fields, which no type can say
    if run.weight_decay is not None:
        changed = dataclasses.replace(changed, weight_decay=run.weight_decay)
    if run.parent is None:
        return changed, 0
    frozen, free = changed.finetune.frozen_epochs, changed.finetune.epochs
    return dataclasses.replace(changed, epochs=frozen + free), frozen


def from_seed(initial: str, run: Run) -> bool:
    """Whether the run's first weights are drawn from the seed: neither published ones nor those of another run."""
    return initial == SEED and run.parent is None


def two_rates(model: nn.Module, backbone_lr: float, head_lr: float) -> list[dict[str, Any]]:
    """Parameter groups for an optimizer: those with ``backbone`` in their name, and the others."""
    groups: dict[bool, list[nn.Parameter]] = {True: [], False: []}
    for name, parameter in model.named_parameters():
        groups["backbone" in name].append(parameter)
    return [{"params": groups[True], "lr": backbone_lr}, {"params": groups[False], "lr": head_lr}]


class Method(Protocol):
    """The contract between a method and the trainer.

    Attributes:
        config: block of params, changed by what the run says.
        initial: ``seed``, or the name of published weights, see :mod:`vqa.models.checkpoints`.
        epochs: passes over the training set.
        frozen_epochs: how many of them keep the backbone fixed.
        batch_size: items per optimizer step.
        drop_last: leave out the last, smaller batch of an epoch.
        ema_decay: of the averaged weights; 0 if the method has no average.
        reporting: how its released code reports.
        precision: in which its network computes, see :mod:`vqa.models.precision`.
    """

    config: Any
    initial: str
    epochs: int
    frozen_epochs: int
    batch_size: int
    drop_last: bool
    ema_decay: float
    reporting: Reporting
    precision: str

    def build(self, generator: torch.Generator) -> nn.Module:
        """Make the model; all its initial weights come from ``generator``."""

    def sample(self, item: Item, read: Reader, phase: str, stream: Stream) -> Inputs:
        """What :meth:`scores` takes of one item, pixels as bytes if it can; ``stream(purpose)`` gives a generator."""

    def scores(self, model: nn.Module, inputs: Inputs, second_pass: bool = False) -> Tensor:
        """Scores of a batch, ``(B,)`` or ``(B, k)`` if :class:`Branched`; ``second_pass``: at perturbed weights."""

    def loss(self, scores: Tensor, mos: Tensor) -> Tensor:
        """Training loss of a batch, a scalar; ``mos`` ``(B,)``, or what :class:`Labelled` makes of it."""

    def optimizer(self, model: nn.Module) -> torch.optim.Optimizer:
        """The optimizer, its groups at their base learning rates."""

    def learning_rate(self, step: int, steps_per_epoch: int) -> float | tuple[float, ...]:
        """Multiplier of the base learning rates at optimizer step ``step`` = 0, 1, ...; several: one for each group."""


@runtime_checkable
class Limited(Protocol):
    """A method that cannot look at every item."""

    def check(self, item: Item) -> None:
        """Raise ValueError if :meth:`Method.sample` would, by what is known of an item before its frames are read."""


@runtime_checkable
class Storable(Protocol):
    """A method whose inputs may be kept for all runs that sample alike (:mod:`vqa.training.store`)."""

    def looks(self, phase: str) -> Any:
        """All that :meth:`Method.sample` depends on in a phase beside the item, its frames and the streams.

        Dataclasses of params, or tuples of them, whose text is compared. What it reads of an item are frames and the
        range of MOS alone.
        """


@runtime_checkable
class Branched(Protocol):
    """A method with several outputs for an item, such as those of branches that are trained beside one another."""

    def fuse(self, scores: np.ndarray, phase: str) -> np.ndarray:
        """The scores ``(n,)`` of items that are tested together, from ``(n, k)`` outputs; n may be 1."""


@runtime_checkable
class Labelled(Protocol):
    """A method whose loss compares its scores with more than the MOS."""

    def labels(self, inputs: Inputs, mos: Tensor) -> Tensor:
        """What :meth:`Method.loss` gets in place of ``mos`` ``(B,)``."""


@runtime_checkable
class Cycled(Protocol):
    """A method that moves the momentum of its optimizer too."""

    def momentum(self, step: int, steps_per_epoch: int) -> float:
        """The ``momentum`` of every group at optimizer step ``step`` = 0, 1, ..."""


def one_score(method: Method, scores: np.ndarray, phase: str) -> np.ndarray:
    """Scores ``(n,)`` of items that are tested together, from ``(n,)`` or, if branched, ``(n, k)`` outputs."""
    return method.fuse(scores, phase) if isinstance(method, Branched) else scores


def training_loss(method: Method, scores: Tensor, inputs: Inputs, mos: Tensor) -> Tensor:
    """The method's loss of a batch, a scalar, from its outputs, what they were made from, and MOS ``(B,)``."""
    return method.loss(scores, method.labels(inputs, mos) if isinstance(method, Labelled) else mos)


def schedule(method: Method, optimizer: torch.optim.Optimizer, base_rates: list[float], step: int, steps: int) -> None:
    """Give every group of the optimizer the learning rate, and the momentum if it moves, of optimizer step ``step``."""
    multiplier = method.learning_rate(step, steps)
    each = multiplier if isinstance(multiplier, tuple) else (multiplier,) * len(base_rates)
    for group, rate, own in zip(optimizer.param_groups, base_rates, each, strict=True):
        group["lr"] = rate * own
        if isinstance(method, Cycled):
            group["momentum"] = method.momentum(step, steps)


@runtime_checkable
class Fitted(Protocol):
    """A method whose network starts from statistics of the training items, such as the mean of what it is given.

    They are in the state dict of the model, so no later stage looks at training items again.
    """

    def fit(self, model: nn.Module, inputs: Iterable[Inputs]) -> None:
        """Set what follows from the training items, in a model that is about to be trained.

        Args:
            model: with the weights that the training starts from.
            inputs: all training items and no others, in batches, as the clean protocol looks at them. Nothing is
                sampled before the first one is asked for.
        """
