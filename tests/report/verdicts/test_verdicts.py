"""Verdicts on all claims of the paper, and the stage that writes them."""

import shutil
from collections import Counter
from pathlib import Path

import pandas as pd
import pytest
import yaml
from report_fixture import PARAMS, call, contents
from verdict_fixture import (
    CLAIMS,
    SETTINGS,
    as_printed,
    court,
    nothing,
    paper,
    write_landscape,
    write_reports,
)

from stages import verdicts as stage
from vqa.report.verdicts.claims import Across, Best, Compared, read_claims
from vqa.report.verdicts.rules import ABSENT, CONTRADICTED, NOT_COMPARABLE, NOT_RUN, REPRODUCED, UNDECIDED, VERDICTS
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
        (
            "T9-test",
            "in part: 4 of 8",
            ["LSVQ_test SRCC", "LSVQ_test PLCC", "LSVQ_1080p SRCC", "LSVQ_1080p PLCC"],
        ),  # T-d
        ("T6-every", "in part: 16 of 24", None),  # a tie, one loss, and gains of less than 0.005
        ("T4-test", "yes", []),  # though one is 0.003 above (P13)
        ("T12-test", "in part: 7 of 8", ["YouTube-UGC SRCC test: gamma=0.0001 not above"]),  # by 0.005
        ("T10-gap", "in part: 7 of 8", ["YouTube-UGC PLCC gap: weight_decay=0.0005"]),  # by 0.007
        ("T13-default", "no", ["YouTube-UGC SRCC", "YouTube-UGC PLCC"]),  # P6
        ("T13-test", "in part: 4 of 6", ["SRCC test: gamma=0.0001 above", "PLCC test: gamma=0.0001 above"]),
        ("T13-gap", "in part: 4 of 6", ["SRCC gap: gamma=0.0001 below", "PLCC gap: gamma=0.0001 below"]),
        ("T5-test", "yes", []),
        ("T5-best", "in part: 7 of 8", ["SRCC test: gamma=0.0001 above gamma=0.001"]),  # by 0.002
        ("T6-up-to", "yes", None),  # exactly 0.018 in one cell
        ("T7-up-to", "yes", None),
        ("T8-every", "no", ["KonIQ-10k SRCC", "KonIQ-10k PLCC", "SPAQ SRCC", "SPAQ PLCC"]),  # gains of up to 0.004
        ("T2-test", "yes", []),
        ("T1-large-gap", "yes", []),
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


def expected(kind: str, printed: float, at_least: float = 0.0) -> str:
    """Verdict on a difference without noise."""
    if kind == "same":
        return REPRODUCED if printed == 0 else CONTRADICTED if abs(printed) > SETTINGS.margin else UNDECIDED
    if kind == "not_above":
        return CONTRADICTED if printed > 0 else REPRODUCED
    gain = -printed if kind == "smaller" else printed
    if gain == 0:
        return ABSENT
    return REPRODUCED if gain > at_least else UNDECIDED if gain == at_least else CONTRADICTED


def test_numbers_as_printed_give_the_verdicts_of_the_printed_numbers(tmp_path: Path) -> None:
    """With values equal to the paper's and no noise, every part is judged by its printed difference."""
    exact = court(tmp_path, error=1e-6, names=paper().frames)
    claims, checked = read_claims(CLAIMS, paper()), 0
    judged = judge_all(claims, exact)
    for name, both in judged.items():
        statement = claims[name].statement
        if isinstance(statement, Compared | Best | Across):
            for part in (part for one in both.values() for part in one.parts if part.verdict != NOT_RUN):
                found = expected(statement.kind, part.paper, getattr(statement, "at_least", 0.0))
                assert part.verdict == found, (name, part.label)
                checked += 1
    assert checked > 2 * 200
    counts = {name: both["clean"].counts for name, both in judged.items()}
    assert counts["T8-best"] == {REPRODUCED: 4, NOT_RUN: 52}, "only one of its rivals was run"
    assert counts["T1-large-gap"] == {REPRODUCED: 6}
    assert [judged[name]["clean"].verdict for name in ("T5-test", "T6-every", "T6-up-to", "T8-best")] == [
        *(REPRODUCED, CONTRADICTED, UNDECIDED, UNDECIDED)
    ]
    cells = cell_rows(exact)
    assert Counter(cells.verdict) == {REPRODUCED: 2 * (526 - 154), NOT_RUN: 2 * 154}


def test_what_was_tested_names_a_part_of_the_same_verdict(tmp_path: Path) -> None:
    claim = read_claims(CLAIMS, paper())["T13-test"]
    judged = judge_all({"x": claim}, court(tmp_path, error=1e-6, names=("table13",)))["x"]["clean"]
    assert judged.verdict == CONTRADICTED
    text = findings(judged)
    assert text.startswith("6 parts: 4 reproduced, 2 contradicted; estimates from -0.004 to +0.015;")
    assert "contradicted is, for example, Table 13, YouTube-UGC SRCC test: gamma=0.0001 above gamma=0: -0.002" in text


def make(folder: Path, **values) -> Path:
    write_reports(folder, **values)
    (folder / "params.yaml").write_text(
        PARAMS.replace("rise_at: 0.5", "rise_at: 0.2").replace("margin: 0.02,", "margin: 0.005,", 1)
    )
    write_landscape(folder, "table05-gamma=0", {1: [[0.01, 0.02]], 12: [[0.02, 0.031]]})
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
    assert set(cells.verdict) == {NOT_COMPARABLE, NOT_RUN}, "the data are synthetic"
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
        ("reports/statistics/averages.csv", "averages.csv is missing: `dvc repro statistics`"),
        ("reports/court.csv", "court.csv is missing: `make court` measures it"),
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
