"""Mirror of finished runs in MLflow: files first, MLflow second.

DVC restores runs from its cache without running any code, so a training that logs by itself would leave holes. The
mirror reads the files of the runs that params name, whenever it is called. A run is known by its tag ``vqa.run`` and by
``vqa.fingerprint``, the SHA-256 of its files: same fingerprint, nothing is written; another, and a new MLflow run is
made and the old one tagged ``vqa.superseded``. Deleting the store loses nothing.
"""

from __future__ import annotations

import json
import math
import os
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pandas as pd

from vqa.io import InputError, digest, file_digest

if TYPE_CHECKING:
    from mlflow.entities import Run as MlflowRun
    from mlflow.tracking import MlflowClient

FILES = ("run.json", "metrics.json", "curve.csv", "predictions.csv")
METRIC_BATCH, PARAM_BATCH = 1000, 100  # the most that MLflow takes in one call


@dataclass(frozen=True)
class Tally:
    """What one call did: runs written, runs already there, older runs marked as superseded."""

    new: int
    unchanged: int
    superseded: int

    def __str__(self) -> str:
        return f"{self.new} new, {self.unchanged} unchanged, {self.superseded} superseded"


def fingerprint(folder: Path) -> str:
    """SHA-256 over the content of a run's files; InputError if one is missing."""
    absent = [name for name in FILES if not (folder / name).is_file()]
    if absent:
        raise InputError(f"{folder / absent[0]} is missing: `dvc repro evaluate@{folder.name}` makes it")
    return digest("\n".join(f"{name} {file_digest(folder / name)}" for name in FILES))


def flatten(content: Any, prefix: str = "") -> dict[str, Any]:
    """Nested dictionaries as one, keys joined by dots; lists stay values."""
    if not isinstance(content, dict):
        return {prefix: content}
    flat: dict[str, Any] = {}
    for key, value in content.items():
        flat |= flatten(value, f"{prefix}.{key}" if prefix else str(key))
    return flat


def curve_points(curve: pd.DataFrame) -> Iterator[tuple[str, float, int]]:
    """Name, value and epoch of every point of ``curve.csv``.

    ``curve/loss`` and ``curve/train/srcc`` are of the training; ``curve/konvid1k/test/srcc_ema`` of a test set.
    """
    per_test = [column for column in curve if column.startswith("test_")]
    shared = [column for column in curve if column not in ("epoch", "dataset", *per_test)]
    for row in curve.drop_duplicates("epoch").to_dict("records"):
        for column in shared:
            yield f"curve/{column.replace('_', '/')}", row[column], row["epoch"]
    for row in curve.to_dict("records"):
        for column in per_test:
            yield f"curve/{row['dataset']}/{column.removeprefix('test_')}", row[column], row["epoch"]


def final_values(metrics: dict[str, Any]) -> Iterator[tuple[str, float]]:
    """Name and value of every number of ``metrics.json``, for example ``clean/scores/konvid1k/test/srcc``."""
    for key, value in flatten({k: v for k, v in metrics.items() if k not in ("seed", "items_digest")}).items():
        if isinstance(value, int | float):
            yield key.replace(".", "/"), value


def track(runs: Iterable[str], folder: Path, scale: str, store: str, artifacts: Path) -> Tally:
    """Bring the store up to date with the files of some runs.

    Args:
        runs: names of the runs.
        folder: holds one folder per run.
        scale: the experiment is called ``vqa-<scale>``.
        store: tracking URI, for example ``sqlite:///mlflow.db``.
        artifacts: folder for the artifacts of a new experiment.

    Raises:
        InputError: if a file of a run is missing; nothing is written then.
    """
    prints = {name: fingerprint(folder / name) for name in runs}
    os.environ["MLFLOW_DISABLE_TELEMETRY"] = "true"  # this and the next are read at import
    os.environ.setdefault("MLFLOW_LOGGING_LEVEL", "WARNING")
    from mlflow.tracking import MlflowClient

    client = MlflowClient(tracking_uri=store)
    experiment = client.get_experiment_by_name(f"vqa-{scale}")
    if experiment is None:
        location = artifacts.resolve().as_uri()
        experiment = client.get_experiment(client.create_experiment(f"vqa-{scale}", artifact_location=location))
    present = _present(client, experiment.experiment_id)
    new = superseded = 0
    for name, content in prints.items():
        outdated = [run for run in present.get(name, []) if run.data.tags.get("vqa.fingerprint") != content]
        if len(outdated) == len(present.get(name, [])):
            _write(client, experiment.experiment_id, folder / name, scale, content)
            new += 1
        for run in outdated:
            client.set_tag(run.info.run_id, "vqa.superseded", "true")
            superseded += 1
    return Tally(new, len(prints) - new, superseded)


def _present(client: MlflowClient, experiment: str) -> dict[str, list[MlflowRun]]:
    """Runs in the store that are not superseded, by ``vqa.run``."""
    found: dict[str, list[MlflowRun]] = {}
    token = None
    while True:
        page = client.search_runs([experiment], max_results=1000, page_token=token)
        for run in page:
            if run.data.tags.get("vqa.superseded") != "true":
                found.setdefault(run.data.tags.get("vqa.run", ""), []).append(run)
        token = page.token
        if not token:
            return found


def _write(client: MlflowClient, experiment: str, folder: Path, scale: str, content: str) -> None:
    """One MLflow run with everything; its fingerprint comes last, so that a killed call is made good by the next."""
    from mlflow.entities import Metric, Param, RunTag

    record, metrics = (json.loads((folder / name).read_text()) for name in ("run.json", "metrics.json"))
    tags = {"vqa.run": folder.name, "vqa.scale": scale}
    tags |= {f"vqa.items.{key}": value for key, value in metrics["items_digest"].items()}
    run = client.create_run(experiment, tags=tags, run_name=folder.name)
    stamp, run_id = run.info.start_time, run.info.run_id
    settings = flatten({"seed": record["seed"], **record["config"], "environment": record["environment"]})
    params = [Param(key, str(value)) for key, value in settings.items()]
    points = [Metric(k, v, stamp, step) for k, v, step in curve_points(pd.read_csv(folder / "curve.csv"))]
    points += [Metric(key, value, stamp, 0) for key, value in final_values(metrics)]
    points = [point for point in points if math.isfinite(point.value)]
    for start in range(0, len(params), PARAM_BATCH):
        client.log_batch(run_id, params=params[start : start + PARAM_BATCH])
    for start in range(0, len(points), METRIC_BATCH):
        client.log_batch(run_id, metrics=points[start : start + METRIC_BATCH])
    client.log_inputs(run_id, datasets=_inputs(metrics))
    for name in FILES:
        client.log_artifact(run_id, str(folder / name))
    client.log_batch(run_id, tags=[RunTag("vqa.fingerprint", content)])
    client.set_terminated(run_id)


def _inputs(metrics: dict[str, Any]) -> list:
    """The item lists of a run as MLflow data sets, with their digests."""
    from mlflow.entities import Dataset, DatasetInput, InputTag

    inputs = []
    for key, items in metrics["items_digest"].items():
        profile = json.dumps({"num_rows": metrics["clean"]["scores"][key]["n"]})
        source = json.dumps({"prepared": key.partition("/")[0]})
        data = Dataset(name=key, digest=items, source_type="local", source=source, profile=profile)
        context = "training" if key.endswith("/train") else "evaluation"
        inputs.append(DatasetInput(data, [InputTag("mlflow.data.context", context)]))
    return inputs
