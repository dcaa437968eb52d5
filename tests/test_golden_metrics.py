"""Metrics against the released evaluation code (section 9 of the golden contract)."""

import golden
import numpy as np
import pytest
from golden import assert_close

from vqa.stats import metrics

VECTORS = golden.load("metrics")
CASES = VECTORS.text("names")


def columns(scores: dict[str, float], order: str) -> list[float]:
    return [scores[name] for name in order.split("_")]


@pytest.mark.parametrize("case", CASES)
def test_raw_metrics(case: str) -> None:
    pred, mos = VECTORS[f"{case}/pred"], VECTORS[f"{case}/mos"]
    assert_close(metrics.rescale(pred, mos), VECTORS[f"{case}/fast_rescaled"], 1e-10)
    scores = metrics.raw_scores(pred, mos)
    order = "srcc_plcc_krcc_rmse"
    assert_close(columns(scores, order), VECTORS[f"{case}/fast_{order}"], 1e-10)
    # The released RMSE without fit compares the labels with themselves; its other columns are the raw metrics.
    raw = VECTORS[f"{case}/simplevqa_nofit_plcc_srcc_krcc_rmse"]
    assert_close(columns(scores, "plcc_srcc_krcc"), raw[:3], 1e-10)


@pytest.mark.parametrize("case", CASES)
def test_metrics_after_the_logistic_mapping(case: str) -> None:
    pred, mos = VECTORS[f"{case}/pred"], VECTORS[f"{case}/mos"]
    scores = metrics.score(pred, mos)
    named = {"srcc": scores.srcc, "krcc": scores.krcc, "plcc": scores.plcc_mapped, "rmse": scores.rmse_mapped}
    for source, order in (
        ("simplevqa", "plcc_srcc_krcc_rmse"),
        ("bvqa", "srcc_krcc_plcc_rmse"),
        ("videval", "srcc_krcc_plcc_rmse"),
    ):
        assert_close(columns(named, order), VECTORS[f"{case}/{source}_{order}"], 1e-6, what=source)
    assert scores.n == len(pred)
    # Parameters can run away along a flat valley; the mapped predictions are what is defined.
    mapped = metrics.logistic_map(pred, mos)
    assert_close(mapped, VECTORS[f"{case}/logistic_pred"], 1e-5 * np.ptp(mos))


@pytest.mark.parametrize("case", CASES)
def test_scores_from_head_maps(case: str) -> None:
    maps = VECTORS[f"{case}/maps"]
    pred = maps.reshape(len(maps), -1).mean(axis=1).astype(np.float64)
    scores = metrics.raw_scores(pred, VECTORS[f"{case}/mos"])
    order = "srcc_plcc_krcc_rmse"
    assert_close(columns(scores, order), VECTORS[f"{case}/fast_{order}_maps"], 5e-5)


def test_running_best() -> None:
    order = "srcc_plcc_krcc_rmse"
    history = [metrics.raw_scores(pred, VECTORS["bests/mos"]) for pred in VECTORS["bests/preds"]]
    for epoch, expected in enumerate(VECTORS[f"bests/trace_{order}"]):
        seen = dict(enumerate(history[: epoch + 1]))
        best = {metric: seen[chosen][metric] for metric, chosen in metrics.best_epochs(seen).items()}
        assert_close(columns(best, order), expected, 1e-10)
