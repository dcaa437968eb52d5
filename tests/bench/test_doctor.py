"""What the doctor finds: each thing as it should be, and each made wrong."""

import dataclasses
from pathlib import Path

import numpy as np
import pytest
from project import ROOT

from vqa.bench import doctor
from vqa.bench.doctor import BAD, GOOD, NOTE, examine
from vqa.cli.app import run
from vqa.data.paths import MediaError
from vqa.settings.params import Params, load


@pytest.fixture(autouse=True)
def elsewhere(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("VQA_DATA", raising=False)


def states(params: Params) -> list[str]:
    return [finding.state for finding in examine(params, ROOT)]


@pytest.mark.skipif(not doctor.has_avx2(), reason="a note on this processor")
def test_the_demo_can_run() -> None:
    found = states(load(ROOT / "params.yaml"))
    assert BAD not in found
    assert len(found) == 7 + len(doctor.ENCODERS)


def test_a_scale_with_neither_data_nor_gpu_cannot(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(ROOT)
    assert run(["doctor", "--scale", "paper"]) == 1
    lines = capsys.readouterr().out.splitlines()
    assert lines[-1] == "the paper scale cannot run here"
    (data,) = (line for line in lines if "lsvq" in line)
    assert "VQA_DATA is not set" in data
    assert "and 5 more data sets" in data


def test_packages_are_held_against_the_lock(tmp_path: Path) -> None:
    lock = tmp_path / "lock.txt"
    lock.write_text(f"numpy=={np.__version__} \\\n    --hash=sha256:0a0a\n    # via -r requirements.in\n")
    assert doctor.packages(lock).state == GOOD
    lock.write_text("numpy==0.1 \\\n    --hash=sha256:0a0a\n")
    assert doctor.packages(lock) == doctor.Finding(
        NOTE, f"packages are not the lock's, so bytes may differ: numpy {np.__version__}, not 0.1", "make venv"
    )
    lock.write_text("numpy==0.1\nno-such-package==1.0\n")
    assert doctor.packages(lock).state == BAD


def test_a_full_disk_and_a_missing_gpu_stop_it(monkeypatch: pytest.MonkeyPatch) -> None:
    params = load(ROOT / "params.yaml")
    wanting = dataclasses.replace(params, common=dataclasses.replace(params.common, device="cuda"))
    monkeypatch.setattr("torch.cuda.is_available", lambda: False)
    assert doctor._gpu(params).state == GOOD
    assert doctor._gpu(wanting).state == BAD
    monkeypatch.setitem(doctor.NEEDS, "demo", doctor.Needs(1e9, "an age"))
    assert doctor._disk(params).state == BAD
    Path("runs").mkdir()
    assert doctor._disk(params).state == GOOD, "what is there already needs no room"


def test_frames_that_come_back_wrong_are_found() -> None:
    def shifted(clip: Path, indices: np.ndarray) -> np.ndarray:
        return doctor.read_frames(clip, np.maximum(indices - 1, 0))

    def broken(clip: Path, indices: np.ndarray) -> np.ndarray:
        raise MediaError("half a file")

    assert doctor._decoder("libx264").state == GOOD
    assert "own frames" in doctor._decoder("libx264", shifted).what
    assert doctor._decoder("libx264", broken).state == BAD
    assert doctor._decoder("no_such_encoder").state == NOTE


def test_a_cluster_file_is_looked_at(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    file = tmp_path / "cluster.yaml"
    file.write_text("remote: remote\nscratch: scratch\nworkers: 2\nslots: 3\n")
    found = list(doctor._cluster(file))
    assert BAD not in [finding.state for finding in found]
    assert "6 stages at a time on 2 workers" in found[0].what
    assert (tmp_path / "remote").is_dir()
    (tmp_path / "taken").touch()
    file.write_text("remote: taken\nscratch: scratch\n")
    assert [finding.state for finding in doctor._cluster(file)][-1] == BAD
    monkeypatch.setenv("PATH", str(tmp_path))
    file.write_text("remote: remote\nscratch: scratch\nprovider: {kind: slurm, walltime: '01:00:00'}\n")
    assert "sbatch is not here" in [finding.what for finding in doctor._cluster(file)]
    file.write_text("remote: remote\nscatch: scratch\n")
    assert [finding.what for finding in doctor._cluster(file)] == [
        f"{file}: unknown key 'scatch' (did you mean 'scratch'?)"
    ]
