"""The panel of sharpness and gap: the trainings that it draws, the correlation that it names, and what it refuses."""

from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from matplotlib.figure import Figure as Canvas
from report_fixture import build_project, call, edit_params

from stages import figures as stage
from vqa.io import write_csv
from vqa.report.figures.figure import compose, read_figures
from vqa.report.figures.panel import Sources
from vqa.report.figures.style import HUES, INK
from vqa.report.tables.sharpness_gap import GAP, POINTS
from vqa.settings.params import load

GROUP, OTHER = "FAST-VQA on KoNViD-1k", "SAMA on KoNViD-1k"
BLOCK = {
    **{"kind": "sharpness_gap", "title": "Relation", "group": GROUP, "measure": "mean_rise_0.5"},
    **{"axis": "Mean rise", "metric": "plcc", "protocol": "released"},
}
# Run, regularizer and its strength; every run has one training for each seed.
RUNS = {"A01": ("none", ""), "A03": ("weight decay", "0.5"), "A15": ("AWP", "0.0001"), "A16": ("AWP", "0.001")}
SEEDS = (42, 43, 44)


def point(run: str, seed: int, level: float, method: str = "FAST-VQA") -> dict:
    """A training: its number of sharpness is ``level``, its gaps are four others."""
    gaps = {"gap_srcc_clean": level + 1, "gap_plcc_clean": level + 2}
    gaps |= {"gap_srcc_released": level + 3, "gap_plcc_released": level + 4}
    labels = dict(zip(POINTS[3:7], (method, "KoNViD-1k", *RUNS.get(run, ("RWP", "0.1"))), strict=True))
    measures = {"mean_rise_0.5": level, "curvature": -level}
    return {"run": run, "seed": seed, "cut": 0, **labels, **gaps, "test_srcc_clean": 0.5, **measures}


def correlation(group: str, measure: str, gap: str, protocol: str, spearman: float) -> tuple:
    return (group, measure, gap, protocol, 4, 3, spearman, -0.25, 0.75, 0.2, 0.1, 5.0)


@pytest.fixture
def project(tmp_path: Path) -> Path:
    build_project(tmp_path)
    edit_params(tmp_path, figures={"relation": BLOCK})
    rows = [point(run, seed, 10 * i + j) for i, run in enumerate(RUNS) for j, seed in enumerate(SEEDS)]
    rows.append(point("C02", 42, 500.0, "SAMA"))
    write_csv(tmp_path / "reports" / "statistics" / "sharpness_points.csv", pd.DataFrame(rows))
    # Only the first of these is of this panel: each of the others differs from it in one name.
    found = [
        correlation(GROUP, "curvature", "plcc", "released", 0.91),
        correlation(OTHER, "mean_rise_0.5", "plcc", "released", 0.92),
        correlation(GROUP, "mean_rise_0.5", "srcc", "released", 0.93),
        correlation(GROUP, "mean_rise_0.5", "plcc", "clean", 0.94),
        correlation(GROUP, "mean_rise_0.5", "plcc", "released", 0.5),
    ]
    write_csv(tmp_path / "reports" / "statistics" / "sharpness_gap.csv", pd.DataFrame(found, columns=list(GAP)))
    return tmp_path


def edit_gaps(folder: Path, **columns: float) -> None:
    path = folder / "reports" / "statistics" / "sharpness_gap.csv"
    write_csv(path, pd.read_csv(path).assign(**columns))


def drawn(folder: Path) -> Canvas:
    params = load(folder / "params.yaml")
    figure = read_figures(params)["relation"]
    return compose(figure, [panel.numbers(Sources(params, folder)) for panel in figure.panels], params)


def said(folder: Path) -> str:
    (axes,) = drawn(folder).axes
    return axes.texts[0].get_text()


def test_numbers_have_a_row_per_training_and_the_correlation_of_this_measure_gap_and_protocol(project):
    assert call(stage.main, project, "relation") == 0
    numbers = pd.read_csv(project / "reports" / "figures" / "relation.csv")
    assert list(zip(numbers.run, numbers.seed, strict=True)) == [(run, seed) for run in RUNS for seed in SEEDS]
    levels = [10.0 * i + j for i in range(4) for j in range(3)]
    np.testing.assert_array_equal(numbers.sharpness, levels)
    np.testing.assert_array_equal(numbers.gap, np.add(levels, 4))
    shared = numbers[["spearman", "ci_low", "ci_high", "runs", "trainings"]].drop_duplicates()
    assert shared.to_numpy().tolist() == [[0.5, -0.25, 0.75, 4, 3]]


def test_every_training_is_a_mark_of_its_regularizer(project):
    canvas = drawn(project)
    (axes,) = canvas.axes
    clouds = {cloud.get_label(): cloud for cloud in axes.collections}
    assert [text.get_text() for text in axes.get_legend().get_texts()] == ["own recipe", "weight decay", "AWP"]
    assert {name: len(cloud.get_offsets()) for name, cloud in clouds.items()} == {
        "own recipe": 3,
        "weight decay": 3,
        "AWP": 6,
    }
    np.testing.assert_array_equal(clouds["own recipe"].get_offsets(), [[0, 4], [1, 5], [2, 6]])
    colours = {name: tuple(cloud.get_facecolor()[0][:3]) for name, cloud in clouds.items()}
    assert len(set(colours.values())) == 3
    assert HUES.get("none", INK) == INK
    assert axes.get_ylabel() == "PLCC gap, released protocol"


def test_the_correlation_above_names_runs_and_trainings_and_stays_on_the_figure(project):
    canvas = drawn(project)
    (axes,) = canvas.axes
    assert axes.texts[0].get_text() == "Spearman ρ +0.50 [-0.25, +0.75], 4 runs of 3 trainings"
    edit_gaps(project, runs=16, trainings=10)
    canvas = drawn(project)
    box = canvas.axes[0].texts[0].get_window_extent()
    assert canvas.bbox.x0 <= box.x0 < box.x1 <= canvas.bbox.x1
    edit_gaps(project, runs=4, trainings=1)
    assert said(project).endswith("], 4 runs")


def test_too_few_runs_have_no_correlation(project):
    path = project / "reports" / "statistics" / "sharpness_gap.csv"
    write_csv(path, pd.read_csv(path)[:-1])
    assert said(project) == "4 runs, no correlation"


@pytest.mark.parametrize(
    ("block", "message"),
    [
        ({"measure": "top_eigenvalue"}, "sharpness_points.csv has no top_eigenvalue of FAST-VQA on KoNViD-1k"),
        ({"group": "Other on KoNViD-1k"}, "sharpness_points.csv has no mean_rise_0.5 of Other on KoNViD-1k"),
        ({"group": "FAST-VQA on KoNViD"}, "figures.relation.group: 'KoNViD' is not defined"),
        ({"metric": "krcc"}, "metric: 'krcc' is not one of srcc, plcc"),
        ({"protocol": "both"}, "protocol: 'both' is not one of clean, released"),
    ],
)
def test_what_is_not_there_is_one_line(project, capsys, block, message):
    edit_params(project, figures={"relation": {**BLOCK, **block}})
    assert call(stage.main, project, "relation") == 2
    error = capsys.readouterr().err
    assert message in error
    assert error.count("\n") == 1
