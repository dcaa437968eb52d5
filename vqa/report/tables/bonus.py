"""What the released protocol gains over the clean one (discrepancy P1), and how numbers vary over seeds and splits."""

import itertools
from collections.abc import Iterable

import numpy as np
import pandas as pd

from vqa.report.labels import method_title
from vqa.report.tables.outside_row import OutsideRow
from vqa.report.tables.results import TrainedRun
from vqa.rng import numpy_generator
from vqa.settings.params import Common
from vqa.stats.correlation import ROW_METRICS, percentile_interval
from vqa.stats.spread import spread

BONUS = ("level", "name", "method", "dataset", "metric", "bonus", "ci_low", "ci_high", "selection", "runs", "n")
SPREAD = ("run", "dataset", "metric", "protocol", "seeds", "splits", "std_over_seeds", "std_over_splits")
METRICS = ("SRCC", "PLCC")


def selection_bonus(runs: Iterable[TrainedRun], logs: dict[str, OutsideRow] | None = None) -> pd.DataFrame:
    """Released minus clean, on the same test items, of every run and of every method on average.

    The bonus holds all that the protocols do differently on a test set: the epoch is the best one or the last, crops
    are random or central. ``selection`` is the part of the epoch: best minus last, all else as released. Both are of
    raw predictions, for what a mapping adds is no bonus of the selection (P10). Of several trainings it is the
    mean. The interval of a run is that of the mixed test, at the epochs that were chosen: choosing again for other
    items would be another question. A method has the mean over its runs (of a run with several test sets,
    their mean first), and an interval over runs, which share test sets: it says nothing about other items. A single run
    has none.

    Args:
        runs: trainings of ours.
        logs: published logs of trainings by method. Their clean protocol is the last epoch, so all of their bonus is
            the epoch's; without predictions it has no interval.

    Returns:
        A frame with :data:`BONUS`.
    """
    runs = list(runs)
    rows = [_of_run(run, test, metric) for run in runs for test in run.run.test for metric in METRICS]
    rows += [
        _of_log(method, log, title, metric)
        for method, log in (logs or {}).items()
        for title in log.datasets
        for metric in METRICS
    ]
    table = pd.DataFrame(rows, columns=BONUS)
    common = runs[0].common if runs else None
    methods = [
        _of_method(method, metric, part, common)
        for (method, metric), part in table.groupby(["method", "metric"], sort=False)
    ]
    table = pd.concat([table, pd.DataFrame(methods, columns=BONUS)], ignore_index=True) if methods else table
    return table.astype({"runs": "Int64", "n": "Int64"})


def _of_run(run: TrainedRun, test: str, column: str) -> dict:
    metric, at_last = column.lower(), []
    bonus = run.sample("released", test, metric, "test", raw=True) - run.sample("clean", test, metric, "test")
    for fold, _ in run.folds("released"):
        weights = run.common.released.weights
        _, pred, mos = run.predicted("released", test, fold, weights, int(run.predictions.epoch.max()))
        at_last.append(ROW_METRICS[metric](pred[None], mos[None])[0])
    low, high = bonus.estimate().interval()
    selection = run.sample("released", test, metric, "test", raw=True).values - np.array(at_last)
    return {
        **{"level": "run", "name": run.name, "method": method_title(run.run.method), "dataset": test, "metric": column},
        **{"bonus": np.mean(bonus.values), "ci_low": low, "ci_high": high},
        **{"selection": np.mean(selection), "runs": 1, "n": len(mos)},
    }


def _of_log(method: str, log: OutsideRow, title: str, metric: str) -> dict:
    released, clean = (log.result(protocol, title, metric.lower(), "test") for protocol in ("released", "clean"))
    bonus = released.value - clean.value
    return {
        **{"level": "run", "name": log.name, "method": f"{method} (its log)", "dataset": title, "metric": metric},
        **{"bonus": bonus, "ci_low": float("nan"), "ci_high": float("nan"), "selection": bonus, "runs": 1},
        "n": clean.n,
    }


def _of_method(method: str, metric: str, part: pd.DataFrame, common: Common | None) -> dict:
    means = part.groupby("name", sort=False)[["bonus", "selection"]].mean().dropna()
    low, high = float("nan"), float("nan")
    if common and len(means) > 1:
        draw = numpy_generator("bootstrap", common.seed, "bonus", method, metric)
        resampled = draw.choice(means.bonus.to_numpy(), (common.bootstrap, len(means)))
        low, high = percentile_interval(resampled.mean(axis=1))
    return {
        **{"level": "method", "name": method, "method": method, "dataset": "all", "metric": metric},
        **{"bonus": means.bonus.mean(), "ci_low": low, "ci_high": high, "selection": means.selection.mean()},
        **{"runs": len(means), "n": None},
    }


def repeated_trainings(runs: Iterable[TrainedRun]) -> pd.DataFrame:
    """Standard deviations of test values over seeds and over random splits, each with the other fixed.

    Returns:
        A frame with :data:`SPREAD`; NaN where there is a single seed or split.
    """
    rows = []
    for run, protocol, metric in itertools.product(runs, ("released", "clean"), METRICS):
        for test in run.run.test:
            values = run.sample(protocol, test, metric.lower(), "test").values
            seeds, splits = ([getattr(t, name) for t in run.trainings] for name in ("seed", "cut"))
            found = spread(values, seeds, splits)
            rows.append({"run": run.name, "dataset": test, "metric": metric, "protocol": protocol, **vars(found)})
    return pd.DataFrame(rows, columns=SPREAD)
