"""Statements about sharpness and about epochs, part by part.

Sharpness is the mean rise of the training loss along random directions, at one named step, around the EMA weights: a
matter of the weights, the same in both protocols. The unit is the training: trainings of one seed are compared with
each other, along the same directions, and the mixed test takes directions as it takes items elsewhere. The paper shows
landscapes and curves as figures without numbers, so it cannot be held against its own.
"""

import math
from collections.abc import Callable
from dataclasses import replace
from itertools import combinations

import numpy as np
import pandas as pd
from scipy import stats

from vqa.report.verdicts.claims import Correlation, Epochs, Order, Sharpness, Statement
from vqa.report.verdicts.judge import Court, Part, bounds, p_text, part_of, title
from vqa.report.verdicts.rules import (
    CONTRADICTED,
    NOT_RUN,
    REPRODUCED,
    UNDECIDED,
    correlates,
    equivalent,
    exceeds,
    levels,
    sides,
)
from vqa.stats.trainings import FEWEST, Estimate, Sample

CURVES = "the curve over the epochs is one of the released protocol; the clean one has the last epoch only"


def landscape_parts(statement: Statement, protocol: str, court: Court) -> list[Part]:
    """The parts of a statement of kind ``flatter``, ``as_sharp``, ``order``, ``correlation`` or about epochs."""
    judges: dict[type, Callable[..., list[Part]]] = {
        **{Sharpness: _sharpness, Order: _order, Correlation: _correlation, Epochs: _epochs},
    }
    return judges[type(statement)](statement, protocol, court)


def _arena(table: str, court: Court) -> str:
    """The data set of a table about one of them; only such tables have landscapes."""
    return court.printed.names(2, table)[0]


def _rises(table: str, row: str, court: Court, measure: str = "mean_rise") -> pd.DataFrame | None:
    """Rises around the last weights of a row's run: a row per training, by seed, and a column per direction."""
    found = court.ours.rises(court.ours.run(table, row, _arena(table, court)), measure)
    if found is None:
        return None
    last = found[found.index.get_level_values("epoch") == found.index.get_level_values("epoch").max()]
    wide = last.droplevel("epoch").unstack("direction")
    # "42-0" is seed 42 on the list's own split; a run that lists no seeds is named by its cut alone.
    return wide if wide.index.str.contains("-").all() else wide.set_axis([f"-{name}" for name in wide.index])


def _difference(a: pd.DataFrame, b: pd.DataFrame) -> tuple[Estimate, float, float] | None:
    """Relative difference of the rises over the trainings that both have, and the mean of either; None if none are."""
    common = a.index.intersection(b.index)
    if not len(common) and any(len(rows) == 1 and rows.index[0].startswith("-") for rows in (a, b)):
        # One training without a name for its seed: the first one of both.
        a, b = a[:1].reset_index(drop=True), b[:1].reset_index(drop=True)
        common = a.index
    if not len(common) or len(a.columns) != len(b.columns):
        return None
    rows_a, rows_b = a.loc[common].to_numpy(), b.loc[common].to_numpy()
    scale = rows_b.mean()
    if not scale > 0:
        return None
    return over_directions((rows_a - rows_b) / scale).estimate(), float(rows_a.mean()), float(scale)


def over_directions(values: np.ndarray) -> Sample:
    """Mean of ``(trainings, directions)`` numbers, whose directions are common to all trainings."""
    mean = values.mean(axis=1)
    return Sample(mean, {"directions": (values - mean[:, None]) / values.shape[1]})


def _sharpness(statement: Sharpness, protocol: str, court: Court) -> list[Part]:
    parts = []
    both = levels(court.settings.level, len(statement.tables) * len(statement.pairs), every=True)
    for table in statement.tables:
        for pair in statement.pairs:
            words = "flatter than" if statement.kind == "flatter" else "as sharp as"
            label = f"{title(table)}, sharpness: {pair[0]} {words} {pair[1]}"
            rises = {row: _rises(table, row, court) for row in pair}
            lost = [row for row, found in rises.items() if found is None]
            if lost:
                parts.append(Part(label, NOT_RUN, f"no landscape of {', '.join(lost)}", None))
                continue
            a, b = (found for found in rises.values() if found is not None)
            compared = _difference(a, b)
            if compared is None:
                text = "not measured along the same directions or for the same trainings, or no rise to compare with"
                parts.append(Part(label, UNDECIDED, text, None))
                continue
            estimate, mean_a, mean_b = compared
            margin = court.settings.sharpness_margin
            if statement.kind == "flatter":
                verdict = exceeds(-estimate, margin, *both)
            else:
                verdict = equivalent(estimate, statement.within, *both)
            part = part_of(label, verdict, court.ours.found(estimate), court, form="+.1%")
            parts.append(_with(part, f"{mean_a:.4g} against {mean_b:.4g}: ", f", {len(a.columns)} directions"))
    return parts


def _with(part: Part, before: str, after: str = "") -> Part:
    return replace(part, numbers=f"{before}{part.numbers}{after}")


def _order(statement: Order, protocol: str, court: Court) -> list[Part]:
    """Every pair of rows: whether the sharper one has the larger gap, by the loss that has no units."""
    dataset, table, parts = _arena(statement.table, court), statement.table, []
    number = len(statement.rows) * (len(statement.rows) - 1) // 2 * len(statement.metrics)
    support, refute = levels(court.settings.level, number, every=True)
    rises = {row: _rises(table, row, court, "linearity_rise") for row in statement.rows}
    for a, b in combinations(statement.rows, 2):
        for metric in statement.metrics:
            label = f"{title(table)}, {metric}: order of {a} and {b}"
            gap = court.ours.pair((table, a), (table, b), (dataset, metric, "gap"), protocol)
            rise_a, rise_b = rises[a], rises[b]
            compared = None if rise_a is None or rise_b is None else _difference(rise_a, rise_b)
            if gap is None or compared is None:
                text = "no landscape in a loss without units, or no paired comparison of the gaps"
                parts.append(Part(label, NOT_RUN, text, None))
                continue
            sharper, wider = compared[0], gap.estimate
            agree = _sign(sharper, support) * _sign(wider, support)
            oppose = math.prod(_sign(sides(found, support, refute)[1], refute) for found in (sharper, wider))
            verdict = REPRODUCED if agree > 0 else CONTRADICTED if oppose < 0 else UNDECIDED
            low, high = sharper.interval(court.settings.level)
            text = f"sharpness {sharper.value:+.1%} {bounds(low, high, '+.1%')}, gap "
            parts.append(_with(part_of(label, verdict, gap, court), text))
    return parts


def _sign(found: Estimate, level: float) -> int:
    """1 for significantly above 0, -1 for below, 0 for neither, or for too few trainings."""
    return (int(found.above() <= level) - int(found.below() <= level)) if found.of_method else 0


def _correlation(statement: Correlation, protocol: str, court: Court) -> list[Part]:
    parts = []
    both = levels(court.settings.level, len(statement.groups) * len(statement.metrics), every=True)
    for group in statement.groups:
        for metric in statement.metrics:
            label = f"{group}, {metric} gap: correlation with sharpness"
            row = court.ours.correlation(group, metric, protocol)
            if row is None:
                parts.append(Part(label, NOT_RUN, "no runs with landscapes", None))
                continue
            verdict = correlates(row["found"].estimate, statement.at_least, *both)
            part = part_of(label, verdict, row["found"], court, form="+.2f", bound=statement.at_least)
            parts.append(_with(part, f"mean Spearman over {row['runs']} runs, {row['measure']}: "))
    return parts


def _epochs(statement: Epochs, protocol: str, court: Court) -> list[Part]:
    parts = []
    number = len(statement.tables) * (1 if statement.kind == "sharpens" else len(statement.metrics))
    both = levels(court.settings.level, number, every=True)
    for table in statement.tables:
        place = f"{title(table)}, {statement.row}"
        run = court.ours.run(table, statement.row, _arena(table, court))
        rises = court.ours.rises(run)
        if statement.kind == "sharpens":
            label = f"{place}, sharpness: last epoch above the first that was kept"
            parts.append(_sharpens(label, rises, both, court))
            continue
        for metric in statement.metrics:
            label = f"{place}, {metric} gap over the epochs"
            curve = court.ours.curve(run, metric)
            if protocol == "clean":
                parts.append(Part(label, NOT_RUN, CURVES, None))
            elif curve is None or (statement.kind == "together" and rises is None):
                parts.append(Part(label, NOT_RUN, "no curve of the run" if curve is None else "no landscape", None))
            else:
                other = None
                if statement.kind == "together" and rises is not None:
                    other = rises.groupby(["epoch", "fold"]).mean().unstack("fold")
                parts.append(trend(label, curve, other, both))
    return parts


def _sharpens(label: str, rises: pd.Series | None, both: tuple[float, float], court: Court) -> Part:
    """Last epoch against the first, training by training and direction by direction, as a share of the first."""
    epochs = [] if rises is None else sorted(set(rises.index.get_level_values("epoch")))
    if rises is None or len(epochs) < 2:
        return Part(label, NOT_RUN, "no landscape of more than one epoch", None)
    first, last = (rises.xs(epoch, level="epoch").unstack("direction").to_numpy() for epoch in (epochs[0], epochs[-1]))
    scale = first.mean()
    if not scale > 0:
        return Part(label, UNDECIDED, f"no rise after epoch {epochs[0]} to compare with", None)
    estimate = over_directions((last - first) / scale).estimate()
    verdict = exceeds(estimate, court.settings.sharpness_margin, *both)
    text = f"{last.mean():.4g} after epoch {epochs[-1]} against {scale:.4g} after epoch {epochs[0]}: "
    part = part_of(label, verdict, court.ours.found(estimate), court, form="+.1%")
    return _with(part, text, f", {last.shape[1]} directions")


def trend(label: str, curve: pd.DataFrame, other: pd.DataFrame | None, both: tuple[float, float]) -> Part:
    """Rank correlation of the gap with the epoch, or with sharpness where that was measured, of every training.

    Epochs of one training follow from each other, so that its correlation has no p-value of its own: what is tested is
    whether more trainings rise than fall, by the sign test.
    """
    epochs = curve.index if other is None else curve.index.intersection(other.index)
    trends = []
    for training in curve.columns:
        x = np.asarray(epochs, dtype=float) if other is None else other.loc[epochs, training].to_numpy()
        y = curve.loc[epochs, training].to_numpy()
        constant = len(epochs) < 3 or np.ptp(x) == 0 or np.ptp(y) == 0
        trends.append(np.nan if constant else float(stats.spearmanr(x, y).statistic))
    if np.isnan(trends).any():
        return Part(label, UNDECIDED, f"{len(epochs)} epochs say nothing of a trend", None)
    number, rising = len(trends), sum(trend > 0 for trend in trends)
    above, below = (float(stats.binom.sf(count - 1, number, 0.5)) for count in (rising, number - rising))
    verdict = UNDECIDED
    if number >= FEWEST:
        verdict = REPRODUCED if above <= both[0] else CONTRADICTED if below <= both[1] else UNDECIDED
    mean, value = curve.mean(axis=1), float(np.mean(trends))
    text = (
        f"rises in {rising} of {number} {'training' if number == 1 else 'trainings'} (one-sided {p_text(above)}), "
        f"mean Spearman {value:+.2f} over {len(epochs)} epochs, from {mean[epochs[0]]:+.3f} to {mean[epochs[-1]]:+.3f}"
    )
    return Part(label, verdict, text, None, value, trainings=number)
