"""One fit on the training part of a data set, tested on parts of this one and of others, as Table 6 has it.

No public code does this (VIDEVAL_TLVQM 8.3); cut, scaling, grid and selection are those of the benchmark's first split.
"""

from dataclasses import dataclass

import numpy as np
import pandas as pd

from vqa.data.items import items_digest
from vqa.regression.outside import OWN, RESULTS, item_results
from vqa.regression.protocol import OUTER, Config, choose, fitted_model, random_cut
from vqa.regression.splits import check_table
from vqa.regression.table import load_part
from vqa.settings.params import Dataset
from vqa.stats.metrics import logistic_map


@dataclass(frozen=True)
class Fit:
    """What came of it.

    Attributes:
        c: chosen on the training items alone.
        gamma: the same.
        n_train: training items.
        results: rows of ``results.csv``; released with the PLCC after the logistic that is fitted on each test part,
            clean with the raw one.
    """

    c: float
    gamma: float
    n_train: int
    results: pd.DataFrame


def fit_and_test(config: Config, datasets: dict[str, Dataset], draw: tuple[int, int], name: str) -> Fit:
    """Fit on ``config.dataset/train`` and test on ``config.tests``.

    Args:
        config: the regression.
        datasets: give the paper's names; a test set that is one of several splits is called by both.
        draw: resamples of the intervals, and the seed of their stream.
        name: of the regression, for errors.

    Raises:
        vqa.io.InputError: if features are missing, or nothing can be learned from them.
    """
    items, features = load_part(config.features, f"{config.dataset}/train")
    features, mos = check_table(features, items.mos.to_numpy(), name)
    some = np.arange(len(mos))
    if config.grid_share < 1:
        _, some = random_cut(some, config.grid_share, OUTER, 1)
    c, gamma = choose(features[some], mos[some], 1, config)
    predict = fitted_model(features, mos, c, gamma, config.epsilon)
    rows = []
    for part in config.tests:
        dataset, _, split = part.partition("/")
        several = sum(test.startswith(f"{dataset}/") for test in config.tests) > 1
        title = datasets[dataset].title + f"_{split}" * several
        tested, table = load_part(config.features, part)
        table, true = check_table(table, tested.mos.to_numpy(), name)
        pred = predict(table)
        for protocol, scored in (("released", logistic_map(pred, true)), ("clean", pred)):
            found = item_results(scored, true, title, protocol, items_digest(tested), draw, OWN)
            mapping = "logistic" if protocol == "released" else ""
            rows += [{**row, "mapping": mapping if row["metric"] == "PLCC" else ""} for row in found]
    return Fit(c, gamma, len(mos), pd.DataFrame(rows)[RESULTS])
