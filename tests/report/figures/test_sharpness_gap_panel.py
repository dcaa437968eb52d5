"""Sharpness against the gap: a dot per training, and the correlation of the group that is drawn."""

from pathlib import Path

import pandas as pd
import pytest
from matplotlib.figure import Figure as Canvas
from report_fixture import PARAMS

from vqa.io import InputError, write_csv
from vqa.report.figures.panel import Sources
from vqa.report.figures.sharpness_gap_panel import Panel
from vqa.report.tables.sharpness_gap import GAP, POINTS
from vqa.settings.params import Params, load
from vqa.settings.strict import ParamsError

GROUP = "FAST-VQA on KoNViD-1k"
PANEL = Panel("Gap", GROUP, "mean_rise_0.5", "rise")


@pytest.fixture
def sources(tmp_path: Path) -> Sources:
    (tmp_path / "params.yaml").write_text(PARAMS)
    rows = []
    for k, (run, kind) in enumerate((("A01", "none"), ("A15", "AWP"), ("A16", "AWP"))):
        for seed in (42, 43):
            row = {"run": run, "seed": seed, "cut": 0, "method": "FAST-VQA", "train": "KoNViD-1k", "regularizer": kind}
            row |= {"strength": k, "gap_srcc_clean": 0.1 * k + seed / 1000, "gap_plcc_released": 0.5 + 0.1 * k}
            rows.append({**row, "mean_rise_0.5": 0.01 * k + seed / 10000})
    rows.append({**rows[0], "method": "SAMA", "run": "A20"})
    statistics = tmp_path / "reports" / "statistics"
    write_csv(statistics / "sharpness_points.csv", pd.DataFrame(rows, columns=[*POINTS, "mean_rise_0.5"]))
    gaps = [
        (group, measure, gap, protocol, 3, trainings, value, value - 0.1, value + 0.1, 0.01, 0.05, 4.0)
        for group, measure, gap, protocol, trainings, value in (
            ("all, within groups", "mean_rise_0.5", "srcc", "clean", 2, 0.1),
            (GROUP, "curvature", "srcc", "clean", 2, 0.2),
            (GROUP, "mean_rise_0.5", "srcc", "released", 2, 0.3),
            (GROUP, "mean_rise_0.5", "srcc", "clean", 2, 0.6),
            (GROUP, "mean_rise_0.5", "plcc", "released", 1, -0.4),
        )
    ]
    write_csv(statistics / "sharpness_gap.csv", pd.DataFrame(gaps, columns=GAP))
    return Sources(load(tmp_path / "params.yaml"), tmp_path)


def drawn(panel: Panel, sources: Sources) -> tuple[pd.DataFrame, Canvas]:
    numbers, canvas = panel.numbers(sources), Canvas(figsize=panel.size)
    panel.draw(canvas.subfigures(), numbers, sources.params)
    return numbers, canvas


def test_every_training_of_the_group_is_a_dot(sources: Sources) -> None:
    numbers, canvas = drawn(PANEL, sources)
    assert list(zip(numbers.run, numbers.seed, strict=True)) == [
        (r, s) for r in ("A01", "A15", "A16") for s in (42, 43)
    ]
    (axes,) = canvas.subfigs[0].axes
    points = {tuple(point) for cloud in axes.collections for point in cloud.get_offsets().data}
    assert points == set(zip(numbers.sharpness, numbers.gap, strict=True))
    assert numbers.gap.tolist() == pytest.approx([0.042, 0.043, 0.142, 0.143, 0.242, 0.243])
    assert [text.get_text() for text in axes.get_legend().get_texts()] == ["own recipe", "AWP"]


@pytest.mark.parametrize(
    ("metric", "protocol", "said"),
    [
        ("srcc", "clean", "Spearman ρ = +0.60 [+0.50, +0.70], 3 runs, 2 seeds"),
        ("plcc", "released", "Spearman ρ = -0.40 [-0.50, -0.30], 3 runs"),  # one training each
    ],
)
def test_the_correlation_is_that_of_what_is_drawn(sources: Sources, metric: str, protocol: str, said: str) -> None:
    _, canvas = drawn(Panel("Gap", GROUP, "mean_rise_0.5", "rise", metric, protocol), sources)
    (axes,) = canvas.subfigs[0].axes
    assert [text.get_text() for text in axes.texts] == [said]
    assert axes.get_ylabel() == f"{metric.upper()} gap, {protocol} protocol"


def test_a_group_without_a_correlation_is_drawn_all_the_same(sources: Sources) -> None:
    numbers, _ = drawn(Panel("Gap", "SAMA on KoNViD-1k", "mean_rise_0.5", "rise"), sources)
    assert list(numbers.run) == ["A20"]
    assert numbers.spearman.isna().all()


def test_what_is_not_there_is_refused(sources: Sources) -> None:
    for group, measure in ((GROUP, "mean_rise_0.9"), ("SimpleVQA on KoNViD-1k", "mean_rise_0.5")):
        with pytest.raises(InputError, match=f"has no {measure} of {group}: `dvc repro statistics`"):
            Panel("Gap", group, measure, "rise").numbers(sources)
    params: Params = sources.params
    PANEL.check(params, "figures.x")
    with pytest.raises(ParamsError, match=r"figures\.x\.group"):
        Panel("Gap", "FAST-VQA on KoNViD", "mean_rise_0.5", "rise").check(params, "figures.x")
