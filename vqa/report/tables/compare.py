"""Differences between rows that were scored on the same items by the same trainings, with the mixed test of each.

Items are the same, and so are seeds and cuts, so that all is paired: what a seed draws (initial weights, order, crops)
is common to both rows. Rows of one table are compared with each other, and a row with its namesake in other tables.
"""

import itertools
from collections.abc import Iterator

import numpy as np
import pandas as pd

from vqa.report.tables.cells import matching_tests, row_key
from vqa.report.tables.results import TrainedRun
from vqa.settings.params import Dataset
from vqa.stats.config import Statistics
from vqa.stats.design import Design
from vqa.stats.trainings import Sample

COLUMNS = (
    *("table", "other", "protocol", "dataset", "split", "metric", "a", "b", "reference", "run_a", "run_b"),
    *("value_a", "value_b", "difference", "ci_low", "ci_high", "p", "n", "trainings", "standard_error", "freedom"),
    *("detectable", "paper_difference", "power", "common", "interplay", "seeds", "items"),
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
    frames: dict[str, pd.DataFrame],
    runs: dict[str, TrainedRun],
    datasets: dict[str, Dataset],
    settings: Statistics,
) -> pd.DataFrame:
    """All pairs of rows, of one table and of the same name in two.

    Rows are compared where the paper's table has a cell for both, over the trainings that both have, and only if their
    predictions are of the same items.

    Args:
        frames: tables by their key in ``params.tables``, as :func:`vqa.report.tables.cells.fill` made them.
        runs: results of all their runs.
        datasets: give the paper's names of the test sets.
        settings: block ``statistics`` of params.

    Returns:
        A frame with :data:`COLUMNS`: row ``a`` of ``table`` minus row ``b`` of ``other``, ``p`` two-sided and for this
        one difference, ``detectable`` and ``power`` for one like it, ``common`` to ``items`` what a design needs
        (:class:`vqa.stats.design.Design`); NaN where a number is not defined or not asked for. ``trainings`` below
        three speak of themselves, not of a method.
    """
    pairs: list[dict] = []
    for name, other, rows, place, a, b in _pairs(frames):
        cells = dict(zip(("protocol", "dataset", "split", "metric"), place, strict=True))
        found = paired_sample(place, a["run"], b["run"], runs, datasets)
        if found is None:
            continue
        (value_a, value_b), sample = found
        estimate = sample.estimate()
        low, high = estimate.interval(settings.level)
        paper = round(a["paper"] - b["paper"], 12)
        pairs.append(
            {
                **{"table": name, "other": other, **cells, "a": a["row"], "b": b["row"]},
                "reference": name == other and reference_row(a["row"], rows) == b["row"],
                **{"run_a": a["run"], "run_b": b["run"], "value_a": value_a, "value_b": value_b},
                # Rounded, so that the difference of two decimals is not written as 0.11700000000000002.
                "difference": round(value_a - value_b, 12),
                **{"ci_low": low, "ci_high": high, "p": estimate.two_sided(), "n": a["n"]},
                **{"trainings": estimate.trainings, "standard_error": estimate.error, "freedom": estimate.freedom},
                "detectable": estimate.detectable(settings.level, settings.power),
                **{"paper_difference": paper, "power": estimate.power(paper, settings.level)},
                **vars(Design.of(sample)),
            }
        )
    return pd.DataFrame(pairs, columns=COLUMNS).astype({"n": "Int64", "trainings": "Int64"})


def _pairs(frames: dict[str, pd.DataFrame]) -> Iterator[tuple[str, str, list[str], tuple, dict, dict]]:
    """Tables of both sides, rows of the first, place and cells of every pair: ``a`` is held against ``b``."""
    filled: dict[str, dict[tuple, dict[str, dict]]] = {}
    for name, frame in frames.items():
        keys = [row_key(method, setting) for method, setting in zip(frame.method, frame.setting, strict=True)]
        order, cells = list(dict.fromkeys(keys)), filled.setdefault(name, {})
        for cell in frame.assign(row=keys).to_dict("records"):
            if cell["run"]:
                place = (cell["protocol"], cell["dataset"], cell["split"], cell["metric"])
                cells.setdefault(place, {})[cell["row"]] = cell
        for place, rows in cells.items():
            for first, second in itertools.combinations([row for row in order if row in rows], 2):
                a, b = (first, second) if reference_row(first, order) == second else (second, first)
                yield name, name, order, place, rows[a], rows[b]
    for (name, cells), (other, others) in itertools.permutations(filled.items(), 2):
        # Not by `&` of the keys: a set has another order in every process.
        for place in filter(others.__contains__, cells):
            for row in filter(others[place].__contains__, cells[place]):
                if cells[place][row]["run"] != others[place][row]["run"]:
                    yield name, other, [], place, cells[place][row], others[place][row]


def paired_sample(
    place: tuple[str, str, str, str], a: str, b: str, runs: dict[str, TrainedRun], datasets: dict[str, Dataset]
) -> tuple[tuple[float, float], Sample] | None:
    """Values of two runs over the trainings that both have, and their difference.

    Args:
        place: protocol, the paper's name of the data set, split and metric.
        a: name of a run.
        b: name of another.
        runs: results of both.
        datasets: give the paper's names of the test sets.

    Returns:
        None if they have no test set or no training in common, or their items are not the same: a training that drops
        its last batch leaves some out (S6).
    """
    protocol, dataset, split, column = place
    metric, one, two = column.lower(), runs[a], runs[b]
    keys, others = (matching_tests(dataset, run.run.test, datasets) for run in (one, two))
    if keys != others or len(keys) != 1:
        return None
    names = [[(training.seed, training.cut) for training in run.trainings] for run in (one, two)]
    common = [training for training in names[0] if training in names[1]]
    chosen = [[own.index(training) for training in common] for own in names]
    if not common:
        return None
    for part in one.keys(keys[0], split):
        if part not in two.keys(keys[0], split):
            return None
        sides = [run.scored(protocol, part, metric) for run in (one, two)]
        for i, j in zip(*chosen, strict=True):
            if not all(np.array_equal(sides[0][i][at], sides[1][j][at]) for at in (0, 2)):
                return None
    samples = [
        run.sample(protocol, keys[0], metric, split).take(own) for run, own in zip((one, two), chosen, strict=True)
    ]
    if any(samples[0].items[key].shape != samples[1].items[key].shape for key in samples[0].items):
        return None
    value_a, value_b = (float(np.mean(sample.values)) for sample in samples)
    return (value_a, value_b), samples[0] - samples[1]
