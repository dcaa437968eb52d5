"""Certificates on a toy repository with real DVC: every level, what is refused, and that nothing is restored."""

import shutil
import subprocess
import sys
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import report_fixture
import yaml
from project import ROOT
from report_fixture import PARAMS, write_run

from vqa.cli.app import run as vqa
from vqa.io import InputError, write_json
from vqa.settings.params import load

# DVC's own libraries, here in this process.
pytestmark = [pytest.mark.slow, pytest.mark.filterwarnings("ignore::DeprecationWarning")]

SIZES = {"konvid1k/train": 48, "konvid1k/test": 120, "livevqc/test": 20}
RUNS = ("A06", "A15")


def graph(world: Path, **more: dict) -> dict:
    """Two runs, whose results lie outside of the repository: there they can change without anybody noticing."""

    def stage(name: str, files: tuple[str, ...], deps: tuple[str, ...]) -> dict:
        outs = [f"runs/${{item}}/{file}" for file in files]
        copies = " && ".join(f"cp {world}/${{item}}/{file} runs/${{item}}" for file in files)
        cmd = f"echo {name}@${{item}} >> {world}/log && mkdir -p runs/${{item}} && {copies}"
        return {"foreach": list(RUNS), "do": {"cmd": cmd, "deps": list(deps), "outs": outs}}

    return {
        "stages": {
            "fingerprints": {
                "cmd": "mkdir -p fingerprints && cat params.yaml > fingerprints/all.txt",
                "deps": ["params.yaml"],
                "outs": ["fingerprints"],
            },
            "train": stage("train", ("epoch_predictions.csv",), ("fingerprints/all.txt",)),
            "evaluate": stage("evaluate", ("predictions.csv", "metrics.json"), ("runs/${item}/epoch_predictions.csv",)),
            "tables": {"cmd": "cat runs/*/metrics.json > tables.txt", "deps": ["runs"], "outs": ["tables.txt"]},
            **more,
        }
    }


def call(folder: Path, *command: str) -> None:
    subprocess.run(command, cwd=folder, check=True, capture_output=True)


def commit(folder: Path) -> None:
    call(folder, "git", "add", "-A")
    call(folder, "git", "-c", "user.name=A", "-c", "user.email=a@b.c", "commit", "-qm", "toy")


@pytest.fixture(scope="module")
def built(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A committed and built scale ``repo``, beside the ``world`` that its results come from."""
    home = tmp_path_factory.mktemp("toy")
    repo, world = home / "repo", home / "world"
    repo.mkdir()
    (repo / "params.yaml").write_text(PARAMS)
    (repo / "requirements.lock").write_text(f"numpy=={np.__version__} \\\n")
    (repo / ".gitignore").write_text("/.state\n/fingerprints\n/runs\n/tables.txt\n/noise.txt\n")
    write_json(repo / "reports" / "baselines" / "demo.json", baseline(0.05))
    (repo / "dvc.yaml").write_text(yaml.safe_dump(graph(world), sort_keys=False))
    for name in RUNS:
        write_run(world / name, load(repo / "params.yaml"), name, SIZES, folds=("1-0", "2-0", "3-0"))
    call(repo, "git", "init", "-q")
    call(repo, sys.executable, "-m", "dvc", "init", "-q")
    shutil.copy(ROOT / ".dvc" / "config", repo / ".dvc" / "config")
    call(repo, sys.executable, "-m", "dvc", "repro", "-q")
    commit(repo)
    return home


@pytest.fixture
def repo(built: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The same for one test, which works in it."""
    before = built.with_name(f"{built.name}-before")
    if not before.exists():
        shutil.copytree(built, before)
    shutil.rmtree(built)
    shutil.copytree(before, built)  # at its own place, which is in the commands
    monkeypatch.chdir(built / "repo")
    (built / "world" / "log").unlink()
    return built / "repo"


def baseline(tolerance: float) -> dict:
    limits = {"methods": {"fastvqa": {"srcc": tolerance, "plcc": tolerance}}, "mean test srcc": 0.0}
    return {"environment": {}, "tolerances": limits, "items_digest": {}, "runs": {}}


def move(repo: Path, monkeypatch: pytest.MonkeyPatch, name: str, noise: float) -> None:
    """Let a run give other predictions from now on, and the metrics of these."""
    made = report_fixture.prediction_table

    def moved(*arguments: object) -> pd.DataFrame:
        table = made(*arguments)
        return table.assign(prediction=table.prediction + noise * np.random.default_rng(5).normal(size=len(table)))

    with monkeypatch.context() as patch:
        patch.setattr(report_fixture, "prediction_table", moved)
        params = load(repo / "params.yaml")
        write_run(repo.parent / "world" / name, params, name, SIZES, folds=("1-0", "2-0", "3-0"))


def certificate(repo: Path) -> list[str]:
    return (repo / "results" / "demo" / "certificate.md").read_text().splitlines()


def levels(repo: Path) -> dict[str, str]:
    """What the certificate says of every stage."""
    cells = [line.split(" | ") for line in certificate(repo) if line.startswith("| ") and line.count(" | ") == 3]
    return {row[0].removeprefix("| "): row[2] for row in cells[2:]}


def test_the_same_bytes_of_all_stages_although_dvc_could_restore_them(repo, capsys):
    shutil.rmtree(repo / "runs" / "A06")
    call(repo, sys.executable, "-m", "dvc", "repro", "-q")
    log = repo.parent / "world" / "log"
    assert not log.exists(), "DVC itself restores"
    assert vqa(["certify", "--all"]) == 0
    assert sorted(log.read_text().split()) == sorted(f"{kind}@{run}" for kind in ("train", "evaluate") for run in RUNS)
    assert levels(repo) == dict.fromkeys(
        ["fingerprints", "train@A06", "train@A15", "evaluate@A06", "evaluate@A15", "tables"], "the same bytes"
    )
    page = certificate(repo)
    assert page[0] == "# Scale demo run anew: the same bytes"
    assert page[2].startswith("*Results of scale `demo`, made from the `dvc.lock` with SHA-256 `")
    assert str(repo.parent) not in "\n".join(page)
    assert "all 6 stages together" in capsys.readouterr().out
    assert not list((repo / ".state").glob("certify-*"))


def test_what_is_drawn_holds_one_of_every_kind_and_the_evaluation_of_a_training(repo, capsys):
    assert vqa(["certify", "--minutes", "1.5", "--seed", "7"]) == 0
    found = levels(repo)
    assert {"fingerprints", "tables"} < set(found)
    assert all(f"evaluate@{name[6:]}" in found for name in found if name.startswith("train@"))
    assert "drawn with seed 7" in capsys.readouterr().out


def test_a_scale_in_a_folder_of_its_own(repo, monkeypatch):
    (repo / "mine").mkdir()
    for name in ("params.yaml", "dvc.yaml", "dvc.lock"):
        (repo / name).rename(repo / "mine" / name)
    text = (repo / "mine" / "params.yaml").read_text()
    (repo / "mine" / "params.yaml").write_text(
        text.replace("root: .", "root: ..").replace("scale: demo", "scale: mine")
    )
    call(repo / "mine", sys.executable, "-m", "dvc", "repro", "-q")
    commit(repo)
    monkeypatch.chdir(repo / "mine")
    assert vqa(["certify", "evaluate@A06"]) == 0
    page = (repo / "results" / "mine" / "certificate.md").read_text()
    assert page.startswith("# Scale mine run anew: the same bytes\n")
    assert "2 of 6 stages, asked for by name." in page


def test_random_bytes_are_different(repo, capsys):
    noise = {"cmd": "head -c 20 /dev/urandom > noise.txt", "outs": ["noise.txt"]}
    (repo / "dvc.yaml").write_text(yaml.safe_dump(graph(repo.parent / "world", noise=noise), sort_keys=False))
    call(repo, sys.executable, "-m", "dvc", "repro", "-q")
    commit(repo)
    assert vqa(["certify", "noise", "train@A06"]) == 1
    assert levels(repo)["noise"] == "different"
    assert levels(repo)["train@A06"] == "the same bytes"
    assert certificate(repo)[0].endswith("different")
    assert "noise  " in capsys.readouterr().out


def test_metrics_within_tolerance(repo, monkeypatch):
    move(repo, monkeypatch, "A06", 0.01)
    assert vqa(["certify", "train", "tables"]) == 0
    found = levels(repo)
    assert found.pop("train@A06") == found.pop("evaluate@A06") == "within tolerance"
    assert set(found.values()) == {"the same bytes"}, "what comes after reads what the lock has"
    assert certificate(repo)[0].endswith("within tolerance")


@pytest.mark.parametrize(("noise", "code", "level"), [(0.05, 0, "statistically the same"), (30.0, 1, "different")])
def test_without_tolerances_the_paired_test_decides(repo, monkeypatch, noise, code, level):
    write_json(repo / "reports" / "baselines" / "demo.json", baseline(0.0))
    commit(repo)
    move(repo, monkeypatch, "A06", noise)
    assert vqa(["certify", "train@A06"]) == code
    assert levels(repo) == {"fingerprints": "the same bytes", "train@A06": level, "evaluate@A06": level}


def test_a_stage_that_fails_is_different_and_says_why(repo, tmp_path):
    (repo.parent / "world" / "A15" / "metrics.json").unlink()
    assert vqa(["certify", "evaluate@A15", "--keep", str(tmp_path / "kept")]) == 1
    assert levels(repo)["evaluate@A15"] == "different"
    assert any("failed: cp: " in line for line in certificate(repo))
    assert (tmp_path / "kept" / "evaluate@A15" / "runs" / "A15" / "epoch_predictions.csv").is_file()
    with pytest.raises(InputError, match="not an empty folder"):
        vqa(["certify", "--keep", str(tmp_path / "kept")])


def test_what_is_not_of_the_commit_is_refused(repo):
    (repo / "stages").mkdir()
    (repo / "stages" / "new.py").write_text("X = 1\n")
    with pytest.raises(InputError, match=r"stages/new.py is not as in the commit"):
        vqa(["certify"])


@pytest.mark.parametrize(("file", "refused"), [("params.yaml", True), ("dvc.lock", False), ("results/a.md", False)])
def test_a_changed_file_is_refused_but_for_the_lock_and_results(repo, file, refused):
    (repo / "results").mkdir()
    (repo / "results" / "a.md").touch()
    commit(repo)
    (repo / file).write_text((repo / file).read_text() + "# remark\n")
    if refused:
        with pytest.raises(InputError, match=r"params.yaml is not as in the commit"):
            vqa(["certify", "tables"])
    else:
        assert vqa(["certify", "tables"]) == 0
        assert any(f"{'not as' if file == 'dvc.lock' else 'as'} in the commit" in line for line in certificate(repo))


def test_what_is_not_built_or_out_of_date_is_refused(repo):
    (repo / "params.yaml").write_text((repo / "params.yaml").read_text() + "# remark\n")
    commit(repo)
    with pytest.raises(InputError, match=r"dvc.lock is of other code or params: fingerprints/all.txt"):
        vqa(["certify", "tables"])
    call(repo, sys.executable, "-m", "dvc", "repro", "-q", "-s", "fingerprints")
    with pytest.raises(InputError, match="1 chosen stages are out of date, the first: train@A06"):
        vqa(["certify", "train@A06"])
    (repo / "dvc.lock").unlink()
    with pytest.raises(InputError, match="this scale was not built here"):
        vqa(["certify"])
