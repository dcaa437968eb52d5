"""Which trainings of two runs are compared with each other, and rows of the same name across tables."""

from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from compare_fixture import FOLDS, SEEDS, build_sweep, compared, one, predictions, trained
from report_fixture import edit_params, write_run
from scipy import stats

from vqa.report.tables.compare import paired_sample
from vqa.settings.params import Params
from vqa.stats.influence import influence
from vqa.stats.trainings import Sample
from vqa.training.predictions import read_predictions


@pytest.fixture
def project(tmp_path: Path) -> tuple[Path, Params]:
    return tmp_path, build_sweep(tmp_path)


def sample_of(folder: Path, run: str, folds: list[str]) -> Sample:
    """Clean SRCC of the test items of some trainings, by the definition."""
    values, moved = [], []
    for fold in folds:
        pred, mos = predictions(folder, run, f"protocol == 'clean' and split == 'test' and fold == '{fold}'")
        values.append(stats.spearmanr(pred, mos).statistic)
        moved.append(influence(pred, mos, "srcc") / len(mos))
    return Sample(np.array(values), {"items": np.array(moved)})


def test_runs_are_compared_over_the_trainings_that_both_have(project) -> None:
    """Whatever the order in which params list the seeds; a training that one of them lacks counts nowhere."""
    folder, params = project
    write_run(folder / "runs" / "A01", params, "A01", folds=SEEDS)
    write_run(folder / "runs" / "A15", params, "A15", folds=("5-0", "6-0", "3-0", "8-0"))
    row = one(compared(folder, params), a="gamma=0.0001", b="gamma=0", protocol="clean", split="test", metric="SRCC")
    a, b = (sample_of(folder, run, ["3-0", "5-0", "8-0"]) for run in ("A15", "A01"))
    expected = (a - b).estimate()
    assert (row.difference, row.standard_error) == pytest.approx((expected.value, expected.error))
    assert (row.freedom, row.p) == pytest.approx((expected.freedom, expected.two_sided()))
    assert (row.value_a, row.value_b) == pytest.approx((a.values.mean(), b.values.mean()))
    assert (row.trainings, row.n) == (3, 24)
    assert "A14" not in set(compared(folder, params).run_a), "it has seed 42 alone"


def test_runs_without_a_common_training_or_test_set_have_no_difference(project) -> None:
    folder, params = project
    write_run(folder / "runs" / "A15", params, "A15", folds=SEEDS)
    runs, place = trained(folder, params), ("clean", "KoNViD-1k", "test", "SRCC")
    assert paired_sample(place, "A15", "A01", runs, params.datasets) is None
    assert paired_sample(place, "A06", "A01", runs, params.datasets) is not None
    elsewhere = ("clean", "LIVE-VQC", "test", "SRCC")
    assert paired_sample(elsewhere, "A01", "A01", runs, params.datasets) is not None
    for pair in (("A06", "A01"), ("A01", "A06"), ("A06", "A06")):
        assert paired_sample(elsewhere, *pair, runs, params.datasets) is None, "A06 is not tested there"


def test_random_cuts_are_paired_cut_by_cut(project) -> None:
    folder, params = project
    for name, folds in (("A01", FOLDS), ("A15", FOLDS[::-1])):
        write_run(folder / "runs" / name, params, name, folds=folds)
    row = one(compared(folder, params), a="gamma=0.0001", b="gamma=0", protocol="clean", split="test", metric="SRCC")
    items = sorted(set(read_predictions(folder / "runs" / "A01").query("dataset == 'konvid1k'").item))
    values, moved = [], np.zeros((3, 72))
    for place, fold in enumerate(FOLDS):
        for name, sign in (("A15", 1), ("A01", -1)):
            rows = read_predictions(folder / "runs" / name).query("protocol == 'clean' and split == 'test'")
            rows = rows[(rows.fold == fold) & (rows.dataset == "konvid1k")]
            values.append(sign * stats.spearmanr(rows.prediction, rows.mos).statistic)
            own = influence(rows.prediction.to_numpy(), rows.mos.to_numpy(), "srcc") / 24
            moved[place, [items.index(item) for item in rows.item]] += sign * own
    expected = Sample(np.add(values[::2], values[1::2]), {"konvid1k": moved}).estimate()
    assert (row.difference, row.standard_error) == pytest.approx((expected.value, expected.error))
    assert (row.freedom, row.trainings) == (pytest.approx(expected.freedom), 3)


def test_rows_of_the_same_name_are_compared_across_tables(project) -> None:
    """A15 stands for AWP in Table 5, and here A06 for the same row in Table 13."""
    folder, _ = project
    rows = {"gamma=0": ["A01"], "gamma=0.0001": ["A06"], "gamma=0.001": ["A14"]}
    swept = {"title": "x", "rows": rows}
    paper = folder / "reports" / "paper"
    table = pd.read_csv(paper / "table13.csv", dtype=str, keep_default_na=False)
    table.assign(dataset="KoNViD-1k").to_csv(paper / "table13.csv", index=False)
    table = compared(folder, edit_params(folder, tables={"table13": swept}), "table05", "table13")
    across = table[table.table != table.other]
    assert set(zip(across.table, across.other, across.a, across.b, strict=True)) == {
        ("table05", "table13", "gamma=0.0001", "gamma=0.0001"),
        ("table13", "table05", "gamma=0.0001", "gamma=0.0001"),
    }  # the other two rows are the same runs in both
    assert not across.reference.any()
    there, back = across[across.table == "table05"], across[across.table == "table13"]
    assert (set(there.run_a), set(there.run_b), len(there), len(back)) == ({"A15"}, {"A06"}, 12, 12)
    keys = ["protocol", "split", "metric"]
    both = there.merge(back, on=keys, suffixes=("", "_back"), validate="one_to_one")
    np.testing.assert_allclose(both.difference, -both.difference_back)
    np.testing.assert_allclose(both.ci_low, -both.ci_high_back)
    np.testing.assert_allclose(both.p, both.p_back)
    np.testing.assert_allclose(both.paper_difference, -both.paper_difference_back)
