"""Do runs in a sharper minimum have a larger generalization gap? One row per run, and correlations over runs."""

import itertools
from pathlib import Path

import numpy as np
import pandas as pd

from vqa.io import InputError
from vqa.report.labels import method_title, regularizer
from vqa.report.tables.results import TrainedRun
from vqa.rng import numpy_generator
from vqa.settings.params import Params
from vqa.stats.association import associate
from vqa.stats.config import Statistics

RUN = ("run", "method", "train", "regularizer", "strength")
GAPS = ("gap_srcc_clean", "gap_plcc_clean", "gap_srcc_released", "gap_plcc_released")
POINTS = (*RUN, *GAPS, "test_srcc_clean")
GAP = ("group", "measure", "gap", "protocol", "runs", "spearman", "ci_low", "ci_high", "p_permutation", "pearson")

WEIGHTS = "last_ema"
ALL = "all, within groups"
# A correlation over three runs says nothing; within groups, a single run has nothing to be compared with.
FEWEST, FEWEST_WITHIN = 4, 2


def points(runs: dict[str, TrainedRun], params: Params, folder: Path) -> pd.DataFrame:
    """Sharpness and gap of every run with a landscape.

    Args:
        runs: results of the runs in ``params.landscapes``.
        params: gives titles and regularizers.
        folder: of the landscapes.

    Returns:
        A frame with :data:`POINTS`, and a column for every measure of sharpness, ``mean_rise_0.1`` for example, of the
        last EMA weights on the training items: the mean over directions. Gap and test value are those of the run's
        first test set.

    Raises:
        InputError: if a file of a landscape is missing, or says nothing of these weights and items.
    """
    rows = []
    for name in params.landscapes:
        run = runs[name]
        test = run.run.test[0]
        row: dict[str, str | float] = dict(zip(RUN, _labels(run, params), strict=True))
        for gap in GAPS:
            _, metric, protocol = gap.split("_")
            row[gap] = run.result(protocol, test, metric, "gap").value
        row["test_srcc_clean"] = run.result("clean", test, "srcc", "test").value
        rows.append({**row, **sharpness(folder / name, f"{run.run.train}/train")})
    return pd.DataFrame(rows) if rows else pd.DataFrame(columns=POINTS)


def sharpness(folder: Path, part: str) -> dict[str, float]:
    """Measures of one landscape at the last EMA weights on one part of the data, and the loss there, ``base_loss``.

    Raises:
        InputError: if a file is missing, or has nothing of these weights and this part.
    """
    measures, curve = (_last(folder, name, part) for name in ("sharpness.csv", "curve.csv"))
    found = {}
    for (measure, at), values in measures.groupby(["measure", "at"], sort=False, dropna=False).value:
        # Several distances make several columns of the mean rise; the others are taken at one.
        found[f"{measure}_{at:g}" if measure == "mean_rise" else measure] = float(values.mean())
    return {**found, "base_loss": float(curve[np.isclose(curve.alpha, 0)].loss.mean())}


def _last(folder: Path, name: str, part: str) -> pd.DataFrame:
    try:
        table = pd.read_csv(folder / name)
    except OSError:
        raise InputError(f"{folder / name} is missing: `dvc repro landscape@{folder.name}`") from None
    rows = table[(table.weights == WEIGHTS) & (table.part == part)]
    if rows.empty:
        raise InputError(
            f"{folder / name} has no rows of {WEIGHTS} on {part}: name {WEIGHTS} in landscapes.{folder.name}"
        )
    return rows


def _labels(run: TrainedRun, params: Params) -> tuple[str, ...]:
    return run.name, method_title(run.run.method), params.datasets[run.run.train].title, *regularizer(run.run, params)


def correlations(table: pd.DataFrame, resamples: int, settings: Statistics, seed: int) -> pd.DataFrame:
    """Correlation over runs of every measure of sharpness (and of the training loss) with every gap.

    Interval and p take runs for independent. Runs of one seed share initial weights, order and crops, and neighbours in
    a sweep are nearly the same training, so both promise more than there is; nor are the many p corrected for number.

    Args:
        table: as :func:`points` made it.
        resamples: of the intervals.
        settings: block ``statistics`` of params.
        seed: of the random streams.

    Returns:
        A frame with :data:`GAP`: for each group (a method on a training set) of at least :data:`FEWEST` runs, and for
        all groups together, where runs are only compared with others of their group.
    """
    measures = [name for name in table.columns if name not in POINTS]
    names = (table.method + " on " + table.train).to_numpy()
    rows = []
    for group, measure, gap in itertools.product([*dict.fromkeys(names), ALL], measures, GAPS):
        _, metric, protocol = gap.split("_")
        part = table[[measure, gap]].assign(group=names).dropna()
        sizes = part.groupby("group").group.transform("size")
        part = part[sizes >= FEWEST_WITHIN] if group == ALL else part[part.group == group]
        if len(part) < FEWEST:
            continue
        draw = numpy_generator("association", seed, group, measure, gap)
        sides = part[measure].to_numpy(), part[gap].to_numpy()
        found = associate(*sides, list(part.group), resamples, settings.permutations, draw, 1 - settings.level)
        rows.append({"group": group, "measure": measure, "gap": metric, "protocol": protocol, **vars(found)})
    return pd.DataFrame(rows, columns=GAP)
