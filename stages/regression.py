"""Regress MOS on published features: ``python -m stages.regression KEY``.

Reads ``data/published/``; writes ``runs/KEY/``: ``splits.csv`` (one row per random split), ``regression.json``
(settings, items, medians) and ``results.csv`` (for the tables). A killed run goes on from ``.state/regression/`` after
its last full splits, with the same result. One process per core; their number does not change a byte.
"""

import dataclasses
import os
import shutil
from pathlib import Path

import pandas as pd

from stages.common import argument
from vqa.data.items import items_digest
from vqa.graph.fingerprints import fingerprint
from vqa.io import digest, run_stage, write_csv, write_json
from vqa.regression.outside import regression_results
from vqa.regression.protocol import Config
from vqa.regression.splits import check_table, run_splits
from vqa.regression.table import load_table
from vqa.settings.params import load
from vqa.settings.strict import build

# What is a setting of a split, and no result of it
SETTINGS = ["split", "n_train", "n_test"]


def main() -> None:
    """Run the regression named on the command line."""
    params = load()
    name = argument(__doc__, "regression", params.regressions)
    config = build(Config, params.regressions[name], f"params.yaml: regressions.{name}")
    names, mos, features = load_table(config)
    features, mos = check_table(features, mos, name)
    # All that determines a split, which the number of splits does not
    settings = dataclasses.replace(config, splits=1)
    code = fingerprint(Path(params.root), ["stages.regression"], dataclasses.asdict(settings))
    states = Path(".state") / "regression"
    state = states / f"{name}-{digest(code.encode() + mos.tobytes() + features.tobytes())[:12]}"
    splits = run_splits(features, mos, config, state, _cores(), name)
    numbers = splits.drop(columns=SETTINGS)
    record = {
        "regression": name,
        "config": config,
        "items": len(mos),
        "features": features.shape[1],
        "items_digest": items_digest(pd.DataFrame({"name": names, "mos": mos})),
        "median": numbers.median().to_dict(),
        "std": numbers.std(ddof=0).to_dict(),
    }
    out = Path("runs") / name
    write_csv(out / "splits.csv", splits)
    drawn = params.common.bootstrap, params.common.seed
    results = regression_results(splits, params.datasets[config.dataset].title, record["items_digest"], *drawn)
    write_csv(out / "results.csv", results)
    write_json(out / "regression.json", record)
    for old in states.glob(f"{name}-*"):
        shutil.rmtree(old)


def _cores() -> int:
    """Cores that this process may use; where the system cannot say, all that there are."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


if __name__ == "__main__":
    run_stage(main)
