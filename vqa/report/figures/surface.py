"""Loss over the plane of two random directions, run beside run on one scale of colours."""

from dataclasses import dataclass

import numpy as np
import pandas as pd
from matplotlib.figure import SubFigure

from vqa.report.figures.panel import Sources, place
from vqa.report.figures.style import INK
from vqa.settings.params import Params
from vqa.settings.strict import ParamsError, known_name

LEVELS = 14


@dataclass(frozen=True)
class Panel:
    """A block of kind ``surface``: ``runs`` gives the label of every run; those with ``surface: true`` have one."""

    title: str
    runs: dict[str, str]
    size = (5.4, 2.5)

    def check(self, params: Params, where: str) -> None:
        """ParamsError if a run has no surface."""
        for run in self.runs.values():
            known_name(f"{where}: landscapes", run, params.landscapes)
            if not params.landscapes[run].get("surface"):
                raise ParamsError(f"{where}: landscapes.{run} must say surface: true")

    def numbers(self, sources: Sources) -> pd.DataFrame:
        """Rows ``label, alpha, beta, loss``."""
        tables = {
            label: sources.table(f"landscapes/{run}/surface.csv", f"landscape@{run}")
            for label, run in self.runs.items()
        }
        return pd.concat([t.assign(label=label)[["label", "alpha", "beta", "loss"]] for label, t in tables.items()])

    def draw(self, canvas: SubFigure, numbers: pd.DataFrame, params: Params) -> None:
        """Filled contours; a cross at the trained weights, with the loss there."""
        row = canvas.subplots(1, len(self.runs), sharex=True, sharey=True, squeeze=False)[0]
        place(canvas, self.size, left=0.5, right=0.75, top=0.42, bottom=0.52)
        levels = np.linspace(numbers.loss.min(), numbers.loss.max(), LEVELS + 1)
        for axes, label in zip(row, self.runs, strict=True):
            plane = numbers[numbers.label == label].pivot(index="beta", columns="alpha", values="loss")
            filled = axes.contourf(plane.columns, plane.index, plane, levels=levels, cmap="cividis")
            axes.contour(plane.columns, plane.index, plane, levels=levels, colors="white", linewidths=0.25)
            centre = plane.loc[plane.index[np.abs(plane.index).argmin()]].iloc[np.abs(plane.columns).argmin()]
            axes.plot(0, 0, "+", color="white", ms=6, mew=1.1)
            axes.set_title(f"{label}: {centre:.3f} at +", fontsize=7.5, weight="normal")
            axes.set_xlabel("α")
            axes.set_aspect("equal")
            axes.grid(visible=False)
        row[0].set_ylabel("β")
        canvas.suptitle(self.title, x=0.5 / self.size[0], y=0.985, ha="left", fontsize=8.5, weight="bold", color=INK)
        bar = canvas.colorbar(filled, ax=list(row), fraction=0.05, pad=0.02, ticks=levels[:: LEVELS // 7])
        bar.ax.set_ylabel("Train loss")
        bar.outline.set_visible(False)
        bar.ax.yaxis.set_major_formatter(lambda value, _: f"{value:.2f}")
