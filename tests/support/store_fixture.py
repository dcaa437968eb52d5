"""MLflow stores of projects in a folder: filled, and read without ids and times."""

import contextlib
import sqlite3
from pathlib import Path

from report_fixture import build_project, call

from stages import tables
from vqa.settings.params import Params

FIGURES = {"fig1a.png": b"\x89PNG", "fig1a.csv": b"epoch,train\n", "fig1b.png": b"\x89PNG "}


def build_reported(folder: Path) -> Params:
    """The project of :func:`report_fixture.build_project` with its tables, and figures of a few bytes."""
    params = build_project(folder)
    assert call(tables.main, folder) == 0
    (folder / "reports" / "figures").mkdir()
    for name, content in FIGURES.items():
        (folder / "reports" / "figures" / name).write_bytes(content)
    return params


def store(folder: Path) -> str:
    """URI of the project's store: absolute, because MLflow keeps the connections of a URI for the whole process."""
    return f"sqlite:///{folder}/mlflow.db"


def client(folder: Path):
    from mlflow.tracking import MlflowClient

    return MlflowClient(tracking_uri=store(folder))


def runs(folder: Path) -> dict[str, list]:
    """Runs of the only experiment of ours, by name, newest first."""
    found: dict[str, list] = {}
    (experiment,) = (e.experiment_id for e in client(folder).search_experiments() if e.name.startswith("vqa-"))
    for run in client(folder).search_runs([experiment]):
        found.setdefault(run.info.run_name, []).append(run)
    return found


def history(folder: Path, run: object, name: str) -> list[tuple[int, float]]:
    """Steps and values of a metric, as they were logged."""
    return [(point.step, point.value) for point in client(folder).get_metric_history(run.info.run_id, name)]


def tables_of(folder: Path) -> dict[str, list[tuple]]:
    """All rows of the store, by table."""
    with contextlib.closing(sqlite3.connect(folder / "mlflow.db")) as database:
        names = [name for (name,) in database.execute("select name from sqlite_master where type = 'table'")]
        return {name: database.execute(f'select * from "{name}"').fetchall() for name in names}


def dump(folder: Path) -> dict[str, dict]:
    """Everything that the store says, by name of the run; ids of runs and times are left out."""
    every = runs(folder)
    names = {run.info.run_id: name for name, same in every.items() for run in same}
    content = {}
    for name, (run,) in every.items():
        artifacts = Path(run.info.artifact_uri.removeprefix("file://"))
        tags = {key: names.get(value, value) for key, value in run.data.tags.items()}
        inputs = [(data.dataset.name, data.dataset.digest, data.dataset.profile) for data in run.inputs.dataset_inputs]
        content[name] = {
            "status": run.info.status,
            "tags": tags,
            "params": run.data.params,
            "metrics": {key: history(folder, run, key) for key in run.data.metrics},
            "inputs": sorted(inputs),
            "files": {path.name: path.read_bytes() for path in artifacts.glob("*")},
        }
    return content
