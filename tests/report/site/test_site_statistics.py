"""Numbers of the pages of tables and statistics, from frames alone."""

import math

import pandas as pd
import pytest

from vqa.report.site.statistics import correlation_rows, detectable_rows, measure_name
from vqa.report.site.tables import SIGNS, mark
from vqa.report.verdicts.rules import CELL_VERDICTS, VERDICTS

FOUND = {
    **{"table": "table05", "protocol": "clean", "dataset": "KoNViD-1k", "split": "test", "metric": "SRCC"},
    **{"a": "gamma=0.001", "b": "gamma=0", "reference": "True", "difference": 0.012, "ci_low": 0.002, "ci_high": 0.022},
    **{"p": 0.02, "n": 240.0, "trainings": 5.0, "detectable": 0.02, "paper_difference": -0.01, "power": 0.4},
}


@pytest.mark.parametrize(
    ("changes", "sign", "words"),
    [
        ({}, "▲", "significantly higher than gamma=0"),
        ({"difference": -0.012}, "▼", "significantly lower than gamma=0"),
        ({"p": 0.06}, "ns", "not significantly different from gamma=0"),
        ({"trainings": 2.0}, "ns", "not significantly different from gamma=0"),
        ({"trainings": 3.0}, "▲", "significantly higher than gamma=0"),
        ({"p": math.nan}, "ns", "not significantly different from gamma=0"),
    ],
)
def test_a_cell_is_marked_where_the_method_differs(changes: dict, sign: str, words: str) -> None:
    found = mark({**FOUND, **changes}, 0.05)
    assert found["sign"] == sign
    assert found["text"].startswith(words)
    assert f"{({**FOUND, **changes})['trainings']:.0f} trainings, could have seen 0.020" in found["text"]


def test_every_verdict_has_a_sign_of_its_own() -> None:
    assert set(SIGNS) == {*VERDICTS, *CELL_VERDICTS}
    assert len(set(SIGNS.values())) == len(SIGNS)


def test_what_could_be_found_counts_methods_that_differ() -> None:
    changes = (
        {},
        {"trainings": 2.0},
        {"p": 0.2, "detectable": 0.05, "paper_difference": 0.03, "power": 0.6},
        {"reference": "False", "detectable": 9.0},
        {"split": "gap", "detectable": 9.0},
        {"protocol": "released", "detectable": 9.0},
        {"metric": "PLCC", "detectable": 0.011},
    )
    rows = detectable_rows(pd.DataFrame([{**FOUND, **change} for change in changes]), 0.05)
    assert rows == [
        ["KoNViD-1k", "SRCC", "240", "3", "0.020 (0.020 to 0.050)", "0.010", "0.40", "1 of 3"],
        ["KoNViD-1k", "PLCC", "240", "1", "0.011 (0.011 to 0.011)", "0.010", "0.40", "1 of 1"],
    ]


def test_correlations_name_runs_and_trainings() -> None:
    row = {"group": "G", "measure": "mean_rise_0.5", "gap": "srcc", "protocol": "clean", "runs": 16.0, "trainings": 5.0}
    row |= {"spearman": 0.4, "ci_low": 0.1, "ci_high": 0.7, "p": 0.012}
    shown = correlation_rows(pd.DataFrame([row]))
    assert [text.replace("−", "-") for text in shown[0]] == [
        *("G", "mean rise at 0.5", "SRCC", "clean", "16", "5", "+0.40", "[0.10, 0.70]", "0.012"),
    ]
    assert measure_name("top_eigenvalue") == "top eigenvalue"
