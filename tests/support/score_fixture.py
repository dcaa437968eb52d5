"""A project of tiny real files with an evaluated run of every method, and the score command called in it."""

import copy
import dataclasses
import json
import sys
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import torch
import yaml
from clips import write_video
from PIL import Image
from project import ROOT
from safetensors.torch import save_file
from tiny import BLOCKS, CPU

from vqa.cli.app import main
from vqa.data.items import Part, PreparedDataset
from vqa.data.prepare import prepare
from vqa.device import set_up
from vqa.extract import load_extractor
from vqa.extract.base import describe
from vqa.extract.networks import load_networks
from vqa.io import write_csv
from vqa.methods import load_method
from vqa.rng import torch_generator
from vqa.settings.params import Params, load
from vqa.training.clips import Loader
from vqa.training.predict import clean_predictions

EXTRACTION = {"extractor": "slowfast", "dataset": "tiny", "reads": "data/tiny"}
SLOWFAST = {
    "clips": 2,
    "initial": "seed",
    "network": {"width": 2, "fast_width": 1, "depths": [1] * 4, "alpha": 4, "frames": 8, "input_size": 32},
}
METHODS = {"A01": "fastvqa", "A02": "sama", "A03": "simplevqa", "F01": "sama_iqa"}
RUNS = {method: run for run, method in METHODS.items()}
FIELDS = ["file", "status", "score", "mos_estimate", "reason", "width", "height", "frames", "fps", "codec", "rotation"]


def write_items(folder: Path, name: str, write: Callable[[Path, np.ndarray], object], suffix: str) -> None:
    """Eight training and four test items of data set ``name``, prepared without a frame store."""
    data, generator, rows = folder / "data" / name, np.random.default_rng(5), []
    for number in range(12):
        item = f"files/{number}{suffix}"
        pixels = generator.integers(0, 256, (12, 6, 8, 3), dtype=np.uint8).repeat(8, 1).repeat(8, 2)
        (data / "files").mkdir(parents=True, exist_ok=True)
        write(data / item, (pixels * generator.uniform(0.2, 1)).astype(np.uint8))
        rows.append((item, round(1 + number / 3, 3), "test" if number % 3 == 0 else "train"))
    pd.DataFrame(rows, columns=["name", "mos", "split"]).to_csv(data / "labels.csv", index=False)
    prepare(data, folder / "prepared" / name, "stop", frame_store=False)


def evaluate(folder: Path, method: str, params: Params) -> None:
    """A run with random weights, and its clean predictions as the evaluation writes them."""
    name, run = RUNS[method], params.runs[RUNS[method]]
    made = load_method(method, params.methods[method], run)
    model = made.build(torch_generator("init", 1))
    for parameter in model.parameters():
        torch.nn.init.normal_(parameter, std=0.2, generator=torch_generator("test", 0, *parameter.shape))
    out = folder / "runs" / name
    (out / "weights").mkdir(parents=True)
    save_file(model.state_dict(), out / "weights" / "last_ema.safetensors")
    data = PreparedDataset(folder / "prepared" / run.train, folder / "data" / run.train, folder / "features")
    parts = [Part(data, split) for split in ("train", "test")]
    write_csv(out / "predictions.csv", clean_predictions(model, made, parts, 2, params.common.seed, Loader(), CPU))


def row(method: str) -> dict:
    """The row of a run in params."""
    data = "photos" if method == "sama_iqa" else "tiny"
    room = f"features/slowfast/{data}" if method == "simplevqa" else f"prepared/{data}"
    init = f"initial/{method}.safetensors"
    return {"method": method, "init": init, "data": room, "train": data, "test": [f"{data}/test"]}


def make_project(folder: Path) -> Path:
    """Two data sets of real files, and an evaluated run of every method."""
    set_up(dataclasses.replace(load(ROOT / "params.yaml").common, device="cpu"))  # as the stages do
    write_items(folder, "tiny", write_video, ".mp4")
    write_items(folder, "photos", lambda path, frames: Image.fromarray(frames[0]).save(path), ".png")
    blocks = copy.deepcopy(BLOCKS)
    extractor = load_extractor("slowfast", SLOWFAST)
    load_networks(extractor, "slowfast", 7, {}, CPU)
    tiny = PreparedDataset(folder / "prepared" / "tiny", folder / "data" / "tiny")
    motion, _ = describe(Part(tiny, "all"), extractor, "slowfast")
    (folder / "features" / "slowfast" / "tiny").mkdir(parents=True)
    np.save(folder / "features" / "slowfast" / "tiny" / "features.npy", motion)
    blocks["simplevqa"]["motion"] = motion.shape[2]
    content = yaml.safe_load((ROOT / "params.yaml").read_text())
    content["common"] |= {"seed": 7, "device": "cpu"}
    content |= {key: {} for key in ("shared", "tables", "figures", "landscapes")} | {"zero_shot": []}
    content |= {"methods": blocks, "extractors": {"slowfast": SLOWFAST}, "extractions": {"slowfast-tiny": EXTRACTION}}
    content["datasets"] = dict.fromkeys(("tiny", "photos"), content["datasets"]["konvid1k"])
    content["runs"] = {run: row(method) for run, method in {"untrained": "fastvqa", **METHODS}.items()}
    (folder / "params.yaml").write_text(yaml.safe_dump(content, sort_keys=False))
    for method in RUNS:
        evaluate(folder, method, load(folder / "params.yaml"))
    return folder


Score = Callable[..., tuple[int, list[dict], str]]


def command(project: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture) -> Score:
    """Calls the command in the project; exit code, its lines as JSON, and what it says on stderr."""

    def call(*arguments: str | Path) -> tuple[int, list[dict], str]:
        monkeypatch.chdir(project)
        monkeypatch.setattr(sys, "argv", ["vqa", "score", "--json", *map(str, arguments)])
        with pytest.raises(SystemExit) as ended:
            main()
        out, err = capsys.readouterr()
        return ended.value.code, [json.loads(line) for line in out.splitlines()], err

    return call
