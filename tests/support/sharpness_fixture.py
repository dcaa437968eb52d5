"""The small project with fabricated numbers of landscapes, of one training a run or of several."""

from pathlib import Path

import pandas as pd
from compare_fixture import SEEDS, TEST, TRAIN
from report_fixture import build_project, edit_params, write_run

from vqa.landscape.measure import SHARPNESS
from vqa.report.tables.results import TrainedRun
from vqa.report.tables.sharpness_gap import points
from vqa.settings.params import Params


def write_landscape(folder: Path, level: float, folds: tuple[int | str, ...] = (0,)) -> None:
    """``sharpness.csv`` of one landscape: ``level`` is the curvature at the last weights of the first training.

    Every further training has twice the rises of the one before it, and nothing but the rises on the training part.
    """
    rows = []
    for place, fold in enumerate(folds):
        for weights, epoch, scale in (("last_ema", 4, 2.0**place), ("epoch_3_ema", 3, 7.0)):
            for part, more in ((TRAIN, 1.0), (TEST, 3.0)) if place == 0 else ((TRAIN, 1.0),):
                where = [fold, weights, epoch, part]
                rows.append([*where, "base_loss", None, None, scale * more])
                for direction in (0, 1):
                    bend = scale * more * level * (1 + direction)
                    rows += [[*where, "mean_rise", alpha, direction, bend * alpha**2] for alpha in (0.1, 0.5)]
                    if place == 0:
                        rows.append([*where, "curvature", 0.05, direction, 2 * bend])
                if place == 0:
                    rows.append([*where, "worst_rise", 0.01, None, 10 * scale * more * level])
    rows.append([folds[0], "last_ema", 4, TRAIN, "top_eigenvalue", None, None, 100 * level])
    folder.mkdir(parents=True, exist_ok=True)
    table = pd.DataFrame(rows, columns=SHARPNESS)
    table.astype({"direction": "Int64"}).to_csv(folder / "sharpness.csv", index=False)


def build_landscapes(folder: Path) -> Params:
    """The project with landscapes of two groups: five runs of FAST-VQA, and one of SAMA."""
    build_project(folder)
    own = {"data": "prepared/konvid1k", "train": "konvid1k", "test": ["konvid1k/test"]}
    fastvqa = {**own, "method": "fastvqa", "init": "initial/fastvqa.safetensors"}
    sama = {**own, "method": "sama", "init": "initial/sama.safetensors"}
    decay, rwp = {"weight_decay": 0.5}, {"perturbation": "rwp", "gamma": 0.00001}
    edit_params(folder, methods={"sama": {"weight_decay": 0.05}})
    params = edit_params(folder, runs={"A03": fastvqa | decay, "A12": fastvqa | rwp, "C02": sama})
    for name in ("A03", "A12", "C02"):
        write_run(folder / "runs" / name, params, name)
    names = ["A01", "A03", "A06", "A12", "A15", "C02"]
    for level, name in enumerate(names, start=1):
        write_landscape(folder / "landscapes" / name, float(level))
    block = {name: {"method": params.runs[name].method, "data": params.runs[name].data} for name in names}
    return edit_params(folder, landscapes={name: {**b, "weights": ["last_ema"]} for name, b in block.items()})


def several_seeds(folder: Path, params: Params, names: tuple[str, ...]) -> None:
    """Runs and their landscapes, fabricated for three seeds."""
    for level, name in enumerate(names, start=1):
        write_run(folder / "runs" / name, params, name, folds=SEEDS)
        write_landscape(folder / "landscapes" / name, float(level), SEEDS)


def with_landscapes(folder: Path, params: Params) -> dict[str, TrainedRun]:
    names = params.landscapes
    return {name: TrainedRun(name, params.runs[name], folder / "runs" / name, params.common) for name in names}


def table_of(folder: Path, params: Params) -> pd.DataFrame:
    return points(with_landscapes(folder, params), params, folder / "landscapes")
