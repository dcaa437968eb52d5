"""Loss along random directions through the weights of several runs or epochs (Figures 1(c), 1(d), 2, 3(c) and 4)."""

from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
from matplotlib.figure import SubFigure
from matplotlib.ticker import MaxNLocator

from vqa.report.figures.panel import Sources, label_ends, place
from vqa.report.figures.style import COLUMN_INCHES, HUES, INK, METHODS, shades
from vqa.settings.params import Params
from vqa.settings.strict import ParamsError, known_name, one_of

STYLES = ("-", (0, (5, 1.2)), (0, (1.2, 1.2)), (0, (4, 1.2, 1.2, 1.2)))


@dataclass(frozen=True)
class Panel:
    """A block of kind ``landscape``.

    Attributes:
        title: above the panel.
        curves: label of a curve: ``RUN``, whose first weights are taken, or ``RUN/WEIGHTS``; from weak to strong.
        hue: what the curves differ in, a key of :data:`vqa.report.figures.style.HUES`, or ``method``.
        base: label of the curve that the others are compared with, drawn in ink.
        part: ``train`` or ``test`` items.
        relative: show the loss as a multiple of that at the weights themselves: for methods whose losses differ.
    """

    title: str
    curves: dict[str, str]
    hue: str
    base: str
    part: str = "train"
    relative: bool = False
    size = (COLUMN_INCHES, 2.45)

    def __post_init__(self) -> None:
        one_of("hue", self.hue, (*HUES, "method"))
        one_of("part", self.part, ("train", "test"))
        one_of("base", self.base, tuple(self.curves))

    def check(self, params: Params, where: str) -> None:
        """ParamsError if a run has no landscape."""
        for curve in self.curves.values():
            run, _, weights = curve.partition("/")
            known_name(f"{where}: landscapes", run, params.landscapes)
            if weights and weights not in params.landscapes[run]["weights"]:
                raise ParamsError(f"{where}: landscapes.{run} does not measure {weights}")

    def numbers(self, sources: Sources) -> pd.DataFrame:
        """``alpha``; for every label the mean over the directions and their range, ``LABEL low`` and ``LABEL high``."""
        columns: dict[str, pd.Series] = {}
        for label, curve in self.curves.items():
            run, _, weights = curve.partition("/")
            table = sources.table(f"landscapes/{run}/curve.csv", f"landscape@{run}")
            chosen = (table.weights == (weights or table.weights.iloc[0])) & table.part.str.endswith(f"/{self.part}")
            losses = table[chosen].pivot(index="alpha", columns="direction", values="loss")
            if self.relative:
                losses = losses / losses.loc[losses.index[np.abs(losses.index).argmin()]]
            columns |= {
                label: losses.mean(axis=1),
                f"{label} low": losses.min(axis=1),
                f"{label} high": losses.max(axis=1),
            }
        return pd.DataFrame(columns).rename_axis("alpha").reset_index()

    def draw(self, canvas: SubFigure, numbers: pd.DataFrame, params: Params) -> None:
        """One curve per label with a band from the lowest to the highest direction."""
        axes = canvas.subplots()
        place(canvas, self.size, left=0.55, right=0.78, top=0.26, bottom=0.52)
        axes.set_title(self.title)
        axes.set_xlabel("Step α along a random direction")
        axes.set_ylabel(f"{self.part.capitalize()} loss" + " / loss at α = 0" * self.relative)
        looks = self.looks()
        # The curve that others are compared with lies on top.
        for label in sorted(self.curves, key=lambda label: label == self.base):
            colour, style = looks[label]
            if len(self.curves) <= 6:
                band = numbers[f"{label} low"], numbers[f"{label} high"]
                axes.fill_between(numbers.alpha, *band, color=colour, alpha=0.09, linewidth=0)
            axes.plot(numbers.alpha, numbers[label], color=colour, linestyle=style, linewidth=1.4)
        axes.set_xlim(numbers.alpha.min(), numbers.alpha.max())
        if self.relative:
            axes.set_yscale("log")
            axes.yaxis.set_major_formatter(lambda value, _: f"{value:g}")
        else:
            axes.set_ylim(bottom=min(0.0, axes.get_ylim()[0]))
            axes.yaxis.set_major_locator(MaxNLocator(5))
        axes.set_ylim(axes.get_ylim())
        axes.grid(visible=False, axis="x")
        ends = {
            shown(label): (numbers[label].iloc[-1], looks[label][0], "bold" if label == self.base else "normal")
            for label in self.curves
        }
        label_ends(axes, ends)

    def looks(self) -> dict[str, tuple[str, Any]]:
        """Colour and line style of every label."""
        if self.hue == "method":
            return {label: (METHODS[label], "-") for label in self.curves}
        others = [label for label in self.curves if label != self.base]
        styles = STYLES if self.hue == "augmentation" else ("-",) * len(others)
        shaded = zip(shades(HUES[self.hue], len(others)), styles, strict=False)
        looks: dict[str, tuple[str, Any]] = dict(zip(others, shaded, strict=True))
        return {**looks, self.base: (INK, "-")}


def shown(label: str) -> str:
    """A label of the data as readers see it: ``gamma=0.001`` as γ = 0.001."""
    name, _, value = label.partition("=")
    return label if not value else f"{ {'gamma': 'γ', 'weight_decay': 'λ'}.get(name, name) } = {value}"
