"""Statements about sharpness and about epochs, part by part.

Sharpness is the mean rise of the training loss along random directions, at one named step, around the EMA
weights: a matter of the weights, the same in both protocols. Runs of one method were measured along the same
directions and are compared direction by direction; the test is over directions, not over training seeds. The paper
shows landscapes and curves as figures without numbers, so it cannot be held against its own.
"""

from collections.abc import Callable
from itertools import combinations

import numpy as np
import pandas as pd

from vqa.report.verdicts.claims import Correlation, Epochs, Order, Sharpness, Statement
from vqa.report.verdicts.evidence import Evidence
from vqa.report.verdicts.judge import Court, Part, bounds, deciding, p_text, title
from vqa.report.verdicts.rules import (
    CONTRADICTED,
    NOT_RUN,
    REPRODUCED,
    UNDECIDED,
    equivalent,
    exceeds,
    mean_over_directions,
    one_sided,
    rank_trend,
)

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


def _last(run: str, ours: Evidence) -> np.ndarray | None:
    """``(directions,)`` rises around a run's last weights."""
    rises = ours.rises(run)
    return None if rises is None else rises.iloc[:, -1].to_numpy()


def _sharpness(statement: Sharpness, protocol: str, court: Court) -> list[Part]:
    parts = []
    for table in statement.tables:
        for pair in statement.pairs:
            words = "flatter than" if statement.kind == "flatter" else "as sharp as"
            label = f"{title(table)}, sharpness: {pair[0]} {words} {pair[1]}"
            rises = [_last(court.ours.run(table, row, _arena(table, court)), court.ours) for row in pair]
            a, b = rises
            if a is None or b is None:
                lost = ", ".join(row for row, found in zip(pair, rises, strict=True) if found is None)
                parts.append(Part(label, NOT_RUN, f"no landscape of {lost}", None))
                continue
            parts.append(_steeper(label, statement, a, b, len(statement.tables) * len(statement.pairs), court))
    return parts


def _steeper(label: str, statement: Sharpness, a: np.ndarray, b: np.ndarray, parts: int, court: Court) -> Part:
    """Sharpness of row a against that of row b, direction by direction, as a share of b's mean."""
    if len(a) != len(b) or not b.mean() > 0:
        return Part(label, UNDECIDED, "not measured along the same directions, or no rise to compare with", None)
    mean, (low, high), (above, below) = mean_over_directions((a - b) / b.mean())
    if statement.kind == "flatter":
        p = (below, deciding(above, False, parts))
        verdict = exceeds(-mean, (-high, -low), p, court.level)
    else:
        p_two = deciding(2 * min(above, below), False, parts)
        verdict = equivalent((low, high), statement.within, p_two, court.level)
    text = f"{a.mean():.4g} against {b.mean():.4g} ({mean:+.1%} {_percent(low, high)}, {len(a)} directions)"
    return Part(label, verdict, text, None, mean)


def _percent(low: float, high: float) -> str:
    return f"[{low:+.1%}, {high:+.1%}]" if np.isfinite([low, high]).all() else "[no interval]"


def _order(statement: Order, protocol: str, court: Court) -> list[Part]:
    """Every pair of rows: whether the sharper one has the larger gap. Other networks have other directions."""
    dataset, table, parts = _arena(statement.table, court), statement.table, []
    number = len(statement.rows) * (len(statement.rows) - 1) // 2 * len(statement.metrics)
    runs = {row: court.ours.run(table, row, dataset) for row in statement.rows}
    for a, b in combinations(statement.rows, 2):
        for metric in statement.metrics:
            label = f"{title(table)}, {metric}: order of {a} and {b}"
            rise_a, rise_b = (_last(runs[row], court.ours) for row in (a, b))
            gap = court.ours.pair(table, a, b, (dataset, metric, "gap"), protocol)
            if gap is None or rise_a is None or rise_b is None:
                parts.append(Part(label, NOT_RUN, "no landscape, or no paired comparison of the gaps", None))
                continue
            mean, interval, p = mean_over_directions(rise_a, rise_b)
            both = (p, one_sided(gap.value, gap.p))
            agree, oppose = (_sign(both[0], at) * _sign(both[1], at) for at in (court.level, court.level / number))
            verdict = REPRODUCED if agree > 0 else CONTRADICTED if oppose < 0 else UNDECIDED
            text = (
                f"sharpness {mean:+.4g} {bounds(*interval, '+.4g')}, gap {gap.value:+.3f} {bounds(gap.low, gap.high)}"
            )
            parts.append(Part(label, verdict, text, None, gap.value))
    return parts


def _sign(p: tuple[float, float], level: float) -> int:
    """1 for significantly above 0, -1 for below, 0 for neither."""
    return int(p[0] <= level) - int(p[1] <= level)


def _correlation(statement: Correlation, protocol: str, court: Court) -> list[Part]:
    parts, number = [], len(statement.groups) * len(statement.metrics)
    for group in statement.groups:
        for metric in statement.metrics:
            label = f"{group}, {metric} gap: correlation with sharpness"
            row = court.ours.correlation(group, metric, protocol)
            if row is None:
                parts.append(Part(label, NOT_RUN, "no runs with landscapes", None))
                continue
            rho, (above, below) = row["spearman"], one_sided(row["spearman"], row["p_permutation"])
            interval = (row["ci_low"], row["ci_high"])
            verdict = exceeds(rho, interval, (above, deciding(below, False, number)), court.level)
            p = p_text(row["p_permutation"])
            text = (
                f"Spearman {rho:+.2f} {bounds(*interval, '+.2f')}, two-sided {p}, {row['runs']} runs, {row['measure']}"
            )
            parts.append(Part(label, verdict, text, None, rho))
    return parts


def _epochs(statement: Epochs, protocol: str, court: Court) -> list[Part]:
    parts, number = [], len(statement.tables) * len(statement.metrics)
    for table in statement.tables:
        place = f"{title(table)}, {statement.row}"
        run = court.ours.run(table, statement.row, _arena(table, court))
        rises = court.ours.rises(run)
        if statement.kind == "sharpens":
            label = f"{place}, sharpness: last epoch above the first that was kept"
            parts.append(_sharpens(label, rises, len(statement.tables), court))
            continue
        for metric in statement.metrics:
            label = f"{place}, {metric} gap over the epochs"
            curve = court.ours.curve(run, metric)
            if protocol == "clean":
                parts.append(Part(label, NOT_RUN, CURVES, None))
            elif curve is None or (statement.kind == "together" and rises is None):
                parts.append(Part(label, NOT_RUN, "no curve of the run" if curve is None else "no landscape", None))
            else:
                sharpness = None if rises is None or statement.kind != "together" else rises.mean()
                other = pd.Series(curve.index, curve.index) if sharpness is None else sharpness
                parts.append(_trend(label, curve, other, number, court))
    return parts


def _sharpens(label: str, rises: pd.DataFrame | None, parts: int, court: Court) -> Part:
    if rises is None or len(rises.columns) < 2:
        return Part(label, NOT_RUN, "no landscape of more than one epoch", None)
    first, last = rises.iloc[:, 0].to_numpy(), rises.iloc[:, -1].to_numpy()
    mean, interval, (above, below) = mean_over_directions(last - first)
    text = (
        f"{last.mean():.4g} after epoch {rises.columns[-1]} against {first.mean():.4g} after epoch {rises.columns[0]}: "
        f"{mean:+.4g} {bounds(*interval, '+.4g')}, {len(first)} directions"
    )
    return Part(label, exceeds(mean, interval, (above, deciding(below, False, parts)), court.level), text, None, mean)


def _trend(label: str, curve: pd.Series, other: pd.Series, parts: int, court: Court) -> Part:
    """Rank correlation of the gap with the epoch, or with sharpness where that was measured."""
    common = curve.index.intersection(other.index)
    rho, (above, below) = rank_trend(other[common].to_numpy(dtype=float), curve[common].to_numpy(dtype=float))
    if np.isnan(rho):
        return Part(label, UNDECIDED, f"{len(common)} epochs say nothing of a trend", None)
    p = (above, deciding(below, False, parts))
    text = f"Spearman {rho:+.2f} over {len(common)} epochs (one-sided {p_text(above)}), from {curve[common[0]]:+.3f} to"
    return Part(label, exceeds(rho, (-1.0, 1.0), p, court.level), f"{text} {curve[common[-1]]:+.3f}", None, rho)
