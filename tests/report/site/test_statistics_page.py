"""The page of the statistics: sharpness by training, correlations, what could be found, and the bonus."""

import dataclasses
import shutil
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from report_fixture import call
from site_fixture import edit_csv
from site_page import Page, text_of

from stages import site
from vqa.report.site.inputs import Inputs, read_inputs
from vqa.report.site.statistics import correlation_rows, detectable_rows, measure_name, sharpness_view, statistics_view
from vqa.settings.params import load


@pytest.fixture(scope="module")
def inputs(project: Path) -> Inputs:
    return read_inputs(load(project / "params.yaml"), project)


def with_points(inputs: Inputs, *more: pd.DataFrame) -> Inputs:
    return dataclasses.replace(inputs, sharpness_points=pd.concat([inputs.sharpness_points, *more], ignore_index=True))


def said_of(panel: dict) -> list[str]:
    """What the dots of a plot say."""
    return [data for data in Page(str(panel["svg"])).data if ", gap " in data]


def test_a_published_log_has_a_bonus_without_page_and_interval(project: Path) -> None:
    assert call(site.main, project) == 0
    text = (project / "reports" / "site" / "statistics.html").read_text()
    assert '<th scope="row">H08</th>' in text
    assert "1 run</td>" in text
    assert "nan" not in text


def test_every_training_is_a_dot_that_names_its_seed(inputs: Inputs) -> None:
    points = inputs.sharpness_points
    second = points.assign(seed="43", curvature=points.curvature + 5, gap_srcc_clean=0.125, top_eigenvalue=np.nan)
    view = sharpness_view(with_points(inputs, second))
    panels = {panel["measure"]: panel for panel in view["panels"]}
    assert len(panels) == 6
    said = said_of(panels["curvature"])
    assert [text.partition(":")[0] for text in said] == [
        *("A01 (NONE 0.0, seed 42)", "A15 (AWP 0.0001, seed 42)"),
        *("A01 (NONE 0.0, seed 43)", "A15 (AWP 0.0001, seed 43)"),
    ]
    assert all(text.endswith("gap 0.125") for text in said[2:])
    assert f"curvature {points.curvature[0] + 5:.4g}, " in said[2]
    # Only the first training of a run has its eigenvalue: the others are no dots at zero or anywhere else.
    assert [text.partition(":")[0] for text in said_of(panels["top eigenvalue"])] == [
        text.partition(":")[0] for text in said[:2]
    ]


def test_a_run_without_a_group_is_named_once_and_not_drawn(inputs: Inputs) -> None:
    """Two trainings of one run are no group: a group is of runs."""
    row = inputs.sharpness_points.iloc[:1]
    other = [row.assign(run="A06", train="livevqc", seed=seed) for seed in ("42", "43", "44")]
    view = sharpness_view(with_points(inputs, *other))
    assert view["alone"] == ["A06"]
    assert view["sets"] == ["fastvqa on KoNViD-1k"]
    assert not any("A06" in text for panel in view["panels"] for text in said_of(panel))
    trainings = dataclasses.replace(inputs, sharpness_points=pd.concat([row, row.assign(seed="43")]))
    assert sharpness_view(trainings) == {"panels": [], "sets": [], "alone": ["A01"]}


def test_correlations_have_runs_trainings_interval_and_p(inputs: Inputs) -> None:
    row = dict.fromkeys(inputs.sharpness_gap, np.nan)
    row |= {"group": "G", "measure": "mean_rise_0.5", "gap": "plcc", "protocol": "clean", "runs": 16.0}
    row |= {"trainings": 10.0, "spearman": -0.456, "ci_low": -0.8, "ci_high": 0.05, "p": 0.0004}
    undefined = row | {"spearman": np.nan, "ci_low": np.nan, "ci_high": np.nan, "p": np.nan, "measure": "base_loss"}
    assert correlation_rows(pd.DataFrame([row, undefined])) == [
        ["G", "mean rise at 0.5", "PLCC", "clean", "16", "10", "−0.46", "[−0.80, 0.05]", "< 0.001"],
        ["G", "base loss", "PLCC", "clean", "16", "10", "–", "", "not defined"],
    ]
    assert measure_name("linearity_rise_0.6") == "linearity rise at 0.6"


def test_found_are_differences_of_three_trainings_with_a_small_p(inputs: Inputs) -> None:
    tests = inputs.comparisons.query("reference == 'True' and split == 'test' and metric == 'SRCC'")
    tests = tests[tests.protocol == "clean"].iloc[:1]
    rows = [(0.049, 3), (0.051, 3), (0.001, 2), (0.01, 10), (np.nan, 3)]
    table = pd.concat([tests.assign(p=p, trainings=n, detectable=0.1 * i) for i, (p, n) in enumerate(rows, 1)])
    others = [tests.assign(protocol="released"), tests.assign(split="train"), tests.assign(reference="False")]
    (row,) = detectable_rows(pd.concat([table, *others]).assign(paper_difference=-0.02, power=0.25, n=24.0), 0.05)
    assert row[1:] == ["SRCC", "24", "5", "0.300 (0.100 to 0.500)", "0.020", "0.25", "2 of 5"]


def test_the_page_names_the_run_that_is_not_drawn(project: Path, tmp_path: Path) -> None:
    copy = shutil.copytree(project, tmp_path / "copy")
    path = copy / "reports" / "statistics" / "sharpness_points.csv"
    more = [("A06", "42"), ("A06", "43")]
    edit_csv(path, lambda t: pd.concat([t, *(t[:1].assign(run=run, train="livevqc", seed=s) for run, s in more)]))
    assert call(site.main, copy) == 0
    text = text_of(Page((copy / "reports" / "site" / "statistics.html").read_text()))
    assert "there is no other run of their method and training set to compare with: A06 ." in text


def test_the_page_has_every_section_of_the_files(project: Path, inputs: Inputs) -> None:
    view = statistics_view(inputs)
    assert len(view["correlations"]) == len(inputs.sharpness_gap) == 2 * 6 * 2
    assert [row["run"] for row in view["spread"]] == ["A15"]
    assert call(site.main, project) == 0
    text = text_of(Page((project / "reports" / "site" / "statistics.html").read_text()))
    assert "FAST-VQA on KoNViD-1k mean rise at 0.2 SRCC clean 16 5 +0.40 [−0.10, 0.75] 0.120" in text
    assert "A15 konvid1k/test one weight 0.610 24 0.800 0.790 0.000 [0.000, 0.000]" in text
    assert "A15 konvid1k/test sum of both – 24 0.780 0.770 −0.020 [−0.050, 0.010]" in text
    assert f"Rank correlations: {len(view['correlations'])} rows" in text
