"""Figures: panels of params put together, with the plotted numbers of every panel beside them."""

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pandas as pd
from matplotlib.figure import Figure as Canvas

from vqa.io import write_csv
from vqa.report.figures import curves, landscape, selection_bonus_panel, sharpness_gap_panel, surface
from vqa.report.figures.panel import Panel, Sources
from vqa.report.figures.style import INK, QUIET, house_style, save
from vqa.report.wording import data_line, training_seeds
from vqa.settings.params import Params
from vqa.settings.strict import ParamsError, build, one_of

KINDS = {
    "curves": curves.Panel,
    "landscape": landscape.Panel,
    "surface": surface.Panel,
    "sharpness_gap": sharpness_gap_panel.Panel,
    "selection_bonus": selection_bonus_panel.Panel,
}
# These show the first training of a run; others sum up all of them.
ONE_TRAINING = (curves.Panel, landscape.Panel, surface.Panel)
LETTERS = "abcdefgh"


@dataclass(frozen=True)
class Figure:
    """A figure of params.

    Attributes:
        title: what it shows, for pages; every panel has its own above it.
        panels: see :data:`KINDS`; several stand in rows of ``columns``.
        columns: panels side by side.
    """

    title: str
    panels: tuple[Panel, ...]
    columns: int

    def stems(self, name: str) -> list[str]:
        """File names of the numbers, without suffix: ``fig1a``, or ``fig4a``, ``fig4b`` ... for several panels."""
        return [name] if len(self.panels) == 1 else [f"{name}{letter}" for letter in LETTERS[: len(self.panels)]]


@dataclass(frozen=True)
class _Block:
    """A block of ``figures`` as it stands in params: ``kind`` and its keys for one panel, or ``panels`` for several."""

    title: str
    panels: tuple[dict[str, Any], ...]
    columns: int = 1


def read_figures(params: Params) -> dict[str, Figure]:
    """The block ``figures`` of params by file name; ParamsError says what does not fit."""
    figures = {}
    for name, raw in params.figures.items():
        where = f"params.yaml: figures.{name}"
        content = raw if not isinstance(raw, dict) or "panels" in raw else {"title": raw.get("title"), "panels": [raw]}
        block = build(_Block, content, where)
        figures[name] = Figure(
            block.title, tuple(_panel(panel, where, params) for panel in block.panels), block.columns
        )
        if not 1 <= len(block.panels) <= len(LETTERS) or block.columns < 1:
            raise ParamsError(f"{where}: needs 1 to {len(LETTERS)} panels and at least one column")
    return figures


def _panel(block: dict[str, Any], where: str, params: Params) -> Panel:
    try:
        one_of("kind", str(block.get("kind")), tuple(KINDS))
        panel: Panel = build(KINDS[block["kind"]], {key: value for key, value in block.items() if key != "kind"}, where)
        panel.check(params, where)
    except ParamsError:
        raise
    except ValueError as error:
        raise ParamsError(f"{where}: {error}") from None
    return panel


def compose(figure: Figure, numbers: list[pd.DataFrame], params: Params) -> Canvas:
    """Draw all panels of a figure; a line at its foot says what the data are.

    Args:
        figure: see :func:`read_figures`.
        numbers: of every panel.
        params: of the scale.
    """
    rows = [figure.panels[start : start + figure.columns] for start in range(0, len(figure.panels), figure.columns)]
    width = max(sum(panel.size[0] for panel in row) for row in rows)
    heights = [max(panel.size[1] for panel in row) for row in rows]
    several, remaining = len(figure.panels) > 1, iter(zip(LETTERS, numbers, strict=False))
    with house_style():
        canvas = Canvas(figsize=(width, sum(heights)))
        bands = canvas.subfigures(len(rows), 1, height_ratios=heights, squeeze=False)[:, 0]
        for band, row in zip(bands, rows, strict=True):
            sizes = [panel.size[0] for panel in row] + [row[-1].size[0]] * (figure.columns - len(row))
            cells = band.subfigures(1, figure.columns, width_ratios=sizes, squeeze=False)[0]
            for cell, panel in zip(cells, row, strict=False):
                letter, table = next(remaining)
                panel.draw(cell, table, params)
                if several:
                    cell.text(0.012, 0.985, f"({letter})", ha="left", va="top", fontsize=8.5, weight="bold", color=INK)
        one = all(isinstance(panel, ONE_TRAINING) for panel in figure.panels)
        seeds = f"training seed {params.common.seed}" if one else training_seeds(params)
        said = f"{seeds}; {data_line(params.common)}"
        canvas.text(0.5, 0.055 / sum(heights), said, ha="center", va="bottom", fontsize=5.8, color=QUIET)
        canvas.draw_without_rendering()  # places the ticks while the house style holds
    return canvas


def write_figure(name: str, figure: Figure, sources: Sources, out: Path) -> None:
    """Write a figure as PNG and SVG to the folder ``out``, and the numbers of every panel as CSV."""
    numbers = [panel.numbers(sources) for panel in figure.panels]
    for stem, table in zip(figure.stems(name), numbers, strict=True):
        write_csv(out / f"{stem}.csv", table)
    save(compose(figure, numbers, sources.params), out / name)
