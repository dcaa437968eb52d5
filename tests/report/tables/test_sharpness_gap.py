"""Sharpness beside gap, from fabricated landscapes: what is read, grouped and correlated, and the stage for it."""

import shutil
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from paper_fixture import build_paper
from report_fixture import build_project, call, contents, edit_params, write_run
from scipy import stats

from stages import statistics as stage
from vqa.io import InputError
from vqa.report.labels import method_title, regularizer
from vqa.report.tables.results import TrainedRun
from vqa.report.tables.sharpness_gap import ALL, GAP, GAPS, POINTS, correlations, points, sharpness
from vqa.rng import numpy_generator
from vqa.settings.params import Params
from vqa.stats.association import associate
from vqa.stats.config import Statistics

SETTINGS = Statistics(permutations=199, level=0.05, power=0.8, margin=0.02, rise_at=0.5)
MEASURES = ["mean_rise_0.1", "mean_rise_0.5", "curvature", "worst_rise", "top_eigenvalue", "base_loss"]
FILES = ["comparisons.csv", "selection_bonus.csv", "sharpness_gap.csv", "sharpness_points.csv", "spread.csv"]
TRAIN = "konvid1k/train"


def write_landscape(folder: Path, train: str, test: str, level: float) -> None:
    """Files of one landscape: ``level`` is the curvature at the last weights on the training part."""
    curve, rows = [], []
    for weights, epoch, scale in (("last_ema", 4, 1.0), ("epoch_3_ema", 3, 7.0)):
        for part, more in ((train, 1.0), (test, 3.0)):
            for direction in (0, 1):
                bend = scale * more * level * (1 + direction)
                for alpha in (-0.5, -0.1, 0.0, 0.1, 0.5):
                    curve.append([weights, epoch, part, direction, alpha, scale * more + bend * alpha**2])
                rows += [[weights, epoch, part, "mean_rise", alpha, direction, bend * alpha**2] for alpha in (0.1, 0.5)]
                rows.append([weights, epoch, part, "curvature", 0.05, direction, 2 * bend])
            rows.append([weights, epoch, part, "worst_rise", 0.01, None, 10 * scale * more * level])
    rows.append(["last_ema", 4, train, "top_eigenvalue", None, None, 100 * level])
    folder.mkdir(parents=True)
    columns = ["weights", "epoch", "part"]
    pd.DataFrame(curve, columns=[*columns, "direction", "alpha", "loss"]).to_csv(folder / "curve.csv", index=False)
    table = pd.DataFrame(rows, columns=[*columns, "measure", "at", "direction", "value"])
    table.astype({"direction": "Int64"}).to_csv(folder / "sharpness.csv", index=False)


@pytest.fixture
def project(tmp_path: Path) -> tuple[Path, Params]:
    """The small project with landscapes of two groups: five runs of FAST-VQA, and one of SAMA."""
    build_project(tmp_path)
    own = {"data": "prepared/konvid1k", "train": "konvid1k", "test": ["konvid1k/test"]}
    fastvqa = {**own, "method": "fastvqa", "init": "initial/fastvqa.safetensors"}
    sama = {**own, "method": "sama", "init": "initial/sama.safetensors"}
    decay, rwp = {"weight_decay": 0.5}, {"perturbation": "rwp", "gamma": 0.00001}
    edit_params(tmp_path, methods={"sama": {"weight_decay": 0.05}})
    params = edit_params(tmp_path, runs={"A03": fastvqa | decay, "A12": fastvqa | rwp, "C02": sama})
    for name in ("A03", "A12", "C02"):
        write_run(tmp_path / "runs" / name, params, name)
    names = ["A01", "A03", "A06", "A12", "A15", "C02"]
    for level, name in enumerate(names, start=1):
        write_landscape(tmp_path / "landscapes" / name, TRAIN, "konvid1k/test", float(level))
    block = {name: {"method": params.runs[name].method, "data": params.runs[name].data} for name in names}
    return tmp_path, edit_params(
        tmp_path, landscapes={name: {**b, "weights": ["last_ema"]} for name, b in block.items()}
    )


def table_of(folder: Path, params: Params) -> pd.DataFrame:
    names = params.landscapes
    runs = {name: TrainedRun(name, params.runs[name], folder / "runs" / name, params.common) for name in names}
    return points(runs, params, folder / "landscapes")


def test_measures_are_means_over_directions_of_the_last_weights_on_the_training_part(project) -> None:
    found = sharpness(project[0] / "landscapes" / "A06", TRAIN)
    expected = [0.01 * 4.5, 0.25 * 4.5, 9.0, 30.0, 300.0, 1.0]  # level 3; bends 3 and 6
    assert found == pytest.approx(dict(zip(MEASURES, expected, strict=True)))
    assert sharpness(project[0] / "landscapes" / "A06", "konvid1k/test")["base_loss"] == 3.0


def test_one_row_per_run_with_its_gaps_and_its_regularizer(project) -> None:
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
        assert table[gap][2] == run.metrics[protocol]["gap"]["konvid1k/test"][metric]
    assert table.test_srcc_clean[2] == run.metrics["clean"]["scores"]["konvid1k/test"]["srcc"]


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
    found = correlations(table, 100, SETTINGS, 42)
    assert tuple(found.columns) == GAP
    # SAMA's single run has no group to be compared with, and takes part in nothing.
    assert set(zip(found.group, found.runs, strict=True)) == {("FAST-VQA on KoNViD-1k", 5), (ALL, 5)}
    assert len(found) == 2 * len(MEASURES) * 4
    own = table[table.method == "FAST-VQA"]
    rows = found[(found.gap == "plcc") & (found.protocol == "released") & (found.measure == "curvature")]
    for row in rows.itertuples():
        expected = stats.spearmanr(own.curvature, own.gap_plcc_released).statistic
        assert row.spearman == pytest.approx(expected)
        assert row.pearson == pytest.approx(stats.pearsonr(own.curvature, own.gap_plcc_released).statistic)
    assert found[found.measure == "base_loss"].spearman.isna().all()  # fabricated equal


def test_groups_are_not_mixed_and_small_ones_take_part_in_all(project) -> None:
    folder, params = project
    table = table_of(folder, params)
    other = table[table.method == "FAST-VQA"].head(2).assign(method="SAMA", curvature=[900.0, 800.0])
    other["gap_srcc_clean"] = [5.0, 4.0]
    both = pd.concat([table[table.method == "FAST-VQA"], other], ignore_index=True)
    found = correlations(both, 100, SETTINGS, 42)
    assert set(zip(found.group, found.runs, strict=True)) == {("FAST-VQA on KoNViD-1k", 5), (ALL, 7)}
    row = found[(found.group == ALL) & (found.measure == "curvature")].query("gap == 'srcc' and protocol == 'clean'")
    expected = associate(both.curvature, both.gap_srcc_clean, list(both.method), 1, 1, numpy_generator("test", 1))
    assert row.spearman.item() == pytest.approx(expected.spearman)
    assert row.spearman.item() < stats.spearmanr(both.curvature, both.gap_srcc_clean).statistic
    # Three runs are too few, of a group and of all together.
    assert correlations(table.head(3), 100, SETTINGS, 42).empty
    missing = table.assign(curvature=[np.nan, np.nan, 1.0, 2.0, 3.0, 4.0])
    assert "curvature" not in set(correlations(missing, 100, SETTINGS, 42).measure)
    # A run that is the only one of its group with this measure is left out of all.
    alone = correlations(both.assign(curvature=[1.0, 2.0, 3.0, 4.0, 5.0, 6.0, np.nan]), 100, SETTINGS, 42)
    assert set(alone[alone.measure == "curvature"].runs) == {5}


def test_a_planted_relation_is_found(project) -> None:
    folder, params = project
    table = table_of(folder, params).head(5)
    table = pd.concat([table] * 3, ignore_index=True).assign(curvature=lambda t: np.arange(len(t), dtype=float))
    table["gap_srcc_clean"] = table.curvature**2 + numpy_generator("test", 1).normal(size=15)
    rows = correlations(table, 200, SETTINGS, 42).query(
        "measure == 'curvature' and gap == 'srcc' and protocol == 'clean'"
    )
    assert (rows.spearman > 0.9).all()
    assert (rows.ci_low > 0.7).all()
    assert (rows.p_permutation == 1 / 200).all()


def test_missing_landscapes_are_one_line(project) -> None:
    folder, params = project
    (folder / "landscapes" / "A12" / "curve.csv").unlink()
    with pytest.raises(InputError, match=r"A12.curve\.csv is missing: `dvc repro landscape@A12`"):
        table_of(folder, params)
    with pytest.raises(InputError, match=r"no rows of last_ema on livevqc/train"):
        sharpness(folder / "landscapes" / "A06", "livevqc/train")


def read(folder: Path, name: str) -> pd.DataFrame:
    return pd.read_csv(folder / "reports" / "statistics" / name)


def test_stage_writes_five_tables_and_the_same_bytes_again(project, capfd) -> None:
    folder, _ = project
    assert call(stage.main, folder) == 0
    out = folder / "reports" / "statistics"
    before = contents(out)
    assert sorted(before) == FILES
    assert len(read(folder, "sharpness_points.csv")) == 6
    assert set(read(folder, "selection_bonus.csv").query("level == 'run'").name) == {"A01", "A06", "A15"}
    shutil.rmtree(out)
    assert call(stage.main, folder) == 0
    assert contents(out) == before
    assert capfd.readouterr().err == ""


def test_without_landscapes_the_tables_of_sharpness_are_empty(project) -> None:
    folder, _ = project
    text = (folder / "params.yaml").read_text()
    (folder / "params.yaml").write_text(
        text[: text.index("landscapes:")] + "landscapes: {}\n" + text[text.index("statistics:") :]
    )
    assert call(stage.main, folder) == 0
    assert list(read(folder, "sharpness_points.csv").columns) == list(POINTS)
    assert list(read(folder, "sharpness_gap.csv").columns) == list(GAP)
    assert len(read(folder, "sharpness_gap.csv")) == 0


@pytest.mark.parametrize(
    ("spoil", "message"),
    [
        (lambda f: (f / "runs/A15/predictions.csv").unlink(), "`dvc repro evaluate@A15` makes it"),
        (lambda f: (f / "landscapes/A15/sharpness.csv").unlink(), "`dvc repro landscape@A15`"),
        (lambda f: (f / "reports/paper/table05.csv").unlink(), "table05.csv is missing"),
        (
            lambda f: edit_params(f, statistics={"levle": 0.05}),
            "statistics: unknown key 'levle' (did you mean 'level'?)",
        ),
        (lambda f: edit_params(f, statistics={"level": 1.5}), "must lie between 0 and 1"),
    ],
)
def test_bad_input_is_one_line_and_exit_code_2(project, capfd, spoil, message: str) -> None:
    folder, _ = project
    spoil(folder)
    assert call(stage.main, folder) == 2
    error = capfd.readouterr().err
    assert error.startswith("error: ")
    assert error.count("\n") == 1
    assert message in error
    assert not (folder / "reports" / "statistics").exists()


def test_all_tables_of_the_paper(tmp_path: Path) -> None:
    build_paper(tmp_path)
    assert call(stage.main, tmp_path) == 0
    table = read(tmp_path, "comparisons.csv")
    assert list(dict.fromkeys(table.table)) == [f"table{number:02d}" for number in range(1, 14)]
    counts = (
        table[table.reference]
        .query("split == 'test' and metric == 'SRCC' and protocol == 'clean'")
        .table.value_counts()
    )
    expected = {"table06": 12, "table07": 9, "table08": 2, "table09": 16, "table13": 3}
    expected |= dict.fromkeys(["table02", "table04", "table05", "table10", "table12"], 4)
    assert counts.to_dict() == expected | dict.fromkeys(["table03", "table11"], 3)
    assert set(zip(*[table[table.table == "table06"].query("reference")[side] for side in "ab"], strict=True)) == {
        (f"{method}+AWP", method) for method in ("SimpleVQA", "FAST-VQA", "SAMA")
    }
    assert set(table[table.table == "table08"].folds) == {3}
    assert table[table.reference].p_holm.notna().all()
    assert (table[table.reference].p_holm >= table[table.reference].p_permutation.fillna(0)).all()
    assert read(tmp_path, "spread.csv").query("splits == 3").std_over_splits.notna().all()
