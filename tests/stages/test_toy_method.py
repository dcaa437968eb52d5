"""Adding a method takes one module and one block of params: the toy of docs/extend.md, through the same stages."""

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pandas as pd
import pytest
import yaml
from project import ROOT
from tiny import write_dataset

PLAIN, PERTURBED = "Z01-toy-base", "Z02-toy-awp"
BLOCK = """
initial: seed
epochs: 25
finetune: {frozen_epochs: 0, epochs: 5}
batch_size: 4
lr: 0.05
weight_decay: 0.01
"""
ROW = """
{method: toy, init: initial/toy.safetensors, data: prepared/tiny, train: tiny, test: [tiny/test]}
"""


@pytest.fixture(scope="module")
def project(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A copy of the code with the toy's module, params with its block and two rows, and a tiny prepared data set."""
    folder = tmp_path_factory.mktemp("toy") / "project"
    for package in ("vqa", "stages"):
        shutil.copytree(ROOT / package, folder / package, ignore=shutil.ignore_patterns("__pycache__"))
    shutil.copy(ROOT / "tests" / "support" / "toy_method.py", folder / "vqa" / "methods" / "toy.py")
    write_dataset(folder)
    params = yaml.safe_load((ROOT / "params.yaml").read_text())
    params["datasets"] = {"tiny": params["datasets"]["konvid1k"]}
    params["methods"] = {"toy": yaml.safe_load(BLOCK)}
    params["runs"] = {
        PLAIN: yaml.safe_load(ROW),
        PERTURBED: {**yaml.safe_load(ROW), "perturbation": "awp", "gamma": 0.1},
    }
    params |= {"checksums": {}, "extractions": {}, "zero_shot": [], "shared": {"fusions": {}, "agreements": {}}}
    params |= {"tables": {}, "figures": {}, "landscapes": {}}
    (folder / "params.yaml").write_text(yaml.safe_dump(params, sort_keys=False))
    return folder


def stage(project: Path, name: str, *arguments: str) -> None:
    env = {**os.environ, "OMP_NUM_THREADS": "1", "PYTHONPATH": str(project)}
    command = [sys.executable, "-m", f"stages.{name}", *arguments]
    done = subprocess.run(command, cwd=project, env=env, text=True, capture_output=True, check=False)
    assert done.returncode == 0, done.stderr


@pytest.mark.slow
def test_a_new_method_is_trained_and_evaluated_by_the_stages_as_they_are(project):
    stage(project, "fingerprints")
    names = {path.stem for path in (project / "fingerprints").iterdir()}
    assert {"initial-toy", "train-toy", "evaluate-toy"} <= names
    assert "vqa.methods.toy" in (project / "fingerprints" / "train-toy.txt").read_text()
    stage(project, "initial", "toy")
    for run in (PLAIN, PERTURBED):
        stage(project, "train", run)
        stage(project, "evaluate", run)

    found = {run: json.loads((project / "runs" / run / "metrics.json").read_text()) for run in (PLAIN, PERTURBED)}
    # MOS of the tiny videos is how bright they are, which the mean colour tells exactly.
    assert found[PLAIN]["clean"]["scores"]["tiny/test"]["srcc"] == pytest.approx(1)
    assert found[PERTURBED]["released"]["scores"]["tiny/train"]["srcc"] > 0.9
    losses = {run: pd.read_csv(project / "runs" / run / "curve.csv").loss for run in found}
    assert losses[PLAIN].iloc[-1] < losses[PLAIN].iloc[0] / 4
    assert losses[PLAIN].iloc[0] != losses[PERTURBED].iloc[0], "the regularizers come with it"
    record = json.loads((project / "runs" / PERTURBED / "run.json").read_text())
    assert record["config"]["recipe"]["lr"] == 0.05
    assert record["config"]["run"]["perturbation"] == "awp"


def test_the_page_shows_this_very_module():
    text = (ROOT / "docs" / "extend.md").read_text()
    assert (ROOT / "tests" / "support" / "toy_method.py").read_text().strip() in text
    assert BLOCK.strip().splitlines()[1] in text
