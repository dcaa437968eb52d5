"""The site in a real browser: no errors, no network, and the script does what the page says."""

import io
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from PIL import Image
from report_fixture import call
from site_browser import CHROMIUM, Browser, chromium
from site_fixture import NASTY, build_site_project, edit_csv

from stages import site
from vqa.training.predictions import CLEAN, RELEASED

pytestmark = pytest.mark.skipif(CHROMIUM is None, reason="no chromium, chromium-browser or google-chrome on the PATH")

KINDS = ("index", "tables", "verdicts", "landscapes", "statistics", "runs", "runs/A15")


@pytest.fixture(scope="module")
def root(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("site")
    build_site_project(folder)
    for file in (RELEASED, CLEAN):
        edit_csv(folder / "runs" / "A15" / file, lambda t: t.assign(item=NASTY + t.item))
    assert call(site.main, folder) == 0
    return folder / "reports" / "site"


@pytest.fixture(scope="module")
def opened(root: Path) -> Iterator[Browser]:
    with chromium() as browser:
        yield browser


@pytest.fixture
def browser(opened: Browser) -> Iterator[Browser]:
    """The browser of all tests; whatever a test does, it must not raise an error or leave the disk."""
    opened.errors.clear()
    opened.requests.clear()
    yield opened
    assert opened.errors == []
    assert opened.run("document.documentElement.dataset.error ?? ''") == ""
    assert all(url.startswith(("file:", "data:")) for url in opened.requests)


def spread_of(png: bytes) -> float:
    return float(np.asarray(Image.open(io.BytesIO(png)).convert("L")).std())


def middle(browser: Browser, selector: str) -> tuple[float, float]:
    """Centre of an element in the window, scrolled into view."""
    box = f"document.querySelector({selector!r})"
    browser.run(f"{box}.scrollIntoView({{block: 'center'}})")
    x, y = browser.run(
        f"(r => [r.x + r.width / 2, r.y + r.height / 2])({box}.getBoundingClientRect())",
    )
    return x, y


@pytest.mark.parametrize("kind", KINDS)
def test_page_renders_without_errors_at_both_sizes(kind: str, browser: Browser, root: Path) -> None:
    for width in (1280, 375):
        browser.open(root / f"{kind}.html", width, mobile=width < 400)
        assert spread_of(browser.screenshot()) > 10
        # What is wider than the page scrolls in its own box.
        assert browser.run("document.documentElement.scrollWidth") == width


def shown_losses(browser: Browser, chart: str) -> dict[str, float]:
    script = f"""[...document.querySelectorAll('[data-chart={chart}] tbody tr')].map(
        (row) => [row.cells[0].textContent, Number(row.cells[1].textContent.replace('−', '-'))])"""
    return dict(browser.run(script))


def test_landscapes_are_drawn_and_read_off(browser: Browser, root: Path) -> None:
    curve = pd.read_csv(root.parent.parent / "landscapes" / "A01" / "curve.csv").query("weights == 'epoch_1_ema'")
    means = curve.groupby(["part", "alpha"]).loss.mean()
    browser.open(root / "landscapes.html")
    paths = browser.run("[...document.querySelectorAll('[data-chart=fig1c] .curve')].map((p) => p.getAttribute('d'))")
    assert [path.count(",") for path in paths] == [21, 21]
    assert shown_losses(browser, "fig1c")["epoch 1"] == pytest.approx(means["konvid1k/train", 0.0], rel=1e-3)
    left, width = browser.run(
        "(r => [r.x, r.width])(document.querySelector('[data-chart=fig1c] .axis').getBoundingClientRect())"
    )
    _, y = middle(browser, "[data-chart=fig1c] > svg")
    browser.point(left + width, y)
    assert shown_losses(browser, "fig1c")["epoch 1"] == pytest.approx(means["konvid1k/train", 1.0], rel=1e-3)
    assert browser.run("document.querySelector('[data-chart=fig4a] th').textContent") == "α = 1"  # all charts follow
    browser.run("document.querySelector('[data-chart=fig1c] > svg').focus()")
    browser.press("ArrowLeft")
    assert shown_losses(browser, "fig1c")["epoch 1"] == pytest.approx(means["konvid1k/train", 0.9], rel=1e-3)
    said = browser.run("document.querySelector('[data-chart=fig1c] > svg').getAttribute('aria-valuetext')")
    assert said.startswith("α 0.9: epoch 1 0.")
    browser.run("document.querySelector('input[value=test]').click()")
    assert shown_losses(browser, "fig1c")["epoch 1"] == pytest.approx(means["konvid1k/test", 0.9], rel=1e-3)
    browser.run("document.querySelector('input[value=rise]').click()")
    rise = means["konvid1k/test", 0.9] - means["konvid1k/test", 0.0]
    assert shown_losses(browser, "fig1c")["epoch 1"] == pytest.approx(rise, rel=2e-3)


def test_log_scale_leaves_out_what_it_cannot_show(browser: Browser, root: Path) -> None:
    browser.open(root / "landscapes.html")
    browser.run("document.querySelector('input[value=rise]').click()")
    browser.run("document.querySelector('input[value=log]').click()")
    paths = browser.run("[...document.querySelectorAll('.chart path')].map((p) => p.getAttribute('d')).join('')")
    assert "NaN" not in paths
    assert "Infinity" not in paths
    first = browser.run("document.querySelector('[data-chart=fig1c] .curve').getAttribute('d')")
    assert (first.count("M"), first.count(",")) == (2, 20)  # the rise of zero at the weights is a gap in the curve


def test_points_say_their_names_to_pointer_and_keyboard(browser: Browser, root: Path) -> None:
    browser.open(root / "runs" / "A15.html")
    figure = "figure.readable"
    x, y = middle(browser, f"{figure} circle")
    browser.point(x, y)
    named = browser.run(f"document.querySelector('{figure} circle.here title').textContent")
    assert named.startswith(f"{NASTY}konvid1k_test_")
    assert browser.run(f"document.querySelector('{figure} output').textContent") == named
    browser.run(f"document.querySelector('{figure} svg').focus()")
    browser.press("ArrowRight")
    after = browser.run(f"document.querySelector('{figure} output').textContent")
    assert after != named
    assert after.startswith(NASTY)
    assert browser.run("document.images.length") == 0


def test_surface_is_read_off(browser: Browser, root: Path) -> None:
    browser.open(root / "landscapes.html")
    browser.run("document.querySelector('svg.heat').focus()")
    browser.press("ArrowRight")
    output = browser.run("document.querySelector('.pair output').textContent")
    assert output.startswith("α −1, β ")
    assert "loss " in output


def test_switch_of_protocols_and_print(browser: Browser, root: Path) -> None:
    visible = "['released', 'clean'].map((p) => document.querySelector(`.scroll.${p}`).offsetHeight > 0)"
    browser.open(root / "tables.html")
    assert browser.run(visible) == [True, True]
    x, y = middle(browser, "input[value=clean]")
    browser.point(x, y, click=True)
    assert browser.run(visible) == [False, True]
    browser.call("Emulation.setEmulatedMedia", media="print")
    try:
        assert browser.run(visible) == [True, True]
        assert browser.run("document.querySelector('nav').offsetHeight") == 0
        assert browser.pdf().startswith(b"%PDF")
    finally:
        browser.call("Emulation.setEmulatedMedia", media="")


def test_verdicts_are_filtered(browser: Browser, root: Path) -> None:
    shown = "[...document.querySelectorAll('.claim')].filter((c) => !c.hidden).map((c) => c.id)"
    browser.open(root / "verdicts.html")
    assert browser.run(shown) == ["t5-best", "f2d-flat", "text-gap"]
    browser.run("document.querySelectorAll('input:not([value=\"not run\"])').forEach((box) => box.click())")
    assert browser.run(shown) == ["text-gap"]
    assert browser.run("document.querySelector('.count').textContent") == "1 of 3 claims"


def test_runs_are_sorted_by_number(browser: Browser, root: Path) -> None:
    keys = "[...document.querySelectorAll('tbody tr')].map((row) => Number(row.cells[4].dataset.key))"
    browser.open(root / "runs.html")
    button = "document.querySelectorAll('thead button')[4]"
    for order in (1, -1):
        browser.run(f"{button}.click()")
        found = browser.run(keys)
        assert found == sorted(found, key=lambda value: order * value)
        assert len(set(found)) == 3


def test_without_a_script_everything_is_shown(browser: Browser, root: Path) -> None:
    browser.call("Emulation.setScriptExecutionDisabled", value=True)
    try:
        browser.open(root / "landscapes.html")
        assert spread_of(browser.screenshot()) > 10
        tree = browser.call("DOM.getDocument", depth=-1)["root"]["nodeId"]
        assert browser.call("DOM.querySelector", nodeId=tree, selector="noscript img")["nodeId"] > 0
        assert browser.call("DOM.querySelector", nodeId=tree, selector="fieldset")["nodeId"] == 0
    finally:
        browser.call("Emulation.setScriptExecutionDisabled", value=False)
        browser.open(root / "index.html")
