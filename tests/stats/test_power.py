"""Standard errors against simulation, and planted differences that are found as often as the formulas say."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from normal import spearman_of, two_models
from scipy import optimize, stats

from vqa.rng import numpy_generator
from vqa.stats.correlation import ROW_METRICS
from vqa.stats.paired import bootstrap_p, paired_differences, permutation_test
from vqa.stats.power import correlation_interval, detectable, difference_error, power_to_find, standard_error

METRICS = ("srcc", "plcc")
LATENT = [(0.9, 0.9, 0.95), (0.8, 0.7, 0.6), (0.5, 0.1, 0.3), (0.87, 0.84, 0.97)]


def population(metric: str, *latent: float) -> list[float]:
    return [spearman_of(r) for r in latent] if metric == "srcc" else list(latent)


@pytest.mark.parametrize("latent", LATENT)
@pytest.mark.parametrize("metric", METRICS)
def test_standard_errors_are_the_deviation_of_simulated_correlations(metric: str, latent: tuple) -> None:
    n = 200
    a, b, mos = two_models(numpy_generator("test", 1, metric, *map(str, latent)), n, *latent, 4000)
    r_a, r_b = ROW_METRICS[metric](a, mos), ROW_METRICS[metric](b, mos)
    truth = population(metric, *latent)
    assert standard_error(truth[0], n, metric) == pytest.approx(r_a.std(), rel=0.05)
    assert difference_error(*truth, n, metric) == pytest.approx((r_a - r_b).std(), rel=0.07)
    covered = [low <= truth[0] <= high for low, high in (correlation_interval(r, n, metric) for r in r_a)]
    assert 0.938 <= np.mean(covered) <= 0.968  # that of SRCC is a little wide for strong correlations


def test_interval_of_one_rank_correlation_is_that_of_bonett_and_wright() -> None:
    """The interval by hand, and the limits that the paper's KoNViD-1k test set gives an SRCC of 0.872."""
    low, high = correlation_interval(0.872, 240, "srcc")
    half = 1.959964 * np.sqrt((1 + 0.872**2 / 2) / 237)
    np.testing.assert_allclose(np.arctanh([low, high]), [np.arctanh(0.872) - half, np.arctanh(0.872) + half], atol=1e-6)
    np.testing.assert_allclose([low, high], [0.831, 0.903], atol=0.0006)
    assert correlation_interval(0.872, 240, "srcc", 0.5)[0] > low
    low, high = correlation_interval(0.5, 30, "plcc")
    data = two_models(numpy_generator("test", 2), 30, 0.5, 0.1, 0.3)
    expected = stats.pearsonr(data[0][0], data[2][0])
    found = correlation_interval(expected.statistic, 30, "plcc")
    np.testing.assert_allclose(found, expected.confidence_interval(), atol=1e-12)


def planted(metric: str, n: int, r_a: float, r_ab: float) -> float:
    """The latent correlation of ``b`` that makes the population's difference just detectable with 80 % power."""

    def excess(r_b: float) -> float:
        a, b, ab = population(metric, r_a, r_b, r_ab)
        return a - b - detectable(difference_error(a, b, ab, n, metric), 0.05, 0.8)

    return optimize.brentq(excess, 0.1, r_a)


@pytest.mark.parametrize("metric", METRICS)
def test_a_detectable_difference_is_found_as_often_as_promised(metric: str) -> None:
    n, samples = 240, 300
    r_b = planted(metric, n, 0.87, 0.9)
    draw, p = numpy_generator("test", 3, metric), []
    for a, b, mos in zip(*two_models(draw, n, 0.87, r_b, 0.9, samples), strict=True):
        resampled = paired_differences(a, b, mos, metric, 199, draw)
        p.append([permutation_test([(a, b, mos)], metric, 199, draw), bootstrap_p(resampled)])
    found = np.mean(np.array(p) <= 0.05, axis=0)
    # Monte-Carlo error 0.02. Differences are skewed, and tests of ranks find 0.88, a little more than promised.
    low, high = {"plcc": (0.75, 0.88), "srcc": (0.8, 0.94)}[metric]
    assert (found >= low).all()
    assert (found <= high).all()


def test_deviation_of_paired_resamples_is_the_formula() -> None:
    draw, errors = numpy_generator("test", 4), []
    for a, b, mos in zip(*two_models(draw, 240, 0.87, 0.82, 0.9, 40), strict=True):
        errors.append([paired_differences(a, b, mos, metric, 200, draw).std(ddof=1) for metric in METRICS])
    for metric, error in zip(METRICS, np.mean(errors, axis=0), strict=True):
        assert error == pytest.approx(difference_error(*population(metric, 0.87, 0.82, 0.9), 240, metric), rel=0.06)


@given(st.floats(0.001, 0.2), st.sampled_from([0.01, 0.05, 0.1]), st.floats(0.5, 0.99))
def test_power_at_the_detectable_difference_is_the_power_asked_for(error: float, level: float, power: float) -> None:
    smallest = detectable(error, level, power)
    # Both tails count as found; the far one adds next to nothing.
    assert power_to_find(smallest, error, level) == pytest.approx(power, abs=0.003)
    assert power_to_find(-smallest, error, level) == power_to_find(smallest, error, level)
    assert power_to_find(0.0, error, level) == pytest.approx(level)
    assert power_to_find(2 * smallest, error, level) > power_to_find(smallest, error, level)


def test_identical_models_and_unknown_errors() -> None:
    assert difference_error(0.8, 0.8, 1.0, 100, "srcc") == pytest.approx(0, abs=1e-8)
    assert difference_error(0.8, 0.8, 0.9, 400, "plcc") < difference_error(0.8, 0.8, 0.5, 400, "plcc")
    assert np.isnan(power_to_find(0.01, 0.0, 0.05))
    assert np.isnan([power_to_find(0.01, np.nan, 0.05), detectable(np.nan, 0.05, 0.8)]).all()
    assert detectable(0.0, 0.05, 0.8) == 0
