"""The small project with one more row in Table 5, its comparisons, and predictions and rows by what they are of."""

from pathlib import Path

import numpy as np
import pandas as pd
from report_fixture import build_project, edit_params, write_run

from vqa.report.tables.cells import fill, read_paper
from vqa.report.tables.compare import comparisons
from vqa.report.tables.results import TrainedRun
from vqa.settings.params import Params
from vqa.stats.config import Statistics
from vqa.training.predictions import read_predictions

TEST, TRAIN = "konvid1k/test", "konvid1k/train"
SETTINGS = Statistics(level=0.05, power=0.8, margin=0.02, agreement=0.02, sharpness_margin=0.05, rise_at=0.5)
SEEDS = ("3-0", "8-0", "5-0")
FOLDS = (123, 246, 369)


def build_sweep(folder: Path) -> Params:
    """The project in ``folder``: A01, A14 and A15 are rows of Table 5."""
    build_project(folder)
    row = {"method": "fastvqa", "init": "initial/fastvqa.safetensors", "data": "prepared/konvid1k", "train": "konvid1k"}
    edit_params(folder, runs={"A14": {**row, "test": [TEST], "perturbation": "awp", "gamma": 0.001}})
    title, rows = "AWP", {"gamma=0": ["A01"], "gamma=0.001": ["A14"], "gamma=0.0001": ["A15"]}
    params = edit_params(folder, tables={"table05": {"title": title, "rows": rows}})
    write_run(folder / "runs" / "A14", params, "A14")
    return params


def trained(folder: Path, params: Params) -> dict[str, TrainedRun]:
    return {name: TrainedRun(name, run, folder / "runs" / name, params.common) for name, run in params.runs.items()}


def compared(folder: Path, params: Params, *names: str) -> pd.DataFrame:
    runs, frames = trained(folder, params), {}
    for name in names or ("table05",):
        paper = read_paper(folder / "reports" / "paper" / f"{name}.csv")
        frames[name] = fill(name, params.tables[name], paper, runs, params.datasets)
    return comparisons(frames, runs, params.datasets, SETTINGS)


def predictions(folder: Path, run: str, query: str) -> tuple[np.ndarray, np.ndarray]:
    rows = read_predictions(folder / "runs" / run).query("dataset == 'konvid1k'").query(query)
    return rows.prediction.to_numpy(), rows.mos.to_numpy()


def one(table: pd.DataFrame, **wanted: str) -> pd.Series:
    found = table[np.all([table[column] == value for column, value in wanted.items()], axis=0)]
    assert len(found) == 1
    return found.iloc[0]
