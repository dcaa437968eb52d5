"""Do trainings in a sharper minimum have a larger generalization gap? Rows per training, and correlations over runs."""

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
from vqa.stats.trainings import FEWEST, correlation_interval

RUN = ("run", "seed", "cut", "method", "train", "regularizer", "strength")
GAPS = ("gap_srcc_clean", "gap_plcc_clean", "gap_srcc_released", "gap_plcc_released")
POINTS = (*RUN, *GAPS, "test_srcc_clean")
GAP = (
    *("group", "measure", "gap", "protocol", "runs", "trainings"),
    *("spearman", "ci_low", "ci_high", "p", "standard_error", "freedom"),
)

WEIGHTS = "last_ema"
ALL = "all, within groups"
# A correlation over three runs says nothing; within groups, a single run has nothing to be compared with.
FEWEST_RUNS, FEWEST_WITHIN = 4, 2


def points(runs: dict[str, TrainedRun], params: Params, folder: Path) -> pd.DataFrame:
    """Sharpness and gap of every training of the runs with a landscape.

    Args:
        runs: results of the runs in ``params.landscapes``.
        params: gives titles and regularizers.
        folder: of the landscapes.

    Returns:
        A frame with :data:`POINTS`, and a column for every measure of sharpness, ``mean_rise_0.1`` for example, of the
        last EMA weights on the training items: the mean over directions. Measures other than the mean rise are those of
        a run's first training. Gap and test value are those of the run's first test set.

    Raises:
        InputError: if a file of a landscape is missing, or says nothing of these weights and items.
    """
    rows = []
    for name in params.landscapes:
        run, test = runs[name], runs[name].run.test[0]
        title, data = method_title(run.run.method), params.datasets[run.run.train].title
        labels = dict(zip(RUN[3:], (title, data, *regularizer(run.run, params)), strict=True))
        values = {gap: run.sample(gap.split("_")[2], test, gap.split("_")[1], "gap").values for gap in GAPS}
        values["test_srcc_clean"] = run.sample("clean", test, "srcc", "test").values
        for place, training in enumerate(run.trainings):
            row = {"run": name, "seed": training.seed, "cut": training.cut, **labels}
            row |= {column: number[place] for column, number in values.items()}
            rows.append({**row, **sharpness(folder / name, f"{run.run.train}/train", str(training.fold))})
    return pd.DataFrame(rows) if rows else pd.DataFrame(columns=POINTS)


def sharpness(folder: Path, part: str, fold: str) -> dict[str, float]:
    """Measures of one training's landscape at the last EMA weights on one part of the data, and the loss there.

    Raises:
        InputError: if the file is missing, or has nothing of these weights, this part and this training.
    """
    try:
        table = pd.read_csv(folder / "sharpness.csv", dtype={"fold": str})
    except OSError:
        raise InputError(f"{folder}/sharpness.csv is missing: `dvc repro landscape@{folder.name}`") from None
    rows = table[(table.weights == WEIGHTS) & (table.part == part) & (table.fold == fold)]
    if rows.empty:
        raise InputError(
            f"{folder}/sharpness.csv has no rows of {WEIGHTS} on {part}, training {fold}: "
            f"name {WEIGHTS} in landscapes.{folder.name}"
        )
    found = {}
    for (measure, at), values in rows.groupby(["measure", "at"], sort=False, dropna=False).value:
        # Several distances make several columns of the mean rises; the others are taken at one.
        found[f"{measure}_{at:g}" if measure.endswith("_rise") and measure != "worst_rise" else measure] = values.mean()
    return {name: float(value) for name, value in found.items()}


def correlations(
    table: pd.DataFrame, runs: dict[str, TrainedRun], resamples: int, settings: Statistics, seed: int
) -> pd.DataFrame:
    """Correlation over runs of every measure of sharpness (and of the training loss) with every gap.

    Args:
        table: as :func:`points` made it.
        runs: results of its runs.
        resamples: of the items.
        settings: block ``statistics`` of params.
        seed: of the random streams.

    Returns:
        A frame with :data:`GAP`: for each group (a method on a training set) of at least :data:`FEWEST_RUNS` runs, and
        for all groups together, where runs are only compared with others of their group. Of runs with unlike trainings
        those count that have the most, if these are enough runs; else all, with the one training that they have.
    """
    measures = [name for name in table.columns if name not in POINTS]
    rows = []
    names = table.method + " on " + table.train
    for group, measure, gap in itertools.product([*dict.fromkeys(names), ALL], measures, GAPS):
        # Cuts of unlike data sets have unlike seeds: the first cut of each goes with the first of the others.
        part = table.assign(group=names, place=table.groupby(["run", "seed"]).cumcount())
        part = part.dropna(subset=[measure, gap])
        chosen = _alike(part if group == ALL else part[part.group == group])
        if chosen.empty:
            continue
        draw = numpy_generator("association", seed, group, measure, gap)
        x, y = (chosen.pivot(index=["seed", "place"], columns="run", values=name) for name in (measure, gap))
        groups = [str(chosen.group[chosen.run == run].iloc[0]) for run in x.columns]
        own = {str(run): chosen[chosen.run == run].sort_values(["seed", "place"]) for run in x.columns}
        moved = _moved([(runs[run], list(zip(rows.seed, rows.cut, strict=True))) for run, rows in own.items()], gap)
        found = associate(x.to_numpy(), y.to_numpy(), moved, groups, resamples, draw)
        low, high = correlation_interval(found, settings.level)
        _, metric, protocol = gap.split("_")
        where = {"group": group, "measure": measure, "gap": metric, "protocol": protocol, "runs": len(x.columns)}
        numbers = (found.trainings, found.value, low, high, found.two_sided(), found.error, found.freedom)
        rows.append({**where, **dict(zip(GAP[5:], numbers, strict=True))})
    return pd.DataFrame(rows, columns=GAP)


def _alike(part: pd.DataFrame) -> pd.DataFrame:
    """Rows of runs that have the same trainings, each with others of its group; empty if those are too few runs."""
    trainings = {str(run): tuple(zip(rows.seed, rows.place, strict=True)) for run, rows in part.groupby("run")}
    sets = sorted(set(trainings.values()), key=len, reverse=True)
    common = [found for found in sets if len(found) >= FEWEST] + [found[:1] for found in sets[-1:]]
    for wanted in common:
        have = [run for run, own in trainings.items() if set(wanted) <= set(own)]
        keys = pd.MultiIndex.from_frame(part[["seed", "place"]])
        rows = part[part.run.isin(have) & keys.isin(list(wanted))]
        rows = rows[rows.groupby("group").run.transform("nunique") >= FEWEST_WITHIN]
        if rows.run.nunique() >= FEWEST_RUNS:
            return rows
    return part[:0]


def _moved(runs: list[tuple[TrainedRun, list[tuple[int, int]]]], gap: str) -> np.ndarray:
    """How every item of all their lists moves the gap of each run's trainings, by seed and cut: ``(T, runs, n)``."""
    samples, (_, metric, protocol) = [], gap.split("_")
    for run, trainings in runs:
        own = [(training.seed, training.cut) for training in run.trainings]
        samples.append(run.sample(protocol, run.run.test[0], metric, "gap").take([own.index(t) for t in trainings]))
    lists = {name: moved.shape[1] for sample in samples for name, moved in sample.items.items()}
    empty = {name: np.zeros((len(samples[0].values), n)) for name, n in lists.items()}
    return np.stack([np.concatenate(list((empty | sample.items).values()), axis=1) for sample in samples], axis=1)
