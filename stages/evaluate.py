"""Evaluate one run under both protocols: ``python -m stages.evaluate RUN``.

Reads ``runs/RUN/`` as the train stage wrote it; writes ``predictions.csv`` (of the clean protocol; those of the
released one are in ``epoch_predictions.csv``) and ``metrics.json``.
"""

from pathlib import Path

import pandas as pd
from safetensors.torch import load_file

from stages.common import argument
from vqa.data.items import open_datasets
from vqa.device import set_up
from vqa.io import InputError, run_stage, write_csv, write_json
from vqa.methods import load_method
from vqa.models.swin3d import compile_backbone
from vqa.rng import torch_generator
from vqa.settings.params import load
from vqa.training.clips import loader_of
from vqa.training.evaluate import metrics, over_folds
from vqa.training.predict import clean_predictions
from vqa.training.predictions import CLEAN, RELEASED, read_rows
from vqa.training.protocol import parts_by_training, weights_folder


def main() -> None:
    """Evaluate the run named on the command line."""
    params = load()
    name = argument(__doc__, "run", params.runs)
    run = params.runs[name]
    common, out = params.common, Path("runs") / name
    released = out / RELEASED
    if not released.is_file():
        raise InputError(f"{released} is missing: train the run first, `dvc repro train@{name}`")
    device, loader = set_up(common), loader_of(params, run.method)
    every = parts_by_training(run, open_datasets(run.datasets), common.seed)
    method = load_method(run.method, params.methods[run.method], run, common.precision)
    model = method.build(torch_generator("init", common.seed)).to(device)
    if common.compile:
        compile_backbone(model)
    table, tables, contents = read_rows(released), [], {}
    for training, parts in every.items():
        model.load_state_dict(load_file(weights_folder(out, every, training) / "last_ema.safetensors"))
        clean = clean_predictions(model, method, parts, method.epochs, training.seed, loader, device)
        tables.append(clean.assign(fold=training.fold))
        both = pd.concat([table[table.fold == training.fold], tables[-1]], ignore_index=True)
        digests = {part.key: part.digest for part in parts}
        contents[training.fold] = metrics(both, run, common, digests, method.reporting, training.seed)
    write_csv(out / CLEAN, pd.concat(tables, ignore_index=True))
    write_json(out / "metrics.json", over_folds(contents))


if __name__ == "__main__":
    run_stage(main)
