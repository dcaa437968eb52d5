"""Train one run: ``python -m stages.train RUN``.

Reads the prepared data sets and the weights to start from; writes ``runs/RUN/``: ``run.json`` (what was run),
``curve.csv`` (per epoch), ``epoch_predictions.csv`` (released protocol: on-the-fly train, EMA and raw test scores of
every epoch) and ``weights/`` (safetensors; in a folder by cut if the data set is cut several times). A killed run goes
on from ``.state/RUN/`` after its last full epoch, with the same result.
"""

import shutil
from pathlib import Path

import pandas as pd
from safetensors.torch import load_file

from stages.common import argument
from vqa.data.items import open_datasets
from vqa.device import describe, set_up
from vqa.fingerprints import fingerprint
from vqa.io import InputError, digest, file_digest, run_stage, write_csv, write_json
from vqa.methods import load_method, method_module
from vqa.params import load
from vqa.perturb import build_perturbation
from vqa.protocol import parts_by_fold, weights_folder
from vqa.strict import ParamsError
from vqa.train import Trainer


def main() -> None:
    """Train the run named on the command line."""
    params = load()
    name = argument(__doc__, "run", params.runs)
    run, common = params.runs[name], params.common
    method = load_method(run.method, params.methods[run.method], run)
    kind, gamma = params.perturbation(run)
    try:
        perturbation = build_perturbation(kind, gamma, common.perturbing.tensors, common.perturbing.projection)
    except ValueError as error:
        raise ParamsError(f"params.yaml: runs.{name}: {error}") from None
    if not Path(run.init).is_file():
        raise InputError(f"{run.init} is missing: `dvc repro train@{name}` makes all that the run needs")
    device = set_up(common)
    folds = parts_by_fold(run, open_datasets(run.datasets))
    record = {
        "run": name,
        "scale": common.scale,
        "seed": common.seed,
        "config": {"run": run, "recipe": method.config, "perturbing": common.perturbing},
        "data": {f"{part.key}@{fold}" if fold else part.key: part.digest for fold, p in folds.items() for part in p},
        "environment": describe(device),
    }
    # All that determines the result names the folder of a resume, so that it never goes on from something else.
    code = fingerprint(Path(params.root), ["stages.train", method_module(run.method)], None)
    files = [
        file_digest(path) for path in (*(Path("prepared") / d / "items.csv" for d in run.datasets), Path(run.init))
    ]
    states = Path(".state") / name
    out, state = Path("runs") / name, states / digest(repr((record, code, files)))[:16]
    initial, curves, predictions = load_file(run.init), [], []
    for fold, (train, *tests) in folds.items():
        last = state / f"fold_{fold}.pt"
        trainer = Trainer(method, initial, perturbation, train, tests, common.seed, common.loader_workers, device, last)
        kept = weights_folder(state, folds, fold)
        trainer.run(run.keep_epochs, kept)
        trainer.save_weights(kept, "last")
        curves.append(trainer.curve)
        predictions.append(trainer.predictions)
    shutil.rmtree(out / "weights", ignore_errors=True)
    shutil.copytree(state / "weights", out / "weights")
    write_csv(out / "curve.csv", pd.concat(curves, ignore_index=True))
    write_csv(out / "epoch_predictions.csv", pd.concat(predictions, ignore_index=True))
    write_json(out / "run.json", record)
    shutil.rmtree(states)


if __name__ == "__main__":
    run_stage(main)
