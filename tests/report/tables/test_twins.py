"""What AWP changes for every system of a table: the pairs of that table alone, one family of tests."""

from pathlib import Path

import pandas as pd
import pytest

from vqa.report.tables.twins import twin_lines

PLACE = {"table": "tableD", "other": "tableD", "protocol": "clean", "split": "test", "metric": "SRCC"}


def pair(system: str, dataset: str, p: float, trainings: int = 3, **other: str) -> dict:
    numbers = {"difference": 0.0125, "ci_low": -0.01, "ci_high": 0.035, "p": p, "trainings": trainings}
    return {**PLACE, "a": f"{system}+AWP", "b": system, "dataset": dataset, **numbers, **other}


@pytest.fixture
def comparisons(tmp_path: Path) -> Path:
    rows = [
        *(pair("PVQ", "one", 0.01), pair("PVQ", "two", 0.04), pair("DOVER", "one", 0.0001, trainings=1)),
        *(pair("PVQ", "one", 0.5, protocol="released"), pair("PVQ", "one", 0.5, metric="PLCC")),
        *(pair("PVQ", "one", 0.5, table="tableE"), pair("PVQ", "one", 0.5, other="table06")),
        {**pair("PVQ", "one", 0.5), "a": "DOVER", "b": "PVQ"},
    ]
    pd.DataFrame(rows).to_csv(tmp_path / "comparisons.csv", index=False)
    return tmp_path / "comparisons.csv"


def test_every_system_has_its_changes_and_the_family_is_that_of_several_trainings(comparisons: Path) -> None:
    said, _, header, _, *rows = twin_lines(comparisons, "tableD", 0.05)
    assert "over the 2 pairs of 3 trainings and more; below 0.05: 2. Of" in said
    cells = [[text.strip() for text in row.split("|")[1:-1]] for row in (header, *rows)]
    assert cells == [
        ["System", "Trainings", "one: change by AWP", "two: change by AWP"],
        ["PVQ", "3", "+0.013 [-0.010, +0.035], p 0.020", "+0.013 [-0.010, +0.035], p 0.040"],
        ["DOVER", "1", "+0.013 [-0.010, +0.035]", ""],
    ]


def test_a_table_without_twins_has_no_lines(comparisons: Path, tmp_path: Path) -> None:
    assert twin_lines(comparisons, "tableA", 0.05) == []
    assert twin_lines(tmp_path / "none.csv", "tableD", 0.05) == []
