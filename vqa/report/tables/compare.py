"""Every pair of rows of a table that were scored on the same items: difference, interval, tests and power.

Training and test items of two rows are the same, so all is paired, training by training of one seed and one split. A
run's resamples are drawn once, from streams that are named by the items
(:meth:`vqa.report.tables.results.TrainedRun.distribution`): a pair is a subtraction.
"""

import itertools

import numpy as np
import pandas as pd

from vqa.report.tables.cells import matching_tests, row_key
from vqa.report.tables.results import TrainedRun
from vqa.rng import numpy_generator
from vqa.settings.params import Dataset
from vqa.stats.config import Statistics
from vqa.stats.correlation import percentile_interval
from vqa.stats.multiple import holm
from vqa.stats.paired import bootstrap_p, permutation_test
from vqa.stats.power import detectable, power_to_find

COLUMNS = (
    *("table", "protocol", "dataset", "split", "metric", "a", "b", "reference", "run_a", "run_b"),
    *("value_a", "value_b", "difference", "ci_low", "ci_high", "p_bootstrap", "p_permutation", "p_holm", "family"),
    *("n", "folds", "standard_error", "detectable", "paper_difference", "power"),
)

# What the other rows of a sweep are compared with.
BASELINES = ("weight_decay=0.05", "augmentation=base", "gamma=0")


def reference_row(row: str, rows: list[str]) -> str | None:
    """The row that ``row`` is measured against: the baseline of a sweep, ``X`` for ``X+AWP`` or ``X+RWP``, or None."""
    if row in BASELINES:
        return None
    stem = row.removesuffix("+AWP").removesuffix("+RWP")
    candidates = (*BASELINES, stem) if stem != row else BASELINES
    return next((name for name in candidates if name in rows), None)


def comparisons(
    name: str, frame: pd.DataFrame, runs: dict[str, TrainedRun], datasets: dict[str, Dataset], settings: Statistics
) -> pd.DataFrame:
    """All pairs of one table.

    Rows are compared where the paper's table has a cell for both, and only if their predictions are of the same items
    in the same order. The permutation test is made on test sets; of train values and gaps the bootstrap alone speaks.
    Holm's family is all comparisons of one table with its reference rows under one protocol and for one split, over
    data sets and both metrics; it adjusts the p of the permutation test, of train values and gaps that of the
    bootstrap.

    Args:
        name: key in ``params.tables``.
        frame: the table as :func:`vqa.report.tables.cells.fill` made it.
        runs: results of all its runs.
        datasets: give the paper's names of the test sets.
        settings: block ``statistics`` of params.

    Returns:
        A frame with :data:`COLUMNS`. The standard error is the deviation of the resampled differences, from which
        ``detectable`` and ``power`` follow; NaN where a number is not defined or not asked for.
    """
    keys = [row_key(method, setting) for method, setting in zip(frame.method, frame.setting, strict=True)]
    order = list(dict.fromkeys(keys))
    pairs: list[dict] = []
    places = frame.assign(row=keys).groupby(["protocol", "dataset", "split", "metric"], sort=False)
    for place, part in places:
        cells = {cell["row"]: cell for cell in part.to_dict("records") if cell["run"]}
        title = str(part.table.iloc[0])
        for first, second in itertools.combinations([row for row in order if row in cells], 2):
            swap = reference_row(first, order) == second
            a, b = (first, second) if swap else (second, first)
            pair = _compare(place, cells[a], cells[b], runs, datasets, settings)
            if pair is not None:
                reference = reference_row(a, order) == b
                family = f"{title}, {place[0]}, {place[2]}" if reference else ""
                pairs.append({"table": name, "a": a, "b": b, "reference": reference, "family": family, **pair})
    table = pd.DataFrame(pairs, columns=COLUMNS).astype({"n": "Int64", "folds": "Int64"})
    for _, part in table[table.reference.astype(bool)].groupby("family"):
        raw = part.p_permutation.where(part.split == "test", part.p_bootstrap)
        table.loc[part.index, "p_holm"] = holm(raw.to_numpy(dtype=np.float64))
    return table


def _compare(
    place: tuple[str, str, str, str],
    a: dict,
    b: dict,
    runs: dict[str, TrainedRun],
    datasets: dict[str, Dataset],
    settings: Statistics,
) -> dict | None:
    """One pair of cells at ``(protocol, dataset, split, metric)``; None if their items are not the same."""
    protocol, dataset, split, column = place
    metric = column.lower()
    run_a, run_b = runs[a["run"]], runs[b["run"]]
    (key,) = matching_tests(dataset, run_a.run.test, datasets)
    if a["items_digest"] != b["items_digest"] or not _same_items(run_a, run_b, protocol, key, metric, split):
        return None
    where = (protocol, key, metric, split)
    resampled = run_a.distribution(*where) - run_b.distribution(*where)
    defined = resampled[~np.isnan(resampled)]
    error = float(np.std(defined, ddof=1)) if len(defined) > 1 else float("nan")
    low, high = percentile_interval(resampled, 1 - settings.level)
    paper = round(a["paper"] - b["paper"], 12)
    p = _permutation_p(run_a, run_b, protocol, key, metric, settings) if split == "test" else float("nan")
    return {
        **dict(zip(("protocol", "dataset", "split", "metric"), place, strict=True)),
        **{"run_a": a["run"], "run_b": b["run"], "value_a": a["value"], "value_b": b["value"]},
        # Rounded, so that the difference of two decimals is not written as 0.11700000000000002.
        "difference": round(a["value"] - b["value"], 12),
        **{"ci_low": low, "ci_high": high, "p_bootstrap": bootstrap_p(resampled), "p_permutation": p},
        **{"n": a["n"], "folds": a["folds"], "standard_error": error, "paper_difference": paper},
        "detectable": detectable(error, settings.level, settings.power),
        "power": power_to_find(paper, error, settings.level),
    }


def _same_items(a: TrainedRun, b: TrainedRun, protocol: str, key: str, metric: str, split: str) -> bool:
    """Whether both runs have the same trainings, each of which scored the very same items in both.

    A training that drops its last batch leaves some items out (S6).
    """
    if [(t.seed, t.cut) for t in a.trainings] != [(t.seed, t.cut) for t in b.trainings]:
        return False
    for part in a.keys(key, split):
        sides = [[mos for _, mos in run.scored(protocol, part, metric)] for run in (a, b)]
        if not all(map(np.array_equal, *sides)):
            return False
    return True


def _permutation_p(a: TrainedRun, b: TrainedRun, protocol: str, key: str, metric: str, settings: Statistics) -> float:
    """p of the permutation test on a test set; the swaps are named by the items, as the resamples are.

    The trainings of one split are swapped together: their items are the same.
    """
    sides = zip(a.scored(protocol, key, metric), b.scored(protocol, key, metric), strict=True)
    splits = [(pred_a, pred_b, mos) for (pred_a, mos), (pred_b, _) in sides]
    generator = numpy_generator("permutation", a.common.seed, key)
    cuts = [training.cut for training in a.trainings]
    return permutation_test(splits, metric, settings.permutations, generator, items=cuts)
