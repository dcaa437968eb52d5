"""The train stage over several cuts, for every method: the same bytes again and after a power cut in the second one."""

import copy
import json
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import yaml
from project import ROOT
from report_fixture import contents
from tiny import BLOCKS, METHODS, looked_at, write_dataset

from stages import evaluate, initial, train
from vqa.io import InputError
from vqa.training.train import Trainer

CUTS = (6, 5)
PERTURBED = {"perturbation": "awp", "gamma": 0.01}


def write_params(folder: Path, name: str, fine_tuning: str = "none", **parent: object) -> None:
    """Parameters of the tiny data set with a training on two cuts, and fine-tunings of one training on the list."""
    raw = yaml.safe_load((ROOT / "params.yaml").read_text())
    row = {"method": name, "init": f"initial/{name}.safetensors", "data": "prepared/tiny"}
    row |= {"train": "tiny", "test": ["tiny/test"]}
    raw |= {"root": str(ROOT), "extractions": {}, "zero_shot": [], "shared": {}}
    raw |= {"tables": {}, "figures": {}, "landscapes": {}}
    raw["common"] |= {"device": "cpu", "bootstrap": 10, "seed": 3}
    raw["common"]["perturbing"]["fine_tuning"] = fine_tuning
    raw["datasets"] = {"tiny": raw["datasets"]["konvid1k"]}
    raw["methods"] = {name: copy.deepcopy(BLOCKS[name])}
    raw["runs"] = {
        "cuts": {**row, **PERTURBED, "partition": {"seeds": list(CUTS), "train_share": 0.7}, "keep_epochs": [1]},
        "parent": {**row, **parent},
        "child": {**row, "init": "runs/parent/weights/last_ema.safetensors"},
        "perturbed": {**row, "init": "runs/parent/weights/last_ema.safetensors", **PERTURBED},
    }
    (folder / "params.yaml").write_text(yaml.safe_dump(raw, sort_keys=False))


@pytest.fixture
def stage(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, request: pytest.FixtureRequest) -> Callable:
    """Run a stage in this process, in a folder with the tiny data set alone."""
    write_dataset(tmp_path, n_frames=looked_at(request))
    monkeypatch.chdir(tmp_path)

    def call(module: object, argument: str) -> dict[str, bytes]:
        monkeypatch.setattr(sys, "argv", ["stage", argument])
        module.main()
        folder = Path("runs") / argument
        return contents(folder) if folder.is_dir() else {}

    return call


@pytest.mark.parametrize("name", [*METHODS, "features"])
def test_a_run_on_two_cuts_has_the_same_bytes_again_and_after_a_power_cut(stage, tmp_path, monkeypatch, name):
    write_params(tmp_path, name)
    stage(initial, name)
    whole = stage(train, "cuts")
    kinds = [f"{file}_{kind}.safetensors" for file in ("epoch_1", "last") for kind in ("ema", "raw")]
    assert {path for path in whole if path.startswith("weights/")} == {
        f"weights/{seed}/{file}" for seed in CUTS for file in kinds
    }
    assert len({content for path, content in whole.items() if path.endswith("last_raw.safetensors")}) == 2
    assert stage(train, "cuts") == whole

    epochs, train_epoch = [], Trainer._train_epoch

    def counted(self: Trainer, epoch: int, stream: Any) -> tuple:
        epochs.append((self.train_clips.part.cut.seed, epoch))
        if len(epochs) == 4:
            raise KeyboardInterrupt
        return train_epoch(self, epoch, stream)

    monkeypatch.setattr(Trainer, "_train_epoch", counted)
    with pytest.raises(KeyboardInterrupt):
        stage(train, "cuts")
    assert stage(train, "cuts") == whole
    assert epochs == [(6, 1), (6, 2), (5, 1), (5, 2), (5, 2)], "only the epoch that was cut off is run again"
    assert not list(Path(".state").iterdir())

    evaluated = stage(evaluate, "cuts")
    assert stage(evaluate, "cuts") == evaluated
    folds = json.loads(evaluated["metrics.json"])["folds"]
    assert list(folds) == [str(seed) for seed in CUTS]
    assert folds["6"]["clean"] != folds["5"]["clean"]
    assert {path: evaluated[path] for path in whole} == whole, "evaluation leaves the training alone"


def test_fine_tuning_is_perturbed_like_its_parent_if_params_say_so(stage, tmp_path):
    def last(run: str) -> bytes:
        return stage(train, run)["weights/last_raw.safetensors"]

    write_params(tmp_path, "fastvqa", "none", **PERTURBED)
    stage(initial, "fastvqa")
    stage(train, "parent")
    plain, perturbed = last("child"), last("perturbed")
    assert plain != perturbed
    write_params(tmp_path, "fastvqa", "as_parent", **PERTURBED)
    assert last("child") == perturbed, "kind and gamma of the parent"
    write_params(tmp_path, "fastvqa", "as_parent")  # a parent without perturbation; its weights are still there
    assert last("child") == plain


def test_a_training_that_diverges_is_said_in_one_line(stage, tmp_path):
    write_params(tmp_path, "fastvqa")
    text = Path("params.yaml").read_text()
    Path("params.yaml").write_text(text.replace("_lr: 0.005", "_lr: 1.0e+20"))
    stage(initial, "fastvqa")
    with pytest.raises(InputError, match=r"^tiny/train, epoch 1: \d+ of 10 scores are not finite; the training div"):
        stage(train, "parent")
