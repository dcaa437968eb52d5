"""A dress rehearsal: the known scale's networks on few clips; run as a whole at the demo's size."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pandas as pd
import pytest
import yaml
from project import ROOT

from vqa.bench.rehearsed import ended, wrong
from vqa.cli.app import run
from vqa.data.synthetic.spec import SyntheticSpec
from vqa.io import InputError
from vqa.landscape.config import read_blocks
from vqa.methods import PAPER, load_method
from vqa.new.rehearsal import AGAIN, AROUND, CLIPS, IMAGES, TWIN, rehearsal
from vqa.new.scale import SIZES
from vqa.settings.params import load
from vqa.settings.strict import ParamsError

CHANGED = {"initial", "epochs"}


@pytest.fixture
def project(tmp_path: Path) -> Path:
    (tmp_path / "paper").mkdir()
    for name in ("params.yaml", "sources.yaml", "paper/params.yaml"):
        shutil.copy(ROOT / name, tmp_path / name)
    return tmp_path


@pytest.mark.parametrize("size", SIZES)
def test_networks_and_recipes_are_those_of_the_known_scale(project, size):
    rehearsal(project, project / "rehearsal", size, "bf16", True)
    known, ours = load(ROOT / SIZES[size]), load(project / "rehearsal" / "params.yaml")
    assert os.readlink(project / "rehearsal" / "dvc.yaml") == "../dvc.yaml"
    assert (ours.common.scale, ours.common.device) == ("rehearsal", "auto")
    assert (ours.common.precision, ours.common.compile) == ("bf16", True)
    assert (ours.common.seed, ours.common.perturbing) == (known.common.seed, known.common.perturbing)
    assert set(ours.methods) == set(PAPER)
    for name, block in ours.methods.items():
        same = {key: value for key, value in block.items() if key not in CHANGED}
        assert same == {key: value for key, value in known.methods[name].items() if key not in CHANGED}, name
        assert block["initial"] == "seed"
    assert ours.extractors["slowfast"]["network"] == known.extractors["slowfast"]["network"]
    assert {(run.method, run.perturbation) for run in ours.runs.values()} == {
        (method, kind) for method in PAPER for kind in ("none", "awp")
    }
    assert ours.runs[TWIN] == ours.runs[AGAIN]
    settings, rows = read_blocks(ours)
    assert (list(rows), settings.curve.points) == ([AROUND], 11)


def test_every_method_of_the_papers_size_makes_steps_on_frames_of_the_papers_size(project):
    rehearsal(project, project / "rehearsal", "paper", "bf16", True)
    ours = load(project / "rehearsal" / "params.yaml")
    sources = yaml.safe_load((project / "rehearsal" / "sources.yaml").read_text())
    made = {name: SyntheticSpec.from_dict(name, sources[name]) for name in (CLIPS, IMAGES)}
    assert list(made[CLIPS].sizes) == [(960, 540)]
    for name, row in ours.runs.items():
        method = load_method(row.method, ours.methods[row.method], row)
        assert made[row.train].splits["train"] >= method.batch_size, f"{name}: a full batch"
        assert row.train == (IMAGES if row.method == "sama_iqa" else CLIPS)


def test_only_a_rehearsal_is_replaced(project):
    folder = project / "rehearsal"
    rehearsal(project, folder, "demo", "fp32", False)
    (folder / "runs").mkdir()
    rehearsal(project, folder, "demo", "fp32", False)
    assert not (folder / "runs").exists(), "everything is run anew"
    with pytest.raises(InputError, match="holds something else than a rehearsal"):
        rehearsal(project, project / "paper", "demo", "fp32", False)
    assert (project / "paper" / "params.yaml").is_file()
    for wrong_place in (project, project.parent / "elsewhere"):
        with pytest.raises(InputError, match="inside the project"):
            rehearsal(project, wrong_place, "demo", "fp32", False)


def test_the_full_size_needs_a_gpu(monkeypatch):
    monkeypatch.chdir(ROOT)
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", "")
    with pytest.raises(InputError, match="no GPU is visible; --size demo"):
        run(["rehearse"])
    with pytest.raises(ParamsError, match="--precision: 'fp8'"):
        run(["rehearse", "--size", "demo", "--precision", "fp8"])


@pytest.mark.slow
def test_all_is_trained_and_what_is_wrong_is_found(tmp_path, monkeypatch):
    root = tmp_path / "project"
    for name in ("vqa", "stages"):
        shutil.copytree(ROOT / name, root / name, ignore=shutil.ignore_patterns("__pycache__"))
    for name in ("params.yaml", "sources.yaml", "dvc.yaml"):
        shutil.copy(ROOT / name, root / name)
    env = {**os.environ, "OMP_NUM_THREADS": "1", "PYTHONPATH": str(root), "CUDA_VISIBLE_DEVICES": ""}
    command = [sys.executable, "-m", "vqa.cli", "rehearse", "--size", "demo", "--dir", "tried"]
    done = subprocess.run(command, cwd=root, env=env, text=True, capture_output=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    assert done.stdout.splitlines()[-1] == f"{TWIN} and {AGAIN}: the same bytes; all losses are finite"

    monkeypatch.chdir(root / "tried")
    params, twins = load(), (TWIN, AGAIN)
    table = ended(params)
    assert table.set_index("run").steps.to_dict() == {
        **dict.fromkeys(params.runs, 2), "simplevqa-base": 4, "simplevqa-awp": 4
    }  # fmt: skip
    assert (table[["seconds", "tested in"]] > 0).all(axis=None)
    assert table.finite.all()
    assert wrong(table, twins, AROUND) == []
    assert wrong(table, ("fastvqa-base", AGAIN), AROUND)[0].startswith("fastvqa-base and fastvqa-awp-again: not the")
    assert wrong(table, twins, TWIN) == [f"{TWIN}: its landscape was not measured, or a loss of it is not finite"]
    curve = Path("runs/sama-awp/curve.csv")
    losses = pd.read_csv(curve)
    curve.unlink()
    losses.assign(loss=float("inf")).to_csv(curve, index=False)
    shutil.rmtree("runs/simplevqa-awp")
    assert wrong(ended(params), twins, AROUND) == ["sama-awp: a loss is not finite", "simplevqa-awp: not trained"]
