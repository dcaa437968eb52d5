"""Figures: the numbers they plot, their bytes, and no trace left in Matplotlib's global state."""

import json
from pathlib import Path

import matplotlib as mpl
import numpy as np
import pandas as pd
import pytest
from report_fixture import EPOCHS, build_project, call, contents

from stages import figures as stage
from vqa.params import load
from vqa.report.figures import LABEL_DISTANCE, curve_numbers, draw_curves
from vqa.report.style import COLUMN_INCHES, DPI


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("figures")
    build_project(folder)
    assert call(stage.main, folder) == 0
    return folder


def test_plotted_numbers_are_those_of_the_curve_and_of_the_first_test_set(made: Path) -> None:
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


def test_run_twice_gives_the_same_bytes_and_leaves_other_figures_alone(made: Path) -> None:
    folder = made / "reports" / "figures"
    before = contents(folder)
    assert sorted(before) == [f"fig1{part}.{kind}" for part in "ab" for kind in ("csv", "png", "svg")]
    (folder / "contact_sheet.png").write_bytes(b"not ours")
    assert call(stage.main, made) == 0
    assert contents(folder) == before | {"contact_sheet.png": b"not ours"}
    (folder / "contact_sheet.png").unlink()
    assert b"<dc:date>" not in before["fig1a.svg"]


def test_size_text_and_global_state(made: Path) -> None:
    params = load(made / "params.yaml")
    settings = dict(mpl.rcParams)
    numbers = curve_numbers(pd.read_csv(made / "runs" / "A01" / "curve.csv"), "konvid1k/test", "srcc")
    canvas = draw_curves(numbers, params.figures["fig1a"], "KoNViD-1k", params.common)
    assert dict(mpl.rcParams) == settings
    assert "not comparable with the paper" in canvas.texts[0].get_text()
    assert "seed 42" in canvas.texts[0].get_text()
    with (made / "reports" / "figures" / "fig1a.png").open("rb") as stream:
        width = int.from_bytes(stream.read(20)[16:20], "big")
    assert width == COLUMN_INCHES * DPI


def test_labels_of_close_curves_do_not_overlap(made: Path) -> None:
    params = load(made / "params.yaml")
    epochs = np.arange(1, 11)
    close = pd.DataFrame(
        {"epoch": epochs, "train": epochs / 10, "test_ema": epochs / 10, "test_raw": epochs / 10, "gap": 0}
    )
    canvas = draw_curves(close, params.figures["fig1a"], "KoNViD-1k", params.common)
    heights = sorted(text.get_position()[1] for text in canvas.axes[0].texts if text.get_text() in LABELS)
    assert len(heights) == 3
    assert np.diff(heights).min() > 0.95 * LABEL_DISTANCE


LABELS = ("train", "test EMA", "test raw")


def test_a_collapsed_model_still_has_its_figure(made: Path) -> None:
    params = load(made / "params.yaml")
    numbers = pd.DataFrame(
        {"epoch": [1, 2], "train": [0.1, 0.2], **dict.fromkeys(["test_ema", "test_raw", "gap"], np.nan)}
    )
    draw_curves(numbers, params.figures["fig1a"], "KoNViD-1k", params.common)


def test_missing_curve_is_one_line_and_exit_code_2(tmp_path: Path, capsys: pytest.CaptureFixture) -> None:
    build_project(tmp_path)
    (tmp_path / "runs" / "A01" / "curve.csv").unlink()
    assert call(stage.main, tmp_path) == 2
    assert (
        capsys.readouterr().err == "error: runs/A01/curve.csv is missing: train the run first, `dvc repro train@A01`\n"
    )


def test_one_figure_can_be_asked_for(tmp_path: Path, capsys: pytest.CaptureFixture) -> None:
    build_project(tmp_path)
    assert call(stage.main, tmp_path, "fig1b") == 0
    assert sorted(contents(tmp_path / "reports" / "figures")) == ["fig1b.csv", "fig1b.png", "fig1b.svg"]
    assert call(stage.main, tmp_path, "fig1c") == 2
    assert "'fig1c' is not defined" in capsys.readouterr().err
