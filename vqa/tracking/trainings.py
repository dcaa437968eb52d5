"""What the mirror says of a finished run: its files as parameters, metrics, data sets and artifacts.

A run with several trainings has the mean of their curves as ``curve/...`` and each one as ``curve/fold_<fold>/...``.
"""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Iterator
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pandas as pd

from vqa.io import InputError, digest, file_digest
from vqa.settings.params import Params, Run
from vqa.tracking.store import BASELINE, TABLES, Content, Entry, Point

if TYPE_CHECKING:
    from mlflow.entities import DatasetInput

FILES = ("run.json", "metrics.json", "curve.csv", "predictions.csv")
LAYOUT = 2  # of what is made of the files: a store of another one is written anew


def training_entries(params: Params, runs: Path) -> list[Entry]:
    """One entry per run of params.

    Args:
        params: of the scale.
        runs: holds one folder per run.

    Raises:
        InputError: if a file of a run is missing.
    """
    tables = tables_by_run(params)
    entries = []
    for name in params.runs:
        folder, own = runs / name, tables.get(name, [])
        links = {TABLES: " ".join(own), BASELINE: baseline(name, params.runs)}
        parent = own[0] if own else None
        read = partial(_read, folder, params.common.scale)
        entries.append(Entry("vqa.run", name, fingerprint(folder), read, links, parent))
    return entries


def tables_by_run(params: Params) -> dict[str, list[str]]:
    """Names of the tables that a run stands in, in their order, by run."""
    found: dict[str, list[str]] = {}
    for name, table in params.tables.items():
        for run in dict.fromkeys(run for row in (table.rows, table.added) for runs in row.values() for run in runs):
            found.setdefault(run, []).append(name)
    return found


def baseline(name: str, runs: dict[str, Run]) -> str:
    """The run that is this one without weight perturbation, here and in what it starts from; empty if there is none.

    An unperturbed run is its own. Test sets, seeds and kept epochs do not tell runs apart.
    """
    if not _perturbed(name, runs):
        return name
    own = _unperturbed(name, runs)
    return next((other for other in runs if not _perturbed(other, runs) and _unperturbed(other, runs) == own), "")


def _perturbed(name: str, runs: dict[str, Run]) -> bool:
    run = runs[name]
    return run.perturbation != "none" or (run.parent is not None and _perturbed(run.parent, runs))


def _unperturbed(name: str, runs: dict[str, Run]) -> tuple[Any, ...]:
    """What a run is but for its perturbation, that of the run that it starts from included."""
    run = runs[name]
    start = run.init if run.parent is None else _unperturbed(run.parent, runs)
    bare = dataclasses.replace(run, init="", perturbation="none", gamma=0.0, test=(), keep_epochs=(), seeds=())
    return (*dataclasses.astuple(bare), start)


def fingerprint(folder: Path) -> str:
    """SHA-256 over the content of a run's files; InputError if one is missing."""
    absent = [name for name in FILES if not (folder / name).is_file()]
    if absent:
        raise InputError(f"{folder / absent[0]} is missing: `dvc repro evaluate@{folder.name}` makes it")
    return digest("\n".join([f"layout {LAYOUT}", *(f"{name} {file_digest(folder / name)}" for name in FILES)]))


def flatten(content: Any, prefix: str = "") -> dict[str, Any]:
    """Nested dictionaries as one, keys joined by dots; lists stay values."""
    if not isinstance(content, dict):
        return {prefix: content}
    flat: dict[str, Any] = {}
    for key, value in content.items():
        flat |= flatten(value, f"{prefix}.{key}" if prefix else str(key))
    return flat


def curve_points(curve: pd.DataFrame) -> Iterator[Point]:
    """Every point of ``curve.csv``, its epoch as step; of several trainings the mean and each one."""
    folds = curve["fold"].unique()
    if len(folds) == 1:
        yield from points_of(curve, "curve")
        return
    numbers = curve.drop(columns="fold")
    yield from points_of(numbers.groupby(["epoch", "dataset"], sort=False, as_index=False).mean(), "curve")
    for fold in folds:
        yield from points_of(curve[curve["fold"] == fold], f"curve/fold_{fold}")


def points_of(curve: pd.DataFrame, prefix: str) -> Iterator[Point]:
    """Points of one training.

    ``<prefix>/loss`` and ``<prefix>/train/srcc`` are of the training set, ``<prefix>/konvid1k/test/srcc_ema`` of a test
    set.
    """
    per_test = [column for column in curve if column.startswith("test_")]
    shared = [column for column in curve if column not in ("epoch", "dataset", "fold", *per_test)]
    for row in curve.drop_duplicates("epoch").to_dict("records"):
        for column in shared:
            yield f"{prefix}/{column.replace('_', '/')}", row[column], row["epoch"]
    for row in curve.to_dict("records"):
        for column in per_test:
            yield f"{prefix}/{row['dataset']}/{column.removeprefix('test_')}", row[column], row["epoch"]


def final_values(metrics: dict[str, Any]) -> Iterator[Point]:
    """Every number of ``metrics.json``, for example ``clean/scores/konvid1k/test/srcc``; step 0."""
    for key, value in flatten({k: v for k, v in metrics.items() if k not in ("seed", "items_digest")}).items():
        if isinstance(value, int | float):
            yield key.replace(".", "/"), value, 0


def _read(folder: Path, scale: str) -> Content:
    record, metrics = (json.loads((folder / name).read_text()) for name in ("run.json", "metrics.json"))
    tags = {f"vqa.items.{key}": value for key, value in metrics["items_digest"].items()}
    settings = flatten({"seed": record["seed"], **record["config"], "environment": record["environment"]})
    return Content(
        tags={"vqa.scale": scale, **tags},
        params={key: str(value) for key, value in settings.items()},
        points=[*curve_points(pd.read_csv(folder / "curve.csv")), *final_values(metrics)],
        inputs=tuple(_inputs(metrics)),
        files=tuple(folder / name for name in FILES),
    )


def _inputs(metrics: dict[str, Any]) -> Iterator[DatasetInput]:
    """The item lists of a run as MLflow data sets, with their digests."""
    from mlflow.entities import Dataset, DatasetInput, InputTag

    for key, items in metrics["items_digest"].items():
        profile = json.dumps({"num_rows": metrics["clean"]["scores"][key]["n"]})
        source = json.dumps({"prepared": key.partition("/")[0]})
        data = Dataset(name=key, digest=items, source_type="local", source=source, profile=profile)
        context = "training" if key.endswith("/train") else "evaluation"
        yield DatasetInput(data, [InputTag("mlflow.data.context", context)])
