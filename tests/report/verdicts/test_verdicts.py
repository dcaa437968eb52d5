"""Verdicts on all claims and cells, and the stage that writes them."""

import math
import shutil
from collections import Counter
from pathlib import Path

import pandas as pd
import pytest
import yaml
from report_fixture import PARAMS, call, contents
from verdict_fixture import (
    CLAIMS,
    RISE_AT,
    Cell,
    as_printed,
    court,
    nothing,
    paper,
    write_landscape,
    write_reports,
)

from stages import verdicts as stage
from vqa.report.verdicts.claims import read_claims
from vqa.report.verdicts.rules import CONTRADICTED, NOT_RUN, REPRODUCED, UNDECIDED, VERDICTS
from vqa.report.verdicts.verdict import CELLS, Judged, cell_rows, claim_rows, findings, judge_all
from vqa.report.verdicts.verdict import CLAIMS as COLUMNS


@pytest.fixture(scope="module")
def on_paper(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Judged]:
    """Every claim without any evidence of ours: what the paper's own numbers say."""
    empty = nothing(tmp_path_factory.mktemp("nothing"))
    return {name: both["clean"] for name, both in judge_all(read_claims(CLAIMS, paper()), empty).items()}


@pytest.mark.parametrize(
    ("claim", "holds", "failing"),
    [
        ("T9-test", "in part: 6 of 8", ["LSVQ_1080p SRCC", "LSVQ_1080p PLCC"]),  # T-d
        ("T6-every", "in part: 22 of 24", ["LSVQ_1080p SRCC", "LSVQ_1080p PLCC"]),  # a tie, and 0.001 less
        ("T4-test", "in part: 7 of 8", ["KoNViD-1k SRCC test: gamma=0.001 "]),  # P13
        ("T3-test", "in part: 5 of 6", ["KoNViD-1k SRCC test: augmentation=AuA"]),  # P13
        ("T13-default", "no", ["YouTube-UGC SRCC", "YouTube-UGC PLCC"]),  # P6
        ("T13-test", "in part: 4 of 6", ["SRCC test: gamma=0.0001 above", "PLCC test: gamma=0.0001 above"]),
        ("T13-gap", "in part: 4 of 6", ["SRCC gap: gamma=0.0001 below", "PLCC gap: gamma=0.0001 below"]),
        ("T5-test", "yes", []),
        ("T5-best", "yes", []),
        ("T6-up-to", "yes", None),  # exactly 0.018 in one cell
        ("T7-up-to", "yes", None),
        ("T2-test", "yes", []),
        ("T1-large-gap", "yes", []),
        ("T8-best", "yes", []),
        ("F2d-flatter", "not stated in numbers", []),
        ("central-correlation", "not stated in numbers", []),
    ],
)
def test_which_claims_the_papers_own_numbers_carry(
    on_paper: dict[str, Judged], claim: str, holds: str, failing: list[str] | None
) -> None:
    judged = on_paper[claim]
    assert judged.paper_holds == holds
    assert judged.verdict == NOT_RUN
    if failing is not None:
        assert len(judged.failing) == len(failing)
        assert all(text in part.label for text, part in zip(failing, judged.failing, strict=True))


def test_gains_of_one_digit_less_do_not_reach_up_to(on_paper: dict[str, Judged]) -> None:
    assert sum(part.printed for part in on_paper["T6-up-to"].parts) == 1
    assert sum(part.printed for part in on_paper["T7-up-to"].parts) == 2


def test_numbers_as_printed_give_the_verdicts_of_the_printed_numbers(tmp_path: Path, on_paper) -> None:
    """With values equal to the paper's and no noise, what the paper's numbers carry is reproduced."""
    exact = court(tmp_path, error=1e-6, names=paper().frames)
    judged = judge_all(read_claims(CLAIMS, paper()), exact)
    for name, both in judged.items():
        for one in both.values():
            if name == "T8-best":  # only one of its rivals was run
                assert one.counts == {REPRODUCED: 4, NOT_RUN: 52}
            elif on_paper[name].paper_holds == "yes":
                assert one.verdict == REPRODUCED, name
            if on_paper[name].paper_holds == "no":
                assert one.verdict == CONTRADICTED, name
    cells = cell_rows(exact)
    assert Counter(cells.verdict) == {REPRODUCED: 2 * (526 - 154), NOT_RUN: 2 * 154}


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
    assert ours.iloc[0].reason == "+0.015; the paper's number is outside of our interval; margin 0.02"
    others = cells[cells.table != "Table 5"]
    assert set(others.verdict) == {NOT_RUN}
    assert set(others.reason) == {"no run fills it"}
    assert len(cells) == 2 * 526


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


def test_what_was_tested_names_a_part_of_the_same_verdict(tmp_path: Path) -> None:
    claim = read_claims(CLAIMS, paper())["T13-test"]
    judged = judge_all({"x": claim}, court(tmp_path, error=1e-6, names=("table13",)))["x"]["clean"]
    assert judged.verdict == CONTRADICTED
    text = findings(judged)
    assert text.startswith("6 parts: 4 reproduced, 2 contradicted; estimates from -0.004 to +0.015;")
    assert "contradicted is, for example, Table 13, YouTube-UGC SRCC test: gamma=0.0001 above gamma=0: -0.002" in text


def make(folder: Path, **values) -> Path:
    write_reports(folder, **values)
    (folder / "params.yaml").write_text(PARAMS.replace("rise_at: 0.5", f"rise_at: {RISE_AT}"))
    write_landscape(folder, "table05-gamma=0", {1: [0.01, 0.02], 12: [0.02, 0.031]})
    return folder


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = make(tmp_path_factory.mktemp("verdicts"), value=as_printed, error=0.01)
    assert call(stage.main, folder) == 0
    return folder


def test_the_stage_writes_every_claim_and_cell(made: Path) -> None:
    claims = pd.read_csv(made / "reports" / "claims.csv")
    assert list(claims.columns) == COLUMNS
    names = list(yaml.safe_load(CLAIMS.read_text()))
    assert list(claims.id) == [name for name in names for _ in range(2)]
    assert list(claims.protocol) == ["clean", "released"] * len(names)
    assert set(claims.verdict) <= set(VERDICTS)
    assert (claims[[column for column in COLUMNS if column.startswith("n_")]].sum(axis=1) > 0).all()
    assert claims[["title", "source", "statement", "test", "paper_holds"]].notna().all().all()
    cells = pd.read_csv(made / "reports" / "verdicts.csv")
    assert list(cells.columns) == CELLS
    assert len(cells) == 2 * 526
    assert (made / "reports" / "verdicts.md").read_text().startswith("# Verdicts\n")


def test_rows_of_the_file_are_those_of_the_judgement(made: Path, on_paper: dict[str, Judged]) -> None:
    claims = pd.read_csv(made / "reports" / "claims.csv")
    holds = dict(zip(claims.id, claims.paper_holds, strict=True))
    assert holds == {name: judged.paper_holds for name, judged in on_paper.items()}
    fresh = claim_rows(judge_all(read_claims(CLAIMS, paper()), court(made, error=0.01, names=paper().frames)))
    assert list(fresh.verdict) == list(claims.verdict)


def test_run_twice_gives_the_same_bytes(made: Path) -> None:
    before = contents(made)
    assert call(stage.main, made) == 0
    assert contents(made) == before


@pytest.mark.parametrize(
    ("path", "message"),
    [
        ("reports/statistics/comparisons.csv", "comparisons.csv is missing: `dvc repro statistics`"),
        ("reports/claims.yaml", "claims.yaml: cannot be read"),
        ("reports/paper", "reports/paper holds no table of the paper"),
    ],
)
def test_what_is_missing_is_one_line(
    made: Path, tmp_path: Path, capsys: pytest.CaptureFixture, path: str, message: str
) -> None:
    shutil.copytree(made, tmp_path, dirs_exist_ok=True)
    lost = tmp_path / path
    shutil.rmtree(lost) if lost.is_dir() else lost.unlink()
    assert call(stage.main, tmp_path) == 2
    error = capsys.readouterr().err
    assert message in error
    assert error.count("\n") == 1


def test_statistics_of_params_are_read_strictly(made: Path, tmp_path: Path, capsys) -> None:
    shutil.copytree(made, tmp_path, dirs_exist_ok=True)
    content = yaml.safe_load((tmp_path / "params.yaml").read_text())
    content["statistics"].pop("margin")
    (tmp_path / "params.yaml").write_text(yaml.safe_dump(content))
    assert call(stage.main, tmp_path) == 2
    assert "params.yaml: statistics: missing key 'margin'" in capsys.readouterr().err
