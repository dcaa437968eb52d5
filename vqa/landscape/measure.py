"""The landscape of one trained run: curves, a surface and sharpness as numbers, on fixed mini-batches (METHODS 7)."""

import dataclasses
from collections.abc import Sequence
from itertools import islice

import numpy as np
import pandas as pd
import torch
from torch import Tensor, nn
from tqdm import tqdm

from vqa.data.items import Part
from vqa.landscape.config import Landscape, Measuring
from vqa.landscape.curves import (
    Alphas,
    BatchLoss,
    LandscapeConfig,
    curve,
    method_loss,
    random_directions,
    surface,
)
from vqa.landscape.sharpness import curvature, mean_rise, top_eigenvalue, worst_rise
from vqa.methods.base import Inputs, Method
from vqa.optim.losses import linearity_loss
from vqa.optim.perturb import WeightPerturbation
from vqa.rng import torch_generator
from vqa.settings.common import Perturbing
from vqa.training.clips import ClipDataset, Loader
from vqa.training.loader import batches, shuffled, to_device

CURVE = ["weights", "epoch", "part", "direction", "alpha", "loss"]
SURFACE = ["part", "alpha", "beta", "loss"]
SHARPNESS = ["fold", "weights", "epoch", "part", "measure", "at", "direction", "value"]


class FixedBatches(Sequence[tuple[Inputs, Tensor]]):
    """The same mini-batches of a part, however often they are gone through.

    Items are in the order of the training stream's epoch 0, and looked at as in a training step of that epoch: one
    clip each, the same crops for every run of a seed. A smaller last batch is left out, because the losses are
    statistics of a batch; a part that fills none is one batch by itself. All are held in the computer's memory, for a
    landscape goes through them hundreds of times: 5 MB a clip at the paper's size, as bytes, 5 GB for the training set
    of KoNViD-1k.

    Args:
        part: the items.
        method: samples them; hand over one without augmentation, or the landscape is that of other data (P3).
        seed: of the streams.
        count: batches, 0 for all full ones.
        loader: how clips are loaded.
        device: where a batch is put when it is taken.
    """

    def __init__(self, part: Part, method: Method, seed: int, count: int, loader: Loader, device: torch.device) -> None:
        clips = ClipDataset(part, method, "train", seed, (0,), loader)
        size = min(method.batch_size, len(clips))
        full = len(clips) // size
        order = shuffled(len(clips), seed, 0)[: min(count or full, full) * size]
        every = batches(clips, order, 0, size, loader.workers)
        shown = tqdm(every, desc=part.key, total=len(order) // size, disable=None)
        self._held = [(inputs, mos.float()) for inputs, mos, _ in shown]
        self._device = device

    def __len__(self) -> int:
        return len(self._held)

    def __getitem__(self, index: int) -> tuple[Inputs, Tensor]:  # type: ignore[override]  # one by one, no slices
        inputs, mos = self._held[index]
        return to_device(inputs, self._device), mos.to(self._device)


def fixed_losses(
    method: Method, parts: Sequence[Part], count: int, seed: int, loader: Loader, device: torch.device
) -> dict[str, BatchLoss]:
    """Mean training loss of a method over the fixed batches of each part, by ``dataset/split``."""
    function = method_loss(method)
    return {part.key: BatchLoss(function, FixedBatches(part, method, seed, count, loader, device)) for part in parts}


def linearity(method: Method, loss: BatchLoss) -> BatchLoss:
    """FAST-VQA's linearity term on the same batches, whatever the loss of the method."""
    return BatchLoss(lambda model, inputs, mos: linearity_loss(method.scores(model, inputs), mos), loss.batches)


def measure_curves(
    model: nn.Module, parts: dict[str, BatchLoss], config: LandscapeConfig, seed: int, alphas: Alphas | None = None
) -> pd.DataFrame:
    """Loss of every part along random directions.

    Args:
        model: on the device of the batches; its weights are left as they were.
        parts: see :func:`fixed_losses`.
        config: directions and alphas.
        seed: of the directions: the same for all runs of an architecture.
        alphas: others than those of ``config``.

    Returns:
        Rows ``part, direction, alpha, loss``.
    """
    directions, rows = random_directions(model, config, seed), []
    alphas = config.alphas if alphas is None else alphas
    for part, loss in parts.items():
        for k, losses in enumerate(curve(model, directions, alphas, loss)):
            rows += [(part, k, alpha, value) for alpha, value in zip(alphas, losses, strict=True)]
    return pd.DataFrame(rows, columns=CURVE[2:])


def mean_rises(curves: pd.DataFrame, rise_at: Sequence[float], name: str = "mean_rise") -> pd.DataFrame:
    """The loss at the weights (``base_loss``) and its mean rise along every direction, read off curves.

    Args:
        curves: see :func:`measure_curves`.
        rise_at: alphas; they, their negatives and 0 must be among those of the curves.
        name: of the measure; another one than ``mean_rise`` for another loss, whose value at the weights is not said.

    Returns:
        Rows ``part, measure, at, direction, value``.
    """
    rows: list[tuple] = []
    for part, lines in curves.groupby("part", sort=False):
        table = lines.pivot(index="direction", columns="alpha", values="loss")
        if name == "mean_rise":
            rows.append((part, "base_loss", "", "", table.iloc[0][0.0]))
        for k, line in table.iterrows():
            alphas, losses = table.columns.to_numpy(), line.to_numpy()[None]
            rows += [(part, name, alpha, k, mean_rise(alphas, losses, alpha)) for alpha in rise_at]
    return pd.DataFrame(rows, columns=SHARPNESS[3:])


def measure_surface(model: nn.Module, loss: BatchLoss, config: LandscapeConfig, points: int, seed: int) -> pd.DataFrame:
    """Loss over the plane of the first two directions, ``points`` alphas each: rows ``alpha, beta, loss``."""
    plane = dataclasses.replace(config, points=points, directions=2)
    first, second = random_directions(model, plane, seed)
    losses = surface(model, (first, second), plane.alphas, plane.alphas, loss)
    rows = [(a, b, losses[i, j]) for i, a in enumerate(plane.alphas) for j, b in enumerate(plane.alphas)]
    return pd.DataFrame(rows, columns=SURFACE[1:])


def measure_sharpness(
    model: nn.Module,
    parts: dict[str, BatchLoss],
    curves: pd.DataFrame,
    settings: Measuring,
    perturbing: Perturbing,
    seed: int,
    eigenvalue: bool,
) -> pd.DataFrame:
    """The numbers of :mod:`vqa.landscape.sharpness` beside the mean rise; weights, gradients and modes stay the same.

    Args:
        model: the one that ``curves`` were measured around.
        parts: see :func:`fixed_losses`; the first one is the training part.
        curves: see :func:`measure_curves`.
        settings: see :class:`Measuring`.
        perturbing: which tensors the worst-case step moves, and onto what it is projected.
        seed: of directions and start vector.
        eigenvalue: whether to find the Hessian's top eigenvalue of the first part, the costliest of the numbers.

    Returns:
        Rows ``part, measure, at, direction, value`` of every part; ``at`` and ``direction`` are empty where there is
        none.
    """
    directions, step, worst = random_directions(model, settings.curve, seed), settings.curvature_step, settings.worst
    near = np.array([-step, 0.0, step])
    adversary = WeightPerturbation(worst.gamma, "gradient", perturbing.tensors, perturbing.projection)
    rows: list[tuple] = []
    for part, loss in parts.items():
        centre = curves[(curves.part == part) & (curves.alpha == 0)].sort_values("direction").loss
        sides = curve(model, directions, [-step, step], loss)
        bends = curvature(near, np.insert(sides, 1, centre, axis=1), step)
        rows += [(part, "curvature", step, k, value) for k, value in enumerate(bends)]
        rows.append((part, "worst_rise", worst.gamma, "", worst_rise(model, loss, adversary, worst.steps)))
    if eigenvalue:
        limits, (part, loss) = settings.eigenvalue, next(iter(parts.items()))
        some = BatchLoss(loss.function, list(islice(loss.batches, limits.batches or None)))
        start = torch_generator("eigenvalue", seed)
        top = top_eigenvalue(model, some, start, limits.tolerance, limits.max_iterations)
        rows.append((part, "top_eigenvalue", "", "", top.value))
    return pd.DataFrame(rows, columns=SHARPNESS[3:])


def measure_training(
    model: nn.Module,
    method: Method,
    parts: dict[str, BatchLoss],
    row: Landscape,
    weights: str,
    settings: Measuring,
    perturbing: Perturbing,
    seed: int,
    whole: bool,
) -> tuple[pd.DataFrame, pd.DataFrame, pd.DataFrame | None]:
    """What is measured around the weights that a model has.

    Args:
        model: holds the weights of one training.
        method: the model's.
        parts: see :func:`fixed_losses`; the first one is the training part.
        row: the run's block; its first weights are the ones that are compared between runs.
        weights: which of them the model holds.
        settings: see :class:`vqa.landscape.config.Measuring`.
        perturbing: see :func:`measure_sharpness`.
        seed: see :func:`measure_sharpness`.
        whole: everything; else only the mean rises on the training part, from no more points than they need.

    Returns:
        Curves, numbers, and the surface where the block asks for one.
    """
    key, compared = next(iter(parts)), weights == row.weights[0]
    own = parts if whole else {key: parts[key]}
    curves = measure_curves(model, own, settings.curve, seed, None if whole else settings.rise_alphas)
    numbers = [mean_rises(curves, settings.rise_at)]
    if compared and row.linearity:
        lines = measure_curves(model, {key: linearity(method, parts[key])}, settings.curve, seed, settings.rise_alphas)
        numbers.append(mean_rises(lines, settings.rise_at, "linearity_rise"))
    if whole:
        numbers.append(measure_sharpness(model, own, curves, settings, perturbing, seed, eigenvalue=compared))
    plane = None
    if whole and compared and row.surface:
        plane = measure_surface(model, parts[key], settings.curve, settings.surface_points, seed).assign(part=key)
    return curves, pd.concat(numbers), plane
