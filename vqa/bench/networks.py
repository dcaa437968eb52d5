"""Speed of the networks on a device: training steps, inference, a point of a landscape."""

import copy
import time
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import pandas as pd
import torch
from torch import nn
from torch.utils.data import default_collate
from torch.utils.flop_counter import FlopCounterMode

from vqa.data.items import Item
from vqa.io import write_csv
from vqa.landscape.curves import BatchLoss, LandscapeConfig, curve, method_loss, random_directions
from vqa.methods import PAPER, load_method
from vqa.methods.base import Inputs, Method
from vqa.models.swin3d import compile_backbone
from vqa.optim.perturb import build_perturbation
from vqa.optim.schedule import ExponentialMovingAverage
from vqa.rng import numpy_generator, torch_generator
from vqa.settings.params import Params
from vqa.training.loader import to_device
from vqa.training.train import training_step

VIDEO = Item("noise", 3.0, 240, 540, 960, 30.0, "h264", 0, 0)
PERTURBATIONS = {"none": 0.0, "rwp": 0.001, "awp": 0.001}
LANDSCAPE_BATCHES = 10


@dataclass(frozen=True)
class Noise:
    """Frames and motion features of a video that is nothing but noise (:class:`vqa.methods.base.Reader`)."""

    motion_channels: int

    def frames(self, indices: np.ndarray) -> np.ndarray:
        """Frames ``(n, H, W, 3)`` uint8 RGB."""
        size = (len(indices), VIDEO.height, VIDEO.width, 3)
        return numpy_generator("bench-frames", 0).integers(0, 256, size, dtype=np.uint8)

    def features(self, name: str) -> np.ndarray:
        """Features ``(clips, channels)`` float32, of motion alone."""
        return np.zeros((round(VIDEO.n_frames / VIDEO.fps), self.motion_channels), np.float32)

    def length(self, name: str) -> int:
        """One row for every second."""
        return round(VIDEO.n_frames / VIDEO.fps)

    def mos_range(self) -> tuple[float, float]:
        """That of five-point opinions."""
        return 1.0, 5.0

    def patches(self) -> np.ndarray:
        """None: ``(0,)`` float32."""
        return np.zeros(0, np.float32)


def networks(params: Params) -> dict[str, str]:
    """The first run from scratch of each of the paper's own methods in ``params``, by method."""
    first: dict[str, str] = {}
    for name, run in params.runs.items():
        if run.method in PAPER and run.parent is None:
            first.setdefault(run.method, name)
    return first


def measure(
    params: Params, name: str, precision: str, device: torch.device, repeats: int = 5
) -> list[dict[str, object]]:
    """Milliseconds of everything that the method of run ``name`` does with a batch, rows of :func:`write_table`.

    Steps follow one another without waiting, as in a training, and take their input from the GPU's memory. ``fp32`` is
    measured as it is, ``bf16`` with blocks compiled. A row has the time as a ratio to that of a plain step, the rate
    of operations (a backward pass counted as two forward) and the most memory used.
    """
    run = replace(params.runs[name], augmentation="none")
    block = params.methods[run.method]
    method = load_method(run.method, block, run, precision)
    model = method.build(torch_generator("init", 0)).to(device).train()
    average = ExponentialMovingAverage(model)
    operations = _operations(method, model, block, device)
    if precision == "bf16" and device.type == "cuda":
        compile_backbone(model)
        compile_backbone(average.module)
    size = method.batch_size
    inputs = _batch(method, block, size, device)
    mos = torch.linspace(1, 5, size, device=device)
    rows: list[dict[str, object]] = []

    def row(what: str, took: float, items: int, passes: int) -> None:
        plain = float(rows[0]["ms"]) if rows else took  # type: ignore[arg-type]
        numbers = {"ms": took, "ratio": took / plain, "items/s": 1000 * items / took}
        numbers |= {
            "TFLOP/s": passes * items * operations / took / 1e9,
            "GiB": torch.cuda.max_memory_allocated() / 2**30 if device.type == "cuda" else 0.0,
        }
        rows.append({"method": run.method, "precision": precision, "what": what, "items": items, **numbers})

    for kind, gamma in PERTURBATIONS.items():
        optimizer = method.optimizer(model)
        perturbation = build_perturbation(kind, gamma, "released", "box")

        def step(k: int, optimizer: torch.optim.Optimizer = optimizer, perturbation: object = perturbation) -> None:
            training_step(model, method, optimizer, perturbation, inputs, mos, (0, 0, k))  # type: ignore[arg-type]
            average.update(model)

        row(f"step, {kind}", _milliseconds(step, repeats, device), size, 3 if kind == "none" else 6)
        del optimizer

    @torch.inference_mode()
    def predict(_: int) -> None:
        method.scores(average.module, inputs)

    average.module.eval()
    row("inference", _milliseconds(predict, repeats, device), size, 1)
    loss = BatchLoss(method_loss(method), [(inputs, mos)] * LANDSCAPE_BATCHES)
    config = LandscapeConfig(points=2)
    (direction,) = random_directions(model, config, 0)
    took = _milliseconds(lambda _: curve(model, [direction], config.alphas, loss), 1, device) / config.points
    row("landscape point", took, LANDSCAPE_BATCHES * size, 1)
    return rows


def product_rate(dtype: torch.dtype, device: torch.device, side: int = 8192) -> float:
    """TFLOP/s of one large product of matrices: what the device reaches at best."""
    a, b = (torch.randn(side, side, device=device).to(dtype) for _ in range(2))
    return 2 * side**3 / _milliseconds(lambda _: a @ b, 10, device) / 1e9


def write_table(
    rows: list[dict[str, object]], folder: Path, card: str, peaks: dict[str, float]
) -> tuple[pd.DataFrame, Path]:
    """Keep the table of a card in ``folder``, under the card's name; of what was not measured now, earlier rows stay.

    Args:
        rows: of :func:`measure`.
        folder: to write to.
        card: its name.
        peaks: :func:`product_rate` of every precision: the column ``share`` is how much of it a row reaches.

    Returns:
        The table, and its file.
    """
    table = pd.DataFrame(rows)
    table["share"] = table["TFLOP/s"] / table.precision.map(peaks)
    path = folder / f"{card.replace(' ', '_')}.csv"
    if path.is_file():
        earlier, now = pd.read_csv(path), set(zip(table.method, table.precision, strict=True))
        known = [pair not in now for pair in zip(earlier.method, earlier.precision, strict=True)]
        table = pd.concat([earlier[known], table], ignore_index=True)
    write_csv(path, table.round(2))
    return table, path


def _batch(method: Method, block: dict, size: int, device: torch.device) -> Inputs:
    read = Noise(block.get("motion", 0))
    item = method.sample(VIDEO, read, "train", lambda purpose: torch_generator(purpose, 0))
    return to_device(default_collate([item] * size), device)


def _operations(method: Method, model: nn.Module, block: dict, device: torch.device) -> float:
    """Floating-point operations of one item's forward pass, counted by PyTorch where it knows every product."""
    counter = FlopCounterMode(display=False)
    counted = copy.deepcopy(model).eval()  # in evaluation mode with gradients no kernel of ours is used
    with counter:
        method.scores(counted, _batch(method, block, 1, device))
    return counter.get_total_flops()


def _milliseconds(work: Callable[[int], object], repeats: int, device: torch.device) -> float:
    """Least of two times the time of ``repeats`` calls in a row, per call; two calls before do not count."""
    for k in range(2):
        work(k)
    if device.type == "cuda":
        torch.cuda.reset_peak_memory_stats()
    times = []
    for _ in range(2):
        _wait(device)
        started = time.perf_counter()
        for k in range(repeats):
            work(k)
        _wait(device)
        times.append(1000 * (time.perf_counter() - started) / repeats)
    return min(times)


def _wait(device: torch.device) -> None:
    if device.type == "cuda":
        torch.cuda.synchronize()
