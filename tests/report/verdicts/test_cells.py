"""Verdicts on cells: ours against the printed number, where our data and our method are the paper's."""

import math
from pathlib import Path

import pytest
from verdict_fixture import Cell, court

from vqa.report.verdicts.rules import CONTRADICTED, NOT_COMPARABLE, NOT_RUN, REPRODUCED, UNDECIDED
from vqa.report.verdicts.verdict import CELLS, cell_rows


def test_cells(tmp_path: Path) -> None:
    def value(cell: Cell) -> float:
        shift = {"SRCC": 0.05, "PLCC": 0.0}[cell["metric"]]
        return cell["paper"] + (shift if cell["protocol"] == "clean" else 0.015)

    cells = cell_rows(court(tmp_path, value, error=0.004))
    assert list(cells.columns) == CELLS
    ours = cells[cells.table == "Table 5"]
    assert set(ours[(ours.protocol == "clean") & (ours.metric == "SRCC")].verdict) == {CONTRADICTED}
    assert set(ours[(ours.protocol == "clean") & (ours.metric == "PLCC")].verdict) == {REPRODUCED}
    assert set(ours[ours.protocol == "released"].verdict) == {UNDECIDED}
    assert ours.iloc[0].reason == "lists of 240 items differ by less than 0.02; difference +0.015"
    others = cells[cells.table != "Table 5"]
    assert set(others.verdict) == {NOT_RUN}
    assert set(others.reason) == {"no run fills it"}
    assert len(cells) == 2 * 526


def test_too_few_items_are_told_before_the_numbers_are_looked_at(tmp_path: Path) -> None:
    """An error of 0.008: the very number of the paper could not be borne out, one far from it is contradicted."""
    told = "cannot be borne out with 240 items: two lists of them differ by more than 0.02"
    for shift, verdict in ((0.0, UNDECIDED), (0.05, CONTRADICTED)):
        cells = cell_rows(court(tmp_path, lambda cell, shift=shift: cell["paper"] + shift, error=0.008))
        ours = cells[cells.table == "Table 5"]
        assert set(ours.verdict) == {verdict}
        assert set(ours.reason) == {f"{told}; difference {shift:+.3f}"}


def test_the_papers_number_is_one_training_however_many_we_have(tmp_path: Path) -> None:
    """Ours is known to 0.001, but one training may not be."""
    for error_of_one, shift, verdict in ((0.005, 0.0, REPRODUCED), (0.011, 0.0, UNDECIDED), (0.02, 0.03, UNDECIDED)):
        evidence = court(tmp_path, lambda cell, shift=shift: cell["paper"] + shift)
        evidence.ours.tables["table05"]["error_of_one"] = error_of_one
        assert set(cell_rows(evidence).query("table == 'Table 5'").verdict) == {verdict}


@pytest.mark.parametrize(
    ("how", "reason"),
    [
        ({"synthetic": True}, "our data are synthetic"),
        ({"stand_ins": ["table05"]}, "our row is of another method; only differences are judged"),
        ({"synthetic": True, "stand_ins": ["table05"]}, "our data are synthetic"),
    ],
)
def test_cells_of_other_data_or_methods_are_not_comparable(tmp_path: Path, how: dict, reason: str) -> None:
    cells = cell_rows(court(tmp_path, names=("table05", "table04")), **how)
    ours = cells[cells.table == "Table 5"]
    assert set(ours.verdict) == {NOT_COMPARABLE}
    assert set(ours.reason) == {reason}
    assert ours.value.notna().all(), "the number itself is still shown"
    assert set(cells[cells.table == "Table 4"].verdict) == {NOT_COMPARABLE if "synthetic" in how else REPRODUCED}
    assert set(cells[cells.table == "Table 6"].verdict) == {NOT_RUN}, "what was not run is not run"


def test_intervals_over_splits_are_not_held_against_the_paper(tmp_path: Path) -> None:
    evidence = court(tmp_path, lambda cell: cell["paper"] + 0.3)
    evidence.ours.tables["table05"]["covers"] = "splits"
    ours = cell_rows(evidence).query("table == 'Table 5'")
    assert set(ours.verdict) == {UNDECIDED}
    assert set(ours.reason) == {"our interval is over splits: an error of computing, not of items"}


def test_quoted_cells_have_no_number_of_ours(tmp_path: Path) -> None:
    cells = cell_rows(court(tmp_path, names=("table07",)))
    quoted = cells[(cells.method == "DOVER") & (cells.table == "Table 7")]
    assert set(quoted.verdict) == {NOT_RUN}
    assert set(quoted.reason) == {"quoted from the literature, not run"}
    assert quoted.value.isna().all()
    assert quoted.paper.notna().all()


def test_cells_without_an_interval_are_not_decided(tmp_path: Path) -> None:
    evidence = court(tmp_path)
    evidence.ours.tables["table05"]["ci_low"] = math.nan
    cells = cell_rows(evidence)
    assert set(cells[cells.table == "Table 5"].verdict) == {UNDECIDED}
