"""A data set of 24 clips becomes a scale of its own, and is rebuilt to a table and a figure, as a person would."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import yaml
from clips import write_video
from project import ROOT

from vqa.io import InputError
from vqa.new.scale import Request, new_scale
from vqa.settings.params import load

CLIPS = 24


def write_clips(folder: Path) -> None:
    """Clips of noise that is the stronger the lower their MOS, and a list in the manner of a spreadsheet."""
    generator, lines = np.random.default_rng(7), ["Video Name;fps;MOS;part"]
    for number in range(CLIPS):
        noise = generator.integers(0, 60 + 8 * number, (18, 72, 96, 3), dtype=np.uint8)
        write_video(folder / "videos" / f"set{number % 2}" / f"clip{number:02}.mp4", noise)
        mos, part = f"{5 - number / 8:.2f}".replace(".", ","), "Test" if number % 4 == 0 else "Train"
        lines.append(f"clip{number:02};25;{mos};{part}")
    (folder / "labels.csv").write_bytes("\r\n".join(lines).encode("utf-16"))


@pytest.fixture(scope="module")
def clips(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("clips")
    write_clips(folder)
    return folder


@pytest.fixture
def project(tmp_path: Path) -> Path:
    """What of the project a new scale is made from, and weights that a training on LSVQ left."""
    folder = tmp_path / "project"
    (folder / "paper").mkdir(parents=True)
    for name in ("params.yaml", "paper/params.yaml", "paper/.gitignore"):
        shutil.copy(ROOT / name, folder / name)
    weights = folder / "runs" / "D03-fastvqa-lsvq-base" / "weights"
    weights.mkdir(parents=True)
    (weights / "last_ema.safetensors").write_bytes(b"weights")
    return folder


def request(project: Path, clips: Path, **options: object) -> Request:
    return Request(project / "My_clips", clips / "videos", clips / "labels.csv", **options)


def test_the_folder_holds_a_scale_and_what_was_decided_is_said(project, clips):
    said: list[str] = []
    new_scale(request(project, clips), project, said.append)
    assert said[0] == ("labels.csv: column 'Video Name' for the name, column 'MOS' for the MOS, semicolon between them")
    assert said[1] == "24 items, MOS 2.12 to 5; 19 train and 5 test, at random, 0.8 of them to train"
    folder = project / "My_clips"
    names = {"README.md", "params.yaml", "labels.csv", "sources.yaml", "dvc.yaml", ".gitignore", "weights"}
    assert {path.name for path in folder.iterdir()} == names
    assert os.readlink(folder / "dvc.yaml") == "../dvc.yaml"
    params = load(folder / "params.yaml")
    assert (params.own, params.common.scale, params.root) == (True, "My_clips", "..")
    assert list(params.runs) == ["fastvqa-base", "fastvqa-rwp", "fastvqa-awp"]
    assert [(run.perturbation, run.gamma) for run in params.runs.values()] == [
        ("none", 0),
        ("rwp", 1e-4),
        ("awp", 1e-4),
    ]
    assert [row.weights for row in params.transfers.values()] == ["weights/D03-fastvqa-lsvq-base.safetensors"]
    assert (folder / "weights" / "D03-fastvqa-lsvq-base.safetensors").read_bytes() == b"weights"
    assert list(params.tables["tableA"].added) == [
        *("FAST-VQA", "FAST-VQA+RWP", "FAST-VQA+AWP", "FAST-VQA, trained on LSVQ")
    ]
    labels = pd.read_csv(folder / "labels.csv")
    assert labels.name[3] == "set1/clip03.mp4"
    assert labels.mos[3] == 4.62
    assert labels.split.value_counts().to_dict() == {"train": 19, "test": 5}
    assert len((folder / "README.md").read_text().splitlines()) <= 15


def test_a_column_can_say_the_split_and_several_methods_share_a_table(project, clips):
    new_scale(request(project, clips, split="part", methods=("sama", "simplevqa"), gamma=0.01), project, len)
    params = load(project / "My_clips" / "params.yaml")
    labels = pd.read_csv(project / "My_clips" / "labels.csv")
    assert labels.name[labels.split == "test"].tolist() == [f"set0/clip{n:02}.mp4" for n in range(0, CLIPS, 4)]
    assert params.runs["simplevqa-awp"].data == "features/slowfast/myclips"
    assert [(row.extractor, row.dataset) for row in params.extractions.values()] == [("slowfast", "myclips")]
    assert {run.gamma for run in params.runs.values()} == {0, 0.01}
    assert params.methods["sama"]["batch_size"] == 12
    assert params.methods["sama"]["ema_decay"] <= 0.01 ** (1 / 24) + 1e-3, "the first weights are forgotten"
    assert len(params.figures["overview"]["panels"]) == 4
    assert params.transfers == {}


def test_the_papers_size_has_the_papers_recipe_and_published_weights_if_they_are_vouched_for(project, clips):
    said: list[str] = []
    new_scale(request(project, clips, size="paper"), project, said.append)
    assert any(line.startswith("FAST_VQA_B_1_4.pth is not scored: no checksum") for line in said)
    params = load(project / "My_clips" / "params.yaml")
    assert params.methods["fastvqa"]["backbone"]["width"] == 96
    assert params.transfers == {}
    shutil.rmtree(project / "My_clips")
    paper = yaml.safe_load((project / "paper" / "params.yaml").read_text())
    paper["checksums"] = {"fastvqa": "0" * 64}
    (project / "paper" / "params.yaml").write_text(yaml.safe_dump(paper, sort_keys=False))
    new_scale(request(project, clips, size="paper"), project, len)
    params = load(project / "My_clips" / "params.yaml")
    (row,) = params.transfers.values()
    assert row.weights == "initial/fastvqa_published.safetensors"
    assert params.methods["fastvqa_published"]["initial"] == "fastvqa"


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"methods": ("fastvqa", "dover")}, "--method dover: not one of fastvqa"),
        ({"methods": ("sama_iqa",)}, "--method sama_iqa: these are videos"),
        ({"test": 0.1}, "3 items to test; at least 4 are needed"),
        ({"split": "fps"}, "column 'fps' says '25'"),
        ({"mos": "stars"}, "no column 'stars' among 'Video Name', 'fps', 'MOS', 'part'"),
    ],
)
def test_what_does_not_fit_is_refused_and_nothing_is_left_behind(project, clips, options, message):
    before = sorted(project.iterdir())
    with pytest.raises(InputError) as error:
        new_scale(request(project, clips, **options), project, len)
    assert message in str(error.value)
    assert sorted(project.iterdir()) == before


@pytest.mark.parametrize(
    ("folder", "message"), [("runs", "exists already"), ("demo", "names the scale"), ("../mine", "inside the project")]
)
def test_the_folder_must_be_new_and_in_the_project(project, clips, folder, message):
    with pytest.raises(InputError, match=message):
        new_scale(Request(project / folder, clips / "videos", clips / "labels.csv"), project, len)


# The whole way


def vqa(folder: Path, *arguments: str) -> subprocess.CompletedProcess:
    root = folder if (folder / "vqa").is_dir() else folder.parent
    env = {**os.environ, "OMP_NUM_THREADS": "1", "PYTHONPATH": str(root), "CUDA_VISIBLE_DEVICES": ""}
    command = [sys.executable, "-m", "vqa.cli", *arguments]
    return subprocess.run(command, cwd=folder, env=env, text=True, capture_output=True, check=False)


@pytest.mark.slow
def test_from_a_folder_of_clips_to_a_table_and_a_figure(tmp_path, clips):
    root = tmp_path / "project"
    for name in ("vqa", "stages", "reports/paper"):
        shutil.copytree(ROOT / name, root / name, ignore=shutil.ignore_patterns("__pycache__"))
    (root / "paper").mkdir()
    files = (
        "params.yaml",
        "sources.yaml",
        "dvc.yaml",
        "reports/claims.yaml",
        "reports/court.csv",
        ".dvc/config",
        "paper/.gitignore",
    )
    subprocess.run(["git", "init", "-q"], cwd=root, check=True)
    subprocess.run(
        [sys.executable, "-m", "dvc", "init", "-q"], cwd=root, check=True, env={**os.environ, "DVC_NO_ANALYTICS": "1"}
    )
    for name in files:
        shutil.copy(ROOT / name, root / name)
    done = vqa(root, "new", "mine", "--videos", str(clips / "videos"), "--labels", str(clips / "labels.csv"))
    assert done.returncode == 0, done.stderr
    assert done.stdout.splitlines()[-1].endswith("next: vqa repro --scale mine")
    # Smaller than the demo's, so that it takes seconds.
    mine = root / "mine"
    params = yaml.safe_load((mine / "params.yaml").read_text())
    params["methods"]["fastvqa"] |= {"epochs": 2}
    params["landscape"]["curve"] |= {"directions": 2}
    params["landscape"] |= {"batches": 1}
    params["common"]["bootstrap"] = 50
    (mine / "params.yaml").write_text(yaml.safe_dump(params, sort_keys=False))

    done = vqa(root, "repro", "--scale", "mine", "--jobs", "2")
    assert done.returncode == 0, done.stdout + done.stderr
    table = (mine / "reports" / "tables" / "tableA.md").read_text()
    assert all(f"| {row} " in table for row in ("FAST-VQA", "FAST-VQA+RWP", "FAST-VQA+AWP"))
    assert (mine / "reports" / "figures" / "overview.png").read_bytes().startswith(b"\x89PNG")
    tested = pd.read_csv(mine / "reports" / "statistics" / "comparisons.csv")
    references = tested[tested.reference & (tested.split == "gap")]
    assert set(references.a) == {"FAST-VQA+RWP", "FAST-VQA+AWP"}
    for page in ("README.md", "site/index.html"):
        text = (mine / "reports" / page).read_text()
        assert "no verdict" in text
        assert "not run" not in text
    assert not (mine / "reports" / "baselines").exists()

    labels = mine / "labels.csv"
    labels.write_text(labels.read_text().replace(",2.12,", ",2.2,"))
    done = vqa(mine, "repro", "prepare")
    assert "labels or files are not those that were seen last" in done.stdout
    assert "2 stages reproduced" in done.stdout, done.stdout + done.stderr
    assert "2.2" in (mine / "prepared" / "mine" / "items.csv").read_text()
