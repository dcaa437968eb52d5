"""The landscape of one trained run: curves, a surface and sharpness as numbers, on fixed mini-batches (METHODS 7)."""

import dataclasses
import re
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import islice

import numpy as np
import pandas as pd
import torch
from torch import Tensor, nn
from tqdm import tqdm

from vqa.data.items import Part
from vqa.landscape.curves import BatchLoss, LandscapeConfig, curve, method_loss, random_directions, surface
from vqa.landscape.sharpness import curvature, mean_rise, top_eigenvalue, worst_rise
from vqa.methods.base import Inputs, Method
from vqa.optim.perturb import WeightPerturbation
from vqa.rng import torch_generator
from vqa.settings.common import Perturbing
from vqa.settings.params import Params
from vqa.settings.strict import ParamsError, build
from vqa.training.loader import ClipDataset, batches, shuffled, to_device

CURVE = ["weights", "epoch", "part", "direction", "alpha", "loss"]
SURFACE = ["part", "alpha", "beta", "loss"]
SHARPNESS = ["weights", "epoch", "part", "measure", "at", "direction", "value"]


@dataclass(frozen=True)
class WorstRise:
    """Size and steps of :func:`vqa.landscape.sharpness.worst_rise`."""

    gamma: float
    steps: int


@dataclass(frozen=True)
class Eigenvalue:
    """When :func:`vqa.landscape.sharpness.top_eigenvalue` stops, and how many fixed batches it looks at (0: all)."""

    tolerance: float
    max_iterations: int
    batches: int


@dataclass(frozen=True)
class Measuring:
    """Block ``landscape`` of params: how every landscape is measured.

    Attributes:
        curve: see :class:`vqa.landscape.curves.LandscapeConfig`.
        batches: fixed mini-batches of every part, of the method's own batch size; 0 for all that are full.
        rise_at: alphas of the curve at which the mean rise is read.
        curvature_step: distance of the points that the curvature is taken from.
        worst: see :class:`WorstRise`.
        eigenvalue: see :class:`Eigenvalue`.
        surface_points: alphas of each of the two directions of a surface, over the span of the curve.
    """

    curve: LandscapeConfig
    batches: int
    rise_at: tuple[float, ...]
    curvature_step: float
    worst: WorstRise
    eigenvalue: Eigenvalue
    surface_points: int

    def __post_init__(self) -> None:
        for alpha in self.rise_at:
            if not {-alpha, alpha} <= {round(a, 9) for a in self.curve.alphas}:
                raise ValueError(f"rise_at: {alpha} and its negative must be alphas of the curve")
        if 0 not in self.curve.alphas:
            raise ValueError("curve: 0 must be an alpha; take an odd number of points and a symmetric span")
        if self.batches < 0 or self.surface_points < 2 or not self.curvature_step > 0:
            raise ValueError("batches must not be negative, surface_points at least 2, curvature_step positive")


@dataclass(frozen=True)
class Landscape:
    """Block of one run in ``landscapes``.

    Attributes:
        method: of the run; repeated here because the graph needs it.
        data: what the run reads; repeated for the same reason.
        weights: files of the run's weights, without suffix: ``last_ema``, ``last_raw``, ``epoch_3_ema`` ...
        surface: measure a surface too, around the first of the weights.
    """

    method: str
    data: str
    weights: tuple[str, ...]
    surface: bool = False

    def __post_init__(self) -> None:
        right = [re.fullmatch(r"(last|epoch_[1-9]\d*)_(ema|raw)", name) for name in self.weights]
        if not right or not all(right) or len(set(self.weights)) < len(right):
            raise ValueError("weights: name files such as last_ema or epoch_3_raw, at least one, each once")


def read_blocks(params: Params) -> tuple[Measuring, dict[str, Landscape]]:
    """The blocks ``landscape`` and ``landscapes`` of params; ParamsError says what does not fit them or the runs."""
    rows = build(dict[str, Landscape], params.landscapes, "params.yaml: landscapes")
    for name, row in rows.items():
        run = params.runs[name]
        if (row.method, row.data) != (run.method, run.data):
            raise ParamsError(f"params.yaml: landscapes.{name}: method and data must be those of its run")
    return build(Measuring, params.landscape, "params.yaml: landscape"), rows


def epoch_of(weights: str, epochs: int) -> int:
    """Epoch of a file of weights, ``last_raw`` or ``epoch_3_ema`` for example, in a training of ``epochs``."""
    return epochs if weights.startswith("last_") else int(weights.split("_")[1])


class FixedBatches(Sequence[tuple[Inputs, Tensor]]):
    """The same mini-batches of a part, however often they are gone through.

    Items are in the order of the training stream's epoch 0, and looked at as in a training step of that epoch: one
    clip each, the same crops for every run of a seed. A smaller last batch is left out, because the losses are
    statistics of a batch; a part that fills none is one batch by itself. All are held in the computer's memory, for a
    landscape goes through them hundreds of times: 19 MB a clip at the paper's size, 18 GB for the training set of
    KoNViD-1k.

    Args:
        part: the items.
        method: samples them; hand over one without augmentation, or the landscape is that of other data (P3).
        seed: of the streams.
        count: batches, 0 for all full ones.
        workers: loader processes.
        device: where a batch is put when it is taken.
    """

    def __init__(self, part: Part, method: Method, seed: int, count: int, workers: int, device: torch.device) -> None:
        clips = ClipDataset(part, method, "train", seed)
        size = min(method.batch_size, len(clips))
        full = len(clips) // size
        order = shuffled(len(clips), seed, 0)[: min(count or full, full) * size]
        loaded = tqdm(batches(clips, order, 0, size, workers), desc=part.key, total=len(order) // size, disable=None)
        self._held = [(inputs, mos.float()) for inputs, mos, _ in loaded]
        self._device = device

    def __len__(self) -> int:
        return len(self._held)

    def __getitem__(self, index: int) -> tuple[Inputs, Tensor]:  # type: ignore[override]  # one by one, no slices
        inputs, mos = self._held[index]
        return to_device(inputs, self._device), mos.to(self._device)


def fixed_losses(
    method: Method, parts: Sequence[Part], count: int, seed: int, workers: int, device: torch.device
) -> dict[str, BatchLoss]:
    """Mean training loss of a method over the fixed batches of each part, by ``dataset/split``."""
    function = method_loss(method)
    return {part.key: BatchLoss(function, FixedBatches(part, method, seed, count, workers, device)) for part in parts}


def measure_curves(model: nn.Module, parts: dict[str, BatchLoss], config: LandscapeConfig, seed: int) -> pd.DataFrame:
    """Loss of every part along random directions.

    Args:
        model: on the device of the batches; its weights are left as they were.
        parts: see :func:`fixed_losses`.
        config: directions and alphas.
        seed: of the directions: the same for all runs of an architecture.

    Returns:
        Rows ``part, direction, alpha, loss``.
    """
    directions, rows = random_directions(model, config, seed), []
    for part, loss in parts.items():
        for k, losses in enumerate(curve(model, directions, config.alphas, loss)):
            rows += [(part, k, alpha, value) for alpha, value in zip(config.alphas, losses, strict=True)]
    return pd.DataFrame(rows, columns=CURVE[2:])


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
    """The numbers of :mod:`vqa.landscape.sharpness` for every part; weights, gradients and modes are left as they were.

    Args:
        model: the one that ``curves`` were measured around.
        parts: see :func:`fixed_losses`; the first one is the training part.
        curves: see :func:`measure_curves`.
        settings: see :class:`Measuring`.
        perturbing: which tensors the worst-case step moves, and onto what it is projected.
        seed: of directions and start vector.
        eigenvalue: whether to find the Hessian's top eigenvalue of the first part, the costliest of the numbers.

    Returns:
        Rows ``part, measure, at, direction, value``; ``at`` and ``direction`` are empty where there is none.
    """
    directions, step, worst = random_directions(model, settings.curve, seed), settings.curvature_step, settings.worst
    near = np.array([-step, 0.0, step])
    adversary = WeightPerturbation(worst.gamma, "gradient", perturbing.tensors, perturbing.projection)
    rows: list[tuple] = []
    for part, loss in parts.items():
        lines = curves[curves.part == part].pivot(index="direction", columns="alpha", values="loss")
        for k, line in lines.iterrows():
            alphas, losses = lines.columns.to_numpy(), line.to_numpy()[None]
            rows += [(part, "mean_rise", alpha, k, mean_rise(alphas, losses, alpha)) for alpha in settings.rise_at]
        sides = curve(model, directions, [-step, step], loss)
        bends = curvature(near, np.insert(sides, 1, lines[0.0], axis=1), step)
        rows += [(part, "curvature", step, k, value) for k, value in enumerate(bends)]
        rows.append((part, "worst_rise", worst.gamma, "", worst_rise(model, loss, adversary, worst.steps)))
    if eigenvalue:
        limits, (part, loss) = settings.eigenvalue, next(iter(parts.items()))
        some = BatchLoss(loss.function, list(islice(loss.batches, limits.batches or None)))
        start = torch_generator("eigenvalue", seed)
        top = top_eigenvalue(model, some, start, limits.tolerance, limits.max_iterations)
        rows.append((part, "top_eigenvalue", "", "", top.value))
    return pd.DataFrame(rows, columns=SHARPNESS[2:])
