"""Train and test correlation of a run over its epochs, and the gap between them (Figures 1(a), 1(b), 3(a), 3(b))."""

from dataclasses import dataclass

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import SubFigure
from matplotlib.ticker import MaxNLocator

from vqa.report.figures.panel import Sources, label_ends, place
from vqa.report.figures.style import COLOURS, COLUMN_INCHES, QUIET
from vqa.rng import numpy_generator
from vqa.settings.params import Params
from vqa.settings.strict import known_name, one_of
from vqa.stats.correlation import percentile_interval, resampled_correlation


@dataclass(frozen=True)
class Panel:
    """A block of kind ``curves``.

    Attributes:
        title: above the panel.
        run: whose curves.
        metric: ``srcc`` or ``plcc``.
    """

    title: str
    run: str
    metric: str
    size = (COLUMN_INCHES, 2.95)

    def __post_init__(self) -> None:
        one_of("metric", self.metric, ("srcc", "plcc"))

    def check(self, params: Params, where: str) -> None:
        """ParamsError if there is no such run."""
        known_name(f"{where}.run", self.run, params.runs)

    def numbers(self, sources: Sources) -> pd.DataFrame:
        """One row per epoch, see :func:`curve_numbers`."""
        params = sources.params
        curve, predictions = (
            sources.table(f"runs/{self.run}/{name}.csv", f"train@{self.run}") for name in ("curve", "epoch_predictions")
        )
        common = params.common
        return curve_numbers(
            curve, predictions, params.runs[self.run].test[0], self.metric, common.bootstrap, common.seed
        )

    def draw(self, canvas: SubFigure, numbers: pd.DataFrame, params: Params) -> None:
        """Train and test above, their gap below, each with the 95 % interval over the items."""
        upper, lower = canvas.subplots(2, 1, sharex=True, height_ratios=[2.6, 1])
        place(canvas, self.size, left=0.58, right=0.62, top=0.26, bottom=0.52)
        canvas.subplots_adjust(hspace=0.13)
        upper.set_title(self.title)
        upper.set_ylabel(self.metric.upper())
        epochs, train, test = numbers.epoch, COLOURS["train"], COLOURS["test"]
        for axes, name, colour in ((upper, "train", train), (upper, "test_ema", test), (lower, "gap", COLOURS["gap"])):
            band = numbers[f"{name}_low"], numbers[f"{name}_high"]
            axes.fill_between(epochs, *band, color=colour, alpha=0.14, linewidth=0)
        upper.plot(epochs, numbers.train, color=train)
        upper.plot(epochs, numbers.test_raw, color=test, linewidth=0.7, alpha=0.6)
        upper.plot(epochs, numbers.test_ema, color=test)
        upper.set_ylim(upper.get_ylim())
        _mark_best(upper, numbers, f"test_{params.common.released.weights}")
        ends = numbers.iloc[-1]
        label_ends(
            upper,
            {
                "train": (ends.train, train, "bold"),
                "test EMA": (ends.test_ema, test, "bold"),
                "test raw": (ends.test_raw, test, "normal"),
            },
        )
        lower.set_ylabel("Gap")
        lower.axhline(0, color=QUIET, linewidth=0.6)
        lower.plot(epochs, numbers.gap, color=COLOURS["gap"])
        lower.margins(y=0.15)
        label_ends(lower, {"train −\ntest EMA": (ends.gap, COLOURS["gap"], "bold")})
        lower.set_xlabel("Epoch")
        lower.xaxis.set_major_locator(MaxNLocator(integer=True))
        for axes in (upper, lower):
            axes.set_xlim(epochs.min(), epochs.max())
            axes.yaxis.set_major_locator(MaxNLocator(5 if axes is upper else 3))
            axes.grid(visible=False, axis="x")
        canvas.align_ylabels([upper, lower])


def curve_numbers(
    curve: pd.DataFrame, predictions: pd.DataFrame, dataset: str, metric: str, resamples: int, seed: int
) -> pd.DataFrame:
    """The plotted numbers, of the first training if there are several.

    Args:
        curve: ``curve.csv`` of a run.
        predictions: ``epoch_predictions.csv`` of the run.
        dataset: test set, ``dataset/split``.
        metric: ``srcc`` or ``plcc``.
        resamples: bootstrap resamples of the items.
        seed: of the resamples, which are the same for all epochs.

    Returns:
        One row per epoch: ``epoch``, ``train`` (on the fly), ``test_ema``, ``test_raw`` and ``gap`` (train minus
        ``test_ema``); for all but ``test_raw`` also ``_low`` and ``_high``, the 95 % percentile interval.
    """
    rows = curve[(curve.dataset == dataset) & (curve.fold == curve.fold.iloc[0])].reset_index(drop=True)
    train, ema = rows[f"train_{metric}"], rows[f"test_{metric}_ema"]
    numbers = pd.DataFrame(
        {
            "epoch": rows.epoch,
            "train": train,
            "test_ema": ema,
            "test_raw": rows[f"test_{metric}_raw"],
            "gap": train - ema,
        }
    )
    name, _, split = dataset.partition("/")
    first = predictions[predictions.fold == predictions.fold.iloc[0]]
    samples = {
        "train": first[first.weights == "on-the-fly"],
        "test_ema": first[(first.weights == "ema") & (first.dataset == name) & (first.split == split)],
    }
    spread: dict[str, list[np.ndarray]] = {}
    for column, part in samples.items():
        for _, epoch in part.groupby("epoch"):
            generator = numpy_generator("bootstrap", seed, column)
            pair = epoch.prediction.to_numpy(), epoch.mos.to_numpy()
            spread.setdefault(column, []).append(resampled_correlation(*pair, metric, resamples, generator))
    spread["gap"] = [a - b for a, b in zip(spread["train"], spread["test_ema"], strict=True)]
    for column, distributions in spread.items():
        numbers[[f"{column}_low", f"{column}_high"]] = [percentile_interval(values) for values in distributions]
    return numbers


def _mark_best(axes: Axes, numbers: pd.DataFrame, column: str) -> None:
    """A ring at the epoch that the released protocol tabulates, and its name below, where no curve runs."""
    if numbers[column].isna().all():  # a model that predicts one value for all items has no best epoch
        return
    epoch, value = numbers.loc[numbers[column].idxmax(), ["epoch", column]]
    late = epoch > numbers.epoch.mean()
    axes.vlines(epoch, axes.get_ylim()[0], value, color=COLOURS["test"], linewidth=0.6, linestyle=":")
    axes.plot(epoch, value, "o", ms=4.5, mfc="white", mec=COLOURS["test"], mew=1.2, clip_on=False, zorder=5)
    axes.annotate(
        f"best on test: epoch {epoch:.0f}",
        (epoch, 0.03),
        xycoords=("data", "axes fraction"),
        xytext=(-3 if late else 3, 0),
        textcoords="offset points",
        ha="right" if late else "left",
        fontsize=6.2,
        color=COLOURS["test"],
    )
