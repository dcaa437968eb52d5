"""What picking the epoch on the test set is worth: released minus clean, run by run and method by method."""

from dataclasses import dataclass

import numpy as np
import pandas as pd
from matplotlib.figure import SubFigure

from vqa.report.figures.panel import Sources, place
from vqa.report.figures.style import COLUMN_INCHES, INK, QUIET
from vqa.settings.params import Params
from vqa.settings.strict import one_of


@dataclass(frozen=True)
class Panel:
    """A block of kind ``selection_bonus``: ``metric`` is ``srcc`` or ``plcc``."""

    title: str
    metric: str = "srcc"
    size = (COLUMN_INCHES + 1.2, 3.4)  # so that thirteen methods have a line each

    def __post_init__(self) -> None:
        one_of("metric", self.metric, ("srcc", "plcc"))

    def check(self, params: Params, where: str) -> None:
        """Nothing is named that could be missing."""

    def numbers(self, sources: Sources) -> pd.DataFrame:
        """Rows of ``selection_bonus.csv`` of the metric."""
        table = sources.table("reports/statistics/selection_bonus.csv", "statistics")
        return table[table.metric == self.metric.upper()]

    def draw(self, canvas: SubFigure, numbers: pd.DataFrame, params: Params) -> None:
        """A row per method: a dot for every run and test set, a diamond with its interval for their mean."""
        axes = canvas.subplots()
        place(canvas, self.size, left=1.3, right=1.25, top=0.26, bottom=0.52)
        axes.set_title(self.title)
        axes.axvline(0, color=QUIET, linewidth=0.6)
        means = numbers[numbers.level == "method"].set_index("name")
        for row, mean in enumerate(means.itertuples()):
            bonus = numbers[(numbers.level == "run") & (numbers.method == mean.method)].bonus.to_numpy()
            # Spread by rank, so that equal values do not hide each other and nothing is drawn at random.
            lift = (np.arange(len(bonus)) % 5 - 2) * 0.07
            axes.scatter(bonus, row + lift, s=9, color=QUIET, alpha=0.55, linewidths=0)
            axes.plot([mean.ci_low, mean.ci_high], [row, row], color=INK, linewidth=1.6)
            axes.plot(mean.bonus, row, "D", color=INK, ms=4.5, mec="white", mew=0.6)
            # A single run or log has no interval.
            bounds = "" if np.isnan(mean.ci_low) else f" [{mean.ci_low:+.3f}, {mean.ci_high:+.3f}]"
            said = f"{mean.bonus:+.3f}{bounds}"
            beside = axes.get_yaxis_transform()
            axes.text(1.02, row, said, fontsize=6.2, va="center", color=INK, transform=beside, clip_on=False)
        axes.set_yticks(range(len(means)), means.index)
        axes.set_ylim(len(means) - 0.5, -0.6)
        axes.set_xlabel(f"{self.metric.upper()}: released minus clean")
        axes.grid(visible=False, axis="y")
