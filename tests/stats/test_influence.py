"""Influence values against derivatives, the leave-one-out jackknife, known standard errors and what must not matter."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from normal import two_models
from rated_pairs import rated_pairs

from vqa.rng import numpy_generator
from vqa.stats.correlation import ROW_METRICS
from vqa.stats.influence import influence

METRICS = ("srcc", "plcc")
numbers = st.integers(-20, 20).map(float)


def normal(n: int, seed: int, rho: float = 0.7, ties: bool = False) -> tuple[np.ndarray, np.ndarray]:
    a, _, mos = (side[0] for side in two_models(numpy_generator("test", seed), n, rho, 0.5, 0.5))
    return (a.round(1), mos.round(0)) if ties else (a, mos)


def value(pred: np.ndarray, mos: np.ndarray, metric: str) -> float:
    return float(ROW_METRICS[metric](pred[None], mos[None])[0])


def weighted(pred: np.ndarray, mos: np.ndarray, metric: str, weights: np.ndarray) -> float:
    """The correlation where items have weights, ranks too: the share below an item, ties counting half."""
    sides = []
    for side in (pred, mos):
        if metric == "srcc":
            below = (side[:, None] < side) + (side[:, None] == side) / 2
            side = weights @ below
        sides.append(side - weights @ side)
    x, y = sides
    return float(weights @ (x * y) / np.sqrt((weights @ x**2) * (weights @ y**2)))


@pytest.mark.parametrize("metric", METRICS)
@given(rated_pairs(numbers))
def test_it_is_the_derivative_by_the_weight_of_an_item(metric: str, pair: tuple[np.ndarray, np.ndarray]) -> None:
    """Ties and all: the weight of an item grows, those of all shrink."""
    pred, mos = pair
    n, step, found = len(pred), 1e-5, influence(*pair, metric)
    even = np.full(n, 1 / n)
    assert weighted(pred, mos, metric, even) == pytest.approx(value(pred, mos, metric), abs=1e-9)
    for i in range(n):
        more, less = (even * (1 - h) + h * np.eye(n)[i] for h in (step, -step))
        slope = (weighted(pred, mos, metric, more) - weighted(pred, mos, metric, less)) / (2 * step)
        assert found[i] == pytest.approx(slope, abs=1e-6 * max(1, np.abs(found).max()))


@pytest.mark.parametrize("ties", [False, True])
@pytest.mark.parametrize("metric", METRICS)
def test_leaving_an_item_out_lowers_the_correlation_by_its_share(metric: str, ties: bool) -> None:
    pred, mos = normal(240, 1, ties=ties)
    whole = value(pred, mos, metric)
    left_out = np.array([value(np.delete(pred, i), np.delete(mos, i), metric) for i in range(240)])
    found = influence(pred, mos, metric)
    np.testing.assert_allclose(found, 240 * (whole - left_out), atol=0.08)
    assert np.corrcoef(found, whole - left_out)[0, 1] > 0.999
    jackknife = np.sqrt(239 / 240 * np.sum((left_out - left_out.mean()) ** 2))
    assert found.std() / np.sqrt(240) == pytest.approx(jackknife, rel=0.02)


@pytest.mark.parametrize("metric", METRICS)
def test_standard_errors_are_the_deviation_of_simulated_correlations(metric: str) -> None:
    """Of one correlation, and of the difference of two on the same items, which is that of their influences."""
    a, b, mos = two_models(numpy_generator("test", 2, metric), 200, 0.85, 0.75, 0.8, 3000)
    r_a, r_b = ROW_METRICS[metric](a, mos), ROW_METRICS[metric](b, mos)
    errors = []
    for one in zip(a[:150], b[:150], mos[:150], strict=True):
        of_a, of_b = (influence(side, one[2], metric) for side in one[:2])
        errors.append([np.std(of_a), np.std(of_a - of_b)])
    found = np.sqrt(np.mean(np.square(errors), axis=0) / 200)
    np.testing.assert_allclose(found, [r_a.std(), (r_a - r_b).std()], rtol=0.06)


def test_large_samples_have_the_formulas_of_normal_values() -> None:
    for rho in (0.0, 0.6):
        assert influence(*normal(20000, 3, rho), "plcc").std() == pytest.approx(1 - rho**2, rel=0.03)
    assert influence(*normal(20000, 3, 0.0), "srcc").std() == pytest.approx(1, rel=0.03)


@pytest.mark.parametrize("metric", METRICS)
@given(rated_pairs(numbers), st.integers(1, 9), st.integers(-9, 9))
def test_scales_and_order_do_not_matter_and_signs_turn(metric: str, pair: tuple, scale: int, shift: int) -> None:
    pred, mos = pair
    found = influence(pred, mos, metric)
    close = {"atol": 1e-9 * max(1, np.abs(found).max())}
    assert found.mean() == pytest.approx(0, abs=close["atol"])
    np.testing.assert_allclose(influence(pred * scale + shift, mos, metric), found, **close)
    np.testing.assert_allclose(influence(-pred, mos, metric), -found, **close)
    np.testing.assert_allclose(influence(mos, pred, metric), found, **close)
    np.testing.assert_allclose(influence(pred[::-1], mos[::-1], metric), found[::-1], **close)
    if metric == "srcc":
        np.testing.assert_allclose(influence(pred**3, np.exp(mos), metric), found, **close)


def test_by_hand() -> None:
    """Standard scores of (-1, 0, 1) and (1, -2, 1): r = 0; and ranks in full agreement, which no item can raise."""
    pred, mos = np.array([-1.0, 0.0, 1.0]), np.array([1.0, -2.0, 1.0])
    np.testing.assert_allclose(influence(pred, mos, "plcc"), [-np.sqrt(3) / 2, 0, np.sqrt(3) / 2], atol=1e-12)
    np.testing.assert_allclose(influence(np.arange(9.0), np.arange(9.0) ** 2, "srcc"), 0, atol=1e-12)
    np.testing.assert_allclose(influence(np.arange(9.0), -np.arange(9.0), "plcc"), 0, atol=1e-12)


@pytest.mark.parametrize("metric", METRICS)
def test_constant_sides_have_none(metric: str) -> None:
    for pair in ((np.full(5, 0.1), np.arange(5.0)), (np.arange(5.0), np.full(5, 0.1))):
        assert np.isnan(influence(*pair, metric)).all()
