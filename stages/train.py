"""Train one run: ``python -m stages.train RUN``.

Reads the prepared data sets; writes ``runs/RUN/``: ``run.json`` (what was run), ``curve.csv`` (per epoch),
``epoch_predictions.csv`` (released protocol: on-the-fly train, EMA and raw test scores of every epoch) and
``weights/`` (safetensors). A killed run goes on from ``.state/RUN/`` after its last full epoch, with the same result.
"""

import shutil
from pathlib import Path

from stages.common import argument
from vqa.data.items import open_datasets
from vqa.device import describe, set_up
from vqa.fingerprints import fingerprint
from vqa.io import digest, file_digest, run_stage, write_csv, write_json
from vqa.methods import load_method, method_module
from vqa.params import load
from vqa.perturb import build_perturbation
from vqa.strict import ParamsError
from vqa.train import Trainer


def main() -> None:
    """Train the run named on the command line."""
    params = load()
    name = argument(__doc__, "run", params.runs)
    run = params.runs[name]
    common = params.common
    method = load_method(run.method, params.methods[run.method], run)
    perturbing = common.perturbing
    try:
        perturbation = build_perturbation(run.perturbation, run.gamma, perturbing.tensors, perturbing.projection)
    except ValueError as error:
        raise ParamsError(f"params.yaml: runs.{name}: {error}") from None
    device = set_up(common)
    datasets = open_datasets(run.datasets)
    record = {
        "run": name,
        "scale": common.scale,
        "seed": common.seed,
        "config": {"run": run, "recipe": method.config, "perturbing": perturbing},
        "data": {f"{dataset}/{split}": datasets[dataset].digest(split) for dataset, split in run.splits},
        "environment": describe(device),
    }
    # All that determines the result names the folder of a resume, so that it never goes on from something else.
    code = fingerprint(Path(params.root), ["stages.train", method_module(run.method)], None)
    files = [file_digest(Path("prepared") / dataset / "items.csv") for dataset in run.datasets]
    states = Path(".state") / name
    out, state = Path("runs") / name, states / digest(repr((record, code, files)))[:16]
    trainer = Trainer(
        method=method,
        perturbation=perturbation,
        train=datasets[run.train],
        tests=[(datasets[dataset], split) for dataset, split in run.splits[1:]],
        seed=common.seed,
        workers=common.loader_workers,
        device=device,
        state=state / "last_epoch.pt",
    )
    trainer.run(run.keep_epochs, state / "weights")
    trainer.save_weights(state / "weights", "last")
    shutil.rmtree(out / "weights", ignore_errors=True)
    shutil.copytree(state / "weights", out / "weights")
    write_csv(out / "curve.csv", trainer.curve)
    write_csv(out / "epoch_predictions.csv", trainer.predictions)
    write_json(out / "run.json", record)
    shutil.rmtree(states)


if __name__ == "__main__":
    run_stage(main)
