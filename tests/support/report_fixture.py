"""Finished projects in a folder: params, fabricated runs in the real file formats, and the paper's numbers.

The small project has two tables, the one of :mod:`paper_fixture` all thirteen.
"""

import contextlib
import dataclasses
import json
import shutil
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from unittest import mock

import numpy as np
import pandas as pd
import pytest
import yaml
from project import ROOT

from vqa.io import run_stage, write_csv, write_json
from vqa.rng import numpy_generator
from vqa.settings.params import Params, Run, load
from vqa.stats.metrics import correlations, logistic_map
from vqa.training.predictions import CLEAN, PREDICTIONS, RELEASED
from vqa.training.protocol import Training
from vqa.training.train import CURVE

PAPER = ROOT / "reports" / "paper"
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
RAW = {"selection": "per_metric", "plcc": "raw"}
MAPPED = {"selection": "best_srcc", "plcc": "mapped"}
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
  perturbing: {tensors: released, projection: box, fine_tuning: none}
  bootstrap: 200
datasets:
  konvid1k: {title: KoNViD-1k, source: synthetic, bad_files: stop, frame_store: false}
  livevqc: {title: LIVE-VQC, source: synthetic, bad_files: stop, frame_store: false}
checksums: {}
extractors: {}
extractions: {}
methods:
  fastvqa: {weight_decay: 0.05}
zero_shot: [konvid1k, livevqc]
shared:
  fusions: {}
  agreements: {}
  start: &start {method: fastvqa, init: initial/fastvqa.safetensors}
  konvid: &konvid {<<: *start, data: prepared/konvid1k, train: konvid1k, test: [konvid1k/test]}
runs:
  A01: {<<: *konvid, data: zero_shot/prepared.json, test: [konvid1k/test, livevqc/test]}
  A06: {<<: *konvid, augmentation: autoaugment}
  A15: {<<: *konvid, perturbation: awp, gamma: 0.0001}
tables:
  table03:
    title: FAST-VQA on KoNViD-1k with different augmentation
    rows: {augmentation=base: [A01], augmentation=AuA: [A06]}
  table05:
    title: FAST-VQA on KoNViD-1k with different AWP gamma
    rows: {gamma=0: [A01], gamma=0.0001: [A15]}
landscape:
  curve: {points: 5, span: [-1, 1], directions: 2}
  <<: {batches: 2, rise_at: [0.5, 1.0], curvature_step: 0.05, surface_points: 3}
  worst: {gamma: 0.01, steps: 1}
  eigenvalue: {tolerance: 0.1, max_iterations: 5, batches: 1}
landscapes: {}
statistics: {level: 0.05, power: 0.8, margin: 0.02, agreement: 0.02, sharpness_margin: 0.05, rise_at: 0.5}
figures:
  fig1a: {kind: curves, run: A01, metric: srcc, title: Baseline}
  fig1b: {kind: curves, run: A01, metric: plcc, title: Baseline}
"""


def listed(key: str, sizes: dict[str, int], cut: int) -> tuple[list[str], np.ndarray]:
    """Names and MOS of the items of a part; a random cut deals the train and test items of a data set anew."""
    dataset, split = key.split("/")
    if not cut or f"{dataset}/train" not in sizes:
        names = [f"{dataset}_{split}_{i:04d}.mp4" for i in range(sizes[key])]
        return names, numpy_generator("mos", 0, key, 0).uniform(1, 5, sizes[key]).round(4)
    own = [listed(f"{dataset}/{name}", sizes, 0) for name in ("train", "test")]
    names, mos = [*own[0][0], *own[1][0]], np.concatenate([mos for _, mos in own])
    dealt, n = numpy_generator("cut", 0, dataset, cut).permutation(len(names)), len(own[0][0])
    chosen = np.sort(dealt[:n] if split == "train" else dealt[n:])
    return [names[i] for i in chosen], mos[chosen]


def prediction_table(name: str, run: Run, sizes: dict[str, int], epochs: int, training: Training) -> pd.DataFrame:
    """Fabricated predictions of both protocols for one training: noise that shrinks with the epochs."""

    def part(key: str, epoch: int, weights: str, protocol: str, noise: float) -> pd.DataFrame:
        dataset, split = key.split("/")
        names, mos = listed(key, sizes, training.cut)
        draw = numpy_generator("pred", 0, name, key, epoch, weights, protocol, training.fold)
        pred = mos + noise * draw.normal(size=len(mos))
        columns = (dataset, names, mos, pred, epoch, weights, split, protocol, training.fold)
        return pd.DataFrame(dict(zip(PREDICTIONS, columns, strict=True)))

    def parts() -> Iterator[pd.DataFrame]:
        for epoch in range(1, epochs + 1):
            yield part(f"{run.train}/train", epoch, "on-the-fly", "released", 2.0 / epoch)
            for key in run.test:
                yield part(key, epoch, "ema", "released", 1 + 1.5 / epoch)
                yield part(key, epoch, "raw", "released", 1.2 + 1.5 / epoch)
        for key in (f"{run.train}/train", *run.test):
            yield part(key, epochs, "ema", "clean", 0.4 if key.endswith("train") else 1.4)

    return pd.concat(parts(), ignore_index=True)


def scores_by_epoch(predictions: pd.DataFrame, reporting: dict[str, str]) -> dict[tuple, dict[int, dict[str, float]]]:
    """SRCC and PLCC by ``(protocol, weights, dataset/split)`` and epoch, without :mod:`vqa.training.evaluate`."""
    found: dict[tuple, dict[int, dict[str, float]]] = {}
    groups = predictions.groupby(["protocol", "weights", "dataset", "split", "epoch"], sort=False)
    for (protocol, weights, dataset, split, epoch), rows in groups:
        pred, mos = rows.prediction.to_numpy(), rows.mos.to_numpy()
        srcc, plcc = correlations(pred, mos)
        if (protocol, reporting["plcc"]) == ("released", "mapped") and split != "train":
            plcc = correlations(logistic_map(pred, mos), mos)[1]
        entry = {"srcc": srcc, "plcc": plcc, "n": len(rows)}
        found.setdefault((protocol, weights, f"{dataset}/{split}"), {})[int(epoch)] = entry
    return found


def both_protocols(run: Run, found: dict[tuple, dict[int, dict]], reporting: dict[str, str], epochs: int) -> dict:
    """What ``metrics.json`` says of both protocols for one split of the data."""
    train = f"{run.train}/train"
    scores: dict[str, dict] = {"released": {}, "clean": {}}
    for key in run.test:
        by_epoch = found["released", "ema", key]
        best = {m: max(by_epoch, key=lambda e, m=m: by_epoch[e][m]) for m in ("srcc", "plcc")}
        if reporting["selection"] == "best_srcc":
            best["plcc"] = best["srcc"]
        picked = {m: by_epoch[best[m]][m] for m in best}
        scores["released"][key] = {**picked, "best_epoch": best, "n": by_epoch[1]["n"]}
        scores["clean"][key] = found["clean", "ema", key][epochs]
    scores["released"][train] = {**found["released", "on-the-fly", train][epochs], "epoch": epochs}
    scores["clean"][train] = found["clean", "ema", train][epochs]
    return {
        protocol: {
            "scores": part,
            "gap": {key: {m: part[train][m] - part[key][m] for m in ("srcc", "plcc")} for key in run.test},
        }
        for protocol, part in scores.items()
    }


def means(blocks: list) -> object:
    """The same nested mappings with the mean of every number."""
    if isinstance(blocks[0], dict):
        return {key: means([block[key] for block in blocks]) for key in blocks[0] if key != "best_epoch"}
    return type(blocks[0])(np.mean(blocks))


def write_run(
    folder: Path,
    params: Params,
    name: str,
    sizes: dict[str, int] = SIZES,
    epochs: int = EPOCHS,
    reporting: dict[str, str] = RAW,
    folds: tuple[int | str, ...] = (),
) -> None:
    """All result files of one run, but its weights; ``folds`` name its trainings: random cuts, or ``SEED-CUT``."""
    run = params.runs[name]
    trainings = [Training.from_fold(str(fold), params.common.seed) for fold in folds or (0,)]
    cuts, seed = list(dict.fromkeys(training.cut for training in trainings if training.cut)), trainings[0].seed
    keys = (f"{run.train}/train", *run.test)
    digests = {key: f"{numpy_generator('digest', 0, key).integers(16**12):012x}" for key in keys}
    content: dict = {"seed": seed, "cuts": cuts, "items_digest": digests, "reporting": reporting}
    tables, blocks, curve = [], {}, []
    for training in trainings:
        tables.append(prediction_table(name, run, sizes, epochs, training))
        found = scores_by_epoch(tables[-1], reporting)
        block = {"seed": training.seed, "items_digest": digests, **both_protocols(run, found, reporting, epochs)}
        blocks[str(training.fold)] = block
        for epoch in range(1, epochs + 1):
            train = found["released", "on-the-fly", keys[0]][epoch]
            for key in run.test:
                tests = (found["released", weights, key][epoch] for weights in ("ema", "raw"))
                numbers = [scores[m] for scores in (train, *tests) for m in ("srcc", "plcc")]
                curve.append([epoch, key, 1 / epoch, *numbers, training.fold])
    every = list(blocks.values())
    if folds:
        content["folds"] = blocks
    content |= {p: means([b[p] for b in every]) if folds else every[0][p] for p in ("released", "clean")}
    config = {"run": dataclasses.asdict(run), "recipe": params.methods[run.method]}
    record = {"run": name, "scale": params.common.scale, "seed": seed, "config": config}
    predictions = pd.concat(tables, ignore_index=True)
    for file, protocol in ((CLEAN, "clean"), (RELEASED, "released")):
        write_csv(folder / file, predictions[predictions.protocol == protocol])
    write_csv(folder / "curve.csv", pd.DataFrame(curve, columns=CURVE))
    write_json(folder / "metrics.json", content)
    write_json(folder / "run.json", {**record, "data": digests, "environment": {"torch": "2.14.1"}})


def build_project(folder: Path) -> Params:
    """Write the small project into ``folder``, a run that params do not name included; returns its params."""
    (folder / "params.yaml").write_text(PARAMS)
    params = load(folder / "params.yaml")
    for name in params.runs:
        write_run(folder / "runs" / name, params, name)
    shutil.copytree(folder / "runs" / "A15", folder / "runs" / "orphan")
    write_surroundings(folder, params)
    return params


def write_surroundings(folder: Path, params: Params) -> None:
    """What the report reads beside the runs: the paper's numbers, and reports of the prepared data sets."""
    shutil.copytree(PAPER, folder / "reports" / "paper")
    for name in ("claims.yaml", "court.csv"):
        shutil.copy(PAPER.parent / name, folder / "reports")
    (folder / "reports" / "contact_sheet.png").write_bytes(b"drawn by another stage")
    for name in params.datasets:
        write_json(folder / "prepared" / name / "report.json", REPORT)


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
