"""Sharpness against the generalization gap, one point per training: the relation that the paper is about."""

from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
from matplotlib.figure import SubFigure

from vqa.io import InputError
from vqa.report.figures.panel import Sources, place
from vqa.report.figures.style import COLUMN_INCHES, HUES, INK, QUIET
from vqa.settings.params import Params
from vqa.settings.strict import known_name, one_of

MARKERS = {"none": "*", "weight decay": "s", "augmentation": "^", "RWP": "o", "AWP": "D"}


@dataclass(frozen=True)
class Panel:
    """A block of kind ``sharpness_gap``.

    Attributes:
        title: above the panel.
        group: of runs, a method on a training set by their titles: ``FAST-VQA on KoNViD-1k``.
        measure: column of ``sharpness_points.csv``.
        axis: what the measure is called at the axis.
        metric: ``srcc`` or ``plcc``, of the gap.
        protocol: ``clean`` or ``released``, of the gap.
    """

    title: str
    group: str
    measure: str
    axis: str
    metric: str = "srcc"
    protocol: str = "clean"
    size = (COLUMN_INCHES, 2.75)

    def __post_init__(self) -> None:
        one_of("metric", self.metric, ("srcc", "plcc"))
        one_of("protocol", self.protocol, ("clean", "released"))

    def check(self, params: Params, where: str) -> None:
        """ParamsError if there is no such training set."""
        known_name(f"{where}.group", self.group.partition(" on ")[2], [d.title for d in params.datasets.values()])

    def numbers(self, sources: Sources) -> pd.DataFrame:
        """Rows ``run, seed, regularizer, strength, sharpness, gap``, and the correlation in every row."""
        points = sources.table("reports/statistics/sharpness_points.csv", "statistics")
        points = points[points.method + " on " + points.train == self.group]
        if points.empty or self.measure not in points:
            raise InputError(f"sharpness_points.csv has no {self.measure} of {self.group}: `dvc repro statistics`")
        columns = {
            "run": "run",
            "seed": "seed",
            "regularizer": "regularizer",
            "strength": "strength",
            self.measure: "sharpness",
        }
        columns[f"gap_{self.metric}_{self.protocol}"] = "gap"
        table = sources.table("reports/statistics/sharpness_gap.csv", "statistics")
        chosen = (table.group == self.group) & (table.measure == self.measure) & (table.gap == self.metric)
        row = table[chosen & (table.protocol == self.protocol)]
        correlation = {
            name: row[name].iloc[0] if len(row) else np.nan
            for name in ("spearman", "ci_low", "ci_high", "runs", "trainings")
        }
        return points[list(columns)].rename(columns=columns).assign(**correlation)

    def draw(self, canvas: SubFigure, numbers: pd.DataFrame, params: Params) -> None:
        """A cloud with one marker per kind of regularizer, named in the legend, and the correlation above."""
        axes = canvas.subplots()
        place(canvas, self.size, left=0.6, right=0.15, top=0.42, bottom=0.52)
        axes.set_title(self.title, pad=14)
        for kind, points in numbers.groupby("regularizer", sort=False):
            look: dict[str, Any] = {"color": HUES.get(kind, INK), "marker": MARKERS.get(kind, "o")}
            label = "own recipe" if kind == "none" else kind
            look |= {"s": 46 if kind == "none" else 20, "linewidths": 0.5, "edgecolors": "white"}
            axes.scatter(points.sharpness, points.gap, label=label, **look)
        first = numbers.iloc[0]
        said = f"{numbers.run.nunique()} runs, no correlation"  # of too few runs, or of equal numbers
        if not np.isnan(first.spearman):
            said = (
                f"Spearman ρ {first.spearman:+.2f} [{first.ci_low:+.2f}, {first.ci_high:+.2f}], {first.runs:.0f} runs"
            )
            said += f" of {first.trainings:.0f} trainings" if first.trainings > 1 else ""
        axes.text(0, 1.03, said, transform=axes.transAxes, fontsize=6.6, color=QUIET)
        axes.set_xlabel(self.axis)
        axes.set_ylabel(f"{self.metric.upper()} gap, {self.protocol} protocol")
        axes.legend(fontsize=6.2, frameon=False, handletextpad=0.2, borderpad=0.2, loc="best")
