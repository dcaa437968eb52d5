"""Labels of curves, and the columns that the plots of DVC draw from the numbers of figures."""

from pathlib import Path

import numpy as np
import pytest
import yaml
from matplotlib.figure import Figure as Canvas
from project import ROOT

from vqa.report.figures.figure import read_figures
from vqa.report.figures.landscape import shown
from vqa.report.figures.panel import LABEL_DISTANCE, label_ends
from vqa.report.figures.style import INK
from vqa.settings.params import load


def test_labels_as_readers_see_them():
    assert [shown(label) for label in ("gamma=0.001", "weight_decay=0.5", "AuA", "epoch 3")] == [
        "γ = 0.001",
        "λ = 0.5",
        "AuA",
        "epoch 3",
    ]


@pytest.mark.parametrize("heights", [(0.5, 0.5, 0.5, 0.5), (0.99, 1.0, 0.98, 0.2), (0.0, 0.001, 0.002, 0.003)])
def test_labels_of_close_curves_do_not_overlap_and_keep_their_order(heights):
    axes = Canvas().subplots()
    axes.set_ylim(0, 1)
    label_ends(axes, {f"{i}": (height, INK, "normal") for i, height in enumerate(heights)})
    placed = {text.get_text(): text.get_position()[1] for text in axes.texts}
    assert np.diff(sorted(placed.values())).min() > 0.95 * LABEL_DISTANCE
    assert sorted(placed, key=placed.get) == sorted(placed, key=lambda i: (heights[int(i)], i))


def test_plots_of_dvc_name_columns_that_are_there():
    """Every column that `dvc plots show` draws is one that the figure's own block of params makes."""
    plots = yaml.safe_load((ROOT / "dvc.yaml").read_text())["plots"]
    for scale in ("params.yaml", "paper/params.yaml"):
        content = yaml.safe_load((ROOT / scale).read_text())
        figures = read_figures(load(ROOT / scale))
        made = {
            stem: panel
            for name, figure in figures.items()
            for stem, panel in zip(figure.stems(name), figure.panels, strict=True)
        }
        wanted = {stem for stem, panel in made.items() if type(panel).__module__.endswith(("curves", "landscape"))}
        assert {Path(next(iter(block["y"]))).stem for plot in plots for block in plot.values()} == wanted
        for plot in plots:
            ((title, block),) = plot.items()
            ((path, columns),) = block["y"].items()
            if columns == "${shared.epochs}":
                columns = content["shared"]["epochs"]
            panel = made[Path(path).stem]
            if type(panel).__module__.endswith("landscape"):
                assert (block["x"], columns) == ("alpha", list(panel.curves)), title
            else:
                assert (block["x"], columns) == ("epoch", ["train", "test_ema", "test_raw", "gap"]), title
