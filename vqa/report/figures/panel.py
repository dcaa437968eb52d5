"""What a panel of a figure is, where it reads, and the labels at the ends of its curves."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import SubFigure

from vqa.io import InputError
from vqa.settings.params import Params

# Least distance of two direct labels, as a part of the height of the axes.
LABEL_DISTANCE = 0.085


@dataclass(frozen=True)
class Sources:
    """The files that panels are drawn from: params, and the folder of the scale.

    Attributes:
        params: of the scale.
        folder: that holds ``runs/``, ``landscapes/`` and ``reports/``.
    """

    params: Params
    folder: Path

    def table(self, path: str, stage: str) -> pd.DataFrame:
        """A CSV file below the folder; InputError names the stage that writes it."""
        if not (self.folder / path).is_file():
            raise InputError(f"{path} is missing: `dvc repro {stage}`")
        return pd.read_csv(self.folder / path)


class Panel(Protocol):
    """One panel: a frozen dataclass, read from its block of params.

    Attributes:
        title: what stands above it.
        size: width and height in inches.
    """

    title: str
    size: tuple[float, float]

    def check(self, params: Params, where: str) -> None:
        """Raise ParamsError, which begins with ``where``, if params do not have what the panel names."""

    def numbers(self, sources: Sources) -> pd.DataFrame:
        """The plotted numbers."""

    def draw(self, canvas: SubFigure, numbers: pd.DataFrame, params: Params) -> None:
        """Draw the numbers; the last 0.2 inches of the canvas are left free."""


def place(canvas: SubFigure, size: tuple[float, float], left: float, right: float, top: float, bottom: float) -> None:
    """Margins of a panel in inches."""
    width, height = size
    canvas.subplots_adjust(left=left / width, right=1 - right / width, top=1 - top / height, bottom=bottom / height)


def label_ends(axes: Axes, ends: Mapping[str, tuple[float, str, str]]) -> None:
    """Name every curve at its end, in its colour; labels too close to each other are moved apart.

    Args:
        axes: whose limits are final.
        ends: text of a label: its height in data units, colour and font weight.
    """
    low, high = axes.get_ylim()
    scale = axes.transScale.transform
    (_, bottom), (_, top) = scale([(1, low), (1, high)])
    order = sorted(((scale((1, y))[1] - bottom) / (top - bottom), text) for text, (y, _, _) in ends.items())
    heights = [min(max(height, 0.0), 1.0) for height, _ in order]
    for _ in range(200):
        for i in range(len(heights) - 1):
            overlap = LABEL_DISTANCE - (heights[i + 1] - heights[i])
            if overlap > 0:
                heights[i], heights[i + 1] = heights[i] - overlap / 2, heights[i + 1] + overlap / 2
    for height, (_, text) in zip(heights, order, strict=True):
        _, colour, weight = ends[text]
        axes.text(1.025, height, text, color=colour, weight=weight, transform=axes.transAxes, va="center", fontsize=6.6)
