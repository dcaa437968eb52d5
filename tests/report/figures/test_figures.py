"""Figures: the numbers they plot, their bytes, what they refuse, and no trace left in Matplotlib's global state."""

import dataclasses
import json
from pathlib import Path

import matplotlib as mpl
import numpy as np
import pandas as pd
import pytest
from landscape_files import ALPHAS, write_landscape
from matplotlib.figure import Figure as Canvas
from project import ROOT
from report_fixture import EPOCHS, build_project, call, contents, edit_params

from stages import figures as stage
from vqa.report.figures.figure import compose, read_figures
from vqa.report.figures.panel import Sources
from vqa.report.figures.style import COLOURS, COLUMN_INCHES, DPI, HUES, INK
from vqa.report.wording import training_seeds
from vqa.settings.params import load

AROUND = {"method": "fastvqa", "data": "prepared/konvid1k", "weights": ["last_ema", "epoch_1_ema"], "surface": True}
LINES = {"kind": "landscape", "title": "AWP", "hue": "AWP", "base": "gamma=0"}
LINES |= {"curves": {"gamma=0": "A01", "gamma=0.0001": "A15", "epoch 1": "A01/epoch_1_ema"}}
CURVES = {"kind": "curves", "run": "A01", "metric": "srcc", "title": "Baseline"}
FIGURES = {
    "fig2d": LINES,
    "fig3": {
        "title": "Several",
        "columns": 2,
        "panels": [CURVES, {**LINES, "relative": True}, {**LINES, "part": "test"}],
    },
    "surfaces": {"kind": "surface", "title": "Planes", "runs": {"plain": "A01", "AWP": "A15"}},
}


def build(folder: Path) -> None:
    build_project(folder)
    edit_params(
        folder, landscapes={"A01": {**AROUND, "data": "zero_shot/prepared.json"}, "A15": AROUND}, figures=FIGURES
    )
    for name, sharpness in {"A01": 1.0, "A15": 0.5}.items():
        write_landscape(folder, name, sharpness, weights=("last_ema", "epoch_1_ema"))


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("figures")
    build(folder)
    assert call(stage.main, folder) == 0
    return folder


def drawn(folder: Path, name: str) -> Canvas:
    params = load(folder / "params.yaml")
    figure = read_figures(params)[name]
    return compose(figure, [panel.numbers(Sources(params, folder)) for panel in figure.panels], params)


# The files


def test_every_figure_has_its_files_and_every_panel_its_numbers(made):
    stems = {"fig1a", "fig1b", "fig2d", "fig3", "surfaces"}
    numbers = {"fig1a", "fig1b", "fig2d", "fig3a", "fig3b", "fig3c", "surfaces"}
    pictures = {f"{stem}.{kind}" for stem in stems for kind in ("png", "svg")}
    assert set(contents(made / "reports" / "figures")) == pictures | {f"{stem}.csv" for stem in numbers}


def test_run_twice_gives_the_same_bytes_and_figures_that_are_gone_leave(made):
    folder = made / "reports" / "figures"
    before = contents(folder)
    (folder / "old.png").write_bytes(b"of an older params.yaml")
    assert call(stage.main, made) == 0
    assert contents(folder) == before
    assert b"<dc:date>" not in before["fig1a.svg"]


def test_size_text_and_global_state(made):
    settings = dict(mpl.rcParams)
    canvas = drawn(made, "fig1a")
    assert dict(mpl.rcParams) == settings
    assert "not comparable with the paper" in canvas.texts[-1].get_text()
    assert "seed 42" in canvas.texts[-1].get_text()
    with (made / "reports" / "figures" / "fig1a.png").open("rb") as stream:
        width = int.from_bytes(stream.read(20)[16:20], "big")
    assert width == COLUMN_INCHES * DPI


def test_the_foot_of_a_figure_fits_and_names_the_seeds_that_it_shows(made):
    """One training stands for a run in curves; what is summed up over trainings names them all."""
    params = load(ROOT / "real" / "params.yaml")
    bonus = pd.DataFrame(
        [
            ("run", "A01", "SAMA", "konvid1k/test", "SRCC", 0.02, 0.01, 0.03),
            ("method", "SAMA", "SAMA", "all", "SRCC", 0.02, np.nan, np.nan),
        ],
        columns=["level", "name", "method", "dataset", "metric", "bonus", "ci_low", "ci_high"],
    )
    canvas = compose(read_figures(params)["selection_bonus"], [bonus], params)
    foot = canvas.texts[-1]
    assert foot.get_text().startswith("training seeds 42 to 51; real opinion scores")
    box = foot.get_window_extent()
    assert canvas.bbox.x0 <= box.x0 < box.x1 <= canvas.bbox.x1
    printed = [text.get_text() for cell in canvas.subfigs[0].subfigs for text in cell.axes[0].texts]
    assert printed == ["+0.020"]  # a single one has no interval
    curve = drawn(made, "fig1a")
    assert curve.texts[-1].get_text().startswith("training seed 42; ")
    runs = dict(list(params.runs.items())[:2])
    first = dataclasses.replace(
        params, runs={name: dataclasses.replace(run, seeds=(7, 3)) for name, run in runs.items()}
    )
    assert training_seeds(first) == "training seeds 3, 7"


def test_one_figure_can_be_asked_for(tmp_path, capsys):
    build_project(tmp_path)
    assert call(stage.main, tmp_path, "fig1b") == 0
    assert sorted(contents(tmp_path / "reports" / "figures")) == ["fig1b.csv", "fig1b.png", "fig1b.svg"]
    assert call(stage.main, tmp_path, "fig1c") == 2
    assert "'fig1c' is not defined" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("gone", "asked", "needs"),
    [
        ("runs/A01/curve.csv", "fig1a", "train@A01"),
        ("runs/A01/epoch_predictions.csv", "fig1a", "train@A01"),
        ("landscapes/A15/curve.csv", "fig2d", "landscape@A15"),
        ("landscapes/A15/surface.csv", "surfaces", "landscape@A15"),
    ],
)
def test_a_missing_file_is_one_line_and_exit_code_2(tmp_path, capsys, gone, asked, needs):
    build(tmp_path)
    (tmp_path / gone).unlink()
    assert call(stage.main, tmp_path, asked) == 2
    assert capsys.readouterr().err == f"error: {gone} is missing: `dvc repro {needs}`\n"


# The numbers


def test_plotted_curves_are_those_of_the_run_on_its_first_test_set(made):
    numbers = pd.read_csv(made / "reports" / "figures" / "fig1b.csv")
    curve = pd.read_csv(made / "runs" / "A01" / "curve.csv").query("dataset == 'konvid1k/test'")
    assert list(numbers.epoch) == list(range(1, EPOCHS + 1))
    np.testing.assert_array_equal(numbers.test_ema, curve.test_plcc_ema)
    np.testing.assert_array_equal(numbers.test_raw, curve.test_plcc_raw)
    np.testing.assert_allclose(numbers.gap, curve.train_plcc - curve.test_plcc_ema)
    # The marked epoch is the one that the released protocol tabulates.
    metrics = json.loads((made / "runs" / "A01" / "metrics.json").read_text())
    best = metrics["released"]["scores"]["konvid1k/test"]["best_epoch"]["plcc"]
    assert numbers.epoch[numbers.test_ema.idxmax()] == best


def test_bands_hold_their_curves_and_are_wider_for_fewer_items(made):
    numbers = pd.read_csv(made / "reports" / "figures" / "fig1a.csv")
    for name in ("train", "test_ema", "gap"):
        assert (numbers[f"{name}_low"] < numbers[name]).all()
        assert (numbers[name] < numbers[f"{name}_high"]).all()
    width = {name: (numbers[f"{name}_high"] - numbers[f"{name}_low"]).iloc[0] for name in ("train", "test_ema", "gap")}
    assert width["train"] < width["test_ema"] < width["gap"], "48 items, 24 items, and both"


def test_landscape_panel_has_mean_and_range_of_the_directions(made):
    numbers = pd.read_csv(made / "reports" / "figures" / "fig2d.csv")
    np.testing.assert_allclose(numbers.alpha, ALPHAS)
    for label, s in {"gamma=0": 1.0, "gamma=0.0001": 0.5, "epoch 1": 0.5}.items():
        np.testing.assert_allclose(numbers[label], 0.1 + 1.1 * s * ALPHAS**2)
        np.testing.assert_allclose(numbers[f"{label} low"], 0.1 + s * ALPHAS**2)
        np.testing.assert_allclose(numbers[f"{label} high"], 0.1 + 1.2 * s * ALPHAS**2)
    relative, test = (pd.read_csv(made / "reports" / "figures" / f"fig3{letter}.csv") for letter in "bc")
    np.testing.assert_allclose(relative["gamma=0"], 1 + 11 * ALPHAS**2)
    np.testing.assert_allclose(test["gamma=0"], 0.2 + 1.1 * ALPHAS**2)


# The drawing


def test_the_curve_that_others_are_compared_with_is_ink_and_others_share_a_hue(made):
    (axes,) = (axes for axes in drawn(made, "fig2d").axes)
    colours = {line.get_ydata()[-1]: mpl.colors.to_hex(line.get_color()) for line in axes.lines}
    assert colours[max(colours)] == INK, "gamma=0 is the sharpest"
    assert HUES["AWP"].lower() in colours.values(), "the strongest has the full hue"
    assert len(set(colours.values())) == 2 or len(axes.lines) == 3
    assert {text.get_text() for text in axes.texts} == {"γ = 0", "γ = 0.0001", "epoch 1"}


def test_a_collapsed_model_still_has_its_figure(made):
    params = load(made / "params.yaml")
    figure = read_figures(params)["fig1a"]
    columns = ["test_ema", "test_raw", "gap", "test_ema_low", "test_ema_high", "gap_low", "gap_high"]
    numbers = pd.DataFrame({"epoch": [1, 2], "train": [0.1, 0.2], "train_low": [0, 0], "train_high": [1, 1]})
    canvas = compose(figure, [numbers.assign(**dict.fromkeys(columns, np.nan))], params)
    assert not any("best on test" in text.get_text() for axes in canvas.axes for text in axes.texts)
    assert {line.get_color() for line in canvas.axes[0].lines} >= {COLOURS["train"]}


# Params


@pytest.mark.parametrize(
    ("block", "message"),
    [
        ({**CURVES, "kind": "bars"}, "kind: 'bars' is not one of curves, landscape"),
        ({**CURVES, "run": "A02"}, "fig9.run: 'A02' is not defined (did you mean 'A06'?)"),
        ({**CURVES, "metric": "rmse"}, "metric: 'rmse' is not one of srcc, plcc"),
        ({**CURVES, "colour": "red"}, "unknown key 'colour'"),
        ({**LINES, "base": "gamma=1"}, "base: 'gamma=1' is not one of gamma=0"),
        ({**LINES, "curves": {"gamma=0": "A06"}}, "landscapes: 'A06' is not defined"),
        ({**LINES, "curves": {"gamma=0": "A01/epoch_2_ema"}}, "landscapes.A01 does not measure epoch_2_ema"),
        ({"title": "None", "panels": []}, "needs 1 to 8 panels"),
        ({"title": "Half", "panels": [{"kind": "curves"}]}, "missing key 'title'"),
    ],
)
def test_a_figure_that_cannot_be_drawn_is_refused_in_one_line(tmp_path, capsys, block, message):
    build(tmp_path)
    edit_params(tmp_path, figures={"fig9": block})
    assert call(stage.main, tmp_path) == 2
    error = capsys.readouterr().err
    assert error.startswith("error: params.yaml: figures.fig9")
    assert message in error
    assert error.count("\n") == 1
