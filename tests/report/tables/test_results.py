"""Numbers of one run: mapped PLCC, seeds and random cuts, and the items that their intervals come from."""

import json
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from report_fixture import MAPPED, RAW, build_project, edit_metrics, write_run
from scipy import stats

from vqa.io import InputError, write_json
from vqa.methods.base import Reporting
from vqa.report.tables.results import TrainedRun
from vqa.settings.params import Params
from vqa.stats.influence import influence
from vqa.stats.metrics import logistic_map
from vqa.stats.trainings import Estimate, correlation_interval, mixed
from vqa.training.evaluate import metrics, over_folds
from vqa.training.predictions import CLEAN, RELEASED, read_predictions

TEST = "konvid1k/test"
FOLDS = (123, 246, 369, 492)
SEEDS = ("3-0", "8-0", "5-0")


@pytest.fixture
def project(tmp_path: Path) -> tuple[Path, Params]:
    return tmp_path, build_project(tmp_path)


def trained(folder: Path, params: Params, name: str = "A06") -> TrainedRun:
    return TrainedRun(name, params.runs[name], folder / "runs" / name, params.common)


def scored(folder: Path, name: str, query: str) -> pd.DataFrame:
    rows = read_predictions(folder / "runs" / name)
    return rows.query("dataset == 'konvid1k'").query(query)


def over_items(pred: np.ndarray, mos: np.ndarray, metric: str) -> Estimate:
    """One training: what its items say, by the standard error of the mean of their influences."""
    moved, n = influence(pred, mos, metric), len(pred)
    value = {"srcc": stats.spearmanr, "plcc": stats.pearsonr}[metric](pred, mos).statistic
    return Estimate(value, np.std(moved, ddof=1) / np.sqrt(n), n - 1, 1)


def test_mapped_plcc_and_its_interval_come_from_mapped_predictions(project: tuple[Path, Params]) -> None:
    folder, params = project
    write_run(folder / "runs" / "A06", params, "A06", reporting=MAPPED)
    run = trained(folder, params)
    scores = run.metrics["released"]["scores"][TEST]
    epoch = scores["best_epoch"]["srcc"]
    rows = scored(folder, "A06", f"protocol == 'released' and weights == 'ema' and epoch == {epoch}")
    pred, mos = rows.prediction.to_numpy(), rows.mos.to_numpy()
    mapped = logistic_map(pred, mos)
    found = run.result("released", TEST, "plcc", "test")
    assert found.value == pytest.approx(stats.pearsonr(mapped, mos).statistic, abs=1e-9)
    assert abs(found.value - stats.pearsonr(pred, mos).statistic) > 1e-4
    expected = over_items(mapped, mos, "plcc")
    np.testing.assert_allclose((found.ci_low, found.ci_high), correlation_interval(expected), atol=1e-9)
    assert (found.error, found.freedom, found.covers) == (pytest.approx(expected.error), pytest.approx(23), "items")
    assert found.error_of_one == found.error
    assert (found.mapping, found.selection) == ("logistic", "best_srcc")
    plain = {
        name: run.result(*cell)
        for name, cell in {
            "srcc": ("released", TEST, "srcc", "test"),
            "train": ("released", TEST, "plcc", "train"),
            "clean": ("clean", TEST, "plcc", "test"),
        }.items()
    }
    assert {one.mapping for one in plain.values()} == {""}
    assert [one.selection for one in plain.values()] == ["best_srcc", "", ""]
    gap = run.result("released", TEST, "plcc", "gap")
    assert gap.mapping == "logistic"
    assert gap.value == pytest.approx(plain["train"].value - found.value)


def test_a_mapping_that_cannot_be_fitted_has_no_value(project: tuple[Path, Params]) -> None:
    folder, params = project
    write_run(folder / "runs" / "A06", params, "A06", reporting=MAPPED)
    path = folder / "runs" / "A06" / RELEASED
    rows = pd.read_csv(path)
    rows.loc[rows.split == "test", "prediction"] = 0.5
    rows.to_csv(path, index=False)

    def undefined(content: dict) -> None:
        content["released"]["scores"][TEST] |= {"srcc": None, "plcc": None}
        content["released"]["gap"][TEST] = {"srcc": None, "plcc": None}

    edit_metrics(folder, "A06", undefined)
    for metric in ("srcc", "plcc"):
        found = trained(folder, params).result("released", TEST, metric, "test")
        assert np.isnan([found.value, found.ci_low, found.ci_high, found.error]).all()
        assert found.source == "trained"


def test_seeds_give_the_mean_and_its_interval_over_seeds_and_items(project: tuple[Path, Params]) -> None:
    folder, params = project
    write_run(folder / "runs" / "A06", params, "A06", folds=SEEDS)
    run, values, moved = trained(folder, params), [], []
    for fold in SEEDS:
        best = run.metrics["folds"][fold]["released"]["scores"][TEST]["best_epoch"]["srcc"]
        rows = scored(folder, "A06", f"split == 'test' and weights == 'ema' and epoch == {best} and fold == '{fold}'")
        rows = rows[rows.protocol == "released"]
        values.append(stats.spearmanr(rows.prediction, rows.mos).statistic)
        moved.append(influence(rows.prediction.to_numpy(), rows.mos.to_numpy(), "srcc") / 24)
    found = run.result("released", TEST, "srcc", "test")
    assert found.value == pytest.approx(np.mean(values), abs=1e-9)
    apart = 24 / 23 * np.sum(np.var(moved, axis=0, ddof=1))
    known = 24 / 23 * np.sum(np.mean(moved, axis=0) ** 2)
    expected = mixed(np.array(values), [(known, 23)], apart)
    assert (found.error, found.freedom) == pytest.approx((expected.error, expected.freedom))
    assert (found.ci_low, found.ci_high) == pytest.approx(correlation_interval(expected))
    assert (found.n, found.folds, found.seeds, found.covers) == (24, 3, "3 8 5", "trainings and items")
    # One training on other items: what items have in common, what is its own, and what seeds differ by beyond that.
    common, seeds = max(0, known - apart / 3), max(0, np.var(values, ddof=1) - apart)
    assert found.error_of_one == pytest.approx(np.sqrt(common + apart + seeds))
    parts = {split: run.sample("clean", TEST, "plcc", split) for split in ("gap", "train", "test")}
    assert {name: one.shape for name, one in parts["gap"].items.items()} == {"konvid1k/train": (3, 48), TEST: (3, 24)}
    np.testing.assert_allclose(parts["gap"].values, parts["train"].values - parts["test"].values)
    np.testing.assert_array_equal(parts["gap"].items[TEST], -parts["test"].items[TEST])
    gap, stated = run.result("clean", TEST, "plcc", "gap"), parts["gap"].estimate()
    assert (gap.ci_low, gap.ci_high) == stated.interval()


def test_an_item_of_several_cuts_is_one_item(project: tuple[Path, Params]) -> None:
    """Whether a cut trains on it or is tested on it: all cuts deal the 72 items of one list."""
    folder, params = project
    write_run(folder / "runs" / "A06", params, "A06", folds=FOLDS)
    run = trained(folder, params)
    sample = run.sample("clean", TEST, "srcc", "test")
    assert {name: moved.shape for name, moved in sample.items.items()} == {"konvid1k": (4, 72)}
    rows = read_predictions(folder / "runs" / "A06").query("protocol == 'clean'")
    names = sorted(set(rows.item))
    gap = run.sample("clean", TEST, "srcc", "gap")
    assert list(gap.items) == ["konvid1k"]
    for place, fold in enumerate(FOLDS):
        test, train = (rows[(rows.fold == fold) & (rows.split == split)] for split in ("test", "train"))
        expected = np.zeros(72)
        for part, sign in ((train, 1), (test, -1)):
            moved = influence(part.prediction.to_numpy(), part.mos.to_numpy(), "srcc") / len(part)
            expected[[names.index(item) for item in part.item]] += sign * moved
        np.testing.assert_allclose(gap.items["konvid1k"][place], expected, atol=1e-12)
        outside = [item not in set(test.item) for item in names]
        assert (sample.items["konvid1k"][place][outside] == 0).all()
    result = run.result("clean", TEST, "srcc", "gap")
    stated = [run.metrics["folds"][str(fold)]["clean"]["gap"][TEST]["srcc"] for fold in FOLDS]
    assert (result.value, result.folds, result.n) == (pytest.approx(np.mean(stated), abs=1e-9), 4, 24)
    assert result.ci_low < result.value < result.ci_high


@pytest.mark.parametrize("fold", [42, "8-0", "8-42"])
def test_one_training_may_have_any_name(project: tuple[Path, Params], fold: int | str) -> None:
    folder, params = project
    before = trained(folder, params).result("clean", TEST, "srcc", "gap")
    for name in (RELEASED, CLEAN):
        path = folder / "runs" / "A06" / name
        pd.read_csv(path).assign(fold=fold).to_csv(path, index=False)
    edit_metrics(folder, "A06", lambda content: content.update(seed=8))
    run = trained(folder, params)
    (training,) = run.trainings
    assert (training.seed, training.cut, training.fold) == (8, 0 if fold == "8-0" else 42, fold)
    found = run.result("clean", TEST, "srcc", "gap")
    assert (found.value, found.folds, found.seeds) == (before.value, 1, "8")
    # The two lists are one where a random cut deals them.
    close = pytest.approx((before.ci_low, before.ci_high), abs=0 if fold == "8-0" else 0.01)
    assert (found.ci_low, found.ci_high) == close


@pytest.mark.parametrize(
    ("edit", "message"),
    [
        (lambda m: m["folds"]["246"]["clean"]["scores"][TEST].update(srcc=0.5), f"clean srcc of {TEST}, split 246, in"),
        (lambda m: m["folds"]["246"]["clean"]["scores"][TEST].update(n=23), f"clean srcc of {TEST}, split 246, in"),
        (lambda m: m["clean"]["scores"][TEST].update(srcc=0.5), f"clean srcc of {TEST} in"),
        (lambda m: m["clean"]["gap"][TEST].update(srcc=None), f"clean srcc gap of {TEST} in"),
    ],
)
def test_what_does_not_follow_from_the_predictions_is_refused(project: tuple[Path, Params], edit, message) -> None:
    folder, params = project
    write_run(folder / "runs" / "A06", params, "A06", folds=FOLDS)
    edit_metrics(folder, "A06", edit)
    with pytest.raises(InputError, match=f"runs/A06: the {message} metrics.json is not that of its predictions"):
        trained(folder, params).result("clean", TEST, "srcc", "gap" if "gap" in message else "test")


@pytest.mark.parametrize("reporting", [RAW, MAPPED])
@pytest.mark.parametrize("folds", [(), FOLDS[:2], SEEDS])
def test_what_the_evaluation_writes_is_accepted(project: tuple[Path, Params], reporting: dict, folds: tuple) -> None:
    """The fixture states its metrics by itself: the real evaluation must state the same."""
    folder, params = project
    write_run(folder / "runs" / "A01", params, "A01", reporting=reporting, folds=folds)
    path, run = folder / "runs" / "A01" / "metrics.json", params.runs["A01"]
    rows = read_predictions(path.parent)
    digests = json.loads(path.read_text())["items_digest"]
    cells = [
        (protocol, test, metric, split)
        for protocol in ("released", "clean")
        for test in run.test
        for metric in ("srcc", "plcc")
        for split in ("train", "test", "gap")
    ]
    before = [trained(folder, params, "A01").result(*cell) for cell in cells]
    parts = {
        fold: metrics(part, run, params.common, digests, Reporting(**reporting))
        for fold, part in rows.groupby("fold", observed=True, sort=False)
    }
    write_json(path, {**over_folds(parts), "items_digest": digests})
    after = [trained(folder, params, "A01").result(*cell) for cell in cells]
    for one, other in zip(before, after, strict=True):
        assert one.value == pytest.approx(other.value, abs=1e-9)
        assert (one.ci_low, one.ci_high, one.n, one.mapping) == (other.ci_low, other.ci_high, other.n, other.mapping)


def test_every_influence_is_computed_once(project: tuple[Path, Params], monkeypatch: pytest.MonkeyPatch) -> None:
    folder, params = project
    calls = []

    def counted(*arguments):
        calls.append(arguments)
        return influence(*arguments)

    monkeypatch.setattr("vqa.report.tables.results.influence", counted)
    run = trained(folder, params)
    for _ in range(2):
        for split in ("train", "test", "gap"):
            run.result("clean", TEST, "srcc", split)
    assert len(calls) == 2  # train and test; their gap is the difference
