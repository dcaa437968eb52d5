"""Measure the loss landscape of one run: ``python -m stages.landscape RUN``.

Reads ``runs/RUN/weights/`` and the data that the run reads; writes ``landscapes/RUN/``: ``curve.csv`` (loss along
random directions, training and test data), ``sharpness.csv`` (the same in single numbers), ``landscape.json`` (how it
was measured) and, where params ask for it, ``surface.csv``. Of a run with several trainings, the first one is measured.
"""

import dataclasses
import shutil
from pathlib import Path

import pandas as pd
from safetensors.torch import load_file
from tqdm import tqdm

from stages.common import argument
from vqa.data.items import open_datasets
from vqa.device import set_up
from vqa.io import InputError, run_stage, write_csv, write_json
from vqa.landscape.measure import (
    CURVE,
    SHARPNESS,
    SURFACE,
    epoch_of,
    fixed_losses,
    measure_curves,
    measure_sharpness,
    measure_surface,
    read_blocks,
)
from vqa.methods import load_method
from vqa.models.swin3d import compile_backbone
from vqa.rng import torch_generator
from vqa.settings.params import load
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
    training, both = next(iter(every.items()))
    method = load_method(run.method, params.methods[run.method], run, common.precision)
    model = method.build(torch_generator("init", common.seed)).to(device)
    if common.compile:
        compile_backbone(model)
    parts = fixed_losses(method, both, settings.batches, common.seed, common.loader_workers, device)
    curves, numbers, out = [], [], Path("landscapes") / name
    shutil.rmtree(out, ignore_errors=True)
    for weights in tqdm(row.weights, desc="weights", disable=None):
        path = weights_folder(Path("runs") / name, every, training) / f"{weights}.safetensors"
        if not path.is_file():
            raise InputError(f"{path} is missing: runs.{name}.keep_epochs says what is kept, `dvc repro train@{name}`")
        model.load_state_dict(load_file(path))
        named, first = {"weights": weights, "epoch": epoch_of(weights, method.epochs)}, weights == row.weights[0]
        lines = measure_curves(model, parts, settings.curve, common.seed)
        found = measure_sharpness(model, parts, lines, settings, common.perturbing, common.seed, eigenvalue=first)
        curves.append(lines.assign(**named))
        numbers.append(found.assign(**named))
        if first and row.surface:
            train = both[0].key
            plane = measure_surface(model, parts[train], settings.curve, settings.surface_points, common.seed)
            write_csv(out / "surface.csv", plane.assign(part=train)[SURFACE])
    write_csv(out / "curve.csv", pd.concat(curves)[CURVE])
    write_csv(out / "sharpness.csv", pd.concat(numbers)[SHARPNESS])
    # "seed" is that of directions and batches.
    measured = {"cut": training.cut} | ({"training_seed": training.seed} if run.seeds else {})
    record = {"run": name, "seed": common.seed, **measured, "settings": settings, "batch_size": method.batch_size}
    record["parts"] = {p.key: {"batches": len(parts[p.key].batches), "items_digest": p.digest} for p in both}
    write_json(out / "landscape.json", record)


if __name__ == "__main__":
    run_stage(main)
