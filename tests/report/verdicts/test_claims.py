"""The claims file: every claim names what the paper has, and a broken file is one line with the place."""

from pathlib import Path

import pytest
import yaml
from verdict_fixture import CLAIMS, paper

from vqa.report.verdicts.claims import KINDS, Compared, describe, read_claims, rows_of, tables_of
from vqa.report.verdicts.evidence import Printed
from vqa.settings.strict import ParamsError

GOOD = {"source": "Table 5", "title": "t", "says": "s"}
PAIRS = {"kind": "greater", "tables": ["table05"], "pairs": [["gamma=0.0001", "gamma=0"]]}


@pytest.fixture(scope="module")
def printed() -> Printed:
    return paper()


def write(folder: Path, **content: object) -> Path:
    path = folder / "claims.yaml"
    path.write_text(yaml.safe_dump({"x": {**GOOD, **content}}))
    return path


def test_every_claim_resolves_against_the_papers_tables(printed: Printed) -> None:
    claims = read_claims(CLAIMS, printed)
    assert 25 <= len(claims) <= 40
    named = set()
    for name, claim in claims.items():
        assert claim.title
        assert claim.says.endswith(".")
        assert "\n" not in claim.note.strip(), name
        for table in tables_of(claim.statement):
            number = str(int(table.removeprefix("table")))
            named.add(table)
            assert "Figure" in claim.source or number in claim.source.replace(",", "").split(), name
            assert set(rows_of(claim.statement)) <= set(printed.names(1, table))
    assert named == set(printed.names(0))
    assert {claim.statement.kind for claim in claims.values()} == set(KINDS)


def test_notes_name_the_discrepancies_that_readers_must_know(printed: Printed) -> None:
    text = " ".join(claim.note for claim in read_claims(CLAIMS, printed).values())
    for name in ("P3", "P4", "P5", "P6", "P11", "P12", "P13", "P16", "T-d", "T-g", "S7"):
        assert name in text


def test_statement_is_read_into_its_type_with_defaults(tmp_path: Path, printed: Printed) -> None:
    (claim,) = read_claims(write(tmp_path, statement=PAIRS), printed).values()
    assert claim.statement == Compared("greater", ("table05",), (("gamma=0.0001", "gamma=0"),))
    assert describe(claim.statement) == "greater (tables: table05; pairs: gamma=0.0001 vs gamma=0)"


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"kind": "graeter"}, "x.statement.kind: 'graeter' is not defined (did you mean 'greater'?)"),
        ({"kind": None}, "x.statement.kind: 'None' is not defined"),
        ({"tables": ["table55"]}, "x.statement.tables: 'table55' is not defined"),
        ({"pairs": [["gamma=0.0002", "gamma=0"]]}, "x.statement.rows: 'gamma=0.0002' is not defined (did you mean"),
        ({"pairs": [["gamma=0"]]}, "x.statement: pairs: ['gamma=0'] must be two different rows"),
        ({"pairs": [["gamma=0", "gamma=0"]]}, "must be two different rows"),
        ({"pairs": []}, "x.statement.pairs: must not be empty"),
        ({"datasets": ["KoNViD"]}, "x.statement.datasets: 'KoNViD' is not defined (did you mean 'KoNViD-1k'?)"),
        ({"metrics": ["srcc"]}, "x.statement.metrics: 'srcc' is not defined"),
        ({"metrics": []}, "x.statement.metrics: must not be empty"),
        ({"split": "gaps"}, "x.statement: split: 'gaps' is not one of train, test, gap"),
        ({"parts": "most"}, "x.statement: parts: 'most' is not one of every, some"),
        ({"at_least": -0.1}, "at_least must be positive"),
        ({"kind": "same", "at_least": 0.1}, "is for kinds greater and smaller"),
        ({"atleast": 0.1}, "x.statement: unknown key 'atleast' (did you mean 'at_least'?)"),
        ({"kind": "flatter", "within": 0.1}, "within must be positive for kind as_sharp"),
        ({"kind": "as_sharp"}, "within must be positive for kind as_sharp"),
        ({"kind": "best"}, "x.statement: unknown key 'pairs'"),
    ],
)
def test_a_broken_statement_is_one_line_with_the_place(
    tmp_path: Path, printed: Printed, change: dict, message: str
) -> None:
    with pytest.raises(ParamsError) as error:
        read_claims(write(tmp_path, statement={**PAIRS, **change}), printed)
    assert message in str(error.value)
    assert str(error.value).startswith("claims.yaml: x")
    assert "\n" not in str(error.value)


def test_a_gap_cannot_be_asked_of_a_table_without_gaps(tmp_path: Path, printed: Printed) -> None:
    statement = {"kind": "greater", "tables": ["table06"], "pairs": [["SAMA+AWP", "SAMA"]], "split": "gap"}
    with pytest.raises(ParamsError, match=r"x\.statement\.split: 'gap' is not defined"):
        read_claims(write(tmp_path, statement=statement), printed)


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ("x: {title: t}", "claims.yaml: x: missing key 'source'"),
        ("x: [", "not valid YAML"),
        ("x: {source: s, title: t, says: s, statement: {tables: []}}", "claims.yaml: x.statement: missing key 'kind'"),
        ("x: {source: s, title: t, says: s, statement: {kind: best}, notes: n}", "unknown key 'notes'"),
    ],
)
def test_a_broken_file_is_one_line(tmp_path: Path, printed: Printed, content: str, message: str) -> None:
    (tmp_path / "claims.yaml").write_text(content)
    with pytest.raises(ParamsError) as error:
        read_claims(tmp_path / "claims.yaml", printed)
    assert message in str(error.value)
    assert "\n" not in str(error.value)


def test_a_missing_file_is_named(tmp_path: Path, printed: Printed) -> None:
    with pytest.raises(ParamsError, match=r"claims\.yaml: cannot be read"):
        read_claims(tmp_path / "claims.yaml", printed)
