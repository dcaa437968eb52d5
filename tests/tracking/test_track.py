"""The MLflow mirror: what is in it, that a second call writes nothing, and what follows a change."""

import contextlib
import shutil
import sqlite3
from pathlib import Path

import pandas as pd
import pytest
from report_fixture import build_project, call, contents, edit_metrics

from vqa.cli.app import main
from vqa.io import InputError
from vqa.tracking.track import fingerprint, flatten, track

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def mirrored(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A project with a filled store; the first touch of a store takes MLflow many seconds, so all tests share it."""
    folder = tmp_path_factory.mktemp("track")
    params = build_project(folder)
    tally = track(params.runs, folder / "runs", "demo", store(folder), folder / "mlartifacts")
    assert str(tally) == "3 new, 0 unchanged, 0 superseded"
    return folder


@pytest.fixture
def project(mirrored: Path, tmp_path: Path) -> Path:
    shutil.copytree(mirrored, tmp_path, dirs_exist_ok=True)
    return tmp_path


def store(folder: Path) -> str:
    """URI of the project's store: absolute, because MLflow keeps the connections of a URI for the whole process."""
    return f"sqlite:///{folder}/mlflow.db"


def mirror(folder: Path) -> int:
    """Exit code of the command."""
    return call(main, folder, "track", "--store", store(folder))


def client(folder: Path):
    from mlflow.tracking import MlflowClient

    return MlflowClient(tracking_uri=store(folder))


def runs(folder: Path) -> dict[str, list]:
    """Runs of the demo's experiment by ``vqa.run``, newest first."""
    found: dict[str, list] = {}
    experiment = client(folder).get_experiment_by_name("vqa-demo").experiment_id
    for run in client(folder).search_runs([experiment]):
        found.setdefault(run.data.tags["vqa.run"], []).append(run)
    return found


def read_store(folder: Path) -> bytes:
    return (folder / "mlflow.db").read_bytes()


def row_counts(folder: Path) -> dict[str, int]:
    with contextlib.closing(sqlite3.connect(folder / "mlflow.db")) as database:
        names = [name for (name,) in database.execute("select name from sqlite_master where type = 'table'")]
        return {name: database.execute(f'select count(*) from "{name}"').fetchone()[0] for name in names}


def test_runs_of_params_are_there_with_curves_params_tags_and_files(mirrored: Path) -> None:
    found = runs(mirrored)
    assert sorted(found) == ["A01", "A06", "A15"]
    (run,) = found["A15"]
    assert run.info.run_name == "A15"
    assert run.info.status == "FINISHED"
    assert run.data.tags["vqa.fingerprint"] == fingerprint(mirrored / "runs" / "A15")
    assert run.data.tags["vqa.scale"] == "demo"
    assert run.data.params["run.gamma"] == "0.0001"
    assert run.data.params["recipe.weight_decay"] == "0.05"
    curve = pd.read_csv(mirrored / "runs" / "A15" / "curve.csv")
    for name, column in (
        ("curve/loss", "loss"),
        ("curve/train/srcc", "train_srcc"),
        ("curve/konvid1k/test/plcc_raw", "test_plcc_raw"),
    ):
        history = client(mirrored).get_metric_history(run.info.run_id, name)
        assert [(point.step, point.value) for point in history] == list(zip(curve.epoch, curve[column], strict=True))
    assert "clean/scores/konvid1k/test/srcc" in run.data.metrics
    assert "released/gap/konvid1k/test/plcc" in run.data.metrics
    names = {item.path for item in client(mirrored).list_artifacts(run.info.run_id)}
    assert names == {"run.json", "metrics.json", "curve.csv", "predictions.csv"}
    inputs = {data.dataset.name: data.dataset.digest for data in run.inputs.dataset_inputs}
    assert inputs["konvid1k/test"] == run.data.tags["vqa.items.konvid1k/test"]


def test_second_call_writes_nothing(mirrored: Path, project: Path, capsys: pytest.CaptureFixture) -> None:
    # Artifacts of the copied store lie where its experiment was made: in the folder of the original.
    artifacts, rows, content = contents(mirrored / "mlartifacts"), row_counts(project), read_store(project)
    assert len(artifacts) == 3 * 4
    assert mirror(project) == 0
    assert capsys.readouterr().out == "0 new, 3 unchanged, 0 superseded\n"
    assert row_counts(project) == rows
    assert read_store(project) == content
    assert contents(mirrored / "mlartifacts") == artifacts


def test_a_changed_run_supersedes_the_old_one(project: Path, capsys: pytest.CaptureFixture) -> None:
    edit_metrics(project, "A06", lambda metrics: metrics.update(seed=43))
    assert mirror(project) == 0
    assert capsys.readouterr().out == "1 new, 2 unchanged, 1 superseded\n"
    new, old = runs(project)["A06"]
    assert old.data.tags["vqa.superseded"] == "true"
    assert "vqa.superseded" not in new.data.tags
    assert mirror(project) == 0
    assert capsys.readouterr().out == "0 new, 3 unchanged, 0 superseded\n"


def test_a_run_that_was_cut_off_while_written_is_made_again(project: Path, capsys: pytest.CaptureFixture) -> None:
    (half,) = runs(project)["A01"]
    client(project).delete_tag(half.info.run_id, "vqa.fingerprint")
    assert mirror(project) == 0
    assert capsys.readouterr().out == "1 new, 2 unchanged, 1 superseded\n"


def test_a_missing_file_stops_before_anything_is_written(project: Path) -> None:
    content = read_store(project)
    edit_metrics(project, "A01", lambda metrics: metrics.update(seed=43))
    (project / "runs" / "A15" / "curve.csv").unlink()
    assert mirror(project) == 2
    assert read_store(project) == content
    with pytest.raises(InputError, match="evaluate@A15"):
        fingerprint(project / "runs" / "A15")


def test_flatten_joins_keys_by_dots() -> None:
    assert flatten({"a": {"b": 1, "c": [2, 3]}, "d": None}) == {"a.b": 1, "a.c": [2, 3], "d": None}
