"""Regress MOS on features of videos: ``python -m stages.regression KEY``.

Reads ``data/published/`` or ``features/``; writes ``runs/KEY/``: ``splits.csv`` (one row per random split, or one for
the fit that is tested on other data), ``regression.json`` (settings, items, medians) and ``results.csv`` (for the
tables). A killed run goes on from ``.state/regression/`` after its last full splits, with the same result. One process
per core; their number does not change a byte.
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
from vqa.regression.outside import FEATURES, OWN, regression_results
from vqa.regression.protocol import Config
from vqa.regression.splits import check_table, run_splits
from vqa.regression.table import load_table
from vqa.regression.transfer import fit_and_test
from vqa.settings.params import Params, load
from vqa.settings.strict import build

# What is a setting of a split, and no result of it
SETTINGS = ["split", "n_train", "n_test"]


def main() -> None:
    """Run the regression named on the command line."""
    params = load()
    name = argument(__doc__, "regression", params.regressions)
    config = build(Config, params.regressions[name], f"params.yaml: regressions.{name}")
    out, draw = Path("runs") / name, (params.common.bootstrap, params.common.seed)
    if config.tests:
        fit = fit_and_test(config, params.datasets, draw, name)
        splits, results = pd.DataFrame([{"C": fit.c, "gamma": fit.gamma, "n_train": fit.n_train}]), fit.results
        record = {"regression": name, "config": config, "items": fit.n_train}
    else:
        splits, results, record = _random_splits(name, config, params)
    write_csv(out / "splits.csv", splits)
    write_csv(out / "results.csv", results)
    write_json(out / "regression.json", record)
    for old in (Path(".state") / "regression").glob(f"{name}-*"):
        shutil.rmtree(old)


def _random_splits(name: str, config: Config, params: Params) -> tuple[pd.DataFrame, pd.DataFrame, dict]:
    names, mos, features = load_table(config)
    features, mos = check_table(features, mos, name)
    # All that determines a split, which the number of splits does not
    settings = dataclasses.replace(config, splits=1)
    code = fingerprint(Path(params.root), ["stages.regression"], dataclasses.asdict(settings))
    state = Path(".state") / "regression" / f"{name}-{digest(code.encode() + mos.tobytes() + features.tobytes())[:12]}"
    # Of the scheduler's slots each has a core already; published features are regressed by a scale of little else.
    cores = 1 if config.extracted else len(os.sched_getaffinity(0))
    splits = run_splits(features, mos, config, state, cores, name)
    numbers, digest_of_items = splits.drop(columns=SETTINGS), items_digest(pd.DataFrame({"name": names, "mos": mos}))
    record = {
        **{"regression": name, "config": config, "items": len(mos), "features": features.shape[1]},
        **{"items_digest": digest_of_items, "median": numbers.median().to_dict()},
        "std": numbers.std(ddof=0).to_dict(),
    }
    source = OWN if config.extracted else FEATURES
    title, draw = params.datasets[config.dataset].title, (params.common.bootstrap, params.common.seed)
    return splits, regression_results(splits, title, digest_of_items, *draw, source), record


if __name__ == "__main__":
    run_stage(main)
