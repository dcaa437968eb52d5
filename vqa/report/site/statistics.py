"""What the page of the statistics shows: selection bonus, sharpness and gap, spread, and what the tests can see."""

import math
from typing import Any

import numpy as np
import pandas as pd

from vqa.report.site.embed import bounds, compact, decimals, probability, signed
from vqa.report.site.inputs import POINT_TEXTS, Inputs
from vqa.report.site.svg import Plot, interval_bar, padded
from vqa.stats.trainings import FEWEST

METRICS = ("SRCC", "PLCC")
GAP_COLUMN = "gap_srcc_clean"
# Runs of one method and training set that make a scatter.
SMALLEST_GROUP = 2

View = dict[str, Any]


def statistics_view(inputs: Inputs) -> View:
    """All sections of the page."""
    bonus = inputs.selection_bonus
    limits = bonus_limits(bonus)
    return {
        "methods": bonus_rows(bonus[bonus.level == "method"], limits),
        "runs": bonus_rows(bonus[bonus.level == "run"], limits),
        "limits": [signed(value, 2) for value in limits],
        **sharpness_view(inputs),
        "correlations": correlation_rows(inputs.sharpness_gap),
        "spread": spread_rows(inputs.spread),
        "fusion": fusion_rows(inputs.fusion),
        "detectable": detectable_rows(inputs.comparisons, inputs.params.statistics["level"]),
    }


def bonus_limits(bonus: pd.DataFrame) -> tuple[float, float]:
    """One range for all bars: that of the intervals, zero in it, without the few that are far out."""
    values = bonus[["bonus", "ci_low", "ci_high"]].to_numpy().ravel()
    values = values[np.isfinite(values)]
    if not len(values):
        return -1.0, 1.0
    low, high = np.quantile(values, [0.01, 0.99])
    return min(float(low), 0.0) - 0.01, max(float(high), 0.0) + 0.01


def bonus_rows(bonus: pd.DataFrame, limits: tuple[float, float]) -> list[View]:
    """One row per run (or method) and test set, its metrics side by side."""
    rows = []
    for (name, method, dataset), part in bonus.groupby(["name", "method", "dataset"], sort=False):
        by_metric = {row["metric"]: row for row in part.to_dict("records")}
        cells: list[dict[str, str] | None] = []
        for metric in METRICS:
            row = by_metric.get(metric)
            if row is None:
                cells.append(None)
                continue
            bar = interval_bar(row["bonus"], row["ci_low"], row["ci_high"], limits, row["selection"])
            low_high = bounds(row["ci_low"], row["ci_high"])
            texts = {"value": signed(row["bonus"]), "interval": low_high, "selection": signed(row["selection"])}
            cells.append({**texts, "bar": bar})
        first = part.iloc[0]
        rows.append(
            {
                "name": name,
                "method": method,
                "dataset": dataset,
                "cells": cells,
                "n": whole(first.n),
                "runs": whole(first.runs),
            }
        )
    return rows


def sharpness_view(inputs: Inputs) -> View:
    """Scatters of the clean gap in SRCC against every measure of sharpness, a dot per training.

    Sharpness depends on the loss and the network, so trainings are compared within groups of one method and training
    set; a run without a group is named, not drawn.
    """
    points = inputs.sharpness_points
    sizes = points.groupby(["method", "train"])["run"].transform("nunique") if len(points) else pd.Series(dtype=int)
    alone, points = list(points.run[sizes < SMALLEST_GROUP].unique()), points[sizes >= SMALLEST_GROUP]
    groups = list(dict.fromkeys(zip(points.method, points.train, strict=True)))
    fixed = {*POINT_TEXTS, *(name for name in points if name.startswith(("gap_", "test_")))}
    measures = [name for name in points if name not in fixed and points[name].notna().any()]
    datasets = {name: dataset.title for name, dataset in inputs.params.datasets.items()}
    titles = [f"{method} on {datasets.get(train, train)}" for method, train in groups]
    return {"panels": [_panel(points, name, groups) for name in measures], "sets": titles, "alone": alone}


def _panel(points: pd.DataFrame, measure: str, groups: list[tuple[str, str]]) -> View:
    """One scatter."""
    # Sharpness may span decades: its logarithm, where it has one, keeps the runs apart.
    logarithmic = bool((points[measure].dropna() > 0).all()) and spans_decades(points[measure])
    values = np.log10(points[measure]) if logarithmic else points[measure]
    label = measure_name(measure)
    names = (f"{'log10 of ' if logarithmic else ''}{label}", "gap in SRCC, clean")
    plot = Plot(padded(values), padded(points[GAP_COLUMN]), names)
    plot.level(0.0)
    for value, row in zip(values, points.to_dict("records"), strict=True):
        kind = f"dot set{groups.index((row['method'], row['train'])) % 4}"
        regularizer = f"{row['regularizer']} {row['strength']}".strip()
        said = f"{row['run']} ({regularizer}, seed {row['seed']}): {label} {compact(row[measure], 4)}, "
        said += f"gap {decimals(row[GAP_COLUMN])}"
        plot.dot(value, row[GAP_COLUMN], kind, said, 3.4)
    return {"measure": label, "svg": plot.render(f"Gap in SRCC against {label}, one dot per training")}


def spans_decades(values: pd.Series) -> bool:
    """Whether the largest value is more than ten times the smallest."""
    return bool(len(values) and values.max() > 10 * values.min())


def measure_name(column: str) -> str:
    """``mean rise at 0.5`` of ``mean_rise_0.5``."""
    name, _, at = column.rpartition("_")
    return f"{name.replace('_', ' ')} at {at}" if at.replace(".", "").isdigit() else column.replace("_", " ")


def correlation_rows(gaps: pd.DataFrame) -> list[list[str]]:
    """The rank correlations of sharpness and gap, as texts."""
    return [
        [
            *(row["group"], measure_name(row["measure"]), row["gap"].upper(), row["protocol"]),
            *(whole(row["runs"]), whole(row["trainings"])),
            *(signed(row["spearman"], 2), bounds(row["ci_low"], row["ci_high"], 2)),
            probability(row["p"]).removeprefix("p ").removeprefix("= "),
        ]
        for row in gaps.to_dict("records")
    ]


def spread_rows(spread: pd.DataFrame) -> list[View]:
    """Spread over seeds and over random splits, of the runs that have several of either."""
    several = spread[spread.std_over_seeds.notna() | spread.std_over_splits.notna()]
    return [
        {
            "run": row["run"],
            "cells": [
                *(row["dataset"], row["metric"].upper(), row["protocol"], whole(row["seeds"]), whole(row["splits"])),
                *(decimals(row["std_over_seeds"], 4), decimals(row["std_over_splits"], 4)),
            ],
        }
        for row in several.to_dict("records")
    ]


def fusion_rows(fusion: pd.DataFrame) -> list[list[str]]:
    """What every rule of fusing two branches is worth, as texts."""
    return [
        [
            *(row["run"], row["dataset"], row["rule"], decimals(row["weight"]), whole(row["n"])),
            *(decimals(row["srcc"]), decimals(row["plcc"])),
            *(signed(row["gain"]), bounds(row["ci_low"], row["ci_high"])),
        ]
        for row in fusion.to_dict("records")
    ]


def detectable_rows(comparisons: pd.DataFrame, level: float) -> list[list[str]]:
    """Per test set and metric: what difference from a reference row could be found, and what the paper reports.

    Found are those of at least three trainings whose p-value is below ``level``.
    """
    tested = comparisons[(comparisons.reference.str.lower() == "true") & (comparisons.split == "test")]
    tested = tested[tested.protocol == "clean"]
    rows = []
    for (dataset, metric), part in tested.groupby(["dataset", "metric"], sort=False):
        found = int(((part.p < level) & (part.trainings >= FEWEST)).sum())
        smallest, paper = part.detectable, part.paper_difference.abs()
        rows.append(
            [
                *(dataset, metric, whole(part.n.iloc[0]), str(len(part))),
                f"{decimals(smallest.median())} ({decimals(smallest.min())} to {decimals(smallest.max())})",
                *(decimals(paper.median()), decimals(part.power.median(), 2), f"{found} of {len(part)}"),
            ]
        )
    return rows


def whole(value: float) -> str:
    """A count, or nothing where there is none."""
    return "" if math.isnan(value) else f"{value:.0f}"
