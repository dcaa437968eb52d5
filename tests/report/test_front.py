"""The front page: every table and figure of params, the scale, and what is not there."""

import re
from pathlib import Path

import pandas as pd
import pytest
from report_fixture import build_project, call, edit_params

from stages import figures, report, statistics, tables, verdicts
from vqa.io import write_csv
from vqa.regression.agreement import AGREEMENT
from vqa.report.front import is_baseline
from vqa.report.tables.branches import FUSION
from vqa.settings.params import Run


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("front")
    build_project(folder)
    before = (tables, statistics, figures, verdicts)
    assert [call(stage.main, folder) for stage in (*before, report)] == [0] * 5
    (folder / "reports" / "site").mkdir()
    (folder / "reports" / "site" / "index.html").write_text("made by another stage")
    return folder


def test_page_says_what_it_shows_and_what_it_does_not(made: Path) -> None:
    page = (made / "reports" / "README.md").read_text()
    assert "demo data: not comparable with the paper's numbers" in page
    assert "Table 3, in part: augmentation=RA, augmentation=TA." in page
    assert "Not run at all: tables 1, 2, 4, 6, 7, 8, 9, 10, 11, 12, 13." in page
    (line,) = (line for line in page.splitlines() if line.startswith("| [Table 3]"))
    assert "24 cells: 12 trained, 0 quoted, 12 missing" in line
    assert "All tables of the paper: 526 cells: 24 trained, 0 quoted, 502 missing (per protocol)." in page
    row = next(line for line in page.splitlines() if line.startswith("| 3, 5 "))
    frame = tables.read_table(made / "reports" / "tables" / "table03.csv")
    base = frame.query(
        "protocol == 'clean' and setting == 'augmentation=base' and metric == 'SRCC' and split == 'test'"
    )
    value = f"{base.value.item():.3f} [{base.ci_low.item():.3f}, {base.ci_high.item():.3f}]"
    texts = [text.strip() for text in row.split("|")[1:-1]]
    assert texts == ["3, 5", "KoNViD-1k", "KoNViD-1k", "FAST-VQA", value, "0.872"]
    assert "Fusion" not in page, "no run has branches"
    assert "orphan" not in page
    assert "by the mixed test over three trainings and more and over items, each for itself, level 0.05." in page
    assert "of fewer trainings over other items alone" in page


def test_page_counts_items_and_exclusions_of_every_data_set(made: Path) -> None:
    page = (made / "reports" / "README.md").read_text()
    rows = [re.sub(r" +", " ", line) for line in page.splitlines() if line.startswith("| KoNViD-1k")]
    assert rows == [
        "| KoNViD-1k | test | 23 | 1 | 1.20 to 4.80, mean 3.00 | 1 | `0123456789ab` |",
        "| KoNViD-1k | train | 48 | 0 | 1.20 to 4.80, mean 3.00 | 24-32 | `ba9876543210` |",
    ]


def test_links_lead_to_files(made: Path) -> None:
    page = (made / "reports" / "README.md").read_text()
    links = re.findall(r"\]\(([^)]+)\)", page)
    assert len(links) >= 2 + 2 * 3 + 2 * 3
    assert all((made / "reports" / link.partition("#")[0]).is_file() for link in links)


def test_every_claim_has_its_line_and_leads_to_its_heading(made: Path) -> None:
    page, verdict_page = ((made / "reports" / name).read_text() for name in ("README.md", "verdicts.md"))
    headings = re.findall(r"^#+ (.*)$", verdict_page, flags=re.M)
    anchors = {re.sub(r"[^a-z0-9_ -]", "", heading.lower()).replace(" ", "-") for heading in headings}
    lines = re.findall(r"^\| \[([^]]+)\]\(verdicts\.md#([^)]+)\)", page, flags=re.M)
    claims = pd.read_csv(made / "reports" / "claims.csv")
    assert [name for name, _ in lines] == list(dict.fromkeys(claims.id))
    assert {anchor for _, anchor in lines} <= anchors


def test_marks_are_those_of_the_comparisons(made: Path) -> None:
    path = made / "reports" / "statistics" / "comparisons.csv"
    kept = path.read_bytes()
    table = pd.read_csv(path)
    place = (table.reference) & (table.protocol == "clean") & (table.metric == "SRCC") & (table.table == "table05")
    try:
        for p, trainings, mark in ((0.01, 3, "*"), (0.2, 3, ""), (0.01, 2, "")):
            found = table.assign(p=table.p.mask(place, p).where(place, 1.0), trainings=trainings)
            write_csv(path, found)
            assert call(report.main, made) == 0
            page = (made / "reports" / "README.md").read_text().partition("### Table 5")[2]
            rows = [line.split("|") for line in page.splitlines() if "ours, clean" in line]
            assert [cell.split()[0].endswith("*") for cell in rows[1][3:6]] == [bool(mark)] * 3, "SRCC of the AWP row"
            assert not any("*" in cell for cell in (*rows[0], *rows[1][6:])), "the reference, and PLCC"
    finally:
        path.write_bytes(kept)
        assert call(report.main, made) == 0


def test_run_twice_gives_the_same_bytes(made: Path) -> None:
    before = (made / "reports" / "README.md").read_bytes()
    assert call(report.main, made) == 0
    assert (made / "reports" / "README.md").read_bytes() == before


def test_what_the_rules_of_fusion_are_worth_is_shown(made: Path) -> None:
    path = made / "reports" / "statistics" / "fusion.csv"
    kept = path.read_bytes()
    rules = {"technical alone": (1.0, 0.71), "one weight": (0.61, 0.8), "sum of both": (float("nan"), 0.79)}
    rows = [["A15", "konvid1k/test", name, weight, srcc, *[0.0] * 4, 24, 1] for name, (weight, srcc) in rules.items()]
    try:
        write_csv(path, pd.DataFrame(rows, columns=list(FUSION)))
        assert call(report.main, made) == 0
        page = (made / "reports" / "README.md").read_text()
        (row,) = (line for line in page.splitlines() if line.startswith("| A15"))
        assert [text.strip() for text in row.split("|")[1:-1]] == [
            "A15",
            "konvid1k/test",
            "0.710",
            "0.800 (w 0.61)",
            "0.790",
        ]
        path.unlink()
        assert call(report.main, made) == 2
    finally:
        path.write_bytes(kept)
        assert call(report.main, made) == 0


def test_features_beside_published_ones_are_shown(made: Path) -> None:
    path = made / "reports" / "statistics" / "agreement.csv"
    kept = path.read_bytes()
    rows = [["J01", "123.mp4", "sharp", 1.0, 1.1, 0.1, 0.25], ["J01", "123.mp4", "dark", 1.0, 1.0, 0.0, 0.0]]
    try:
        write_csv(path, pd.DataFrame(rows, columns=["run", *AGREEMENT]))
        assert call(report.main, made) == 0
        page = (made / "reports" / "README.md").read_text()
        (row,) = (line for line in page.splitlines() if line.startswith("| J01"))
        assert [text.strip() for text in row.split("|")[1:-1]] == ["J01", "123.mp4", "1 of 2", "sharp", "0.25"]
    finally:
        path.write_bytes(kept)
        assert call(report.main, made) == 0
    assert "published ones" not in (made / "reports" / "README.md").read_text()


def test_baseline_is_the_plain_recipe() -> None:
    plain = {"method": "fastvqa", "init": "", "data": "", "train": "konvid1k", "test": ("konvid1k/test",)}
    recipe = {"weight_decay": 0.05}
    assert is_baseline(Run(**plain, keep_epochs=(1,)), recipe)
    assert is_baseline(Run(**plain, weight_decay=0.05), recipe)
    assert not is_baseline(Run(**plain, weight_decay=0.0), recipe)
    assert not is_baseline(Run(**plain, perturbation="awp", gamma=0.01), recipe)
    assert not is_baseline(Run(**plain, augmentation="autoaugment"), recipe)


def test_a_figure_that_was_not_drawn_is_an_error(made: Path, capsys: pytest.CaptureFixture) -> None:
    edit_params(made, figures={"fig9": {"kind": "curves", "run": "A01", "metric": "srcc", "title": "x"}})
    assert call(report.main, made) == 2
    assert "fig9.png is missing" in capsys.readouterr().err
