"""The paper scale: the demo's runs and graph with the paper's own sizes; listed and dry-run, never trained here."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from project import ROOT

from vqa.data.catalog import real_dataset
from vqa.extract import load_extractor
from vqa.methods import load_method
from vqa.models.registry import PUBLISHED
from vqa.settings.params import Params, load

# What a row of runs says of the experiment, whatever the scale.
EXPERIMENT = ("method", "init", "data", "train", "datasets", "weight_decay", "augmentation", "perturbation", "gamma")


@pytest.fixture(scope="module")
def demo() -> Params:
    return load(ROOT / "params.yaml")


@pytest.fixture(scope="module")
def paper() -> Params:
    return load(ROOT / "paper" / "params.yaml")


def test_its_runs_and_tables_are_the_demos(demo, paper):
    assert list(paper.runs) == list(demo.runs)
    for name, run in paper.runs.items():
        for field in EXPERIMENT:
            assert getattr(run, field) == getattr(demo.runs[name], field), f"{name}.{field}"
        # Of KonIQ-10k the expected list has no split, so that there the pre-training is cut as well.
        assert (run.partition is None) == (demo.runs[name].partition is None) or name == "Q01-quality-koniq10k", name
        if run.train == "lsvq":  # of data sets never seen the demo scores the test half, which is quicker
            assert run.test == ("lsvq/test", "lsvq/1080p", "konvid1k/all", "livevqc/all"), name
    assert {name: table for name, table in paper.tables.items() if name != "tableF"} == demo.tables
    assert set(paper.landscapes) == set(demo.landscapes)
    assert set(paper.figures) == set(demo.figures)
    assert paper.zero_shot == demo.zero_shot
    scored = {row.method for row in paper.transfers.values()}
    assert set(paper.methods) == {*demo.methods, *scored}
    assert {name for names in paper.tables["tableF"].added.values() for name in names} == set(paper.transfers)


def test_images_have_the_ten_cuts_of_the_released_protocol(paper):
    cuts = {run.partition.seeds for run in paper.runs.values() if run.method == "sama_iqa"}
    assert cuts == {tuple(123 * k for k in range(1, 11))}
    assert {run.partition.seeds for run in paper.runs.values() if run.parent} == {(42,)}


def test_hyper_parameters_are_the_papers(paper):
    recipes = {name: load_method(run.method, paper.methods[run.method], run) for name, run in paper.runs.items()}
    fastvqa = recipes["A01-fastvqa-konvid1k-base"]
    assert (fastvqa.epochs, fastvqa.batch_size, fastvqa.ema_decay) == (30, 16, 0.999)
    assert (fastvqa.config.backbone_lr, fastvqa.config.head_lr, fastvqa.config.weight_decay) == (1e-4, 1e-3, 0.05)
    assert fastvqa.config.sampling["released"].temporal.clips == 4
    tuned = recipes["E01-fastvqa-konvid1k-tuned"]
    assert (tuned.frozen_epochs, tuned.epochs) == (10, 30)
    sama = recipes["D08-sama-lsvq-base"]
    assert (sama.epochs, sama.batch_size, sama.drop_last, sama.config.time) == (30, 12, True, "sum")
    assert sama.config.sampling["train"].pyramid.levels == 16
    tuned = recipes["E07-sama-konvid1k-tuned"]
    assert (tuned.frozen_epochs, tuned.epochs) == (0, 30)
    simplevqa = recipes["D01-simplevqa-lsvq-base"]
    assert (simplevqa.epochs, simplevqa.batch_size, simplevqa.config.lr) == (10, 8, 1e-5)
    assert (simplevqa.config.weight_decay, simplevqa.config.decay, simplevqa.config.decay_epochs) == (1e-7, 0.95, 2)
    images = recipes["F01-sama_iqa-koniq10k-base"]
    assert (images.epochs, images.batch_size, images.config.warmup_epochs) == (50, 64, 5)
    clips = {
        row.dataset: {**paper.extractors["slowfast"], **row.changes}["clips"]
        for row in paper.extractions.values()
        if row.extractor == "slowfast"
    }
    assert clips == {**dict.fromkeys(("lsvq", "konvid1k", "livevqc"), 8), "youtubeugc": 20}


def test_initial_weights_are_published_ones_that_the_registry_knows(paper):
    motion = load_extractor("slowfast", paper.extractors["slowfast"])
    assert sum(motion.config.network.channels) == paper.methods["simplevqa"]["motion"]
    frozen = {
        initial
        for name, block in paper.extractors.items()
        for _, initial in load_extractor(name, block).networks.values()
    }
    assert "seed" not in frozen
    started = {name for block in paper.methods.values() for name in block["initial"].split(" + ")}
    assert frozen | started <= {*PUBLISHED, "seed"}
    drawn = {name for name, block in paper.methods.items() if block["initial"] == "seed"}
    assert drawn == {"vsfa", "bvqa2022", "pvq", "pvq_whole", "dsdpro", "tlvqm", "videval"}, "heads on frozen features"


def test_data_sets_are_provided_ones_that_the_catalog_knows(paper):
    assert {dataset.source for dataset in paper.datasets.values()} == {"provided"}
    for name, dataset in paper.datasets.items():
        assert real_dataset(name).title == dataset.title


@pytest.fixture(scope="module")
def project(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A copy of what the graph of the paper scale needs, in a git repository of its own."""
    folder = tmp_path_factory.mktemp("paper") / "project"
    ignore = shutil.ignore_patterns("__pycache__")
    for name in ("vqa", "stages", "paper", "reports/paper"):
        shutil.copytree(ROOT / name, folder / name, symlinks=True, ignore=ignore)
    for name in ("dvc.yaml", "params.yaml", "sources.yaml", ".dvcignore"):
        shutil.copy(ROOT / name, folder)
    subprocess.run(["git", "init", "-q"], cwd=folder, check=True)
    dvc(folder, "init", "-q")
    shutil.copy(ROOT / ".dvc" / "config", folder / ".dvc" / "config")
    return folder


def dvc(folder: Path, *arguments: str) -> str:
    """Output of a DVC command that must succeed."""
    path = f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"
    command = [sys.executable, "-m", "dvc", *arguments]
    env = {**os.environ, "PATH": path}
    done = subprocess.run(command, cwd=folder, env=env, text=True, capture_output=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


@pytest.mark.slow
def test_every_split_is_one_of_the_expected_list_or_is_cut(paper):
    for name, run in paper.runs.items():
        for data, split in run.splits:
            known = {*real_dataset(data).expected.splits, "all"} | ({"train", "test"} if run.partition else set())
            assert split in known, f"{name}: {data}/{split}"


def test_its_graph_is_the_demos_and_can_be_run_dry(project, paper):
    names = dvc(project / "paper", "stage", "list", "--name-only").split()
    ours = {name for name in names if name.startswith("transfer@") or name.endswith("_published")}
    assert sorted(set(names) - ours) == sorted(dvc(project, "stage", "list", "--name-only").split())
    assert {name for name in names if name.startswith("train@")} == {f"train@{run}" for run in paper.runs}
    printed = dvc(project / "paper", "repro", "--dry", "--force")
    for name in names:
        assert f"Running stage '{name}'" in printed, name
    assert "PYTHONPATH=..:$PYTHONPATH python -m stages.train A15-fastvqa-konvid1k-awp1e-4" in printed


@pytest.mark.slow
def test_a_stage_runs_from_its_folder_and_says_which_data_are_missing(project):
    env = {**os.environ, "PYTHONPATH": ".."}
    env.pop("VQA_DATA", None)
    run = [sys.executable, "-m"]
    subprocess.run([*run, "stages.fingerprints"], cwd=project / "paper", env=env, check=True)
    assert (project / "paper" / "fingerprints" / "train-sama.txt").is_file()
    done = subprocess.run(
        [*run, "stages.fetch", "lsvq"], cwd=project / "paper", env=env, text=True, capture_output=True, check=False
    )
    assert done.returncode == 2
    (line,) = done.stderr.splitlines()
    assert "VQA_DATA" in line
    assert "LSVQ" in line
