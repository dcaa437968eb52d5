"""Live curves: real tiny trainings are followed, without a trace in their results, and the mirror takes their place."""

import contextlib
import copy
import json
import os
import shutil
import signal
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pandas as pd
import pytest
import yaml
from project import ROOT
from report_fixture import call, contents
from store_fixture import client, history, runs, store, tables_of
from tiny import BLOCKS, write_dataset

from stages import evaluate, initial, train
from vqa.settings.params import load
from vqa.tracking import live
from vqa.tracking.live import Live, follow, read_curve
from vqa.tracking.track import track
from vqa.training.train import Trainer

pytestmark = pytest.mark.slow

EPOCHS = 4
ROW = {"method": "features", "init": "initial/features.safetensors", "data": "prepared/tiny", "train": "tiny"}


@pytest.fixture(scope="module")
def started(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Data, initial weights and an empty store for two runs, one of them with two trainings."""
    folder = tmp_path_factory.mktemp("live")
    write_dataset(folder, train=12, test=6, n_frames=1)
    raw = yaml.safe_load((ROOT / "params.yaml").read_text())
    raw |= {"root": str(ROOT), "extractions": {}, "zero_shot": [], "tables": {}, "figures": {}, "landscapes": {}}
    raw |= {"shared": {"fusions": {}, "agreements": {}}, "datasets": {"tiny": raw["datasets"]["konvid1k"]}}
    raw["common"] |= {"device": "cpu", "seed": 3}
    raw["methods"] = {"features": {**copy.deepcopy(BLOCKS["features"]), "epochs": EPOCHS}}
    row = {**ROW, "test": ["tiny/test"]}
    raw["runs"] = {"one": row, "two": {**row, "seeds": [3, 8], "perturbation": "awp", "gamma": 0.05}}
    (folder / "params.yaml").write_text(yaml.safe_dump(raw, sort_keys=False))
    assert call(initial.main, folder, "features") == 0
    watcher(folder).look()
    return folder


@pytest.fixture
def project(started: Path, tmp_path: Path) -> Path:
    shutil.copytree(started, tmp_path, dirs_exist_ok=True)
    return tmp_path


def watcher(folder: Path) -> Live:
    return Live(load(folder / "params.yaml"), folder, store(folder))


def after_every_epoch(monkeypatch: pytest.MonkeyPatch, do: Callable[[int], object]) -> None:
    """Call something when a training has left its state and goes on."""
    real = Trainer._checkpoint

    def checkpoint(self: Trainer) -> None:
        real(self)
        do(self.epoch)

    monkeypatch.setattr(Trainer, "_checkpoint", checkpoint)


def stop_after(monkeypatch: pytest.MonkeyPatch, folder: Path, run: str, epochs: int) -> None:
    """Train a run and kill it after some epochs: its state stays."""

    def kill(epoch: int) -> None:
        if epoch == epochs:
            raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        after_every_epoch(patch, kill)
        patch.chdir(folder)
        patch.setattr(sys, "argv", ["train", run])
        with pytest.raises(KeyboardInterrupt):
            train.main()


def points(folder: Path, run: object, prefix: str) -> dict[str, list[tuple[int, float]]]:
    names = client(folder).get_run(run.info.run_id).data.metrics
    return {name: history(folder, run, name) for name in names if name.startswith(prefix)}


def test_epochs_arrive_while_a_training_runs_and_leave_its_bytes_alone(project, monkeypatch):
    watching, seen = watcher(project), []

    def look(epoch: int) -> None:
        lines = watching.look()
        (run,) = runs(project)["one (live)"]
        steps = [step for step, _ in history(project, run, "curve/loss")]
        seen.append((epoch, lines, run.info.status, steps))

    with monkeypatch.context() as patch:
        after_every_epoch(patch, look)
        assert call(train.main, project, "one") == 0
    assert seen == [(k, [f"one: epoch {k}"], "RUNNING", list(range(1, k + 1))) for k in range(1, EPOCHS + 1)]
    assert watching.look() == ["one: finished"]
    (run,) = runs(project)["one (live)"]
    assert run.info.status == "FINISHED"
    curve = pd.read_csv(project / "runs" / "one" / "curve.csv")
    for name, column in (("loss", "loss"), ("train/srcc", "train_srcc"), ("tiny/test/plcc_ema", "test_plcc_ema")):
        assert history(project, run, f"curve/{name}") == list(zip(curve.epoch, curve[column], strict=True))

    watched = contents(project / "runs" / "one")
    shutil.rmtree(project / "runs" / "one")
    assert call(train.main, project, "one") == 0
    assert contents(project / "runs" / "one") == watched


def test_the_mirror_takes_the_place_of_live_runs_and_has_their_points(project, monkeypatch, capsys):
    watching = watcher(project)
    with monkeypatch.context() as patch:
        after_every_epoch(patch, lambda epoch: watching.look() if epoch == 2 else None)
        for run in ("one", "two"):
            assert call(train.main, project, run) == 0
    assert "two: finished" in watching.look()  # and what it missed is there
    for run in ("one", "two"):
        assert call(evaluate.main, project, run) == 0
    params = load(project / "params.yaml")
    assert str(track(params, project, store(project))) == "2 new, 0 unchanged, 2 superseded"
    found = runs(project)
    for name, prefix in (("one", "curve/"), ("two", "curve/fold_")):
        (streamed,), (mirrored,) = found[f"{name} (live)"], found[name]
        assert streamed.data.tags["vqa.superseded"] == "true"
        own = points(project, streamed, "curve/")
        assert len(own) == (7 if name == "one" else 14)
        assert own == points(project, mirrored, prefix)
    rows = tables_of(project)
    assert watching.look() == []
    assert str(track(params, project, store(project))) == "0 new, 2 unchanged, 0 superseded"
    assert tables_of(project) == rows


def test_a_killed_training_and_a_stopped_command_go_on_where_they_were(project, monkeypatch):
    stop_after(monkeypatch, project, "two", 2)
    code = [sys.executable, "-u", "-m", "vqa.cli", "track", "--live", "--store", store(project)]
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    # A shell's background jobs ignore Ctrl-C, and so do the tests' children if the tests are one.
    usual = {"preexec_fn": lambda: signal.signal(signal.SIGINT, signal.SIG_DFL)}
    process = subprocess.Popen(code, cwd=project, env=environment, text=True, stdout=subprocess.PIPE, **usual)
    try:
        assert process.stdout.readline().startswith("waiting for trainings")
        assert process.stdout.readline() == "two: epoch 2 of fold 3-0\n"
        process.send_signal(signal.SIGINT)
        assert process.wait(60) == 0
        assert process.stdout.read().startswith("stopped; ")
    finally:
        process.kill()
        process.wait()
    (run,) = runs(project)["two (live)"]
    assert run.info.status == "RUNNING"
    assert json.loads(run.data.tags["vqa.epochs"]) == {"3-0": 2}

    assert call(train.main, project, "two") == 0
    assert watcher(project).look() == ["two: epoch 4 of fold 8-0", "two: finished"]
    (same,) = runs(project)["two (live)"]
    assert same.info.run_id == run.info.run_id
    steps = list(range(1, EPOCHS + 1))
    for fold in ("3-0", "8-0"):
        assert [step for step, _ in history(project, same, f"curve/fold_{fold}/loss")] == steps


def test_a_training_of_other_parameters_ends_the_live_run_before_it(project, monkeypatch):
    stop_after(monkeypatch, project, "one", 1)
    watching = watcher(project)
    watching.look()
    (old,) = (project / ".state" / "one").iterdir()
    shutil.copytree(old, old.with_name("f" * 16), copy_function=shutil.copyfile)
    assert watching.look() == ["one: epoch 1"]
    new, before = runs(project)["one (live)"]
    assert (new.info.status, before.info.status) == ("RUNNING", "KILLED")
    assert before.data.tags["vqa.superseded"] == "true"


def test_a_state_that_is_removed_without_results_is_a_killed_run(project, monkeypatch):
    stop_after(monkeypatch, project, "one", 1)
    watching = watcher(project)
    watching.look()
    shutil.rmtree(project / ".state" / "one")
    assert watching.look() == []  # the results may be on their way into DVC's cache
    assert runs(project)["one (live)"][0].info.status == "RUNNING"
    monkeypatch.setattr(live, "PATIENCE", 0)
    assert watching.look() == ["one: killed"]
    assert runs(project)["one (live)"][0].info.status == "KILLED"


def test_the_mirror_leaves_a_training_under_way_alone(project, monkeypatch):
    for run in ("one", "two"):
        assert call(train.main, project, run) == 0
        assert call(evaluate.main, project, run) == 0
    # As after `dvc checkout` of older results beside a training of new ones.
    stop_after(monkeypatch, project, "one", 1)
    watching = watcher(project)
    assert watching.look() == ["one: epoch 1"]
    params = load(project / "params.yaml")
    assert str(track(params, project, store(project))) == "2 new, 0 unchanged, 0 superseded"
    assert runs(project)["one (live)"][0].info.status == "RUNNING"


def test_nothing_is_written_while_nothing_happens(project, monkeypatch):
    stop_after(monkeypatch, project, "one", 1)
    watching = watcher(project)
    watching.look()
    rows = tables_of(project)
    monkeypatch.setattr(live, "Store", None)  # not even opened
    assert watching.look() == []
    assert tables_of(project) == rows


def test_states_that_vanish_while_they_are_read_are_passed_over(tmp_path):
    (tmp_path / "fold_0.pt").symlink_to(tmp_path / "gone.pt")
    assert read_curve(tmp_path) is None
    assert read_curve(tmp_path / "nowhere") is None


def test_following_looks_until_it_is_stopped(capsys):
    class Fake:
        looks = 0

        def look(self) -> list[str]:
            self.looks += 1
            return [f"look {self.looks}"]

    def wait(seconds: float) -> None:
        assert seconds == live.EVERY
        if fake.looks == 3:
            raise KeyboardInterrupt

    fake = Fake()
    with contextlib.suppress(KeyboardInterrupt):
        follow(fake, wait)
    assert capsys.readouterr().out == "look 1\nlook 2\nlook 3\n"
