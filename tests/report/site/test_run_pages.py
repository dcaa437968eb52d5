"""The pages of runs: plots, their dots, and what is shown of a run of several trainings."""

import json
import shutil
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from report_fixture import call, write_run
from site_fixture import edit_csv
from site_page import Page, text_of

from stages import site
from vqa.report.site import run_plots
from vqa.report.site.embed import compact
from vqa.report.site.inputs import read_inputs
from vqa.report.site.run_plots import DOTS, spread_out
from vqa.report.site.runs import sharpness_rows
from vqa.settings.params import load

FOLDS = ("44-0", "42-0", "43-0")


@pytest.fixture(scope="module")
def pages(project: Path) -> dict[str, Page]:
    assert call(site.main, project) == 0
    return {path.stem: Page(path.read_text()) for path in (project / "reports" / "site" / "runs").glob("*.html")}


@pytest.fixture
def copy(project: Path, tmp_path: Path) -> Path:
    return shutil.copytree(project, tmp_path / "copy")


def test_run_without_a_landscape_says_so(pages: dict[str, Page]) -> None:
    assert "No landscape was measured" in text_of(pages["A06"])
    assert "No landscape was measured" not in text_of(pages["A15"])
    assert "top eigenvalue" in text_of(pages["A15"])


def test_page_of_a_run_has_its_items_and_its_place(project: Path, pages: dict[str, Page]) -> None:
    page = pages["A15"]
    pairs = pd.read_csv(project / "runs" / "A15" / "predictions.csv")
    clean = pairs.query("protocol == 'clean' and split == 'test'")
    assert sum(item in data for data in page.data for item in clean.item) == 2 * len(clean)  # both protocols
    links = [found.get("href") for tag, found in page.tags if tag == "a"]
    assert {"A06.html", "../tables.html#table05", "../runs.html"} <= set(links)
    metrics = json.loads((project / "runs" / "A15" / "metrics.json").read_text())
    assert f"{metrics['clean']['scores']['konvid1k/test']['srcc']:.3f}" in text_of(page)


def test_a_plot_of_many_items_has_few_dots_and_says_so(copy: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(run_plots, "DOTS", 10)
    assert call(site.main, copy) == 0
    page = Page((copy / "reports" / "site" / "runs" / "A15.html").read_text())
    pairs = pd.read_csv(copy / "runs" / "A15" / "predictions.csv").query("protocol == 'clean' and split == 'test'")
    assert sum(item in data for data in page.data for item in pairs.item) == 2 * 10
    for extreme in (pairs.mos.idxmin(), pairs.mos.idxmax()):
        assert any(pairs.item[extreme] in data for data in page.data)
    assert f"10 of {len(pairs)} items" in text_of(page)


@pytest.mark.parametrize("n", [1, DOTS - 1, DOTS])
def test_items_that_fit_are_all_drawn(n: int) -> None:
    pairs = pd.DataFrame({"item": range(n), "mos": np.linspace(5, 1, n)})
    pd.testing.assert_frame_equal(spread_out(pairs), pairs)


@pytest.mark.parametrize("n", [DOTS + 1, 2 * DOTS - 1, 25_000])
def test_of_more_items_every_so_manyth_by_opinion_is_drawn_once(n: int) -> None:
    ranks = np.arange(n) * 7919 % n  # shuffled, for 7919 is a prime that divides no n here
    drawn = spread_out(pd.DataFrame({"item": ranks, "mos": 1 + ranks / n}))
    assert len(drawn) == DOTS <= 2000
    steps = np.diff(drawn["item"])
    assert drawn["item"].iloc[0] == 0
    assert drawn["item"].iloc[-1] == n - 1
    assert steps.min() >= 1
    assert steps.max() - steps.min() <= 1


def test_a_page_of_many_items_is_small(copy: Path) -> None:
    """Twenty-five thousand dots would be megabytes."""
    params, n = load(copy / "params.yaml"), 25_000
    write_run(copy / "runs" / "A15", params, "A15", sizes={"konvid1k/train": 48, "konvid1k/test": n}, epochs=1)
    assert call(site.main, copy) == 0
    path = copy / "reports" / "site" / "runs" / "A15.html"
    page = Page(path.read_text())
    assert path.stat().st_size < 600_000
    assert text_of(page).count(f"{DOTS} of {n} items") == 2, "below the plot of each protocol"
    assert sum(tag == "circle" and found["class"] == "dot test" for tag, found in page.tags) >= 2 * DOTS


def test_a_run_of_several_trainings_shows_their_mean_and_the_first_of_them(copy: Path) -> None:
    params = load(copy / "params.yaml")
    write_run(copy / "runs" / "A15", params, "A15", folds=FOLDS)
    edit_csv(
        copy / "landscapes" / "A15" / "sharpness.csv",
        lambda t: pd.concat([t.assign(fold=fold, value=t.value + 1000 * i) for i, fold in enumerate(FOLDS)]),
    )
    assert call(site.main, copy) == 0
    page = Page((copy / "reports" / "site" / "runs" / "A15.html").read_text())
    text = text_of(page)
    assert "Mean over 3 trainings (44-0, 42-0, 43-0)" in text
    metrics = json.loads((copy / "runs" / "A15" / "metrics.json").read_text())
    for protocol in ("clean", "released"):
        values = [block[protocol]["scores"]["konvid1k/test"]["srcc"] for block in metrics["folds"].values()]
        assert f"{protocol} SRCC {np.mean(values):.3f}" in text
    pairs = pd.read_csv(copy / "runs" / "A15" / "predictions.csv").query("split == 'test'")
    for fold, rows in pairs.groupby("fold"):
        said = {
            f"{row.item}: MOS {compact(row.mos, 4)}, prediction {compact(row.prediction, 4)}"
            for row in rows.itertuples()
        }
        assert len(said & set(page.data)) == (len(said) if fold == FOLDS[0] else 0), fold
    files = read_inputs(params, copy)
    assert files.runs["A15"].predictions.fold.unique().tolist() == [FOLDS[0]]


def test_sharpness_is_that_of_the_first_training_over_its_directions(copy: Path) -> None:
    path = copy / "landscapes" / "A15" / "sharpness.csv"
    before = sharpness_rows(read_inputs(load(copy / "params.yaml"), copy).landscapes["A15"])
    own = pd.read_csv(path)
    bends = own.query("measure == 'curvature' and part == 'konvid1k/test'").value
    (row,) = (row for row in before if row[0] == "curvature" and row[2] == "konvid1k/test")
    assert float(row[4]) == pytest.approx(bends.mean(), rel=1e-3)
    assert [float(end) for end in row[5].split(" to ")] == pytest.approx([bends.min(), bends.max()], rel=5e-3)
    edit_csv(path, lambda t: pd.concat([t, t.assign(fold=369, value=t.value * 50)]))
    assert sharpness_rows(read_inputs(load(copy / "params.yaml"), copy).landscapes["A15"]) == before
