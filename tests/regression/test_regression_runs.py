"""All splits of a regression: workers, killed runs, bad input, and the stage."""

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pandas as pd
import pytest
from project import ROOT
from regression_data import CONFIG, SMALL, toy

import stages.regression
from vqa.io import InputError, run_stage, write_csv
from vqa.regression import splits
from vqa.regression.protocol import SPLITS, Config, run_split
from vqa.regression.splits import check_table, run_splits
from vqa.settings.strict import ParamsError, build


def test_bytes_do_not_depend_on_workers_or_on_what_was_done_before(tmp_path: Path) -> None:
    features, mos = toy()
    written = {}
    run_splits(features, mos, replace(SMALL, splits=2), tmp_path / "resumed")
    for name, workers in (("one", 1), ("again", 1), ("two", 2), ("resumed", 1)):
        write_csv(tmp_path / f"{name}.csv", run_splits(features, mos, SMALL, tmp_path / name, workers))
        written[name] = (tmp_path / f"{name}.csv").read_bytes()
    assert len(set(written.values())) == 1
    table = pd.read_csv(tmp_path / "one.csv")
    assert tuple(table.columns) == SPLITS
    assert table.split.tolist() == [1, 2, 3]


def test_finished_splits_are_not_run_again(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    features, mos = toy()
    first, done = run_splits(features, mos, SMALL, tmp_path), []
    (tmp_path / "2.json").unlink()
    (tmp_path / ".3.json.99.part").write_text("{")  # what a killed process leaves
    monkeypatch.setattr(splits, "run_split", lambda *args: done.append(args[2]) or run_split(*args))
    assert run_splits(features, mos, SMALL, tmp_path).equals(first)
    assert done == [2]


KILLED = """
import sys
from pathlib import Path

if __name__ == "__main__":
    import numpy as np
    from vqa.regression.protocol import Config
    from vqa.regression.splits import run_splits

    table = np.load(sys.argv[1])
    run_splits(table["x"], table["y"], Config("", "", "", log2_c=(0, 2), log2_gamma=(-2, 0)), Path(sys.argv[2]), 2)
"""


def test_a_killed_run_leaves_whole_splits_and_no_processes(tmp_path: Path) -> None:
    (features, mos), state, script, table = toy(), tmp_path / "state", tmp_path / "killed.py", tmp_path / "table.npz"
    script.write_text(KILLED)
    np.savez(table, x=features, y=mos)
    command, paths = [sys.executable, str(script), str(table), str(state)], {**os.environ, "PYTHONPATH": str(ROOT)}
    process = subprocess.Popen(command, env=paths, start_new_session=True)
    try:
        wait(lambda: len(list(state.glob("[0-9]*.json"))) > 1 or process.poll() is not None)
        assert process.poll() is None
        process.kill()
        process.wait()
        wait(lambda: not group_alive(process.pid))  # the workers end by themselves
    finally:
        if group_alive(process.pid):
            os.killpg(process.pid, signal.SIGKILL)
    found = {int(path.stem): json.loads(path.read_text()) for path in state.glob("[0-9]*.json")}
    assert len(found) < 100
    number, row = next(iter(found.items()))
    assert row == run_split(features, mos, number, SMALL)


def wait(done: Callable[[], bool], seconds: float = 60) -> None:
    until = time.monotonic() + seconds
    while not done():
        assert time.monotonic() < until
        time.sleep(0.01)


def group_alive(group: int) -> bool:
    try:
        os.killpg(group, 0)
    except ProcessLookupError:
        return False
    return True


def test_features_that_are_not_finite_are_zero() -> None:
    features, mos = toy()
    holes = features.copy()
    holes[3, 1], holes[7, 2], features[3, 1], features[7, 2] = np.nan, -np.inf, 0, 0
    assert np.array_equal(check_table(holes.astype(np.float32), mos, "k")[0], features.astype(np.float32))


@pytest.mark.parametrize(
    ("features", "mos", "message"),
    [
        (np.ones((4, 2)), np.arange(3.0), r"k: features \(4, 2\) and MOS \(3,\)"),
        (np.ones(4), np.arange(4.0), "k: features"),
        (np.eye(4), np.array([1, 2, np.nan, 3]), "k: 1 MOS are not finite"),
        (np.ones((4, 2)), np.arange(4.0), "k: MOS or features are the same for all 4 items"),
        (np.eye(4), np.ones(4), "k: MOS or features are the same"),
        (np.eye(4), np.arange(4.0), "k: "),  # too few for two cuts and a logistic
        (np.empty((0, 2)), np.empty(0), "the same for all 0 items"),
    ],
)
def test_bad_tables_are_one_line(features: np.ndarray, mos: np.ndarray, message: str, tmp_path: Path) -> None:
    with pytest.raises(InputError, match=message) as caught:
        run_splits(features, mos, CONFIG, tmp_path / "state", name="k")
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"drop": "grey"}, "drop: 'grey' is not one of none, greyscale"),
        ({"splits": 0}, "splits: 0 must be positive"),
        ({"test_share": 1.0}, "test_share: 1.0 is not between"),
        ({"grid_share": 0.0}, "grid_share: 0.0 is not in"),
        ({"validation_share": 0}, "validation_share: 0.0 is not between"),
        ({"log2_c": [3, 1]}, "log2_c: the first exponent, 3, is above the last, 1"),
        ({"log2_gamma": [1]}, "log2_gamma: must be a list of 2"),
        ({"epsilon": -0.1}, "epsilon: -0.1 must not be negative"),
        ({"split": 3}, "unknown key 'split' .did you mean 'splits'"),
    ],
)
def test_bad_params_are_one_line(change: dict, message: str) -> None:
    with pytest.raises(ParamsError, match=message):
        build(
            Config,
            {"features": "videval", "dataset": "konvid1k", "reads": "data/published/videval", **change},
            "params.yaml: regressions.k",
        )


def test_the_stage_writes_the_same_bytes_twice(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture
) -> None:
    monkeypatch.chdir(tmp_path)
    block = {"features": "toy", "dataset": "toyset", "reads": "data/published/toy", "splits": 2}
    block |= {"log2_c": [0, 3], "log2_gamma": [-2, 0]}
    params = SimpleNamespace(
        root=str(ROOT),
        common=SimpleNamespace(bootstrap=20, seed=1),
        datasets={"toyset": SimpleNamespace(title="Toy")},
        regressions={"toy": block, "bad": {**block, "test_share": 0.01}},
    )
    monkeypatch.setattr(stages.regression, "load", lambda: params)
    names = [f"{i}.mp4" for i in range(len(toy()[1]))]
    monkeypatch.setattr(stages.regression, "load_table", lambda config: (names, *reversed(toy())))
    monkeypatch.setattr(os, "sched_getaffinity", lambda _: {0})
    monkeypatch.setattr(sys, "argv", ["regression", "toy"])
    out, runs = tmp_path / "runs" / "toy", []
    for _ in range(2):
        stages.regression.main()
        runs.append({path.name: path.read_bytes() for path in out.iterdir()})
        assert list((tmp_path / ".state" / "regression").iterdir()) == []
    assert runs[0] == runs[1]
    assert capsys.readouterr() == ("", "")  # no terminal, no bar
    table, record = pd.read_csv(out / "splits.csv"), json.loads((out / "regression.json").read_text())
    assert record["median"]["srcc"] == pytest.approx(table.srcc.mean())
    assert (record["items"], record["features"], record["config"]["epsilon"]) == (90, 5, 0.1)
    monkeypatch.setattr(sys, "argv", ["regression", "bad"])
    with pytest.raises(SystemExit) as stopped:
        run_stage(stages.regression.main)
    assert stopped.value.code == 2
    assert capsys.readouterr().err.count("\n") == 1
