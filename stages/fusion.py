"""Fuse the branches of one run by every rule: ``python -m stages.fusion RUN``.

Reads the data and the averaged last weights of a run of a method with two branches; writes ``runs/RUN/fusion.csv``:
what each rule's scores are worth on every test set, and against those of one weight for all sets.
"""

from pathlib import Path

import pandas as pd
from safetensors.torch import load_file

from stages.common import argument
from vqa.data.items import open_datasets
from vqa.device import set_up
from vqa.io import run_stage, write_csv
from vqa.methods import load_method
from vqa.methods.base import Branched
from vqa.rng import torch_generator
from vqa.settings.params import load
from vqa.settings.strict import ParamsError, known_name
from vqa.stats.fusion_gains import GAINS, ONE_WEIGHT, gains, rules
from vqa.training.branches import branch_scores
from vqa.training.clips import loader_of
from vqa.training.protocol import parts_by_training, weights_folder


def main() -> None:
    """Fuse the branches of the run named on the command line."""
    params = load()
    name = argument(__doc__, "shared.fusion", params.shared["fusions"])
    known_name("params.yaml: shared.fusions", name, params.runs)
    run, common, out = params.runs[name], params.common, Path("runs") / name
    method = load_method(run.method, params.methods[run.method], run, common.precision)
    weight = params.methods[run.method].get("fusion", {}).get("weight")
    if weight is None or not isinstance(method, Branched):
        raise ParamsError(f"params.yaml: shared.fusions.{name}: {run.method} has no branches that a weight fuses")
    device, loader = set_up(common), loader_of(params, run.method)
    every = parts_by_training(run, open_datasets(run.datasets), common.seed)
    model = method.build(torch_generator("init", common.seed)).to(device)
    rows = []
    for training, (_, *tests) in every.items():
        model.load_state_dict(load_file(weights_folder(out, every, training) / "last_ema.safetensors"))
        for part in tests:
            outputs = branch_scores(model, method, part, training.seed, loader, device)
            fused = rules(outputs[:, 0], outputs[:, 1], part.mos, weight)
            draw = (common.bootstrap, common.seed)
            rows += [{**row, "fold": training.fold} for row in gains(fused, ONE_WEIGHT, part.mos, part.key, draw)]
    write_csv(out / "fusion.csv", pd.DataFrame(rows, columns=GAINS))


if __name__ == "__main__":
    run_stage(main)
