"""What the choice of the epoch is worth, by run, method and published log; spread over seeds and random splits."""

from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from compare_fixture import FOLDS, SEEDS, TEST, one, predictions, trained
from report_fixture import MAPPED, RAW, build_project, write_run
from scipy import stats

from vqa.report.tables.bonus import repeated_trainings, selection_bonus
from vqa.report.tables.outside_row import OutsideRow
from vqa.settings.params import Params
from vqa.stats.influence import influence
from vqa.stats.metrics import logistic_map
from vqa.stats.trainings import Sample


@pytest.fixture
def project(tmp_path: Path) -> tuple[Path, Params]:
    return tmp_path, build_project(tmp_path)


@pytest.mark.parametrize("folds", [(), SEEDS])
@pytest.mark.parametrize("reporting", [RAW, MAPPED])
def test_bonus_is_released_minus_clean_of_raw_predictions(project, reporting: dict, folds: tuple) -> None:
    folder, params = project
    write_run(folder / "runs" / "A06", params, "A06", reporting=reporting, folds=folds)
    runs, values, moved = trained(folder, params), [], []
    row = one(selection_bonus(runs.values()), level="run", name="A06", dataset=TEST, metric="PLCC")
    for fold in folds or (0,):
        block = runs["A06"].metrics["folds"][fold] if folds else runs["A06"].metrics
        best = block["released"]["scores"][TEST]["best_epoch"]["plcc"]
        own = f"split == 'test' and fold == {fold!r}"
        picked, last = (
            predictions(folder, "A06", f"weights == 'ema' and protocol == 'released' and epoch == {epoch} and {own}")
            for epoch in (best, 4)
        )
        clean = predictions(folder, "A06", f"protocol == 'clean' and {own}")
        values.append([stats.pearsonr(*pair).statistic for pair in (picked, clean, last)])
        moved.append((influence(*picked, "plcc") - influence(*clean, "plcc")) / 24)
        if reporting is MAPPED:
            assert abs(stats.pearsonr(logistic_map(*picked), picked[1]).statistic - values[-1][0]) > 1e-4
    by_training = np.array(values)
    assert row.bonus == pytest.approx((by_training[:, 0] - by_training[:, 1]).mean(), abs=1e-12)
    assert row.selection == pytest.approx((by_training[:, 0] - by_training[:, 2]).mean(), abs=1e-12)
    expected = Sample(by_training[:, 0] - by_training[:, 1], {TEST: np.array(moved)}).estimate()
    assert (row.ci_low, row.ci_high) == pytest.approx(expected.interval())
    assert (row.method, row.runs, row.n) == ("FAST-VQA", 1, 24)


def test_bonus_of_a_method_is_the_mean_over_its_runs(project) -> None:
    folder, params = project
    runs = list(trained(folder, params).values())
    table = selection_bonus(runs)
    row = one(table, level="method", metric="SRCC")
    own = table[(table.level == "run") & (table.metric == "SRCC")]
    assert set(own[own.name == "A01"].dataset) == {TEST, "livevqc/test"}
    means = own.groupby("name").bonus.mean()
    assert row.bonus == pytest.approx(means.mean())
    assert (row["name"], row.dataset, row.runs) == ("FAST-VQA", "all", 3)
    assert means.min() <= row.ci_low < row.bonus < row.ci_high <= means.max()
    assert own[own.dataset == TEST].selection.min() >= 0
    alone = one(selection_bonus(runs[:1]), level="method", metric="SRCC")
    assert np.isnan([alone.ci_low, alone.ci_high]).all()


def test_bonus_of_a_published_log_is_its_best_epoch_over_its_last(project, tmp_path: Path) -> None:
    folder, params = project
    numbers = {("released", "SRCC"): 0.88, ("released", "PLCC"): 0.87, ("clean", "SRCC"): 0.86, ("clean", "PLCC"): 0.87}
    rows = [
        {"protocol": p, "dataset": t, "split": "test", "metric": m, "value": v + shift, "n": 99, "folds": 1}
        for (p, m), v in numbers.items()
        for t, shift in (("KoNViD-1k", 0.0), ("LIVE-VQC", -0.1 * (p == "clean")))
    ]
    table = pd.DataFrame(rows).assign(
        ci_low=np.nan, ci_high=np.nan, source="published-predictions", mapping="", items_digest=""
    )
    table.to_csv(tmp_path / "results.csv", index=False)
    found = selection_bonus(trained(folder, params).values(), {"SAMA": OutsideRow("H08", tmp_path)})
    log = found[found.method == "SAMA (its log)"]
    row = one(log, level="run", dataset="LIVE-VQC", metric="SRCC")
    assert (row["name"], row.n) == ("H08", 99)
    assert row.bonus == row.selection == pytest.approx(0.12)
    mean = one(log, level="method", metric="SRCC")
    assert (mean.bonus, mean.runs) == (pytest.approx(0.07), 1)
    assert log[["ci_low", "ci_high"]].isna().all(axis=None)
    ours = found[found.method != "SAMA (its log)"].reset_index(drop=True)
    pd.testing.assert_frame_equal(ours, selection_bonus(trained(folder, params).values()))
    alone = selection_bonus([], {"SAMA": OutsideRow("H08", tmp_path)})
    assert len(alone) == 6


def test_spread_over_random_splits_and_over_seeds(project) -> None:
    folder, params = project
    write_run(folder / "runs" / "A15", params, "A15", folds=FOLDS)
    write_run(folder / "runs" / "A06", params, "A06", folds=SEEDS)
    table = repeated_trainings(trained(folder, params).values())
    for run, folds, kind, other in (("A15", FOLDS, "splits", "seeds"), ("A06", SEEDS, "seeds", "splits")):
        row = one(table, run=run, dataset=TEST, metric="SRCC", protocol="clean")
        parts = [
            predictions(folder, run, f"protocol == 'clean' and split == 'test' and fold == {fold!r}") for fold in folds
        ]
        expected = np.std([stats.spearmanr(*p).statistic for p in parts], ddof=1)
        assert row[f"std_over_{kind}"] == pytest.approx(expected)
        assert (row[kind], row[other]) == (3, 1)
        assert np.isnan(row[f"std_over_{other}"])
    assert table[table.run == "A01"][["std_over_splits", "std_over_seeds"]].isna().all(axis=None)
