"""Score a data set with weights that never saw it: ``python -m stages.transfer ROW``.

Reads the prepared data set and the weights that the row names; writes ``runs/ROW/``: ``predictions.csv`` (of both
protocols, which here differ in the sampling alone: nothing is trained, and no epoch picked) and ``results.csv``, the
numbers for the tables.
"""

from pathlib import Path

import pandas as pd
from safetensors import SafetensorError
from safetensors.torch import load_file

from stages.common import argument
from vqa.data.items import Part, open_datasets
from vqa.device import set_up
from vqa.io import InputError, run_stage, write_csv
from vqa.methods import load_method
from vqa.regression.outside import RESULTS, item_results
from vqa.rng import torch_generator
from vqa.settings.params import Run, load
from vqa.training.clips import ClipDataset, loader_of
from vqa.training.predict import predict, prediction_rows


def main() -> None:
    """Score by the row named on the command line."""
    params = load()
    name = argument(__doc__, "transfer", params.transfers)
    row, common = params.transfers[name], params.common
    dataset, _, split = row.test.partition("/")
    plain = Run(method=row.method, init=row.weights, data=row.data, train=dataset, test=(row.test,))
    method = load_method(row.method, params.methods[row.method], plain, common.precision)
    device, loader = set_up(common), loader_of(params, row.method)
    model = method.build(torch_generator("init", common.seed))
    try:
        model.load_state_dict(load_file(row.weights))
    except (OSError, RuntimeError, SafetensorError):
        raise InputError(f"{row.weights}: missing, or not weights of methods.{row.method} as params have it") from None
    part, draw = Part(open_datasets([dataset])[dataset], split), (common.bootstrap, common.seed)
    tables, results = [], []
    for protocol in ("released", "clean"):
        clips = ClipDataset(part, method, protocol, common.seed, (0,), loader)
        (scores,) = predict([model.to(device)], method, clips, 0, loader.workers, device)
        tables.append(prediction_rows(part, scores, 0, "ema", protocol))
        # What a table calls it: a data set's own test part by its title alone, another part by both
        title = params.datasets[dataset].title + ("" if split in ("test", "all") else f"_{split}")
        results += item_results(scores, part.mos, title, protocol, part.digest, draw, source="trained")
    out = Path("runs") / name
    write_csv(out / "predictions.csv", pd.concat(tables, ignore_index=True))
    write_csv(out / "results.csv", pd.DataFrame(results)[RESULTS])


if __name__ == "__main__":
    run_stage(main)
