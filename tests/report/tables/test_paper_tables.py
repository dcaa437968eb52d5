"""All thirteen tables of the paper: every number once per protocol, ours or quoted, on pages that can be read."""

import re
import shutil
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from paper_fixture import FOLDS, build_paper
from report_fixture import call, contents, edit_params

from stages import report, statistics, verdicts
from stages import tables as stage
from vqa.report.front import baselines
from vqa.report.tables.cells import PROTOCOLS, read_paper, read_table, row_key
from vqa.report.tables.layout import sources
from vqa.report.tables.render import latex, markdown, markdown_digest
from vqa.settings.params import Params

PAGES = (stage, statistics, verdicts, report)
NAMES = [f"table{number:02d}" for number in range(1, 14)]
CELLS = [18, 30, 24, 30, 30, 120, 70, 56, 40, 30, 24, 30, 24]
QUOTED = {"table06": 72, "table07": 34, "table08": 48}
NO_NUMBER = {"table07": 2, "table08": 4}


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Params]:
    """The project with its tables and its front page; read only."""
    folder = tmp_path_factory.mktemp("paper")
    params = build_paper(folder)
    assert [call(one.main, folder) for one in PAGES] == [0] * 4
    return folder, params


@pytest.fixture(scope="module")
def frames(made: tuple[Path, Params]) -> dict[str, pd.DataFrame]:
    return {name: read_table(made[0] / "reports" / "tables" / f"{name}.csv") for name in NAMES}


@pytest.mark.parametrize("name", NAMES)
def test_every_cell_of_the_paper_once_per_protocol_in_its_order(made, frames, name: str) -> None:
    paper, frame = read_paper(made[0] / "reports" / "paper" / f"{name}.csv"), frames[name]
    assert len(frame) == len(PROTOCOLS) * len(paper)
    for protocol in PROTOCOLS:
        part = frame[frame.protocol == protocol].reset_index(drop=True)
        for column in ("table", "method", "setting", "dataset", "metric", "split", "trained_on", "note"):
            assert list(part[column]) == list(paper[column])
        np.testing.assert_array_equal(part.paper, pd.to_numeric(paper.value, errors="coerce"))


def test_all_526_numbers_are_trained_or_quoted_in_both_protocols(made, frames) -> None:
    for protocol in PROTOCOLS:
        parts = {name: frame[(frame.protocol == protocol) & frame.paper.notna()] for name, frame in frames.items()}
        assert [len(part) for part in parts.values()] == CELLS
        assert sum(CELLS) == 526
        for name, part in parts.items():
            assert part.value.notna().all()
            assert (part.source == "quoted").sum() == QUOTED.get(name, 0)
            assert (part.source == "trained").sum() == len(part) - QUOTED.get(name, 0)
    total = sum((sources(frame) for frame in frames.values()), start=sources(frames["table01"].head(0)))
    assert total == {"trained": 526 - 154, "quoted": 154}
    page = (made[0] / "reports" / "README.md").read_text()
    assert "All tables of the paper: 526 cells: 372 trained, 154 quoted, 0 missing (per protocol)." in page
    assert "- Nothing: every cell of the paper's tables is trained or quoted." in page


@pytest.mark.parametrize("name", QUOTED)
def test_quoted_cells_have_the_papers_number_and_nothing_of_ours(frames, name: str) -> None:
    quoted = frames[name][frames[name].source == "quoted"]
    pd.testing.assert_series_equal(quoted.value, quoted.paper, check_names=False)
    assert quoted.value.isna().sum() == 2 * NO_NUMBER.get(name, 0)
    assert set(quoted[quoted.value.isna()].note) <= {"not reported"}
    assert quoted[["delta", "ci_low", "ci_high", "n", "folds"]].isna().all().all()
    assert (quoted[["run", "seeds", "items_digest", "selection", "mapping"]] == "").all().all()


def test_cells_come_from_the_runs_of_their_row_that_are_tested_on_their_data_set(made, frames) -> None:
    _, params = made
    for name, frame in frames.items():
        ours = frame[frame.source == "trained"]
        for cell in ours.itertuples():
            assert cell.run in params.tables[name].rows[row_key(cell.method, cell.setting)]
            title = params.datasets[params.runs[cell.run].train].title
            assert cell.trained_on == title or cell.trained_on.startswith(f"{title} (")
    runs = frames["table07"].query("method == 'SAMA+AWP' and protocol == 'clean' and metric == 'SRCC'").run
    assert list(runs) == ["E-sama-konvid1k-AWP", "E-sama-livevqc-AWP", "E-sama-youtubeugc-AWP"]
    assert {run for frame in frames.values() for run in frame.run} - {""} == set(params.runs)


def test_test_sets_are_the_ones_that_the_paper_names(frames) -> None:
    sizes = {dataset: set(part.n) for dataset, part in frames["table06"].query("run != ''").groupby("dataset")}
    assert sizes == {"LSVQ_test": {12}, "LSVQ_1080p": {11}, "KoNViD-1k": {14}, "LIVE-VQC": {14}}
    assert set(frames["table07"].query("run != ''").n) == {12}


def test_notes_name_the_rows_that_differ(made, frames) -> None:
    mapped = {name for name, frame in frames.items() if (frame.mapping == "logistic").any()}
    assert mapped == {"table01", "table06", "table07"}
    rows = frames["table06"].query("mapping == 'logistic'")
    assert set(zip(rows.method, rows.metric, rows.protocol, strict=True)) == {
        ("SimpleVQA", "PLCC", "released"),
        ("SimpleVQA+AWP", "PLCC", "released"),
    }
    for suffix in ("md", "tex"):
        pages = {name: (made[0] / "reports" / "tables" / f"{name}.{suffix}").read_text() for name in NAMES}
        assert "the test PLCC of SimpleVQA, SimpleVQA+AWP is that of predictions mapped" in pages["table06"]
        assert "SRCC and PLCC of SimpleVQA come from one epoch" in pages["table01"]
        assert f"SAMA, SAMA+AWP: mean over {len(FOLDS)} random splits or seeds" in pages["table08"]
        assert f"n = 12 in each of {len(FOLDS)} splits" in pages["table08"]
        assert {name for name, page in pages.items() if "must not be compared with ours" in page} == set(QUOTED)
        assert {name for name, page in pages.items() if "mapped" in page} == mapped
        assert {name for name, page in pages.items() if "random splits" in page} == {"table08"}


@pytest.mark.parametrize("name", NAMES)
def test_markdown_sets_quoted_rows_apart(made, frames, name: str) -> None:
    folder, params = made
    page = (folder / "reports" / "tables" / f"{name}.md").read_text()
    lines = [[cell.strip() for cell in line.split("|")[1:-1]] for line in page.splitlines() if line.startswith("|")]
    assert len({len(cells) for cells in lines}) == 1
    keys = {"quoted": 0, "ours": 0, "paper": 0}
    for cells in lines:
        kinds = [kind for kind in keys if kind in (text.strip("*") for text in cells)]
        if kinds == ["quoted"]:
            assert all(re.fullmatch(r"\*.+\*|–", cell) for cell in cells)
        elif kinds:
            assert not any("*" in cell for cell in cells)
        for kind in kinds:
            keys[kind] += 1
    table = params.tables[name]
    assert keys == {"quoted": 2 * len(table.quoted), "ours": 2 * len(table.rows), "paper": 2 * len(table.rows)}
    assert page == markdown(table.title, frames[name], params.common)


@pytest.mark.parametrize("name", NAMES)
def test_latex_is_a_booktabs_float(made, frames, name: str) -> None:
    _, params = made
    page = latex(params.tables[name].title, frames[name], params.common)
    assert page.count("{") == page.count("}")
    assert page.isascii()
    assert re.search(r"(?<!\\)[%_#&]", re.sub(r"(?m)^%.*|\{%$| & |^& ", "", page)) is None
    spec = re.search(r"\\begin\{tabular\}\{([lr]+)\}", page).group(1)
    body = page[page.index("\\midrule") : page.index("\\bottomrule")].splitlines()
    rows = [line for line in body if line.endswith(r"\\") and "multicolumn" not in line]
    assert {row.count(" & ") + row.startswith("& ") for row in rows} == {len(spec) - 1}
    table = params.tables[name]
    assert len(rows) == 2 * (2 * len(table.rows) + len(table.quoted))
    assert sum(r"\textit{quoted}" in row for row in rows) == 2 * len(table.quoted)
    wide = name in ("table06", "table07", "table09")
    assert ("\\resizebox{\\textwidth}{!}{%\n\\begin{tabular}" in page, "\\end{tabular}}" in page) == (wide, wide)


def test_front_page_shows_our_rows_only_and_the_right_baselines(made, frames) -> None:
    folder, params = made
    page = (folder / "reports" / "README.md").read_text()
    assert "TLVQM" not in page
    assert len([line for line in page.splitlines() if "| ours, clean" in line]) == sum(
        len(table.rows) for table in params.tables.values()
    )
    lines = [[cell.strip() for cell in line.split("|")[1:-1]] for line in baselines(frames, params)]
    assert lines[0] == ["Tables", "Trained on", "Tested on", "Method", "Ours", "Paper"]
    tuned = [cells[3:] for cells in lines if cells[1:3] == ["LSVQ, then YouTube-UGC", "YouTube-UGC"]]
    # and not the numbers of the AWP rows
    assert [(method, paper) for method, _, paper in tuned] == [("FAST-VQA", "0.855"), ("SAMA", "0.881")]
    (sweep,) = (cells for cells in lines if cells[0].startswith("10"))
    assert sweep[:4] == ["10, 11, 12, 13", "YouTube-UGC", "YouTube-UGC", "FAST-VQA"]
    assert markdown_digest(frames["table06"][frames["table06"].source == "quoted"]) == []


def test_run_twice_gives_the_same_bytes(made, tmp_path: Path) -> None:
    shutil.copytree(made[0], tmp_path, dirs_exist_ok=True)
    before = contents(tmp_path / "reports")
    assert [call(one.main, tmp_path) for one in PAGES] == [0] * 4
    assert contents(tmp_path / "reports") == before
    edit_params(tmp_path, tables={"table08": {"title": "x", "rows": {"SAMA": ["F-spaq"]}}})
    assert [call(one.main, tmp_path) for one in (stage, report)] == [0, 0]
    page = (tmp_path / "reports" / "README.md").read_text()
    assert "56 cells: 2 trained, 0 quoted, 54 missing" in page
    assert "526 cells: 366 trained, 106 quoted, 54 missing" in page
    assert "- Table 8, in part: HyperIQA, MUSIQ, " in page
