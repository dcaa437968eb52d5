"""Published pages: what is in them, where their links lead, and what they name."""

from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from report_fixture import contents

from vqa.io import InputError
from vqa.report.publish import page, publish

FRONT = """# Report

> All of it to click and hover: [site/index.html](site/index.html).

[Table 1](tables/table01.md), [claim](verdicts.md#t1-claim), [elsewhere](https://example.org/x.png)
![Figure 1](figures/fig1.png) [svg](figures/fig1.svg) · [fig1.csv](figures/fig1.csv)
![Samples](contact_sheet.png)
"""


@pytest.fixture
def reports(tmp_path: Path) -> Path:
    folder = tmp_path / "reports"
    for name, text in {
        "README.md": FRONT,
        "verdicts.md": "# Verdicts\n\n### T1 claim\n\n[verdicts.csv](verdicts.csv)\n",
        "verdicts.csv": "a\n",
        "tables/table01.md": "# Table 1\n\n[front](../README.md) [tex](table01.tex)\n",
        "tables/table01.tex": "x",
        "figures/fig1.svg": "<svg/>",
        "figures/fig1.csv": "a\n",
        "site/index.html": "x",
    }.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text(text)
    Image.fromarray(np.zeros((8, 8, 4), np.uint8)).save(folder / "contact_sheet.png")
    Image.fromarray(np.zeros((8, 8, 3), np.uint8)).save(folder / "figures" / "fig1.png")
    return folder


def test_pages_figures_and_samples_are_published_and_nothing_else(reports, tmp_path):
    files = publish(reports, tmp_path / "results" / "demo", "demo", "0123456789ab")
    names = {"README.md", "verdicts.md", "tables/table01.md", "figures/fig1.svg", "contact_sheet.jpg"}
    assert {str(file) for file in files} == names
    assert set(contents(tmp_path / "results" / "demo")) == names


def test_links_lead_to_what_is_published_and_others_are_plain_text(reports, tmp_path):
    publish(reports, tmp_path / "out", "demo", "0123456789ab")
    assert (tmp_path / "out" / "README.md").read_text() == (
        "# Report\n\n"
        "*Results of scale `demo`, made from the `dvc.lock` with SHA-256 `0123456789ab` by `make publish`.*\n\n\n"
        "[Table 1](tables/table01.md), [claim](verdicts.md#t1-claim), [elsewhere](https://example.org/x.png)\n"
        "![Figure 1](figures/fig1.svg) [svg](figures/fig1.svg) · fig1.csv\n"
        "![Samples](contact_sheet.jpg)\n"
    )
    assert (tmp_path / "out" / "tables" / "table01.md").read_text().endswith("\n\n[front](../README.md) tex\n")


def test_every_page_names_the_lock(reports, tmp_path):
    publish(reports, tmp_path / "out", "mine", "feedfeedfeed")
    for path in (tmp_path / "out").rglob("*.md"):
        assert "`mine`" in path.read_text().splitlines()[2]
        assert "`feedfeedfeed`" in path.read_text().splitlines()[2]


@pytest.mark.parametrize(("lock", "stays"), [("0123456789ab", True), ("feedfeedfeed", False)])
def test_a_certificate_stays_if_it_is_of_the_lock(reports, tmp_path, lock, stays):
    out = tmp_path / "out"
    publish(reports, out, "demo", "0123456789ab")
    (out / "certificate.md").write_text(f"# Scale demo\n\n*made from the `dvc.lock` with SHA-256 `{lock}`*\n")
    files = publish(reports, out, "demo", "0123456789ab")
    assert (out / "certificate.md").is_file() == stays == (Path("certificate.md") in files)


def test_twice_is_once_and_what_is_gone_leaves(reports, tmp_path):
    out = tmp_path / "out"
    publish(reports, out, "demo", "0123456789ab")
    before = contents(out)
    publish(reports, out, "demo", "0123456789ab")
    assert contents(out) == before
    (reports / "tables" / "table01.md").unlink()
    publish(reports, out, "demo", "0123456789ab")
    assert set(before) - set(contents(out)) == {"tables/table01.md"}
    assert [path.name for path in tmp_path.iterdir() if path.name.startswith(".")] == []


def test_without_a_report_the_old_pages_stay(reports, tmp_path):
    out = tmp_path / "out"
    publish(reports, out, "demo", "0123456789ab")
    before = contents(out)
    (reports / "verdicts.md").unlink()
    with pytest.raises(InputError, match=r"verdicts\.md is missing: `vqa repro --scale demo`"):
        publish(reports, out, "demo", "0123456789ab")
    assert contents(out) == before


def test_a_link_inside_a_page_stays():
    text = "# A\n\n[below](#b)\n"
    assert page(text, "README.md", {"README.md"}, "demo", "0").endswith("\n\n[below](#b)\n")
