"""The page of verdicts: it says what the results say, and nothing that they do not."""

import dataclasses
import re
from pathlib import Path

import pandas as pd
import pytest
import yaml
from report_fixture import PARAMS
from verdict_fixture import CLAIMS, Cell, court, nothing, paper

from vqa.report.verdicts.claims import read_claims
from vqa.report.verdicts.judge import Court
from vqa.report.verdicts.page import unjudged_page, verdict_page
from vqa.report.verdicts.rules import ABSENT, CONTRADICTED, REPRODUCED, UNDECIDED, VERDICTS
from vqa.report.verdicts.summary import summary
from vqa.report.verdicts.verdict import cell_rows, judge_all
from vqa.settings.common import Common
from vqa.settings.strict import build

RATES = pd.DataFrame(
    [("above", "demo", 5, 240, 1.3, 0.0, 4.0, 95.1, 80.0), ("cell", "paper", 3, 1000, None, 2.0, None, None, 7.0)],
    columns=[
        *("kind", "scale", "trainings", "items", "false_reproduced", "false_contradicted", "false_absent"),
        *("coverage", "power"),
    ],
)
COMMON = build(Common, yaml.safe_load(PARAMS)["common"], "params.yaml: common")


def page_of(evidence: Court, common: Common = COMMON) -> str:
    judged = judge_all(read_claims(CLAIMS, paper()), evidence)
    return verdict_page(judged, cell_rows(evidence), evidence, common, RATES)


def rows_below(page: str, heading: str) -> list[list[str]]:
    block = page.split(f"\n## {heading}\n")[1].split("\n## ")[0]
    lines = [line for line in block.splitlines() if line.startswith("|")]
    return [[cell.strip() for cell in line.split("|")[1:-1]] for line in lines[2:]]


@pytest.fixture(scope="module")
def empty(tmp_path_factory: pytest.TempPathFactory) -> str:
    return page_of(nothing(tmp_path_factory.mktemp("empty")))


@pytest.fixture(scope="module")
def exact(tmp_path_factory: pytest.TempPathFactory) -> str:
    return page_of(court(tmp_path_factory.mktemp("exact"), error=1e-6, names=paper().frames))


def test_nothing_is_claimed_where_nothing_was_run(empty: str) -> None:
    said = empty.split("## How it was judged")[0]
    assert set(re.findall(r"(\d+) (?:reproduced|absent|contradicted|not distinguishable)", said)) == {"0"}
    assert "Nothing that a claim is about was run, so that none was judged." in said
    assert "by the clean numbers" not in said
    assert "different verdicts" not in said
    assert "could show" not in said
    assert {cell for row in rows_below(empty, "Claims") for cell in row[3:5]} == {"not run"}
    assert re.findall(r"\*\*(reproduced|absent|contradicted|not distinguishable)\*\*", said) == []
    assert "- Table 5, 30 cells, no run fills it: gamma=0, gamma=0.01, gamma=0.001" in empty


def test_the_scale_comes_first(empty: str, tmp_path: Path) -> None:
    lines = empty.splitlines()
    assert lines[2] == "> **demo data: not comparable with the paper's numbers**"
    assert "None says anything about the paper's own data." in lines[4]
    page = page_of(nothing(tmp_path), dataclasses.replace(COMMON, scale="paper"))
    assert "demo" not in page.split("## How often such verdicts err")[0]
    assert "at scale `paper`, with training seed 42" in page


def test_every_claim_has_a_line_and_a_paragraph(exact: str) -> None:
    claims = read_claims(CLAIMS, paper())
    rows = rows_below(exact, "Claims")
    assert [row[0] for row in rows] == list(claims)
    for row, (name, claim) in zip(rows, claims.items(), strict=True):
        assert row[1:3] == [claim.title, claim.source]
        paragraph = exact.split(f"\n### {name}: {claim.title}\n")[1].split("\n### ")[0]
        assert claim.says in paragraph
        assert (not claim.note) or claim.note in paragraph
        verdicts = re.findall(r"^- (Clean|Released|Both protocols): \*\*(.+?)\*\*", paragraph, re.MULTILINE)
        assert [verdict for _, verdict in verdicts] == (row[3:4] if len(verdicts) == 1 else row[3:5])
    assert len({len(line) for line in exact.split("\n## Claims\n")[1].split("\n## ")[0].splitlines() if line}) == 1


def test_counts_of_the_summary_are_those_of_the_table(exact: str) -> None:
    rows = rows_below(exact, "Claims")
    for column, protocol in ((3, "Clean"), (4, "released")):
        found = [row[column] for row in rows]
        counts = ", ".join(f"{found.count(verdict)} {verdict}" for verdict in VERDICTS)
        assert f"{protocol} protocol, {counts}" in exact
    named = re.search(r"Contradicted by the clean numbers: (.+?)\.", exact).group(1)
    assert re.findall("`(.+?)`", named) == [row[0] for row in rows if row[3] == "contradicted"]
    told = [row[5] for row in rows if row[5] != "not stated in numbers"]
    assert f"carry {told.count('yes')} of the {len(told)} claims" in exact
    assert "Not at all: `T13-default`, `T8-every`." in exact


def test_cells_are_counted_by_table_and_protocol(exact: str) -> None:
    rows = rows_below(exact, "Numbers of the tables")
    assert len(rows) == 2 * 13
    assert sum(int(number) for row in rows for number in row[2:]) == 2 * 526
    assert ["Table 6", "clean", "48", "0", "0", "72", "0"] in rows
    assert "Table 8, 48 cells, quoted from the literature, not run: HyperIQA" in exact


def test_cells_that_are_not_comparable_are_counted_as_such(tmp_path: Path) -> None:
    evidence = court(tmp_path)
    judged = judge_all(read_claims(CLAIMS, paper()), evidence)
    page = verdict_page(judged, cell_rows(evidence, synthetic=True), evidence, COMMON, RATES)
    assert ["Table 5", "clean", "0", "0", "0", "0", "30"] in rows_below(page, "Numbers of the tables")
    assert "clean protocol, 0 reproduced, 0 not distinguishable, 0 contradicted, 496 not run, 30 not comparable" in page


def test_what_the_paper_does_not_carry_is_named_with_its_number(exact: str) -> None:
    line = next(line for line in exact.splitlines() if "printed numbers: in part: 7 of 8; not: Table 12" in line)
    assert line.endswith("not: Table 12, YouTube-UGC SRCC test: gamma=0.0001 not above gamma=0 (+0.005).")


def test_what_could_not_be_shown_is_counted(tmp_path: Path) -> None:
    claims = {name: claim for name, claim in read_claims(CLAIMS, paper()).items() if name == "T5-test"}
    evidence = court(tmp_path, lambda cell: 0.8, error=0.004)  # could have seen 0.0113; gains of 0.007 to 0.012
    judged = judge_all(claims, evidence)
    texts = summary(judged, cell_rows(evidence))
    undecided = [part for part in judged["T5-test"]["clean"].parts if part.verdict == UNDECIDED]
    seen = sum(abs(part.paper) < 0.0113 for part in undecided)
    assert 0 < seen < len(undecided)
    told = f"**What the data could show**: {seen} of {len(undecided)} clean comparisons that were left undecided"
    assert texts[2].startswith(told)
    assert "different verdicts" not in texts[0]


def test_rules_state_level_and_margin(exact: str) -> None:
    assert "Level of all tests: 0.05. Smallest difference of a correlation that matters (margin): 0.005;" in exact


def test_the_error_rates_stand_on_the_page(exact: str) -> None:
    assert rows_below(exact, "How often such verdicts err") == [
        ["above", "demo", "5", "240", "1.3", "0.0", "4.0", "95.1", "80.0"],
        ["cell", "paper", "3", "1000", "", "2.0", "", "", "7.0"],
    ]


def in_short(page: str) -> list[str]:
    return re.findall(r"^\d\. (.*)$", page.split("## The main claims")[0], re.MULTILINE)


def test_five_sentences_say_what_held_and_what_did_not(exact: str, empty: str) -> None:
    rows = {row[1]: row[3] for row in rows_below(exact, "Claims")}
    main = [claim for claim in read_claims(CLAIMS, paper()).values() if claim.main]
    decided = [claim for claim in main if rows[claim.title] in (REPRODUCED, CONTRADICTED, ABSENT)]
    short = in_short(exact)
    assert short[0] == f"Of the {len(main)} claims that the paper stands for, our data decide {len(decided)} " + (
        "under the clean protocol."
    )
    for claim in main:
        place = {REPRODUCED: 1, CONTRADICTED: 2, ABSENT: 2}.get(rows[claim.title], 3)
        assert [k for k in (1, 2, 3) if claim.title in short[k]] == [place]
    assert in_short(empty)[:3] == [
        f"Of the {len(main)} claims that the paper stands for, our data decide 0 under the clean protocol.",
        "What held: nothing.",
        "What did not hold: nothing.",
    ]


@pytest.mark.parametrize("trainings", [2, 3])
def test_claims_that_rest_on_too_few_trainings_are_counted(tmp_path: Path, trainings: int) -> None:
    page = page_of(court(tmp_path, lambda cell: 0.8, error=0.1, names=paper().frames, trainings=trainings))
    titles = {claim.title for claim in read_claims(CLAIMS, paper()).values() if claim.main}
    left = [row[1] for row in rows_below(page, "Claims") if row[3] == UNDECIDED and row[1] in titles]
    few = len(left) if trainings < 3 else 0
    assert left
    text = f"Of the {len(left)} that were run and left open, {few} rest on fewer than three trainings of a row"
    seen = f"; of the other {len(left)}, {len(left)} claim an effect that our trainings and items could not see"
    assert in_short(page)[4] == f"{text}{'' if few else seen}."


def test_the_main_claims_are_answered_first(exact: str, empty: str) -> None:
    rows = {row[1]: row for row in rows_below(exact, "Claims")}
    main = [claim for claim in read_claims(CLAIMS, paper()).values() if claim.main]
    assert 5 < len(main) < 12
    for page in (exact, empty):
        answers = page.split("\n## The main claims\n")[1].split("\n## ")[0].strip().splitlines()
        assert [answer.partition(" (")[0] for answer in answers] == [f"- {claim.title}" for claim in main]
    answers = exact.split("\n## The main claims\n")[1].split("\n## ")[0].strip().splitlines()
    for answer, claim in zip(answers, main, strict=True):
        assert f"**{rows[claim.title][3]}**" in answer
        differs = rows[claim.title][3] != rows[claim.title][4]
        assert (f"(by the released numbers {rows[claim.title][4]})" in answer) == differs


def test_protocols_that_differ_are_told_apart(tmp_path: Path) -> None:
    def value(cell: Cell) -> float:
        return 0.8 + 0.05 * (cell["protocol"] == "clean" and cell["setting"] != "gamma=0")

    page = page_of(court(tmp_path, value))
    title = read_claims(CLAIMS, paper())["T5-test"].title
    assert f"- {title} (Table 5): **reproduced** (by the released numbers absent)." in page
    assert re.search(r"The two protocols come to different verdicts on [^.]*`T5-test`", page)


def test_tables_that_the_paper_does_not_have_are_counted_not_judged(tmp_path: Path) -> None:
    def pair(difference: float, p: float, trainings: int = 5, **place: str) -> dict:
        where = {"table": "tableA", "protocol": "clean", "split": "test", "reference": True, **place}
        return {**where, "difference": difference, "p": p, "trainings": trainings, "detectable": 0.02}

    rows = [pair(0.03, 0.01), pair(0.04, 0.2), pair(-0.05, 0.04), pair(0.001, 0.04, 2)]
    rows += [pair(0.9, 0.0, protocol="released"), pair(0.9, 0.0, split="gap"), pair(0.9, 0.0, table="table05")]
    rows.append({**pair(0.9, 0.0), "reference": False})
    evidence = nothing(tmp_path)
    object.__setattr__(evidence.ours, "comparisons", pd.DataFrame(rows))
    judged, cells = judge_all(read_claims(CLAIMS, paper()), evidence), cell_rows(evidence)
    real = dataclasses.replace(COMMON, scale="real")
    page = verdict_page(judged, cells, evidence, real, RATES, {"tableA": "Elsewhere"})
    line = (
        "- Table A, Elsewhere: 4 clean differences of test values from the reference rows, of which 1 significantly "
        "above, 1 below, 3 larger than the margin of 0.005; from -0.050 to +0.040, the smallest that could have been "
        "seen from 0.020 to 0.020."
    )
    assert line in page
    assert "Elsewhere" not in verdict_page(judged, cells, nothing(tmp_path), COMMON, RATES)
    assert "none is about FAST-VQA, SAMA or SimpleVQA themselves" in page
    own = unjudged_page(evidence, {"tableA": "Elsewhere"})
    assert line in own
    assert not any(verdict in own for verdict in VERDICTS), "of the user's own data the paper says nothing"
