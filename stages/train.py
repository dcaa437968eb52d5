"""Train one run: ``python -m stages.train RUN``.

Reads the prepared data sets and the weights to start from; writes ``runs/RUN/``: ``run.json``, ``curve.csv`` (per
epoch), ``epoch_predictions.csv`` (on-the-fly train, EMA and raw test scores) and ``weights/`` (in a folder by training
if there are several). A killed run goes on from ``.state/RUN/`` after its last full epoch, with the same result.
"""

import dataclasses
from pathlib import Path

import pandas as pd

from stages.common import argument
from vqa.data.items import open_datasets
from vqa.device import describe, set_up
from vqa.graph.fingerprints import fingerprint
from vqa.io import InputError, digest, file_digest, run_stage, write_csv, write_json
from vqa.methods import load_method, method_module
from vqa.optim.perturb import build_perturbation
from vqa.settings.params import load
from vqa.settings.strict import ParamsError
from vqa.training.clips import loader_of
from vqa.training.handing_over import forget, hand_over_weights
from vqa.training.predictions import RELEASED
from vqa.training.protocol import parts_by_training, starting_weights, weights_folder
from vqa.training.train import Trainer, initial_weights


def main() -> None:
    """Train the run named on the command line."""
    params = load()
    name = argument(__doc__, "run", params.runs)
    run, common = params.runs[name], params.common
    method = load_method(run.method, params.methods[run.method], run, common.precision)
    kind, gamma = params.perturbation(run)
    try:
        perturbation = build_perturbation(kind, gamma, common.perturbing.tensors, common.perturbing.projection)
    except ValueError as error:
        raise ParamsError(f"params.yaml: runs.{name}: {error}") from None
    device, draw = set_up(common), common.released.draw
    parts = parts_by_training(run, open_datasets(run.datasets), common.seed)
    starts = {training: starting_weights(run, training, params) for training in parts}
    if missing := [file for file in starts.values() if not file.is_file()]:
        raise InputError(f"{missing[0]} is missing: `dvc repro train@{name}` makes all that the run needs")
    row = {key: value for key, value in dataclasses.asdict(run).items() if key != "seeds" or value}
    drawn = {} if draw == "epoch" else {"released_draw": draw}
    record = {
        "run": name,
        "scale": common.scale,
        "seed": next(iter(parts)).seed,
        "config": {"run": row, "recipe": method.config, "perturbing": common.perturbing, **drawn},
        "data": {f"{p.key}@{p.cut.seed}" if p.cut else p.key: p.digest for own in parts.values() for p in own},
        "environment": describe(device, common),
    }
    # All that determines the result names the folder of a resume, so that it never goes on from something else.
    block = params.methods[run.method]
    code = fingerprint(Path(params.root), ["stages.train", method_module(run.method, block)], None)
    data = [Path("prepared") / dataset for dataset in run.datasets]
    read = [*(folder / "items.csv" for folder in data), *dict.fromkeys(starts.values())]
    read += [path for folder in data for path in sorted(folder.glob("features/*.npy"))]
    if (described := Path(run.data)).is_file():
        read.append(described)
    elif described.parts[0] == "features":
        read += sorted(described.glob("*.npy"))
    out, states = Path("runs") / name, Path(".state") / name
    state = states / digest(repr((record, code, [file_digest(path) for path in read])))[:16]
    loader, curves, predictions = loader_of(params, run.method), [], []
    for training, (train, *tests) in parts.items():
        seed, last = training.seed, state / f"fold_{training.fold}.pt"
        initial = initial_weights(starts[training], run, method, seed, common)
        trainer = Trainer(method, initial, perturbation, train, tests, seed, loader, device, last, common.compile, draw)
        kept = weights_folder(state, parts, training)
        trainer.run(run.keep_epochs, kept)
        trainer.save_weights(kept, "last")
        curves.append(trainer.curve.assign(fold=training.fold))
        predictions.append(trainer.predictions.assign(fold=training.fold))
    hand_over_weights(state, out)
    write_csv(out / "curve.csv", pd.concat(curves, ignore_index=True))
    write_csv(out / RELEASED, pd.concat(predictions, ignore_index=True))
    write_json(out / "run.json", record)
    forget(states)


if __name__ == "__main__":
    run_stage(main)
