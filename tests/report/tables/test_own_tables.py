"""Tables and rows that the paper does not have: filled and compared like its own, without a line of the paper's."""

import dataclasses
from pathlib import Path

import pytest
from report_fixture import build_project, call, edit_params

from stages import tables
from vqa.report.front import baselines, not_run
from vqa.report.tables.cells import fill, paper_cells, read_table
from vqa.report.tables.compare import comparisons
from vqa.report.tables.layout import body, coverage, in_paper, lay_out, sources
from vqa.report.tables.outside_row import read_rows
from vqa.report.tables.render import latex, markdown_digest
from vqa.settings.params import Table
from vqa.settings.strict import ParamsError, build
from vqa.stats.config import Statistics

OURS = {"title": "Ours", "columns": ["KoNViD-1k", "LIVE-VQC_test"], "rows": {}}
ROWS = {"FAST-VQA": ["A01"], "FAST-VQA+AWP": ["A15"]}


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("own")
    build_project(folder)
    edit_params(folder, tables={"tableA": {**OURS, "added": ROWS}})
    assert call(tables.main, folder) == 0
    return folder


def test_its_columns_are_those_of_params_and_the_paper_has_no_number_in_it(made: Path) -> None:
    frame = read_table(made / "reports" / "tables" / "tableA.csv")
    assert set(frame.table) == {"Table A"}
    assert list(frame.method.drop_duplicates()) == list(ROWS)
    places = [(column, metric) for column in OURS["columns"] for metric in ("SRCC", "PLCC")]
    released = frame[(frame.protocol == "released") & (frame.method == "FAST-VQA")]
    assert list(zip(released.dataset, released.metric, strict=True)) == places
    assert frame.paper.isna().all()
    filled = frame.set_index(["method", "dataset"]).source.to_dict()
    assert filled["FAST-VQA", "LIVE-VQC_test"] == "trained"
    assert filled["FAST-VQA+AWP", "LIVE-VQC_test"] == "missing"  # A15 is not tested there


def test_pages_do_not_speak_of_the_paper(made: Path) -> None:
    page = (made / "reports" / "tables" / "tableA.md").read_text()
    assert page.startswith("# Table A. Ours\n")
    assert "| paper" not in page
    assert page.endswith("Coverage: not in the paper.\n")
    frame = read_table(made / "reports" / "tables" / "tableA.csv")
    assert "the paper's Table A" not in latex("Ours", frame, edit_params(made).common)
    assert not [line for line in markdown_digest(frame) if "| paper" in line]
    assert coverage(sources(frame)) == "not in the paper"
    absent = not_run({"tableA": frame}, made / "reports" / "paper")
    assert not [line for line in absent if "Table A" in line]


def test_an_added_row_of_a_table_of_the_paper_has_no_line_of_the_papers(made: Path) -> None:
    params = edit_params(
        made, tables={"table07": {"title": "x", "rows": {"FAST-VQA": ["A01"]}, "added": {"X": ["A15"]}}}
    )
    runs = read_rows(["A01", "A15"], params, made / "runs")
    table = params.tables["table07"]
    frame = fill("table07", table, paper_cells("table07", table, made / "reports" / "paper"), runs, params.datasets)
    said = {row.method: in_paper(cells) for row, cells in body(frame, lay_out(frame), "clean")}
    assert (said["FAST-VQA"], said["TLVQM"], said["X"]) == (True, True, False)
    lines = markdown_digest(frame)
    assert sum(line.startswith("| X") for line in lines) == 1
    assert "| paper" in lines[4]
    assert "| ours, clean" in lines[-1]  # X comes last, and nothing below it


def test_rows_are_compared_with_their_reference(made: Path) -> None:
    params = edit_params(made, tables={"tableA": {**OURS, "added": ROWS}})
    table = params.tables["tableA"]
    runs = read_rows(["A01", "A15"], params, made / "runs")
    frame = fill("tableA", table, paper_cells("tableA", table, made / "reports" / "paper"), runs, params.datasets)
    settings = build(Statistics, params.statistics, "statistics")
    found = comparisons({"tableA": frame}, runs, params.datasets, settings)
    assert set(zip(found.a, found.b, found.dataset, strict=True)) == {("FAST-VQA+AWP", "FAST-VQA", "KoNViD-1k")}
    assert found.reference.all()
    assert found.p.notna().all()
    assert found[["paper_difference", "power"]].isna().all(axis=None)
    values = {run: runs[run].result("clean", "konvid1k/test", "srcc", "test").value for run in ("A01", "A15")}
    clean = found[(found.protocol == "clean") & (found.metric == "SRCC")].difference.item()
    assert clean == pytest.approx(values["A15"] - values["A01"], abs=1e-11)


def test_baselines_of_a_stand_in_are_not_called_by_the_papers_method(made: Path) -> None:
    swept = {"title": "x", "rows": {"gamma=0": ["A01"], "gamma=0.0001": ["A15"]}, "stand_in": True}
    params = edit_params(made, tables={"table05": swept, "tableA": {**OURS, "added": ROWS}})
    params = dataclasses.replace(
        params, runs={**params.runs, "A01": dataclasses.replace(params.runs["A01"], method="sama")}
    )
    params.methods["sama"] = {}
    runs = read_rows(["A01", "A15"], params, made / "runs")
    tables = {name: params.tables[name] for name in ("table05", "tableA")}
    paper = made / "reports" / "paper"
    frames = {n: fill(n, t, paper_cells(n, t, paper), runs, params.datasets) for n, t in tables.items()}
    header, _, *lines = ([cell.strip() for cell in line.split("|")[1:-1]] for line in baselines(frames, params))
    assert header == ["Tables", "Trained on", "Tested on", "Method", "Ours", "Paper"]
    assert [[*line[:4], line[5]] for line in lines] == [
        ["5", "KoNViD-1k", "KoNViD-1k", "SAMA", ""],  # which Table A has again
        ["A", "KoNViD-1k", "LIVE-VQC_test", "SAMA", ""],
    ]


@pytest.mark.parametrize("name", ["table14", "cross", "tableAB"])
def test_it_has_a_letter_for_a_name(name: str) -> None:
    table = Table("Ours", {}, added={"X": ("A01",)}, columns=("KoNViD-1k",))
    paper = paper_cells(name, table, Path("nowhere"))
    assert len(paper) == 0
    with pytest.raises(ParamsError, match=f"tables.{name}: the paper has no such table"):
        fill(name, table, paper, {}, {})


def test_its_columns_are_data_sets(made: Path) -> None:
    params = edit_params(made, tables={"tableA": {**OURS, "added": ROWS}})
    wrong = dataclasses.replace(params.tables["tableA"], columns=("KoNViD-1k_all", "KoNVid-1k"))
    message = r"tables\.tableA\.columns: 'KoNVid-1k' is not defined \(did you mean 'KoNViD-1k'"
    with pytest.raises(ParamsError, match=message):
        fill("tableA", wrong, paper_cells("tableA", wrong, Path("nowhere")), {}, params.datasets)


def test_its_rows_are_all_added() -> None:
    for wrong in ({"rows": {"X": ("A01",)}}, {"rows": {}, "quoted": ("X",)}):
        with pytest.raises(ValueError, match="rows belong in added"):
            Table("Ours", columns=("KoNViD-1k",), **wrong)
