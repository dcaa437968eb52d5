"""Metrics against definitions written out as loops, and against what ranks and scales must not change."""

import math
from itertools import combinations

import numpy as np
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st
from rated_pairs import rated_pairs

from vqa.stats.metrics import best_epochs, correlations, logistic_map, mapped_scores, raw_scores, rescale, score

numbers = st.floats(-50, 50, allow_nan=False).map(lambda value: round(value, 1))


def pearson(x: np.ndarray, y: np.ndarray) -> float:
    x, y = x - sum(x) / len(x), y - sum(y) / len(y)
    return float(sum(x * y) / math.sqrt(sum(x * x) * sum(y * y)))


def ranks(values: np.ndarray) -> np.ndarray:
    """Rank of every value, ties at their mean rank."""
    return np.array([sum(values < v) + (sum(values == v) + 1) / 2 for v in values])


def kendall_tau_b(x: np.ndarray, y: np.ndarray) -> float:
    agreement, untied_x, untied_y = 0.0, 0, 0
    for i, j in combinations(range(len(x)), 2):
        a, b = np.sign(x[i] - x[j]), np.sign(y[i] - y[j])
        agreement, untied_x, untied_y = agreement + a * b, untied_x + abs(a), untied_y + abs(b)
    return float(agreement / math.sqrt(untied_x * untied_y))


@given(rated_pairs(numbers))
def test_raw_metrics_by_definition(pair: tuple[np.ndarray, np.ndarray]) -> None:
    pred, mos = pair
    scores = raw_scores(pred, mos)
    assert scores["srcc"] == pytest.approx(pearson(ranks(pred), ranks(mos)), abs=1e-9)
    assert scores["plcc"] == pytest.approx(pearson(pred, mos), abs=1e-9)
    assert scores["krcc"] == pytest.approx(kendall_tau_b(pred, mos), abs=1e-9)
    # After rescaling to the same mean and deviation, RMSE is a function of the correlation.
    rmse = mos.std() * math.sqrt(max(0, 2 - 2 * pearson(pred, mos)))
    assert scores["rmse"] == pytest.approx(rmse, abs=1e-5)
    assert correlations(pred, mos) == pytest.approx((scores["srcc"], scores["plcc"]), abs=1e-9)


@given(rated_pairs(numbers))
def test_rank_metrics_survive_monotone_maps(pair: tuple[np.ndarray, np.ndarray]) -> None:
    pred, mos = pair
    plain, bent = raw_scores(pred, mos), raw_scores(np.exp(pred / 10), mos**3)
    assert bent["srcc"] == pytest.approx(plain["srcc"], abs=1e-9)
    assert bent["krcc"] == pytest.approx(plain["krcc"], abs=1e-9)
    assert raw_scores(-pred, mos)["srcc"] == pytest.approx(-plain["srcc"], abs=1e-9)


@given(rated_pairs(numbers), st.floats(0.1, 20), st.floats(-20, 20))
def test_all_raw_metrics_ignore_the_scale_of_predictions(
    pair: tuple[np.ndarray, np.ndarray], scale: float, shift: float
) -> None:
    pred, mos = pair
    assume(np.ptp(pred) > 0.05)
    # Rounded first, so that scaling cannot split ties.
    moved = raw_scores(np.round(pred * scale + shift, 6), mos)
    for name, value in raw_scores(pred, mos).items():
        assert moved[name] == pytest.approx(value, abs=1e-3), name


@given(rated_pairs(numbers))
def test_rescaling_takes_over_mean_and_deviation(pair: tuple[np.ndarray, np.ndarray]) -> None:
    scaled = rescale(*pair)
    assert scaled.mean() == pytest.approx(pair[1].mean(), abs=1e-9)
    assert scaled.std() == pytest.approx(pair[1].std(), abs=1e-9)


def test_the_logistic_mapping_recovers_a_logistic_relation() -> None:
    pred = np.linspace(-2, 3, 30)
    mos = 1.5 + 3 / (1 + np.exp(-(pred - 0.2) / 0.4))
    np.testing.assert_allclose(logistic_map(pred, mos), mos, atol=1e-5)
    scores = score(pred, mos)
    assert scores.plcc_mapped == pytest.approx(1)
    assert scores.rmse_mapped == pytest.approx(0, abs=1e-5)
    assert scores.plcc < 0.99
    assert scores.n == 30


def test_the_logistic_mapping_turns_anticorrelation_round() -> None:
    pred = np.linspace(-2, 3, 30)
    mos = 3 - np.tanh(pred)
    assert raw_scores(pred, mos)["plcc"] < -0.9
    assert mapped_scores(pred, mos)["plcc_mapped"] > 0.99


def test_constant_predictions_give_nan() -> None:
    scores = score(np.ones(6), np.arange(6.0))
    assert all(math.isnan(value) for name, value in scores.as_dict().items() if name != "n")
    assert all(math.isnan(value) for value in correlations(np.arange(6.0), np.ones(6)))


def test_what_the_mapping_is_not_defined_for() -> None:
    with pytest.raises(ValueError, match="at least 4 items, got 3"):
        logistic_map(np.arange(3.0), np.arange(3.0))
    with pytest.raises(ValueError, match="constant"):
        logistic_map(np.ones(5), np.arange(5.0))
    assert math.isnan(mapped_scores(np.arange(3.0), np.arange(3.0))["plcc_mapped"])


def test_score_refuses_bad_input() -> None:
    with pytest.raises(ValueError, match="equal length"):
        score(np.arange(4.0), np.arange(5.0))
    with pytest.raises(ValueError, match="equal length"):
        score(np.ones((4, 1)), np.ones((4, 1)))
    with pytest.raises(ValueError, match="finite"):
        score(np.array([1.0, 2, 3, np.nan]), np.arange(4.0))


def test_best_epochs_takes_every_metric_on_its_own_the_first_of_equals_and_never_nan() -> None:
    nan = float("nan")
    by_epoch = {
        1: {"srcc": nan, "plcc": nan, "krcc": nan, "rmse": nan},
        2: {"srcc": 0.5, "plcc": 0.8, "krcc": 0.4, "rmse": 2.0},
        3: {"srcc": 0.7, "plcc": 0.6, "krcc": 0.4, "rmse": 1.0},
    }
    assert best_epochs(by_epoch) == {"srcc": 3, "plcc": 2, "krcc": 2, "rmse": 3}
    assert best_epochs({1: by_epoch[1]})["srcc"] == 1
