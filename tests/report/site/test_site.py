"""The site without a browser: links, well-formedness, escaping, determinism, and what happens to missing files."""

import itertools
import shutil
from pathlib import Path
from urllib.parse import unquote

import pandas as pd
import pytest
from report_fixture import call, contents, edit_params
from site_fixture import NASTY, build_site_project, edit_csv
from site_page import Page, landscape_data, text_of

from stages import site
from vqa.report.site import tables
from vqa.report.site.tables import SIGNS
from vqa.report.tables.cells import PROTOCOLS
from vqa.report.verdicts.rules import CELL_VERDICTS, VERDICTS


@pytest.fixture(scope="module")
def project(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("site")
    build_site_project(folder)
    assert call(site.main, folder) == 0
    return folder


@pytest.fixture(scope="module")
def pages(project: Path) -> dict[str, Page]:
    root = project / "reports" / "site"
    return {str(path.relative_to(root)): Page(path.read_text()) for path in sorted(root.rglob("*.html"))}


@pytest.fixture
def copy(project: Path, tmp_path: Path) -> Path:
    return shutil.copytree(project, tmp_path / "copy")


def test_every_page_is_there_and_names_its_parts(pages: dict[str, Page]) -> None:
    runs = {f"runs/{name}.html" for name in ("A01", "A06", "A15")}
    named = {"index.html", "tables.html", "verdicts.html", "landscapes.html", "statistics.html", "runs.html"}
    assert set(pages) == named | runs
    for page in pages.values():
        attributes = dict(page.tags)
        assert attributes["html"]["lang"] == "en"
        assert len(page.ids) == len(set(page.ids))
        assert [tag for tag, _ in page.tags].count("h1") == 1
        levels = [int(tag[1]) for tag, _ in page.tags if tag in ("h1", "h2", "h3")]
        assert all(below - above <= 1 for above, below in itertools.pairwise(levels))
        assert all(found.get("alt") for tag, found in page.tags if tag == "img")
        assert "Demo data: not comparable with the paper's numbers" in text_of(page)


def test_links_and_anchors_resolve_inside_the_folder(project: Path, pages: dict[str, Page]) -> None:
    root = (project / "reports" / "site").resolve()
    checked = 0
    for name, page in pages.items():
        for _, attributes in page.tags:
            for link in (attributes.get("href"), attributes.get("src")):
                if link is None or link == "data:,":
                    continue
                file, _, anchor = link.partition("#")
                target = (root / name).parent / unquote(file) if file else root / name
                assert target.is_file(), (name, link)
                assert target.resolve().is_relative_to(root)
                if anchor:
                    assert anchor in pages[str(target.resolve().relative_to(root))].ids, (name, link)
                checked += 1
    assert checked > 100


def test_nothing_comes_from_elsewhere(project: Path) -> None:
    for name, content in contents(project / "reports" / "site").items():
        text = content.decode()
        for scheme in ("http://", "https://", "//cdn", "@import", "fetch(", str(project)):
            allowed = scheme == "http://" and name.endswith((".svg", ".js"))  # the name space of SVG
            assert allowed or scheme not in text, (name, scheme)


def test_texts_are_escaped_wherever_they_stand(copy: Path) -> None:
    edit_csv(copy / "runs" / "A15" / "predictions.csv", lambda table: table.assign(item=NASTY))
    edit_csv(copy / "reports" / "verdicts.csv", lambda table: table.assign(reason=NASTY))
    edit_csv(copy / "reports" / "claims.csv", lambda table: table.assign(title=NASTY, statement=NASTY, test=NASTY))
    text = (copy / "params.yaml").read_text()
    (copy / "params.yaml").write_text(
        text.replace("epoch 4", "</script><b>").replace("title: LIVE-VQC", f"title: '{NASTY}'")
    )
    assert call(site.main, copy) == 0
    root = copy / "reports" / "site"
    for path in root.rglob("*.html"):
        source = path.read_text()
        assert "<img src=x" not in source
        assert "</script><b>" not in source
        Page(source)
    found = Page((root / "runs" / "A15.html").read_text())
    assert any(NASTY in data for data in found.data)
    chart = landscape_data(Page((root / "landscapes.html").read_text()))["charts"]["fig1c"]
    assert [line["label"] for line in chart["lines"]] == ["epoch 1", "</script><b>"]


def test_same_files_give_the_same_bytes_and_nothing_old_stays(copy: Path) -> None:
    before = contents(copy / "reports" / "site")
    (copy / "reports" / "site" / "old.html").write_text("left over")
    assert call(site.main, copy) == 0
    assert contents(copy / "reports" / "site") == before
    assert [path.name for path in (copy / "reports").glob(".site*")] == []


def test_cell_shows_value_interval_test_and_verdict(project: Path, pages: dict[str, Page]) -> None:
    frame = pd.read_csv(project / "reports" / "tables" / "table05.csv")
    place = "protocol == 'clean' and setting == 'gamma=0.0001' and metric == 'SRCC' and split == 'test'"
    (cell,) = frame.query(place).to_dict("records")
    tests = pd.read_csv(project / "reports" / "statistics" / "comparisons.csv")
    (test,) = tests.query(f"table == 'table05' and a == 'gamma=0.0001' and {place.replace('setting', 'a')}").to_dict(
        "records"
    )
    text = text_of(pages["tables.html"])
    number = f"{cell['value']:.3f}"
    assert number in text
    assert f"[{cell['ci_low']:.3f}, {cell['ci_high']:.3f}]" in text
    explained = [found for _, found in pages["tables.html"].tags if found.get("role") == "img" and "title" in found]
    marks = [found["title"] for found in explained if found["class"].startswith("mark ")]
    said = [mark for mark in marks if f"{abs(test['difference']):.3f} [" in mark]
    assert any("than gamma=0:" in mark or "from gamma=0:" in mark for mark in said)
    assert any("5 trainings, could have seen 0.084" in mark for mark in said)
    signs = [found["aria-label"] for found in explained if found["class"].startswith("sign ")]
    assert sum(sign.startswith("contradicted: the paper") for sign in signs) > 10


def test_a_method_differs_by_its_p_and_with_three_trainings_only(copy: Path) -> None:
    for p, trainings in ((0.051, 3), (0.001, 2)):
        new = {"p": p, "difference": 0.2, "trainings": trainings}
        edit_csv(copy / "reports" / "statistics" / "comparisons.csv", lambda t, new=new: t.assign(**new))
        assert call(site.main, copy) == 0
        assert 'class="mark up"' not in (copy / "reports" / "site" / "tables.html").read_text()
    new = {"p": 0.049, "difference": 0.2, "trainings": 3}
    edit_csv(copy / "reports" / "statistics" / "comparisons.csv", lambda t: t.assign(**new))
    assert call(site.main, copy) == 0
    text = (copy / "reports" / "site" / "tables.html").read_text()
    assert 'class="mark up"' in text
    assert 'class="mark down"' not in text
    assert "p = 0.049" in text
    edit_params(copy, statistics={"level": 0.01})
    assert call(site.main, copy) == 0
    text = (copy / "reports" / "site" / "tables.html").read_text()
    assert 'class="mark up"' not in text
    assert "reference row (1 %, each for itself, by three trainings and more)" in text


def test_a_single_training_is_not_called_trainings(project: Path) -> None:
    one = {"a": "x", "b": "y", "difference": 0.2, "ci_low": 0.1, "ci_high": 0.3, "p": 0.0001, "detectable": 0.084}
    mark = tables.mark({**one, "trainings": 1.0}, 0.05)
    assert mark == {
        "sign": "ns",
        "kind": "ns",
        "text": "not significantly different from y: difference +0.200 [0.100, 0.300], p < 0.001, 1 training, "
        "could have seen 0.084",
    }
    assert tables.mark({**one, "trainings": 3.0, "difference": -0.2}, 0.05)["sign"] == "▼"
    assert tables.mark(None, 0.05) is None


def test_every_verdict_has_a_sign_of_its_own_a_look_and_its_count(project: Path, pages: dict[str, Page]) -> None:
    every = {*VERDICTS, *CELL_VERDICTS}
    assert set(SIGNS) == every
    assert len(set(SIGNS.values())) == len(every)
    style = (project / "reports" / "site" / "style.css").read_text()
    for word in every:
        for rule in (".verdict.", ".sign.", ".share.", ".stack ."):
            assert f"{rule}{word.replace(' ', '-')}" in style, word
    claims, cells = (pd.read_csv(project / "reports" / f"{name}.csv") for name in ("claims", "verdicts"))
    text = text_of(pages["verdicts.html"])
    for word in every:
        counts = [
            (frame[frame.protocol == protocol].verdict == word).sum()
            for frame in (claims, cells)
            for protocol in PROTOCOLS
        ]
        assert f"{SIGNS[word]} {word} {' '.join(map(str, counts))} " in text, word
    assert (claims.verdict == "absent").any()
    assert (cells.verdict == "not comparable").any()
    assert "not comparable: the paper's number" in (project / "reports" / "site" / "tables.html").read_text().replace(
        "&#39;", "'"
    )


def test_data_of_the_landscapes_are_those_of_the_files(project: Path, pages: dict[str, Page]) -> None:
    data = landscape_data(pages["landscapes.html"])
    assert set(data["charts"]) == {"fig1c", "fig4a"}
    assert [line["label"] for line in data["charts"]["fig1c"]["lines"]] == ["epoch 1", "epoch 4"]
    assert [line["label"] for line in data["charts"]["fig4a"]["lines"]] == ["γ = 0", "γ = 0.0001"]
    curve = pd.read_csv(project / "landscapes" / "A01" / "curve.csv").query(
        "weights == 'epoch_1_ema' and part == 'konvid1k/test'"
    )
    shown = data["curves"]["A01/epoch_1_ema"]
    for direction, rows in curve.groupby("direction"):
        assert shown["parts"]["test"][direction] == pytest.approx(rows.sort_values("alpha").loss.tolist(), rel=1e-4)
    assert shown["alpha"] == pytest.approx(sorted(set(curve.alpha)))
    assert "Not measured: γ = 0.01 (A01/epoch_9_ema)" in text_of(pages["landscapes.html"])


def test_without_landscapes_there_is_a_site_all_the_same(copy: Path) -> None:
    text = (copy / "params.yaml").read_text()
    start, end = text.index("landscapes:"), text.index("statistics:")
    (copy / "params.yaml").write_text(text[:start] + "landscapes: {}\n" + text[end:])
    shutil.rmtree(copy / "landscapes")
    (copy / "reports" / "statistics" / "sharpness_points.csv").unlink()
    assert call(site.main, copy) == 0
    assert "No landscape was measured" in (copy / "reports" / "site" / "statistics.html").read_text()
    assert "Not measured: epoch 1 (A01/epoch_1_ema)" in (copy / "reports" / "site" / "landscapes.html").read_text()


@pytest.mark.parametrize(
    ("path", "command"),
    [
        ("reports/claims.csv", "dvc repro verdicts"),
        ("reports/verdicts.csv", "dvc repro verdicts"),
        ("reports/tables/table03.csv", "dvc repro tables"),
        ("reports/statistics/comparisons.csv", "dvc repro statistics"),
        ("reports/statistics/sharpness_gap.csv", "dvc repro statistics"),
        ("reports/figures/fig1c.svg", "dvc repro figures"),
        ("landscapes/A15/curve.csv", "dvc repro landscape@A15"),
        ("runs/A06/metrics.json", "dvc repro evaluate@A06"),
        ("runs/A06/run.json", "dvc repro train@A06"),
        ("prepared/livevqc/report.json", "dvc repro prepare@livevqc"),
    ],
)
def test_a_missing_file_is_one_line_with_the_command(
    path: str, command: str, project: Path, capsys: pytest.CaptureFixture
) -> None:
    before, away = contents(project / "reports" / "site"), project / "away"
    (project / path).rename(away)
    try:
        assert call(site.main, project) == 2
    finally:
        away.rename(project / path)
    (line,) = capsys.readouterr().err.splitlines()
    assert path in line
    assert f"`{command}`" in line
    assert contents(project / "reports" / "site") == before


def test_a_missing_column_is_one_line(copy: Path, capsys: pytest.CaptureFixture) -> None:
    edit_csv(copy / "reports" / "statistics" / "comparisons.csv", lambda table: table.drop(columns="p"))
    assert call(site.main, copy) == 2
    assert "comparisons.csv has no column 'p'" in capsys.readouterr().err
