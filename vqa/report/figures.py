"""Training curves: train and test correlation of one run over its epochs, and the gap between them (Figure 1)."""

import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure as Canvas
from matplotlib.ticker import MaxNLocator

from vqa.params import Common, Figure
from vqa.report.style import COLOURS, COLUMN_INCHES, INK, QUIET, house_style
from vqa.report.wording import scale_warning

# Least distance of two direct labels, as a part of the height of the axes.
LABEL_DISTANCE = 0.085


def curve_numbers(curve: pd.DataFrame, dataset: str, metric: str) -> pd.DataFrame:
    """The plotted numbers.

    Args:
        curve: ``curve.csv`` of a run.
        dataset: test set, ``dataset/split``.
        metric: ``srcc`` or ``plcc``.

    Returns:
        One row per epoch: ``epoch``, ``train`` (on the fly), ``test_ema``, ``test_raw`` and ``gap`` (train minus
        ``test_ema``).
    """
    rows = curve[curve.dataset == dataset].reset_index(drop=True)
    train, ema = rows[f"train_{metric}"], rows[f"test_{metric}_ema"]
    columns = {"train": train, "test_ema": ema, "test_raw": rows[f"test_{metric}_raw"], "gap": train - ema}
    return pd.DataFrame({"epoch": rows.epoch, **columns})


def draw_curves(numbers: pd.DataFrame, figure: Figure, dataset: str, common: Common) -> Canvas:
    """Two panels over the epochs: train and test above, their gap below.

    Args:
        numbers: see :func:`curve_numbers`.
        figure: its block of params.
        dataset: title of the test set.
        common: the common block of params, for the line that says what the data are.
    """
    name = figure.metric.upper()
    with house_style():
        canvas = Canvas(figsize=(COLUMN_INCHES, 3.05))
        upper, lower = canvas.subplots(2, 1, sharex=True, height_ratios=[2.6, 1])
        canvas.subplots_adjust(left=0.165, right=0.825, top=0.915, bottom=0.205, hspace=0.13)
        upper.set_title(figure.title, color=INK)
        upper.set_ylabel(name)
        upper.plot(numbers.epoch, numbers.train, color=COLOURS["train"])
        upper.plot(numbers.epoch, numbers.test_raw, color=COLOURS["test"], linewidth=0.7, alpha=0.6)
        upper.plot(numbers.epoch, numbers.test_ema, color=COLOURS["test"])
        upper.set_ylim(upper.get_ylim())
        _mark_best(upper, numbers, f"test_{common.released.weights}")
        ends = {"train": ("train", "bold"), "test_ema": ("test EMA", "bold"), "test_raw": ("test raw", "normal")}
        _label_ends(upper, numbers, ends)
        lower.set_ylabel("Gap")
        lower.axhline(0, color=QUIET, linewidth=0.6)
        lower.plot(numbers.epoch, numbers.gap, color=COLOURS["gap"])
        lower.margins(y=0.15)
        _label_ends(lower, numbers, {"gap": ("train −\ntest EMA", "bold")})
        lower.set_xlabel("Epoch")
        lower.xaxis.set_major_locator(MaxNLocator(integer=True))
        for axes in (upper, lower):
            axes.set_xlim(numbers.epoch.min(), numbers.epoch.max())
            axes.yaxis.set_major_locator(MaxNLocator(5 if axes is upper else 3))
            axes.grid(visible=False, axis="x")
        canvas.align_ylabels([upper, lower])
        said = f"{dataset}, seed {common.seed}; {scale_warning(common)}"
        canvas.text(0.5, 0.02, said, ha="center", va="bottom", fontsize=5.8, color=QUIET)
        canvas.draw_without_rendering()  # places the ticks while the house style holds
    return canvas


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


def _label_ends(axes: Axes, numbers: pd.DataFrame, labels: dict[str, tuple[str, str]]) -> None:
    """Name every curve at its end, in its colour; labels too close to each other are moved apart."""
    low, high = axes.get_ylim()
    ends = sorted(((numbers[column].iloc[-1] - low) / (high - low), column) for column in labels)
    heights = [height for height, _ in ends]
    for _ in range(50):
        for i in range(len(heights) - 1):
            overlap = LABEL_DISTANCE - (heights[i + 1] - heights[i])
            if overlap > 0:
                heights[i], heights[i + 1] = heights[i] - overlap / 2, heights[i + 1] + overlap / 2
    for height, (_, column) in zip(heights, ends, strict=True):
        (text, weight), colour = labels[column], COLOURS[column.partition("_")[0]]
        axes.text(1.025, height, text, color=colour, weight=weight, transform=axes.transAxes, va="center", fontsize=6.6)
