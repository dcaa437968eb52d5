"""Two writers at once: each waits for the other, says so, and nothing is written twice."""

import os
import subprocess
import sys
from pathlib import Path

import pytest
from project import ROOT
from store_fixture import build_reported, runs, store

from vqa.tracking.store import one_writer


def mirroring(folder: Path) -> subprocess.Popen:
    command = [sys.executable, "-m", "vqa.cli", "track", "--store", store(folder)]
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    pipes = {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE}
    return subprocess.Popen(command, cwd=folder, env=environment, text=True, **pipes)


@pytest.mark.slow
def test_two_calls_at_once_write_every_run_once(tmp_path):
    build_reported(tmp_path)
    with one_writer(store(tmp_path), tmp_path):
        processes = [mirroring(tmp_path) for _ in range(2)]
        try:
            told = [process.stderr.readline() for process in processes]
        except BaseException:
            for process in processes:
                process.kill()
            raise
        assert not (tmp_path / "mlflow.db").exists()
    assert told == [f"{store(tmp_path)}: waiting for process {os.getpid()}, which writes to it\n"] * 2
    said = [process.communicate(timeout=300) for process in processes]
    assert [process.returncode for process in processes] == [0, 0], said
    assert sorted(out for out, _ in said) == [
        "0 new, 6 unchanged, 0 superseded\n",
        "6 new, 0 unchanged, 0 superseded\n",
    ]
    assert {name: len(same) for name, same in runs(tmp_path).items()} == dict.fromkeys(
        ["A01", "A06", "A15", "figures", "table03", "table05"], 1
    )


def test_a_lock_is_free_again_after_an_error(tmp_path, capsys):
    uri = f"sqlite:///{tmp_path}/mlflow.db"
    with pytest.raises(RuntimeError), one_writer(uri, tmp_path):
        raise RuntimeError
    with one_writer(uri, tmp_path):
        pass
    assert capsys.readouterr().err == ""
