"""Pairs of rows: same items, the right differences and p-values, references and families; bonus and spread of runs."""

import itertools
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from report_fixture import MAPPED, build_project, edit_metrics, edit_params, write_run
from scipy import stats

from vqa.report.tables.bonus import repeated_trainings, selection_bonus
from vqa.report.tables.cells import fill, read_paper
from vqa.report.tables.compare import COLUMNS, comparisons, reference_row
from vqa.report.tables.outside_row import OutsideRow
from vqa.report.tables.results import TrainedRun
from vqa.rng import numpy_generator
from vqa.settings.params import Params
from vqa.stats.config import Statistics
from vqa.stats.metrics import logistic_map
from vqa.stats.multiple import holm
from vqa.stats.paired import bootstrap_p, paired_differences, permutation_test

TEST, TRAIN = "konvid1k/test", "konvid1k/train"
SETTINGS = Statistics(permutations=199, level=0.05, power=0.8, margin=0.02, rise_at=0.5)
FOLDS = (123, 246, 369)


@pytest.fixture
def project(tmp_path: Path) -> tuple[Path, Params]:
    """The small project, with one more row in Table 5."""
    build_project(tmp_path)
    row = {"method": "fastvqa", "init": "initial/fastvqa.safetensors", "data": "prepared/konvid1k", "train": "konvid1k"}
    edit_params(tmp_path, runs={"A14": {**row, "test": [TEST], "perturbation": "awp", "gamma": 0.001}})
    title, rows = "AWP", {"gamma=0": ["A01"], "gamma=0.001": ["A14"], "gamma=0.0001": ["A15"]}
    params = edit_params(tmp_path, tables={"table05": {"title": title, "rows": rows}})
    write_run(tmp_path / "runs" / "A14", params, "A14")
    return tmp_path, params


def trained(folder: Path, params: Params) -> dict[str, TrainedRun]:
    return {name: TrainedRun(name, run, folder / "runs" / name, params.common) for name, run in params.runs.items()}


def compared(folder: Path, params: Params, name: str = "table05") -> pd.DataFrame:
    runs, paper = trained(folder, params), read_paper(folder / "reports" / "paper" / f"{name}.csv")
    frame = fill(name, params.tables[name], paper, runs, params.datasets)
    return comparisons(name, frame, runs, params.datasets, SETTINGS)


def predictions(folder: Path, run: str, query: str) -> tuple[np.ndarray, np.ndarray]:
    rows = pd.read_csv(folder / "runs" / run / "predictions.csv").query("dataset == 'konvid1k'").query(query)
    return rows.prediction.to_numpy(), rows.mos.to_numpy()


def one(table: pd.DataFrame, **wanted: str) -> pd.Series:
    found = table[np.all([table[column] == value for column, value in wanted.items()], axis=0)]
    assert len(found) == 1
    return found.iloc[0]


def test_all_pairs_of_rows_with_a_run_once_and_later_rows_first(project) -> None:
    table = compared(*project)
    assert tuple(table.columns) == COLUMNS
    pairs = [("gamma=0.001", "gamma=0"), ("gamma=0.0001", "gamma=0"), ("gamma=0.0001", "gamma=0.001")]
    for _, part in table.groupby(["protocol", "dataset", "split", "metric"]):
        assert list(zip(part.a, part.b, strict=True)) == pairs
        assert list(part.reference) == [True, True, False]
    assert len(table) == 3 * 2 * 3 * 2


def test_a_pair_is_the_paired_bootstrap_and_permutation_test_of_its_predictions(project) -> None:
    folder, params = project
    row = one(compared(folder, params), a="gamma=0.0001", b="gamma=0", protocol="clean", split="test", metric="SRCC")
    (a, mos), (b, _) = (predictions(folder, run, "protocol == 'clean' and split == 'test'") for run in ("A15", "A01"))
    expected = paired_differences(a, b, mos, "srcc", params.common.bootstrap, numpy_generator("bootstrap", 42, TEST))
    np.testing.assert_allclose([row.ci_low, row.ci_high], np.quantile(expected, [0.025, 0.975]), atol=1e-12)
    assert row.value_a == pytest.approx(stats.spearmanr(a, mos).statistic, abs=1e-12)
    assert row.difference == pytest.approx(stats.spearmanr(a, mos).statistic - stats.spearmanr(b, mos).statistic)
    assert row.p_bootstrap == bootstrap_p(expected)
    assert row.standard_error == pytest.approx(expected.std(ddof=1))
    assert row.detectable == pytest.approx((stats.norm.ppf(0.975) + stats.norm.ppf(0.8)) * row.standard_error)
    draw = numpy_generator("permutation", 42, TEST)
    assert row.p_permutation == permutation_test([(a, b, mos)], "srcc", SETTINGS.permutations, draw)
    assert (row.run_a, row.run_b, row.n, row.folds) == ("A15", "A01", 24, 1)
    assert row.paper_difference == 0.012  # 0.884 and 0.872
    assert row.power == pytest.approx(stats.norm.cdf(0.012 / row.standard_error - 1.959964), abs=0.06)


def test_gap_resamples_train_and_test_apart_and_both_runs_alike(project) -> None:
    folder, params = project
    row = one(compared(folder, params), a="gamma=0.0001", b="gamma=0", protocol="clean", split="gap", metric="PLCC")
    parts = []
    for key, split in ((TRAIN, "train"), (TEST, "test")):
        (a, mos), (b, _) = (
            predictions(folder, r, f"protocol == 'clean' and split == '{split}'") for r in ("A15", "A01")
        )
        draw = numpy_generator("bootstrap", 42, key)
        parts.append(paired_differences(a, b, mos, "plcc", params.common.bootstrap, draw))
    np.testing.assert_allclose([row.ci_low, row.ci_high], np.quantile(parts[0] - parts[1], [0.025, 0.975]), atol=1e-12)
    assert row.difference == pytest.approx(row.value_a - row.value_b)
    assert np.isnan(row.p_permutation)
    assert row.paper_difference == -0.025
    train = compared(folder, params).query("split == 'train'")
    assert train.p_permutation.isna().all()
    assert train.p_bootstrap.notna().all()


def test_holm_over_the_rows_metrics_and_data_sets_against_the_reference(project) -> None:
    table = compared(*project)
    assert table[~table.reference].p_holm.isna().all()
    assert set(table[~table.reference].family) == {""}
    family = table[table.family == "Table 5, clean, test"]
    assert len(family) == 4
    np.testing.assert_allclose(family.p_holm, holm(family.p_permutation.to_numpy()))
    gap = table[table.family == "Table 5, released, gap"]
    np.testing.assert_allclose(gap.p_holm, holm(gap.p_bootstrap.to_numpy()))


def test_a_model_compared_with_itself_is_no_different(project) -> None:
    folder, params = project
    for name in ("metrics.json", "predictions.csv"):
        (folder / "runs" / "A15" / name).write_bytes((folder / "runs" / "A01" / name).read_bytes())
    rows = compared(folder, params).query("a == 'gamma=0.0001' and b == 'gamma=0' and split == 'test'")
    assert (rows[["difference", "ci_low", "ci_high", "standard_error", "detectable"]] == 0).all(axis=None)
    assert (rows[["p_bootstrap", "p_permutation", "p_holm"]] == 1).all(axis=None)
    assert rows.power.isna().all()


def test_a_much_worse_model_is_found(project) -> None:
    folder, params = project
    path = folder / "runs" / "A15" / "predictions.csv"
    table = pd.read_csv(path)
    clean = (table.protocol == "clean") & (table.split == "test")
    table.loc[clean, "prediction"] = numpy_generator("test", 1).normal(size=clean.sum()) - table.mos[clean]
    table.to_csv(path, index=False)
    wrong = table[clean & (table.dataset == "konvid1k")]

    def edit(content: dict) -> None:
        block = content["clean"]
        block["scores"][TEST]["srcc"] = float(stats.spearmanr(wrong.prediction, wrong.mos).statistic)
        block["scores"][TEST]["plcc"] = float(stats.pearsonr(wrong.prediction, wrong.mos).statistic)
        block["gap"][TEST] = {m: block["scores"][TRAIN][m] - block["scores"][TEST][m] for m in ("srcc", "plcc")}

    edit_metrics(folder, "A15", edit)
    table = compared(folder, params)
    rows = table.query("a == 'gamma=0.0001' and reference and protocol == 'clean' and split == 'test'")
    assert (rows.ci_high < 0).all()
    assert (rows[["p_bootstrap", "p_permutation", "p_holm"]] < 0.05).all(axis=None)
    family = table[table.family == "Table 5, clean, test"]
    np.testing.assert_allclose(family.p_holm, holm(family.p_permutation.to_numpy()))
    gap = table.query("a == 'gamma=0.0001' and reference and protocol == 'clean' and split == 'gap'")
    assert (gap.ci_low > 0).all()


def test_other_items_are_not_compared(project) -> None:
    folder, params = project
    edit_metrics(folder, "A15", lambda content: content["items_digest"].update({TEST: "ffffffffffff"}))
    table = compared(folder, params)
    assert "A15" not in set(table[table.split != "train"].run_a)
    assert "A15" in set(table[table.split == "train"].run_a)


def test_items_that_a_training_left_out_are_not_compared(project) -> None:
    """The list is the same, but on the fly one run has no prediction of some of its items (S6)."""
    folder, params = project
    path = folder / "runs" / "A15" / "predictions.csv"
    table = pd.read_csv(path)
    dropped = (table.weights == "on-the-fly") & table.item.str.endswith("_0007.mp4")
    table[~dropped].to_csv(path, index=False)
    rows = table[~dropped & (table.weights == "on-the-fly") & (table.epoch == 4)]

    def edit(content: dict) -> None:
        released = content["released"]
        scores = released["scores"][TRAIN]
        scores["srcc"] = float(stats.spearmanr(rows.prediction, rows.mos).statistic)
        scores["plcc"] = float(stats.pearsonr(rows.prediction, rows.mos).statistic)
        scores["n"] = len(rows)
        released["gap"][TEST] = {m: scores[m] - released["scores"][TEST][m] for m in ("srcc", "plcc")}

    edit_metrics(folder, "A15", edit)
    left = compared(folder, params).query("run_a == 'A15'")
    assert set(zip(left.protocol, left.split, strict=True)) == {
        ("released", "test"),
        *itertools.product(["clean"], ["train", "test", "gap"]),
    }


def test_random_splits_are_compared_by_their_medians(project) -> None:
    folder, params = project
    for name in ("A01", "A15"):
        write_run(folder / "runs" / name, params, name, folds=FOLDS)
    row = one(compared(folder, params), a="gamma=0.0001", b="gamma=0", protocol="clean", split="test", metric="SRCC")
    resampled, values, splits = {}, {}, []
    for name in ("A15", "A01"):
        parts = [predictions(folder, name, f"protocol == 'clean' and split == 'test' and fold == {f}") for f in FOLDS]
        values[name] = np.median([stats.spearmanr(*part).statistic for part in parts])
        index = [
            numpy_generator("bootstrap", 42, TEST, f).integers(0, 24, (params.common.bootstrap, 24)) for f in FOLDS
        ]
        each = [
            [stats.spearmanr(p[i], m[i]).statistic for i in rows] for (p, m), rows in zip(parts, index, strict=True)
        ]
        resampled[name] = np.median(each, axis=0)
        splits.append(parts)
    expected = resampled["A15"] - resampled["A01"]
    assert row.difference == pytest.approx(values["A15"] - values["A01"])
    np.testing.assert_allclose([row.ci_low, row.ci_high], np.quantile(expected, [0.025, 0.975]), atol=1e-12)
    triples = [(a, b, mos) for (a, mos), (b, _) in zip(*splits, strict=True)]
    draw = numpy_generator("permutation", 42, TEST)
    assert row.p_permutation == permutation_test(triples, "srcc", SETTINGS.permutations, draw)
    assert row.folds == 3


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


@pytest.mark.parametrize("reporting", [{"selection": "per_metric", "plcc": "raw"}, MAPPED])
def test_bonus_is_released_minus_clean_of_raw_predictions(project, reporting: dict) -> None:
    folder, params = project
    write_run(folder / "runs" / "A06", params, "A06", reporting=reporting)
    runs = trained(folder, params)
    row = one(selection_bonus(runs.values()), level="run", name="A06", dataset=TEST, metric="PLCC")
    best = runs["A06"].metrics["released"]["scores"][TEST]["best_epoch"]["plcc"]
    picked, last = (
        predictions(
            folder, "A06", f"weights == 'ema' and protocol == 'released' and split == 'test' and epoch == {epoch}"
        )
        for epoch in (best, 4)
    )
    clean = predictions(folder, "A06", "protocol == 'clean' and split == 'test'")
    plcc = [stats.pearsonr(*pair).statistic for pair in (picked, clean, last)]
    assert row.bonus == pytest.approx(plcc[0] - plcc[1], abs=1e-12)
    assert row.selection == pytest.approx(plcc[0] - plcc[2], abs=1e-12)
    draw = numpy_generator("bootstrap", 42, TEST)
    resampled = paired_differences(picked[0], clean[0], clean[1], "plcc", params.common.bootstrap, draw)
    np.testing.assert_allclose([row.ci_low, row.ci_high], np.quantile(resampled, [0.025, 0.975]), atol=1e-12)
    if reporting is MAPPED:
        assert abs(stats.pearsonr(logistic_map(*picked), picked[1]).statistic - plcc[0]) > 1e-4
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
    assert (row["name"], row.dataset, row.runs) == ("FAST-VQA", "all", 4)
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


def test_spread_over_random_splits(project) -> None:
    folder, params = project
    write_run(folder / "runs" / "A15", params, "A15", folds=FOLDS)
    table = repeated_trainings(trained(folder, params).values())
    row = one(table, run="A15", dataset=TEST, metric="SRCC", protocol="clean")
    parts = [
        predictions(folder, "A15", f"protocol == 'clean' and split == 'test' and fold == {fold}") for fold in FOLDS
    ]
    assert row.std_over_splits == pytest.approx(np.std([stats.spearmanr(*p).statistic for p in parts], ddof=1))
    assert (row.seeds, row.splits) == (1, 3)
    assert np.isnan(row.std_over_seeds)
    assert table[table.run != "A15"].std_over_splits.isna().all()
