"""The one look of all figures: size, type, and a colour per role that colour-blind readers can tell apart."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import matplotlib as mpl
import numpy as np
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.colors import to_hex, to_rgb
from matplotlib.figure import Figure

from vqa.io import atomic

# Okabe and Ito's palette: train blue, test vermilion, their gap green, in every figure; grey for what is said beside.
COLOURS = {"train": "#0072B2", "test": "#D55E00", "gap": "#007F5F"}
INK, QUIET, GRID = "#222222", "#6B6B6B", "#E3E3E3"
# Where curves are compared, ink is the method's own recipe after the last epoch, a hue is a kind of regularizer (Paul
# Tol's muted colours) and its lightness the strength.
HUES = {"weight decay": "#999933", "augmentation": "#44AA99", "RWP": "#D17A00", "AWP": "#882255", "epoch": "#4A6FA5"}
METHODS = {"FAST-VQA": INK, "SAMA": "#AA4499", "SimpleVQA": "#3388BB", "SAMA-IQA": "#8C6D31"}
COLUMN_INCHES = 3.5
DPI = 200

SETTINGS = {
    "font.family": "DejaVu Sans",  # comes with Matplotlib, so that a figure has the same glyphs on every machine
    "font.size": 7.5,
    "axes.titlesize": 8.5,
    "axes.titleweight": "bold",
    "axes.titlelocation": "left",
    "axes.labelcolor": INK,
    "axes.edgecolor": QUIET,
    "axes.linewidth": 0.6,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.grid": True,
    "axes.axisbelow": True,
    "grid.color": GRID,
    "grid.linewidth": 0.5,
    "xtick.color": QUIET,
    "ytick.color": QUIET,
    "xtick.labelcolor": INK,
    "ytick.labelcolor": INK,
    "xtick.major.size": 2.5,
    "ytick.major.size": 2.5,
    "xtick.major.width": 0.6,
    "ytick.major.width": 0.6,
    "lines.linewidth": 1.5,
    "lines.solid_capstyle": "round",
    "svg.hashsalt": "vqa",
    "svg.fonttype": "path",
}


def shades(hue: str, count: int) -> list[str]:
    """``count`` colours of one hue, from light to full."""
    rgb = np.array(to_rgb(hue))
    shares = np.linspace(0.6, 1, count) if count > 1 else [1.0]
    return [to_hex(1 - share * (1 - rgb)) for share in shares]


@contextmanager
def house_style() -> Iterator[None]:
    """The settings of all figures inside the block, Matplotlib's own after it."""
    with mpl.rc_context(SETTINGS):
        yield


def save(figure: Figure, stem: Path) -> None:
    """Write ``<stem>.png`` and ``<stem>.svg`` atomically, without date or version: the same figure, the same bytes."""
    FigureCanvasAgg(figure)
    with house_style(), atomic(stem.with_suffix(".png")) as draft:
        figure.savefig(draft, format="png", dpi=DPI, metadata={"Software": None})
    with house_style(), atomic(stem.with_suffix(".svg")) as draft:  # its ids depend on svg.hashsalt
        figure.savefig(draft, format="svg", metadata={"Date": None, "Creator": None})
