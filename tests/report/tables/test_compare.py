"""Pairs of rows: same items and trainings, the right differences, errors and references."""

from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from compare_fixture import TEST, TRAIN, build_sweep, compared, one, predictions
from report_fixture import edit_metrics, edit_params
from scipy import stats

from vqa.report.tables.compare import COLUMNS, _pairs, reference_row
from vqa.rng import numpy_generator
from vqa.settings.params import Params
from vqa.stats.influence import influence
from vqa.training.predictions import CLEAN, RELEASED


@pytest.fixture
def project(tmp_path: Path) -> tuple[Path, Params]:
    return tmp_path, build_sweep(tmp_path)


def restate(folder: Path, run: str, protocol: str, split: str, rows: pd.DataFrame) -> None:
    """State in ``metrics.json`` what follows from edited predictions."""

    def edit(content: dict) -> None:
        scores = content[protocol]["scores"]
        scores[f"konvid1k/{split}"] |= {
            "srcc": float(stats.spearmanr(rows.prediction, rows.mos).statistic),
            "plcc": float(stats.pearsonr(rows.prediction, rows.mos).statistic),
            "n": len(rows),
        }
        gap = {m: scores[TRAIN][m] - scores[TEST][m] for m in ("srcc", "plcc")}
        content[protocol]["gap"][TEST] = gap

    edit_metrics(folder, run, edit)


def test_all_pairs_of_rows_with_a_run_once_and_later_rows_first(project) -> None:
    table = compared(*project)
    assert tuple(table.columns) == COLUMNS
    pairs = [("gamma=0.001", "gamma=0"), ("gamma=0.0001", "gamma=0"), ("gamma=0.0001", "gamma=0.001")]
    for _, part in table.groupby(["protocol", "dataset", "split", "metric"]):
        assert list(zip(part.a, part.b, strict=True)) == pairs
        assert list(part.reference) == [True, True, False]
    assert len(table) == 3 * 2 * 3 * 2


def test_a_pair_has_the_error_of_the_difference_of_its_influences(project) -> None:
    folder, params = project
    row = one(compared(folder, params), a="gamma=0.0001", b="gamma=0", protocol="clean", split="test", metric="SRCC")
    (a, mos), (b, _) = (predictions(folder, run, "protocol == 'clean' and split == 'test'") for run in ("A15", "A01"))
    moved = influence(a, mos, "srcc") - influence(b, mos, "srcc")
    error = moved.std(ddof=1) / np.sqrt(24)
    assert row.value_a == pytest.approx(stats.spearmanr(a, mos).statistic, abs=1e-12)
    assert row.difference == pytest.approx(stats.spearmanr(a, mos).statistic - stats.spearmanr(b, mos).statistic)
    assert (row.standard_error, row.freedom) == pytest.approx((error, 23))
    assert (row.ci_low, row.ci_high) == pytest.approx(stats.t.interval(0.95, 23, row.difference, error))
    assert row.p == pytest.approx(2 * stats.t.sf(abs(row.difference) / error, 23))
    assert row.detectable == pytest.approx((stats.t.ppf(0.975, 23) + stats.t.ppf(0.8, 23)) * error)
    assert (row.run_a, row.run_b, row.n, row.trainings, row.table, row.other) == ("A15", "A01", 24, 1, *["table05"] * 2)
    assert row.paper_difference == 0.012  # 0.884 and 0.872
    assert row.power == pytest.approx(stats.nct.sf(stats.t.ppf(0.975, 23), 23, 0.012 / error))


def test_train_and_test_items_of_a_gap_are_independent_and_those_of_both_runs_the_same(project) -> None:
    folder, params = project
    row = one(compared(folder, params), a="gamma=0.0001", b="gamma=0", protocol="clean", split="gap", metric="PLCC")
    variances, freedoms = [], []
    for split in ("train", "test"):
        (a, mos), (b, _) = (
            predictions(folder, r, f"protocol == 'clean' and split == '{split}'") for r in ("A15", "A01")
        )
        moved = influence(a, mos, "plcc") - influence(b, mos, "plcc")
        variances.append(moved.var(ddof=1) / len(mos))
        freedoms.append(len(mos) - 1)
    assert row.standard_error == pytest.approx(np.sqrt(sum(variances)))
    welch = sum(variances) ** 2 / sum(v**2 / f for v, f in zip(variances, freedoms, strict=True))
    assert row.freedom == pytest.approx(welch)
    assert row.difference == pytest.approx(row.value_a - row.value_b)
    assert row.paper_difference == -0.025
    assert compared(folder, params).p.between(0, 1).all()


def test_a_model_compared_with_itself_is_no_different(project) -> None:
    folder, params = project
    for name in ("metrics.json", CLEAN, RELEASED):
        (folder / "runs" / "A15" / name).write_bytes((folder / "runs" / "A01" / name).read_bytes())
    rows = compared(folder, params).query("a == 'gamma=0.0001' and b == 'gamma=0'")
    assert len(rows) == 12
    assert (rows[["difference", "ci_low", "ci_high", "standard_error", "detectable"]] == 0).all(axis=None)
    assert (rows.p == 1).all()
    assert rows.power.isna().all()


def test_a_much_worse_model_is_found(project) -> None:
    folder, params = project
    path = folder / "runs" / "A15" / CLEAN
    table = pd.read_csv(path)
    test = table.split == "test"
    table.loc[test, "prediction"] = numpy_generator("test", 1).normal(size=test.sum()) - table.mos[test]
    table.to_csv(path, index=False)
    restate(folder, "A15", "clean", "test", table[test])
    table = compared(folder, params)
    rows = table.query("a == 'gamma=0.0001' and reference and protocol == 'clean' and split == 'test'")
    assert (rows.ci_high < 0).all()
    assert (rows.p < 0.05).all()
    gap = table.query("a == 'gamma=0.0001' and reference and protocol == 'clean' and split == 'gap'")
    assert (gap.ci_low > 0).all()


def test_other_items_are_not_compared_whatever_the_digest(project) -> None:
    folder, params = project
    edit_metrics(folder, "A15", lambda content: content["items_digest"].update({TEST: "ffffffffffff"}))
    assert "A15" in set(compared(folder, params).run_a)
    for name in (CLEAN, RELEASED):
        path = folder / "runs" / "A15" / name
        table = pd.read_csv(path)
        table["item"] = table.item.where(table.item != "konvid1k_test_0003.mp4", "another.mp4")
        table.to_csv(path, index=False)
    left = compared(folder, params).query("run_a == 'A15'")
    assert len(left) > 0
    assert set(left.split) == {"train"}


def test_other_ratings_are_not_compared(project) -> None:
    folder, params = project
    path = folder / "runs" / "A15" / CLEAN
    table = pd.read_csv(path)
    table.loc[table.item == "konvid1k_test_0003.mp4", "mos"] += 0.5
    table.to_csv(path, index=False)
    restate(folder, "A15", "clean", "test", table[table.split == "test"])
    assert set(compared(folder, params).query("run_a == 'A15' and protocol == 'clean'").split) == {"train"}


def test_items_that_a_training_left_out_are_not_compared(project) -> None:
    """The list is the same, but on the fly one run has no prediction of some of its items (S6)."""
    folder, params = project
    path = folder / "runs" / "A15" / RELEASED
    table = pd.read_csv(path)
    dropped = (table.weights == "on-the-fly") & table.item.str.endswith("_0007.mp4")
    table[~dropped].to_csv(path, index=False)
    rows = table[~dropped & (table.weights == "on-the-fly") & (table.epoch == 4)]
    restate(folder, "A15", "released", "train", rows)
    left = compared(folder, params).query("run_a == 'A15'")
    assert set(left[left.protocol == "released"].split) == {"test"}
    assert set(left[left.protocol == "clean"].split) == {"train", "test", "gap"}


@pytest.mark.parametrize(
    ("row", "rows", "expected"),
    [
        ("weight_decay=0", ["weight_decay=0", "weight_decay=0.05"], "weight_decay=0.05"),
        ("weight_decay=0.05", ["weight_decay=0", "weight_decay=0.05"], None),
        ("augmentation=RA", ["augmentation=base", "augmentation=RA"], "augmentation=base"),
        ("SAMA+AWP", ["FAST-VQA", "SAMA", "SAMA+AWP"], "SAMA"),
        ("SAMA", ["FAST-VQA", "SAMA", "SAMA+AWP"], None),
        ("FAST-VQA+AWP", ["SAMA", "FAST-VQA+AWP"], None),
    ],
)
def test_reference_rows(row: str, rows: list[str], expected: str | None) -> None:
    assert reference_row(row, rows) == expected


def test_the_reference_is_always_b(project) -> None:
    """In Table 2 the baseline is not the first row."""
    folder, _ = project
    rows = {"weight_decay=0": ["A06"], "weight_decay=0.05": ["A01"], "weight_decay=0.005": ["A15"]}
    params = edit_params(folder, tables={"table02": {"title": "Weight decay", "rows": rows}})
    table = compared(folder, params, "table02").query("protocol == 'clean' and split == 'test' and metric == 'PLCC'")
    expected = [("=0", "=0.05", True), ("=0.005", "=0", False), ("=0.005", "=0.05", True)]
    assert list(zip(table.a, table.b, table.reference, strict=True)) == [
        (f"weight_decay{a}", f"weight_decay{b}", reference) for a, b, reference in expected
    ]


def test_pairs_across_tables_come_in_the_order_of_the_tables() -> None:
    """Whatever the seed of Python's hashes: `dvc.lock` has the digest of these rows."""
    places = [("clean", f"set {k}", "test", metric) for k in range(6) for metric in ("SRCC", "PLCC")]
    methods = [f"method {k}" for k in range(8)]
    cells = [(*place, method) for place in places for method in methods]
    columns = ["protocol", "dataset", "split", "metric", "method"]
    frames = {
        name: pd.DataFrame(cells, columns=columns).assign(setting="", run=name) for name in ("table06", "table07")
    }
    found = [(*place, a["row"]) for name, other, _, place, a, _ in _pairs(frames) if (name, other) == tuple(frames)]
    assert found == cells
