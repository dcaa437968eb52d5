"""Tables: every cell once per protocol, the right number in it, the right page around it, and always the same bytes."""

import dataclasses
import json
import re
import shutil
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from report_fixture import build_project, call, contents, edit_metrics, edit_params
from scipy import stats

from stages import tables as stage
from vqa.report.tables.cells import COLUMNS, PROTOCOLS, fill, matching_tests, read_paper, read_table, row_key
from vqa.report.tables.layout import coverage, lay_out, sources, warnings
from vqa.report.tables.render import escape, latex, markdown, markdown_block, pipe_table
from vqa.report.tables.results import TrainedRun
from vqa.settings.params import Table
from vqa.settings.strict import ParamsError
from vqa.training.predictions import CLEAN, RELEASED


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A project whose tables were made; read only."""
    folder = tmp_path_factory.mktemp("tables")
    build_project(folder)
    assert call(stage.main, folder) == 0
    return folder


@pytest.fixture
def project(made: Path, tmp_path: Path) -> Path:
    """A copy of it to break."""
    shutil.copytree(made, tmp_path, dirs_exist_ok=True)
    return tmp_path


def table(folder: Path, name: str = "table03") -> pd.DataFrame:
    return read_table(folder / "reports" / "tables" / f"{name}.csv")


def test_every_cell_of_the_paper_occurs_once_per_protocol_in_its_order(made: Path) -> None:
    paper = read_paper(made / "reports" / "paper" / "table03.csv")
    frame = table(made)
    assert tuple(frame.columns) == COLUMNS
    for protocol in PROTOCOLS:
        part = frame[frame.protocol == protocol].reset_index(drop=True)
        for column in ("table", "method", "setting", "dataset", "metric", "split", "trained_on", "note"):
            assert list(part[column]) == list(paper[column])
        np.testing.assert_array_equal(part.paper, paper.value.astype(float))
    np.testing.assert_allclose(frame.delta, frame.value - frame.paper, atol=1e-11)


def cell(frame: pd.DataFrame, protocol: str, setting: str, metric: str, split: str) -> pd.Series:
    keys = {"protocol": protocol, "setting": setting, "metric": metric, "split": split}
    (found,) = (row for _, row in frame.iterrows() if all(row[k] == v for k, v in keys.items()))
    return found


def test_cells_hold_the_metrics_of_the_run_that_params_name(made: Path) -> None:
    frame = table(made)
    metrics = json.loads((made / "runs" / "A06" / "metrics.json").read_text())
    for protocol in PROTOCOLS:
        scores = metrics[protocol]["scores"]
        test = cell(frame, protocol, "augmentation=AuA", "PLCC", "test")
        train = cell(frame, protocol, "augmentation=AuA", "PLCC", "train")
        gap = cell(frame, protocol, "augmentation=AuA", "PLCC", "gap")
        assert test.value == scores["konvid1k/test"]["plcc"]
        assert train.value == scores["konvid1k/train"]["plcc"]
        assert gap.value == metrics[protocol]["gap"]["konvid1k/test"]["plcc"]
        assert (test.n, train.n, gap.n) == (24, 48, 24)
        assert test.items_digest == metrics["items_digest"]["konvid1k/test"]
        assert gap.items_digest == f"{train.items_digest}+{test.items_digest}"
        for found in (test, train, gap):
            assert found.ci_low < found.value < found.ci_high
            assert (found.run, found.seeds, found.source) == ("A06", "42", "trained")


def test_released_interval_comes_from_the_best_epoch_of_that_metric(project: Path) -> None:
    """Predictions of all other epochs may change: the interval must not."""
    path = project / "runs" / "A06" / RELEASED
    rows = pd.read_csv(path)
    best = json.loads((path.parent / "metrics.json").read_text())["released"]["scores"]["konvid1k/test"]["best_epoch"]
    used = (rows.weights != "ema") | rows.epoch.isin([best["srcc"], best["plcc"]])
    assert not used.all()
    rows.loc[~used, "prediction"] = 0.0
    rows.to_csv(path, index=False)
    before = contents(project / "reports" / "tables")
    assert call(stage.main, project) == 0
    assert contents(project / "reports" / "tables") == before


def test_a_run_has_the_same_interval_in_every_table(made: Path) -> None:
    base = cell(table(made), "clean", "augmentation=base", "SRCC", "test")
    again = cell(table(made, "table05"), "clean", "gamma=0", "SRCC", "test")
    assert (base.ci_low, base.ci_high) == (again.ci_low, again.ci_high)


def test_interval_is_near_the_one_of_scipy(made: Path) -> None:
    rows = pd.read_csv(made / "runs" / "A01" / CLEAN).query("dataset == 'konvid1k' and split == 'test'")
    pair, rng = (rows.prediction.to_numpy(), rows.mos.to_numpy()), np.random.default_rng(0)
    expected = stats.bootstrap(
        pair,
        lambda x, y: stats.pearsonr(x, y).statistic,
        paired=True,
        vectorized=False,
        n_resamples=999,
        method="percentile",
        rng=rng,
    ).confidence_interval
    found = cell(table(made), "clean", "augmentation=base", "PLCC", "test")
    np.testing.assert_allclose((found.ci_low, found.ci_high), expected, atol=0.08)


def test_rows_without_a_run_are_missing_and_orphans_do_not_show(made: Path) -> None:
    frame = table(made)
    missing = frame[frame.setting.isin(["augmentation=RA", "augmentation=TA"])]
    assert set(missing.source) == {"missing"}
    assert missing[["value", "delta", "ci_low", "ci_high", "n"]].isna().all().all()
    assert (missing.run == "").all()
    assert (made / "runs" / "orphan" / "metrics.json").is_file()
    assert all(b"orphan" not in content for content in contents(made / "reports" / "tables").values())
    assert coverage(sources(frame)) == "24 cells: 12 trained, 0 quoted, 12 missing"


def test_run_twice_gives_the_same_bytes_and_drops_tables_that_left_params(project: Path) -> None:
    before = contents(project / "reports" / "tables")
    assert sorted(before) == [f"table{n}.{kind}" for n in ("03", "05") for kind in ("csv", "md", "tex")]
    (project / "reports" / "tables" / "table09.md").write_text("stale")
    assert call(stage.main, project) == 0
    assert contents(project / "reports" / "tables") == before


def test_different_items_within_a_table_are_flagged(project: Path) -> None:
    def other_items(metrics: dict) -> None:
        metrics["items_digest"]["konvid1k/test"] = "feedfacecafe"

    edit_metrics(project, "A06", other_items)
    assert call(stage.main, project) == 0
    assert len(warnings(table(project))) == 1
    for suffix in (".md", ".tex"):
        page = (project / "reports" / "tables" / f"table03{suffix}").read_text()
        assert "different items of KoNViD-1k test" in page
        assert "feedfacecafe (A06)" in page
    assert warnings(table(project, "table05")) == []


def test_bad_input_is_one_line_and_exit_code_2(project: Path, capsys: pytest.CaptureFixture) -> None:
    def lie(metrics: dict) -> None:
        metrics["clean"]["scores"]["konvid1k/test"]["srcc"] += 0.01

    edit_metrics(project, "A15", lie)
    assert call(stage.main, project) == 2
    assert "clean srcc of konvid1k/test in metrics.json is not that of its predictions" in capsys.readouterr().err
    (project / "runs" / "A15" / "metrics.json").unlink()
    assert call(stage.main, project) == 2
    assert capsys.readouterr().err.endswith("metrics.json is missing: `dvc repro evaluate@A15` makes it\n")
    edit_params(project, tables={"table05": {"title": "x", "rows": {"gamma=0.1": ["A01"]}}})
    assert call(stage.main, project) == 2
    assert "tables.table05.rows: 'gamma=0.1' is not defined" in capsys.readouterr().err


def test_tables_over_several_data_sets_and_methods(made: Path) -> None:
    """Tables 6 and 9: columns by data set; a test set that params do not have leaves its cells missing."""
    params = edit_params(made)
    run = TrainedRun("A01", params.runs["A01"], made / "runs" / "A01", params.common)
    for name, row, labels in (("table06", "FAST-VQA", ("Method", "Type")), ("table09", "gamma=0", ("γ",))):
        rows = Table("Cross", {row: ("A01",)})
        frame = fill(name, rows, read_paper(made / "reports" / "paper" / f"{name}.csv"), {"A01": run}, params.datasets)
        filled = frame[(frame.source == "trained") & (frame.protocol == "clean")]
        assert list(filled.dataset) == ["KoNViD-1k"] * 2 + ["LIVE-VQC"] * 2
        layout = lay_out(frame)
        assert layout.labels == labels
        assert "| LIVE-VQC SRCC  " in markdown_block(frame, "clean")[0]
        assert "\\multicolumn{2}{c}{LSVQ\\_1080p}" in latex("Cross", frame, params.common)


def test_row_keys_are_unique_in_every_table_of_the_paper(made: Path) -> None:
    for path in sorted((made / "reports" / "paper").glob("*.csv")):
        paper = read_paper(path)
        paper["key"] = [row_key(m, s) for m, s in zip(paper.method, paper.setting, strict=True)]
        assert not paper.duplicated(["key", "dataset", "metric", "split"]).any(), path.name


def test_a_row_is_run_or_quoted_and_known_to_the_paper(project: Path, capsys: pytest.CaptureFixture) -> None:
    def refused(message: str, **table: object) -> None:
        with pytest.raises(ParamsError, match=re.escape(message)):
            edit_params(project, tables={"table06": {"title": "x", **table}})

    refused("'SAMA' has a run and is quoted", rows={"SAMA": ["A01"]}, quoted=["TLVQM", "SAMA"])
    refused("'SAMA' names no run", rows={"SAMA": []})
    refused("tables.table06.rows: 'A02' is not defined", rows={"SAMA": ["A01", "A02"]})
    edit_params(project, tables={"table06": {"title": "x", "rows": {}, "quoted": ["TLVQN"]}})
    assert call(stage.main, project) == 2
    assert "tables.table06.quoted: 'TLVQN' is not defined (did you mean 'TLVQM'?)" in capsys.readouterr().err
    edit_params(project, tables={"table06": {"title": "x", "rows": {"SAMA": ["A01", "A06"]}}})
    assert call(stage.main, project) == 2
    error = capsys.readouterr().err
    assert "tables.table06.rows.SAMA: more than one result fits KoNViD-1k (A01 on konvid1k/test, A06 on" in error


def test_names_of_test_sets(made: Path) -> None:
    datasets = edit_params(made).datasets
    datasets["lsvq"] = dataclasses.replace(datasets["konvid1k"], title="LSVQ")
    tests = ("lsvq/test", "lsvq/1080p", "konvid1k/all")
    assert matching_tests("LSVQ_test", tests, datasets) == ["lsvq/test"]
    assert matching_tests("LSVQ_1080p", tests, datasets) == ["lsvq/1080p"]
    assert matching_tests("LSVQ", tests, datasets) == ["lsvq/test", "lsvq/1080p"]
    assert matching_tests("KoNViD-1k", tests, datasets) == ["konvid1k/all"]
    assert matching_tests("KoNViD-1k_test", tests, datasets) == []
    assert matching_tests("SPAQ", tests, datasets) == []


def test_latex_is_balanced_and_escaped(made: Path) -> None:
    page = (made / "reports" / "tables" / "table05.tex").read_text()
    body = page[page.index("\\midrule") : page.index("\\bottomrule")].splitlines()
    rows = [line for line in body if line.endswith(r"\\") and "multicolumn" not in line]
    assert len(rows) == 2 * (2 * 2 + 3)  # ours and the paper's; of the three rows that were not run the paper's alone
    assert {row.count("&") for row in rows} == {7}
    assert page.count("{") == page.count("}")
    assert page.isascii()
    assert page.count("\\begin{") == page.count("\\end{") == 2
    assert escape("a_b & 5 % γ {x} ~") == r"a\_b \& 5 \% $\gamma$ \{x\} \textasciitilde{}"


def test_pipes_in_cells_do_not_break_the_markdown_table() -> None:
    assert pipe_table(["a|b"], [True], [["1"]]) == ["| a\\|b |", "| ---: |", "|    1 |"]


GOLDEN = """\
# Table 13. AWP

**demo data: not comparable with the paper's numbers**

## Released protocol

| γ   |                | SRCC test [95 % interval] | PLCC gap |
| --- | -------------- | ------------------------- | -------: |
| 0   | ours           | 0.812 [0.700, 0.901]      |   -0.020 |
|     | paper          | 0.819                     |    0.128 |
| 0.1 | paper, not run | –                         |    0.104 |

## Clean protocol

| γ   |                | SRCC test [95 % interval] | PLCC gap |
| --- | -------------- | ------------------------- | -------: |
| 0   | ours           | 0.812 [0.700, 0.901]      |   -0.020 |
|     | paper          | 0.819                     |    0.128 |
| 0.1 | paper, not run | –                         |    0.104 |

## Notes

- Released protocol: as the paper's code does it, for each metric the epoch with the best test value \
(EMA weights where the method has them), so the test set picks the model; train values are taken on the fly while \
training, at the last epoch.
- Clean protocol: nothing is picked on the test set: EMA weights, where the method has them, after the last epoch, \
deterministic sampling; train values come from the same model in evaluation mode.
- Intervals: [low, high] is the 95 % interval: of the mean of three trainings and more over other trainings and other \
items, of fewer trainings over other items alone. It does not cover the choice of the epoch.
- Gap: train minus test.
- Data: YouTube-UGC n = 40 (items 0123456789ab); training seed 42.
- Coverage: 3 cells: 2 trained, 0 quoted, 1 missing (per protocol).
"""


def test_golden_page(made: Path) -> None:
    base = {"table": "Table 13", "method": "FAST-VQA+AWP", "dataset": "YouTube-UGC"}
    texts = ["trained_on", "note", "seeds", "run", "items_digest", "selection", "mapping"]
    base |= dict.fromkeys(texts, "")
    numbers = ["value", "delta", "ci_low", "ci_high", "error", "error_of_one", "freedom", "n", "folds"]
    empty = {**dict.fromkeys(numbers), "covers": "", "source": "missing"}
    filled = {"delta": 0.0, "n": 40, "folds": 1, "seeds": "42", "covers": "items", "source": "trained", "run": "B01"}
    srcc, gap = {"metric": "SRCC", "split": "test"}, {"metric": "PLCC", "split": "gap"}
    test = {"value": 0.8123, "ci_low": 0.7, "ci_high": 0.9012, "paper": 0.819, "items_digest": "0123456789ab"}
    difference = {"value": -0.0199, "ci_low": -0.1, "ci_high": 0.1, "paper": 0.128, "items_digest": "a+b"}
    cells = [
        {**base, **empty, **part, "setting": setting, "protocol": protocol}
        for protocol in PROTOCOLS
        for setting, part in (
            ("gamma=0", srcc | filled | test),
            ("gamma=0", gap | filled | difference),
            ("gamma=0.1", srcc | {"paper": None}),
            ("gamma=0.1", gap | {"paper": 0.104}),
        )
    ]
    frame = pd.DataFrame(cells)[list(COLUMNS)].astype({"n": "Int64", "folds": "Int64"})
    assert markdown("AWP", frame, edit_params(made).common) == GOLDEN
