"""Loss along random directions through the weights of a model: curves and surfaces (paper eq. 1, METHODS 7).

A direction d holds one tensor for every entry of the model that moves. It is Gaussian, and scaled by the weights so
that a step of a given length means the same for networks of different scale (Li et al. 2018, "Visualizing the Loss
Landscape of Neural Nets"). Drawn from one seed, it is the same for all models of an architecture up to that scaling.
"""

import math
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from itertools import product

import numpy as np
import torch
from torch import Tensor, nn
from tqdm import tqdm

from vqa.methods.base import Inputs, Method, training_loss
from vqa.rng import torch_generator
from vqa.settings.strict import one_of

NORMALISATIONS = ("filter", "layer", "weight", "dfilter", "dlayer")
EPS = 1e-10

Direction = dict[str, Tensor]
LossFunction = Callable[[nn.Module, Inputs, Tensor], Tensor]


Alphas = Sequence[float] | np.ndarray


@dataclass(frozen=True)
class LandscapeConfig:
    """How a landscape is drawn; the defaults are the suite's.

    Attributes:
        points: alphas of a curve, evenly spaced; an odd number on a symmetric span has 0 among them.
        span: first and last alpha.
        directions: random directions, one curve each.
        normalisation: ``filter`` gives every slice along axis 0 the norm of the weights' slice, ``layer`` every tensor
            the norm of the weights' tensor; ``weight`` multiplies elementwise by the weights; ``dfilter`` and
            ``dlayer`` make the norm of every slice or tensor 1, whatever the weights.
        tensors: ``weights`` moves parameters; ``states`` floating-point entries of the state dict, that is running
            statistics too.
        one_dimensional: entries of one or no dimension (biases, norms, running statistics) stay where they are with
            ``ignore``; with ``copy`` their direction is their own value, so that alpha scales them by 1 + alpha.
        bias_tables: ``exclude`` moves only those entries of two and more dimensions whose name contains "weight": the
            tensors that AWP moves under ``matrices``, without attention's bias tables and temperatures; ``rows`` moves
            them as well, their rows taken for filters, as the tool of Li et al. does.

    Raises:
        ValueError: for an unknown option, fewer than two points, no direction, or an empty or infinite span.
    """

    points: int = 51
    span: tuple[float, float] = (-1.0, 1.0)
    directions: int = 1
    normalisation: str = "filter"
    tensors: str = "weights"
    one_dimensional: str = "ignore"
    bias_tables: str = "exclude"

    def __post_init__(self) -> None:
        one_of("normalisation", self.normalisation, NORMALISATIONS)
        one_of("tensors", self.tensors, ("weights", "states"))
        one_of("one_dimensional", self.one_dimensional, ("ignore", "copy"))
        one_of("bias_tables", self.bias_tables, ("exclude", "rows"))
        if self.points < 2 or self.directions < 1:
            raise ValueError("points must be at least 2 and directions at least 1")
        if not (all(map(math.isfinite, self.span)) and self.span[0] < self.span[1]):
            raise ValueError(f"span: {list(self.span)} must be two finite numbers, the smaller one first")

    @property
    def alphas(self) -> np.ndarray:
        """Steps of a curve, ``(points,)`` float64, rounded so that a 0 among them is exact."""
        return np.linspace(*self.span, self.points).round(12) + 0.0


def gaussian(model: nn.Module, seed: int, index: int) -> Direction:
    """Direction number ``index`` before normalisation: N(0, 1) in float32 for entries of two and more dimensions.

    Every entry has a stream of its own, named by the entry, and is drawn on the CPU: which other entries move, and on
    which device, changes nothing.
    """
    return {
        name: torch.randn(entry.shape, generator=torch_generator("landscape", seed, index, name), dtype=torch.float32)
        for name, entry in _entries(model, "states").items()
        if entry.dim() > 1
    }


def normalised(model: nn.Module, raw: Direction, config: LandscapeConfig) -> Direction:
    """Scale a direction by the present weights of ``model``.

    Args:
        model: gives the entries, in their own dtype and on their own device.
        raw: Gaussian numbers for every entry of two and more dimensions that moves; others are not looked at.
        config: which entries move, and how they are scaled.

    Returns:
        The entries that move. A direction that is zero stays zero, and so does that of a zero filter or layer.
    """
    direction = {}
    for name, entry in _entries(model, config.tensors).items():
        entry = entry.detach()
        if entry.dim() <= 1:
            if config.one_dimensional == "copy":
                direction[name] = entry.clone()
        elif config.bias_tables == "rows" or "weight" in name:
            direction[name] = _scaled(raw[name].to(entry), entry, config.normalisation)
    return direction


def random_directions(model: nn.Module, config: LandscapeConfig, seed: int) -> list[Direction]:
    """The normalised random directions 0 ... ``config.directions`` - 1 of a model."""
    return [normalised(model, gaussian(model, seed, index), config) for index in range(config.directions)]


def _entries(model: nn.Module, tensors: str) -> dict[str, Tensor]:
    """Parameters, or all floating-point entries of the state dict; integer counters never move."""
    if tensors == "weights":
        return dict(model.named_parameters())
    return {name: entry for name, entry in model.state_dict(keep_vars=True).items() if entry.is_floating_point()}


def _scaled(raw: Tensor, weight: Tensor, normalisation: str) -> Tensor:
    """Normalise one tensor of two or more dimensions; eps is added to the norm of the direction as in METHODS 7."""
    if normalisation == "weight":
        return raw * weight
    first_axis = 1 if normalisation in ("filter", "dfilter") else 0
    axes = tuple(range(first_axis, raw.dim()))
    unit = raw / (torch.linalg.vector_norm(raw, dim=axes, keepdim=True) + EPS)
    if normalisation in ("dfilter", "dlayer"):
        return unit
    return unit * torch.linalg.vector_norm(weight, dim=axes, keepdim=True)


@contextmanager
def moving(model: nn.Module, directions: Sequence[Direction]) -> Iterator[Callable[..., None]]:
    """Give a function ``at(*alphas)`` that sets the entries to theta + sum_k alphas[k] d_k.

    Every call starts from a copy of theta, so points do not depend on those before; on exit, also after an error,
    theta is restored bit for bit.

    Raises:
        ValueError: if a direction names an entry that the model has not, or has another shape; by ``at`` if there is
            not one alpha per direction.
    """
    entries = model.state_dict(keep_vars=True)
    for direction in directions:
        for name, d in direction.items():
            if name not in entries or entries[name].shape != d.shape:
                raise ValueError(f"direction: {name} {tuple(d.shape)} does not fit the model; draw one from the model")
    names = list(dict.fromkeys(name for direction in directions for name in direction))
    clean = {name: entries[name].detach().clone() for name in names}

    @torch.no_grad()
    def at(*alphas: float) -> None:
        steps = list(zip(directions, alphas, strict=True))
        for name, theta in clean.items():
            (d, alpha), *others = ((direction[name], step) for direction, step in steps if name in direction)
            torch.add(theta, d, alpha=alpha, out=entries[name])
            for e, beta in others:
                entries[name].add_(e, alpha=beta)

    try:
        yield at
    finally:
        with torch.no_grad():
            for name, theta in clean.items():
                entries[name].copy_(theta)


@contextmanager
def moved(
    model: nn.Module, direction: Direction, alpha: float, second: Direction | None = None, beta: float = 0.0
) -> Iterator[None]:
    """Hold the weights at theta + alpha d, or at theta + alpha d + beta e; restore them as :func:`moving` does."""
    directions, alphas = ([direction], [alpha]) if second is None else ([direction, second], [alpha, beta])
    with moving(model, directions) as at:
        at(*alphas)
        yield


@contextmanager
def evaluating(model: nn.Module) -> Iterator[None]:
    """Hold the model in evaluation mode, without dropout and batch statistics; then give every module its mode back."""
    modes = [(module, module.training) for module in model.modules()]
    model.eval()
    try:
        yield
    finally:
        for module, training in modes:
            module.training = training


def method_loss(method: Method) -> LossFunction:
    """The training loss of a method on one mini-batch, as a function of model, inputs and MOS."""
    return lambda model, inputs, mos: training_loss(method, method.scores(model, inputs), inputs, mos)


@dataclass(frozen=True)
class BatchLoss:
    """Mean over fixed mini-batches of a loss, in evaluation mode.

    The losses of the methods are statistics of a mini-batch, so their value belongs to the cut into batches: one value
    per batch, every batch counting the same (METHODS 7). Leave out a smaller last batch to compare with training.

    Attributes:
        function: scalar loss of model, inputs and MOS, for example :func:`method_loss`.
        batches: inputs and MOS ``(B,)``, on the model's device; gone through once for every point.

    Raises:
        ValueError: if there is no batch.
    """

    function: LossFunction
    batches: Sequence[tuple[Inputs, Tensor]]

    def __post_init__(self) -> None:
        if not len(self.batches):
            raise ValueError("batches: there are none, so there is no loss to average")

    def terms(self, model: nn.Module) -> Iterator[Tensor]:
        """Loss of one batch after the other, with gradients unless they are off, in the mode the model is in."""
        return (self.function(model, inputs, mos) for inputs, mos in self.batches)

    def __call__(self, model: nn.Module) -> float:
        """Mean in float64, without gradients; the device is waited for once, at the end."""
        with evaluating(model), torch.inference_mode():
            return torch.stack(list(self.terms(model))).cpu().double().mean().item()


def curve(
    model: nn.Module, directions: Sequence[Direction], alphas: Alphas, loss: Callable[[nn.Module], float]
) -> np.ndarray:
    """Loss at theta + alpha d for every direction and alpha: ``(directions, alphas)`` float64; the model is unchanged.

    ``loss`` is called once per point, for example a :class:`BatchLoss`, and theta, where all directions meet, is one
    point; no random number is drawn.
    """
    away = np.asarray(alphas, dtype=float) != 0
    losses = np.empty((len(directions), len(away)))
    if not away.all():
        losses[:, ~away] = loss(model)
    points = [(alpha,) for alpha in np.asarray(alphas)[away]]
    for direction, line in zip(directions, losses, strict=True):
        line[away] = _losses(model, [direction], points, loss)
    return losses


def surface(
    model: nn.Module,
    directions: tuple[Direction, Direction],
    alphas: Alphas,
    betas: Alphas,
    loss: Callable[[nn.Module], float],
) -> np.ndarray:
    """Loss at theta + alpha d + beta e, (d, e) = ``directions``: ``(alphas, betas)`` float64; see :func:`curve`."""
    return _losses(model, directions, list(product(alphas, betas)), loss).reshape(len(alphas), len(betas))


def _losses(
    model: nn.Module,
    directions: Sequence[Direction],
    points: Sequence[tuple[float, ...]],
    loss: Callable[[nn.Module], float],
) -> np.ndarray:
    values = np.empty(len(points))
    with moving(model, directions) as at:
        for i, alphas in enumerate(tqdm(points, desc="landscape", disable=None)):
            at(*map(float, alphas))
            values[i] = loss(model)
    return values
