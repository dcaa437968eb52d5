"""Numbers of one run: mapped PLCC, random splits, and the distributions that the intervals come from."""

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
from vqa.rng import numpy_generator
from vqa.settings.params import Params
from vqa.stats.correlation import percentile_interval, resampled_correlation
from vqa.stats.metrics import logistic_map
from vqa.training.evaluate import metrics, over_folds

TEST = "konvid1k/test"
FOLDS = (123, 246, 369, 492)


@pytest.fixture
def project(tmp_path: Path) -> tuple[Path, Params]:
    return tmp_path, build_project(tmp_path)


def trained(folder: Path, params: Params, name: str = "A06") -> TrainedRun:
    return TrainedRun(name, params.runs[name], folder / "runs" / name, params.common)


def scored_pairs(folder: Path, name: str, epoch: int, fold: int) -> tuple[np.ndarray, np.ndarray]:
    rows = pd.read_csv(folder / "runs" / name / "predictions.csv")
    rows = rows.query("protocol == 'released' and weights == 'ema' and split == 'test' and dataset == 'konvid1k'")
    rows = rows[(rows.epoch == epoch) & (rows.fold == fold)]
    return rows.prediction.to_numpy(), rows.mos.to_numpy()


def test_mapped_plcc_and_its_interval_come_from_mapped_predictions(project: tuple[Path, Params]) -> None:
    folder, params = project
    write_run(folder / "runs" / "A06", params, "A06", reporting=MAPPED)
    run = trained(folder, params)
    scores = run.metrics["released"]["scores"][TEST]
    pred, mos = scored_pairs(folder, "A06", scores["best_epoch"]["srcc"], 0)
    mapped = logistic_map(pred, mos)
    found = run.result("released", TEST, "plcc", "test")
    assert found.value == pytest.approx(stats.pearsonr(mapped, mos).statistic, abs=1e-9)
    assert abs(found.value - stats.pearsonr(pred, mos).statistic) > 1e-4
    stream = numpy_generator("bootstrap", 42, TEST)
    expected = percentile_interval(resampled_correlation(mapped, mos, "plcc", params.common.bootstrap, stream))
    np.testing.assert_allclose((found.ci_low, found.ci_high), expected, atol=1e-12)
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
    path = folder / "runs" / "A06" / "predictions.csv"
    rows = pd.read_csv(path)
    rows.loc[(rows.protocol == "released") & (rows.split == "test"), "prediction"] = 0.5
    rows.to_csv(path, index=False)

    def undefined(content: dict) -> None:
        content["released"]["scores"][TEST] |= {"srcc": None, "plcc": None}
        content["released"]["gap"][TEST] = {"srcc": None, "plcc": None}

    edit_metrics(folder, "A06", undefined)
    for metric in ("srcc", "plcc"):
        found = trained(folder, params).result("released", TEST, metric, "test")
        assert np.isnan([found.value, found.ci_low, found.ci_high]).all()
        assert found.source == "trained"


def test_splits_give_the_median_and_the_interval_of_the_median(project: tuple[Path, Params]) -> None:
    folder, params = project
    write_run(folder / "runs" / "A06", params, "A06", folds=FOLDS)
    run, resamples = trained(folder, params), params.common.bootstrap
    values, resampled = [], []
    for fold in FOLDS:
        best = run.metrics["folds"][str(fold)]["released"]["scores"][TEST]["best_epoch"]["srcc"]
        pred, mos = scored_pairs(folder, "A06", best, fold)
        values.append(stats.spearmanr(pred, mos).statistic)
        index = numpy_generator("bootstrap", 42, TEST, fold).integers(0, len(pred), (resamples, len(pred)))
        resampled.append([stats.spearmanr(pred[i], mos[i]).statistic for i in index])
    found = run.result("released", TEST, "srcc", "test")
    assert found.value == pytest.approx(np.median(values), abs=1e-9)
    expected = np.quantile(np.median(resampled, axis=0), [0.025, 0.975])
    np.testing.assert_allclose((found.ci_low, found.ci_high), expected, atol=1e-12)
    assert (found.n, found.folds) == (24, len(FOLDS))
    gap = run.result("clean", TEST, "plcc", "gap")
    stated = [run.metrics["folds"][str(fold)]["clean"]["gap"][TEST]["plcc"] for fold in FOLDS]
    assert gap.value == pytest.approx(np.median(stated), abs=1e-9)
    assert gap.ci_low < gap.value < gap.ci_high


def test_one_split_may_have_any_number(project: tuple[Path, Params]) -> None:
    folder, params = project
    before = trained(folder, params).result("clean", TEST, "srcc", "gap")
    path = folder / "runs" / "A06" / "predictions.csv"
    pd.read_csv(path).assign(fold=42).to_csv(path, index=False)
    assert trained(folder, params).result("clean", TEST, "srcc", "gap") == before
    assert before.folds == 1


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
    with pytest.raises(InputError, match=f"runs/A06: the {message} metrics.json is not that of predictions.csv"):
        trained(folder, params).result("clean", TEST, "srcc", "gap" if "gap" in message else "test")


@pytest.mark.parametrize("reporting", [RAW, MAPPED])
@pytest.mark.parametrize("folds", [(), FOLDS])
def test_what_the_evaluation_writes_is_accepted(project: tuple[Path, Params], reporting: dict, folds: tuple) -> None:
    """The fixture states its metrics by itself: the real evaluation must state the same."""
    folder, params = project
    write_run(folder / "runs" / "A01", params, "A01", reporting=reporting, folds=folds)
    path, run = folder / "runs" / "A01" / "metrics.json", params.runs["A01"]
    rows = pd.read_csv(path.parent / "predictions.csv")
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
        fold: metrics(part, run, params.common, digests, Reporting(**reporting)) for fold, part in rows.groupby("fold")
    }
    write_json(path, {**over_folds(parts), "items_digest": digests})
    after = [trained(folder, params, "A01").result(*cell) for cell in cells]
    for one, other in zip(before, after, strict=True):
        assert one.value == pytest.approx(other.value, abs=1e-9)
        assert (one.ci_low, one.ci_high, one.n, one.mapping) == (other.ci_low, other.ci_high, other.n, other.mapping)


def test_every_distribution_is_drawn_once(project: tuple[Path, Params], monkeypatch: pytest.MonkeyPatch) -> None:
    folder, params = project
    calls = []

    def counted(*arguments):
        calls.append(arguments)
        return resampled_correlation(*arguments)

    monkeypatch.setattr("vqa.report.tables.results.resampled_correlation", counted)
    run = trained(folder, params)
    for _ in range(2):
        for split in ("train", "test", "gap"):
            run.result("clean", TEST, "srcc", split)
    assert len(calls) == 2  # train and test; their gap is the difference
