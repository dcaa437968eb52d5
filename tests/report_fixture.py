"""A small finished project in a folder: params, fabricated runs in the real file formats, and the paper's numbers."""

import contextlib
import dataclasses
import json
import shutil
import sys
from collections.abc import Callable
from pathlib import Path
from unittest import mock

import numpy as np
import pandas as pd
import pytest
import yaml

from vqa.evaluate import metrics
from vqa.io import run_stage, write_csv, write_json
from vqa.params import Params, load
from vqa.predict import PREDICTIONS
from vqa.rng import numpy_generator
from vqa.train import CURVE

PAPER = Path(__file__).parent.parent / "reports" / "paper"
EPOCHS = 4
SIZES = {"konvid1k/train": 48, "konvid1k/test": 24, "livevqc/test": 20}
MOS = {"mean": 3.0, "std": 1.0, "min": 1.2, "max": 4.8}
REPORT = {
    "excluded": [{"name": "videos/a.mp4", "split": "test", "reason": "empty file"}],
    "splits": {
        "test": {"items": 23, "items_digest": "0123456789ab", "mos": MOS, "frames": [1, 1]},
        "train": {"items": 48, "items_digest": "ba9876543210", "mos": MOS, "frames": [24, 32]},
    },
}
PARAMS = """
root: .
common:
  scale: demo
  seed: 42
  device: cpu
  threads: 1
  loader_workers: 0
  deterministic: true
  released: {weights: ema, train_epoch: last}
  perturbing: {tensors: released, projection: box}
  bootstrap: 200
datasets:
  konvid1k: {title: KoNViD-1k, source: synthetic, bad_files: stop, frame_store: false}
  livevqc: {title: LIVE-VQC, source: synthetic, bad_files: stop, frame_store: false}
methods:
  fastvqa: {weight_decay: 0.05}
runs:
  A01: {method: fastvqa, train: konvid1k, test: [konvid1k/test, livevqc/test]}
  A06: {method: fastvqa, train: konvid1k, test: [konvid1k/test], augmentation: autoaugment}
  A15: {method: fastvqa, train: konvid1k, test: [konvid1k/test], perturbation: awp, gamma: 0.0001}
tables:
  table03:
    title: FAST-VQA on KoNViD-1k with different augmentation
    dataset: konvid1k
    rows: {augmentation=base: A01, augmentation=AuA: A06}
  table05:
    title: FAST-VQA on KoNViD-1k with different AWP gamma
    dataset: konvid1k
    rows: {gamma=0: A01, gamma=0.0001: A15}
figures:
  fig1a: {kind: curves, run: A01, metric: srcc, title: Baseline}
  fig1b: {kind: curves, run: A01, metric: plcc, title: Baseline}
"""


def prediction_table(run: str, train: str, tests: tuple[str, ...]) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Fabricated predictions of both protocols, and the curve of a run: noise that shrinks with the epochs."""
    parts, curve = [], []

    def add(key: str, epoch: int, weights: str, protocol: str, noise: float) -> tuple[float, float]:
        dataset, split = key.split("/")
        n = SIZES[key]
        mos = numpy_generator("mos", 0, key).uniform(1, 5, n).round(4)
        pred = mos + noise * numpy_generator("pred", 0, run, key, epoch, weights, protocol).normal(size=n)
        names = [f"{dataset}_{split}_{i:04d}.mp4" for i in range(n)]
        columns = (dataset, names, mos, pred, epoch, weights, split, protocol)
        parts.append(pd.DataFrame(dict(zip(PREDICTIONS, columns, strict=True))))
        return pd.Series(pred).corr(pd.Series(mos), "spearman"), float(np.corrcoef(pred, mos)[0, 1])

    for epoch in range(1, EPOCHS + 1):
        on_the_fly = add(f"{train}/train", epoch, "on-the-fly", "released", 2.0 / epoch)
        for key in tests:
            ema = add(key, epoch, "ema", "released", 1 + 1.5 / epoch)
            raw = add(key, epoch, "raw", "released", 1.2 + 1.5 / epoch)
            curve.append([epoch, key, 1 / epoch, *on_the_fly, *ema, *raw])
    for key in (f"{train}/train", *tests):
        add(key, EPOCHS, "ema", "clean", 0.4 if key.endswith("train") else 1.4)
    return pd.concat(parts, ignore_index=True), pd.DataFrame(curve, columns=CURVE)


def write_run(folder: Path, params: Params, name: str) -> None:
    """All result files of one run, but its weights."""
    run = params.runs[name]
    predictions, curve = prediction_table(name, run.train, run.test)
    digests = {key: f"{numpy_generator('digest', 0, key).integers(16**12):012x}" for key in SIZES}
    digests = {key: digests[key] for key in (f"{run.train}/train", *run.test)}
    record = {"run": name, "scale": params.common.scale, "seed": params.common.seed}
    config = {"run": dataclasses.asdict(run), "recipe": params.methods[run.method]}
    write_csv(folder / "predictions.csv", predictions)
    write_csv(folder / "curve.csv", curve)
    write_json(folder / "metrics.json", metrics(predictions, run, params.common, digests))
    write_json(folder / "run.json", {**record, "config": config, "data": digests, "environment": {"torch": "2.14.1"}})


def build_project(folder: Path) -> Params:
    """Write the project into ``folder``, a run that params do not name included; returns its params."""
    (folder / "params.yaml").write_text(PARAMS)
    params = load(folder / "params.yaml")
    for name in params.runs:
        write_run(folder / "runs" / name, params, name)
    shutil.copytree(folder / "runs" / "A15", folder / "runs" / "orphan")
    shutil.copytree(PAPER, folder / "reports" / "paper")
    for name in params.datasets:
        write_json(folder / "prepared" / name / "report.json", REPORT)
    return params


def edit_params(folder: Path, **blocks: dict) -> Params:
    """Update top-level blocks of the project's params by the given entries."""
    content = yaml.safe_load((folder / "params.yaml").read_text())
    for name, entries in blocks.items():
        content[name].update(entries)
    (folder / "params.yaml").write_text(yaml.safe_dump(content, sort_keys=False))
    return load(folder / "params.yaml")


def edit_metrics(folder: Path, run: str, edit: Callable[[dict], None]) -> None:
    """Change ``metrics.json`` of a run in place."""
    path = folder / "runs" / run / "metrics.json"
    content = json.loads(path.read_text())
    edit(content)
    write_json(path, content)


def call(main: Callable[[], int | None], folder: Path, *arguments: str) -> int:
    """Run the main function of a stage in the project's folder, as the shell would; returns the exit code."""
    with contextlib.chdir(folder), mock.patch.object(sys, "argv", ["stage", *arguments]):
        with pytest.raises(SystemExit) as exit_:
            run_stage(main)
        return exit_.value.code


def contents(folder: Path) -> dict[str, bytes]:
    """Bytes of every file below a folder."""
    return {str(p.relative_to(folder)): p.read_bytes() for p in sorted(folder.rglob("*")) if p.is_file()}
