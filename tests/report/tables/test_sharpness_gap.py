"""Sharpness beside gap, from fabricated landscapes: what is read, grouped and correlated."""

from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from compare_fixture import SEEDS, SETTINGS, TEST, TRAIN
from report_fixture import edit_params, write_run
from scipy import stats
from sharpness_fixture import build_landscapes, several_seeds, table_of, with_landscapes

from vqa.io import InputError
from vqa.report.labels import method_title, regularizer
from vqa.report.tables.results import TrainedRun
from vqa.report.tables.sharpness_gap import ALL, GAP, GAPS, POINTS, correlations, sharpness
from vqa.rng import numpy_generator
from vqa.settings.params import Params
from vqa.stats.association import associate, rank_correlation
from vqa.stats.influence import influence
from vqa.stats.trainings import correlation_interval
from vqa.training.predictions import read_predictions

MEASURES = ["base_loss", "mean_rise_0.1", "mean_rise_0.5", "curvature", "worst_rise", "top_eigenvalue"]
FIRST_ONLY = ["curvature", "worst_rise", "top_eigenvalue"]


@pytest.fixture
def project(tmp_path: Path) -> tuple[Path, Params]:
    return tmp_path, build_landscapes(tmp_path)


def test_measures_are_means_over_directions_of_the_last_weights_on_the_training_part(project) -> None:
    found = sharpness(project[0] / "landscapes" / "A06", TRAIN, "0")
    expected = [1.0, 0.01 * 4.5, 0.25 * 4.5, 9.0, 30.0, 300.0]  # level 3; bends 3 and 6
    assert found == pytest.approx(dict(zip(MEASURES, expected, strict=True)))
    assert sharpness(project[0] / "landscapes" / "A06", TEST, "0")["base_loss"] == 3.0


def test_one_row_per_training_with_its_gaps_and_its_regularizer(project) -> None:
    table = table_of(*project)
    assert list(table.columns) == [*POINTS, *MEASURES]
    assert list(zip(table.run, table.method, table.train, table.regularizer, table.strength, strict=True)) == [
        ("A01", "FAST-VQA", "KoNViD-1k", "none", ""),
        ("A03", "FAST-VQA", "KoNViD-1k", "weight decay", "0.5"),
        ("A06", "FAST-VQA", "KoNViD-1k", "augmentation", "autoaugment"),
        ("A12", "FAST-VQA", "KoNViD-1k", "RWP", "1e-05"),
        ("A15", "FAST-VQA", "KoNViD-1k", "AWP", "0.0001"),
        ("C02", "SAMA", "KoNViD-1k", "none", ""),
    ]
    folder, params = project
    run = TrainedRun("A06", params.runs["A06"], folder / "runs" / "A06", params.common)
    for gap in GAPS:
        _, metric, protocol = gap.split("_")
        assert table[gap][2] == pytest.approx(run.metrics[protocol]["gap"][TEST][metric], abs=1e-12)
    assert table.test_srcc_clean[2] == pytest.approx(run.metrics["clean"]["scores"][TEST]["srcc"], abs=1e-12)
    assert set(zip(table.seed, table.cut, strict=True)) == {(42, 0)}


def test_every_training_has_a_row_and_the_measures_that_it_has(project) -> None:
    folder, params = project
    several_seeds(folder, params, ("A06",))
    table = table_of(folder, params)
    own = table[table.run == "A06"].reset_index(drop=True)
    assert list(own.seed) == [3, 8, 5]
    assert own["mean_rise_0.5"].tolist() == [0.25 * 1.5 * 2**place for place in range(3)]
    assert own[FIRST_ONLY].notna().all(axis=1).tolist() == [True, False, False]
    content = TrainedRun("A06", params.runs["A06"], folder / "runs" / "A06", params.common).metrics["folds"]
    for place, fold in enumerate(SEEDS):
        assert own.gap_plcc_clean[place] == pytest.approx(content[fold]["clean"]["gap"][TEST]["plcc"], abs=1e-12)


def test_fine_tuning_is_labelled_with_what_it_did(project) -> None:
    folder, _ = project
    start = {"method": "fastvqa", "data": "prepared/konvid1k", "train": "konvid1k", "test": ["konvid1k/test"]}
    tuned = {
        **start,
        "init": "runs/A15/weights/last_ema.safetensors",
        "weight_decay": 0.5,
        "augmentation": "randaugment",
    }
    params = edit_params(folder, runs={"E02": tuned})
    assert regularizer(params.runs["E02"], params) == ("weight decay + augmentation", "0.5 + randaugment")
    perturbing = {"tensors": "released", "projection": "box", "fine_tuning": "as_parent"}
    params = edit_params(folder, common={"perturbing": perturbing})
    expected = ("weight decay + augmentation + AWP", "0.5 + randaugment + 0.0001")
    assert regularizer(params.runs["E02"], params) == expected
    assert method_title("mine") == "mine"


def test_correlations_of_large_groups_and_within_all_groups_that_have_two_runs(project) -> None:
    folder, params = project
    table = table_of(folder, params)
    found = correlations(table, with_landscapes(folder, params), 100, SETTINGS, 42)
    assert tuple(found.columns) == GAP
    # SAMA's single run has no group to be compared with, and takes part in nothing.
    assert set(zip(found.group, found.runs, strict=True)) == {("FAST-VQA on KoNViD-1k", 5), (ALL, 5)}
    assert len(found) == 2 * len(MEASURES) * 4
    assert set(found.trainings) == {1}
    own = table[table.method == "FAST-VQA"]
    for gap, name in (("gap_plcc_released", "plcc"), ("gap_srcc_released", "srcc")):
        rows = found[(found.gap == name) & (found.protocol == "released") & (found.measure == "curvature")]
        expected = stats.spearmanr(own.curvature, own[gap]).statistic
        assert rows.spearman.tolist() == pytest.approx([expected] * 2)
        assert (rows.standard_error > 0).all()
    assert found[found.measure == "base_loss"].spearman.isna().all()  # fabricated equal


def test_a_correlation_over_seeds_is_that_of_its_items_and_trainings(project) -> None:
    """Of runs with unlike seeds those count that have the most, whatever the order in which they have them."""
    folder, params = project
    names = ("A01", "A03", "A06", "A12")
    several_seeds(folder, params, names)
    write_run(folder / "runs" / "A03", params, "A03", folds=("5-0", "3-0", "8-0"))
    found = correlations(table_of(folder, params), with_landscapes(folder, params), 100, SETTINGS, 42)
    keys = {"group": "FAST-VQA on KoNViD-1k", "measure": "mean_rise_0.5", "gap": "srcc", "protocol": "clean"}
    row = found[np.all([found[name] == value for name, value in keys.items()], axis=0)].iloc[0]
    assert (row.runs, row.trainings) == (4, 3)
    y, moved = np.empty((3, 4)), np.empty((3, 4, 24 + 48))
    for t, seed in enumerate(("3-0", "5-0", "8-0")):
        for run, name in enumerate(names):
            rows = read_predictions(folder / "runs" / name).query(f"protocol == 'clean' and fold == '{seed}'")
            rows, parts, gap = rows[rows.dataset == "konvid1k"], [], 0.0
            for split, sign in (("train", 1), ("test", -1)):
                pred, mos = (rows[rows.split == split][side].to_numpy() for side in ("prediction", "mos"))
                gap += sign * stats.spearmanr(pred, mos).statistic
                parts.append(sign * influence(pred, mos, "srcc") / len(mos))
            y[t, run], moved[t, run] = gap, np.concatenate(parts)
    x = np.array([[0.375 * level * 2**place for level in (1, 2, 3, 4)] for place in (0, 2, 1)])
    draw = numpy_generator("association", 42, keys["group"], keys["measure"], "gap_srcc_clean")
    expected = associate(x, y, moved, ["one"] * 4, 100, draw)
    assert (row.spearman, row.standard_error) == pytest.approx((expected.value, expected.error))
    assert (row.freedom, row.p) == pytest.approx((expected.freedom, expected.two_sided()))
    assert (row.ci_low, row.ci_high) == pytest.approx(correlation_interval(expected))
    # Curvature is that of the first trainings alone, so that seed 3 is left.
    first = found[(found.measure == "curvature") & (found.group == keys["group"])]
    assert (set(first.trainings), set(first.runs)) == ({1}, {4})


def test_groups_are_not_mixed_and_small_ones_take_part_in_all(project) -> None:
    folder, params = project
    table = table_of(folder, params)
    other = table[table.method == "FAST-VQA"].head(2).assign(method="SAMA", curvature=[900.0, 800.0])
    other["gap_srcc_clean"], other["run"] = [5.0, 4.0], ["X1", "X2"]
    both = pd.concat([table[table.method == "FAST-VQA"], other], ignore_index=True)
    runs = with_landscapes(folder, params)
    runs |= {"X1": runs["A01"], "X2": runs["A03"]}
    found = correlations(both, runs, 100, SETTINGS, 42)
    assert set(zip(found.group, found.runs, strict=True)) == {("FAST-VQA on KoNViD-1k", 5), (ALL, 7)}
    row = found[(found.group == ALL) & (found.measure == "curvature")].query("gap == 'srcc' and protocol == 'clean'")
    sides = both.curvature.to_numpy()[None], both.gap_srcc_clean.to_numpy()[None]
    assert row.spearman.item() == pytest.approx(rank_correlation(*sides, list(both.method)).item())
    assert row.spearman.item() < stats.spearmanr(both.curvature, both.gap_srcc_clean).statistic
    # Three runs are too few, of a group and of all together.
    assert correlations(table.head(3), runs, 100, SETTINGS, 42).empty
    missing = table.assign(curvature=[np.nan, np.nan, 1.0, 2.0, 3.0, 4.0])
    assert "curvature" not in set(correlations(missing, runs, 100, SETTINGS, 42).measure)
    # A run that is the only one of its group with this measure is left out of all.
    alone = both.assign(curvature=[1.0, 2.0, 3.0, 4.0, 5.0, 6.0, np.nan])
    alone = correlations(alone, runs, 100, SETTINGS, 42)
    assert set(alone[alone.measure == "curvature"].runs) == {5}


def test_a_planted_relation_is_found(project) -> None:
    folder, params = project
    several_seeds(folder, params, ("A01", "A03", "A06", "A12", "A15"))
    table = table_of(folder, params)
    table = table[table.method == "FAST-VQA"]
    planted = table.assign(gap_srcc_clean=np.log(table["mean_rise_0.5"]) + 5.0 * table.seed)
    rows = correlations(planted, with_landscapes(folder, params), 200, SETTINGS, 42)
    rows = rows.query("measure == 'mean_rise_0.5' and gap == 'srcc' and protocol == 'clean'")
    assert rows.spearman.tolist() == pytest.approx([1, 1])
    assert (rows.p < 0.01).all()


def test_missing_landscapes_are_one_line(project) -> None:
    folder, params = project
    (folder / "landscapes" / "A12" / "sharpness.csv").unlink()
    with pytest.raises(InputError, match=r"A12.sharpness\.csv is missing: `dvc repro landscape@A12`"):
        table_of(folder, params)
    for part, fold in (("livevqc/train", "0"), (TRAIN, "3-0")):
        with pytest.raises(InputError, match=rf"no rows of last_ema on {part}, training {fold}"):
            sharpness(folder / "landscapes" / "A06", part, fold)
