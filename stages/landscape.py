"""Measure the loss landscape of one run: ``python -m stages.landscape RUN``.

Reads ``runs/RUN/weights/`` and the data that the run reads; writes ``landscapes/RUN/``: ``curve.csv`` (loss along
random directions, training and test data), ``sharpness.csv`` (the same in single numbers), ``landscape.json`` (how it
was measured) and, where params ask for it, ``surface.csv``. Every training has its mean rises on the training data, in
``sharpness.csv``; all else is that of the first one.
"""

import dataclasses
import shutil
from itertools import product
from pathlib import Path

import pandas as pd
from safetensors.torch import load_file
from tqdm import tqdm

from stages.common import argument
from vqa.data.items import open_datasets
from vqa.device import set_up
from vqa.io import InputError, run_stage, write_csv, write_json
from vqa.landscape.config import epoch_of, read_blocks
from vqa.landscape.measure import CURVE, SHARPNESS, SURFACE, fixed_losses, measure_training
from vqa.methods import load_method
from vqa.models.swin3d import compile_backbone
from vqa.rng import torch_generator
from vqa.settings.params import load
from vqa.training.clips import loader_of
from vqa.training.protocol import parts_by_training, weights_folder


def main() -> None:
    """Measure the run named on the command line."""
    params = load()
    name = argument(__doc__, "landscape", params.landscapes)
    settings, rows = read_blocks(params)
    row, common = rows[name], params.common
    # Without augmentation: the landscapes of all runs belong to the same inputs (discrepancy P3).
    run = dataclasses.replace(params.runs[name], augmentation="none", test=params.runs[name].test[:1])
    device = set_up(common)
    every = parts_by_training(run, open_datasets(run.datasets), common.seed)
    method = load_method(run.method, params.methods[run.method], run, common.precision)
    model = method.build(torch_generator("init", common.seed)).to(device)
    if common.compile:
        compile_backbone(model)
    cuts = {training.cut: parts for training, parts in every.items()}
    how = (settings.batches, common.seed, loader_of(params, run.method), device)
    losses = {cut: fixed_losses(method, parts, *how) for cut, parts in cuts.items()}
    curves, numbers, out = [], [], Path("landscapes") / name
    shutil.rmtree(out, ignore_errors=True)
    first = next(iter(every))
    for training, weights in tqdm(list(product(every, row.weights)), desc="weights", disable=None):
        path = weights_folder(Path("runs") / name, every, training) / f"{weights}.safetensors"
        if not path.is_file():
            raise InputError(f"{path} is missing: runs.{name}.keep_epochs says what is kept, `dvc repro train@{name}`")
        model.load_state_dict(load_file(path))
        what = (row, weights, settings, common.perturbing, common.seed, training == first)
        lines, found, plane = measure_training(model, method, losses[training.cut], *what)
        named = {"weights": weights, "epoch": epoch_of(weights, method.epochs)}
        numbers.append(found.assign(fold=training.fold, **named))
        if training == first:
            curves.append(lines.assign(**named))
        if plane is not None:
            write_csv(out / "surface.csv", plane[SURFACE])
    write_csv(out / "curve.csv", pd.concat(curves)[CURVE])
    write_csv(out / "sharpness.csv", pd.concat(numbers)[SHARPNESS])
    # "seed" is that of directions and batches.
    record = {"run": name, "seed": common.seed, "settings": settings, "batch_size": method.batch_size}
    record["trainings"] = [training.fold for training in every]
    held = losses[first.cut]
    record["parts"] = {p.key: {"batches": len(held[p.key].batches), "items_digest": p.digest} for p in every[first]}
    write_json(out / "landscape.json", record)


if __name__ == "__main__":
    run_stage(main)
