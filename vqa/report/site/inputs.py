"""Everything that the site shows, read from the files of other stages; what is missing is named with its command."""

import json
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pandas as pd

from vqa.io import InputError
from vqa.report.tables.cells import read_table
from vqa.settings.params import Params, Run
from vqa.training.predictions import CLEAN, RELEASED, read_predictions

COMPARISON_NUMBERS = (
    *("value_a", "value_b", "difference", "ci_low", "ci_high", "p", "n", "trainings"),
    *("standard_error", "freedom", "detectable", "paper_difference", "power"),
)
BONUS_NUMBERS = ("bonus", "ci_low", "ci_high", "selection", "runs", "n")
GAP_NUMBERS = ("runs", "trainings", "spearman", "ci_low", "ci_high", "p", "standard_error", "freedom")
FUSION_NUMBERS = ("weight", "srcc", "plcc", "gain", "ci_low", "ci_high", "n", "trainings")
SPREAD_NUMBERS = ("seeds", "splits", "std_over_seeds", "std_over_splits")
CLAIM_COUNTS = ("n_reproduced", "n_absent", "n_not_distinguishable", "n_contradicted", "n_not_run")
POINT_TEXTS = ("run", "seed", "cut", "method", "train", "regularizer", "strength")


@dataclass(frozen=True)
class RunFiles:
    """What one run left.

    Attributes:
        record: ``run.json``.
        metrics: ``metrics.json``.
        curve: ``curve.csv``, all folds.
        predictions: those that a protocol reports: the clean ones, and of the released ones the
            epoch with the best SRCC of every test set; of several random splits the first one.
    """

    record: dict[str, Any]
    metrics: dict[str, Any]
    curve: pd.DataFrame
    predictions: pd.DataFrame


@dataclass(frozen=True)
class Landscape:
    """What was measured around one run's weights; ``surface`` is None where only lines were measured."""

    curve: pd.DataFrame
    sharpness: pd.DataFrame
    surface: pd.DataFrame | None


@dataclass(frozen=True)
class Inputs:
    """All that the pages are made of; names of frames are those of their files."""

    params: Params
    paper: Path
    tables: dict[str, pd.DataFrame]
    figures: dict[str, Path]
    comparisons: pd.DataFrame
    selection_bonus: pd.DataFrame
    spread: pd.DataFrame
    fusion: pd.DataFrame
    sharpness_points: pd.DataFrame
    sharpness_gap: pd.DataFrame
    verdicts: pd.DataFrame
    claims: pd.DataFrame
    landscapes: dict[str, Landscape]
    runs: dict[str, RunFiles]
    data: dict[str, dict[str, Any]]


def read_inputs(params: Params, folder: Path) -> Inputs:
    """Read what the site shows from the project in ``folder``.

    What params name must be there; files of runs, landscapes and tables that params do not name are not read.

    Raises:
        InputError: in one line, with the command to make it, for a file that is missing or lacks a column.
    """
    reports = folder / "reports"
    statistics = reports / "statistics"
    figures = {name: reports / "figures" / f"{name}.svg" for name in params.figures}
    for path in figures.values():
        _require(path, "figures")
    # Without landscapes there is no sharpness to compare with, and no file that could say so.
    points, gaps = pd.DataFrame({name: [] for name in POINT_TEXTS}), pd.DataFrame()
    if params.landscapes:
        points = _read_points(statistics / "sharpness_points.csv")
        gaps = read_text_table(statistics / "sharpness_gap.csv", "statistics", GAP_NUMBERS)
    return Inputs(
        params=params,
        paper=folder / params.root / "reports" / "paper",
        tables={name: read_table(reports / "tables" / f"{name}.csv") for name in params.tables},
        figures=figures,
        comparisons=read_text_table(statistics / "comparisons.csv", "statistics", COMPARISON_NUMBERS),
        selection_bonus=read_text_table(statistics / "selection_bonus.csv", "statistics", BONUS_NUMBERS),
        spread=read_text_table(statistics / "spread.csv", "statistics", SPREAD_NUMBERS),
        fusion=read_text_table(statistics / "fusion.csv", "statistics", FUSION_NUMBERS),
        sharpness_points=points,
        sharpness_gap=gaps,
        verdicts=read_text_table(reports / "verdicts.csv", "verdicts", ("paper", "value", "ci_low", "ci_high")),
        claims=read_text_table(reports / "claims.csv", "verdicts", CLAIM_COUNTS),
        landscapes={name: read_landscape(folder / "landscapes" / name, name) for name in params.landscapes},
        runs={name: read_run(folder / "runs" / name, name, run) for name, run in params.runs.items()},
        data={
            name: _read_json(folder / "prepared" / name / "report.json", f"prepare@{name}") for name in params.datasets
        },
    )


def read_text_table(path: Path, stage: str, numbers: Iterable[str]) -> pd.DataFrame:
    """A CSV file as texts, empty where nothing stands, but for the columns of ``numbers``: floats, NaN where empty."""
    _require(path, stage)
    try:
        text = pd.read_csv(path, dtype=str, keep_default_na=False)
        return text.assign(**{name: pd.to_numeric(text[name]).astype(float) for name in numbers})
    except KeyError as error:
        raise InputError(f"{path} has no column {error.args[0]!r}: `dvc repro -f {stage}`") from None
    except ValueError as error:
        raise InputError(f"{path}: {error}: `dvc repro -f {stage}`") from None


def read_landscape(folder: Path, name: str) -> Landscape:
    """The landscape of one run; ``surface.csv`` may be absent."""
    stage = f"landscape@{name}"
    curve = read_text_table(folder / "curve.csv", stage, ("direction", "alpha", "loss"))
    sharpness = read_text_table(folder / "sharpness.csv", stage, ("value",))
    path = folder / "surface.csv"
    surface = read_text_table(path, stage, ("alpha", "beta", "loss")) if path.is_file() else None
    return Landscape(curve, sharpness, surface)


def read_run(folder: Path, name: str, run: Run) -> RunFiles:
    """The files of one run."""
    train, evaluate = f"train@{name}", f"evaluate@{name}"
    record, metrics = _read_json(folder / "run.json", train), _read_json(folder / "metrics.json", evaluate)
    for file, stage in (("curve.csv", train), (RELEASED, train), (CLEAN, evaluate)):
        _require(folder / file, stage)
    table = read_predictions(folder)
    return RunFiles(record, metrics, pd.read_csv(folder / "curve.csv"), _reported(table, metrics, run))


def _reported(table: pd.DataFrame, metrics: dict[str, Any], run: Run) -> pd.DataFrame:
    """The few predictions that a protocol reports, out of those of all epochs."""
    fold = str(table.fold.iloc[0])
    block = metrics["folds"][fold] if "folds" in metrics else metrics
    table = table[table.fold == table.fold.iloc[0]]
    parts = [table[table.protocol == "clean"]]
    released = table[table.protocol == "released"]
    for key in run.test:
        dataset, _, split = key.partition("/")
        epoch = block["released"]["scores"].get(key, {}).get("best_epoch", {}).get("srcc")
        rows = released[(released.dataset == dataset) & (released.split == split) & (released.epoch == epoch)]
        # The averaged weights if the method has them; which of the two counts, the metrics do not repeat.
        names = [weights for weights in ("ema", "raw") if (rows.weights == weights).any()]
        parts.append(rows[rows.weights == names[0]] if names else rows)
    return pd.concat(parts, ignore_index=True)


def _read_points(path: Path) -> pd.DataFrame:
    """One row per training with a landscape; every column that is not a text is a number, whatever was measured."""
    points = read_text_table(path, "statistics", ())
    numbers = {name: pd.to_numeric(points[name], errors="coerce") for name in points if name not in POINT_TEXTS}
    return points.assign(**numbers)


def _read_json(path: Path, stage: str) -> dict[str, Any]:
    _require(path, stage)
    try:
        return json.loads(path.read_text(encoding="utf-8"))
    except json.JSONDecodeError as error:
        raise InputError(f"{path}: not valid JSON ({error}): `dvc repro -f {stage}`") from None


def _require(path: Path, stage: str) -> None:
    if not path.is_file():
        raise InputError(f"{path} is missing: `dvc repro {stage}`")
