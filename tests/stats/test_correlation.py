"""Bootstrap intervals against SciPy, against simulated data with a known correlation, and their speed."""

import time

import numpy as np
import pytest
from scipy import stats

from vqa.rng import numpy_generator
from vqa.stats.correlation import BLOCK, percentile_interval, resampled_correlation, resampled_ranks, row_plcc, row_srcc


def correlation_interval(pred, mos, metric, resamples, generator, level=0.95) -> tuple[float, float]:
    return percentile_interval(resampled_correlation(pred, mos, metric, resamples, generator), level)


def gap_interval(train_pred, train_mos, test_pred, test_mos, metric, resamples, generator) -> tuple[float, float]:
    train = resampled_correlation(train_pred, train_mos, metric, resamples, generator)
    return percentile_interval(train - resampled_correlation(test_pred, test_mos, metric, resamples, generator))


def normal_pairs(generator: np.random.Generator, n: int, rho: float) -> tuple[np.ndarray, np.ndarray]:
    mos = generator.normal(size=n)
    return rho * mos + np.sqrt(1 - rho**2) * generator.normal(size=n), mos


@pytest.mark.parametrize(("rows", "scipy_metric"), [(row_srcc, stats.spearmanr), (row_plcc, stats.pearsonr)])
def test_rows_agree_with_scipy_ties_included(rows, scipy_metric) -> None:
    generator = numpy_generator("test", 0, "rows")
    pred, mos = generator.normal(size=(20, 37)).round(1), generator.integers(1, 6, (20, 37))
    expected = [scipy_metric(p, m).statistic for p, m in zip(pred, mos, strict=True)]
    np.testing.assert_allclose(rows(pred, mos), expected, atol=1e-13)


@pytest.mark.parametrize("rows", [row_srcc, row_plcc])
def test_constant_rows_have_no_correlation(rows) -> None:
    pred = np.array([[0.1, 0.1, 0.1], [1.0, 2.0, 3.0]])
    assert np.isnan(rows(pred, pred[::-1])).all()
    np.testing.assert_allclose(rows(pred, pred), [np.nan, 1.0])


@pytest.mark.parametrize("metric", ["plcc", "srcc"])
def test_agrees_with_scipy_bootstrap_draw_by_draw(metric: str) -> None:
    pred, mos = normal_pairs(numpy_generator("test", 1, "pairs"), 80, 0.7)
    statistic = {"plcc": stats.pearsonr, "srcc": stats.spearmanr}[metric]
    expected = stats.bootstrap(
        (pred, mos),
        lambda x, y: statistic(x, y).statistic,
        paired=True,
        vectorized=False,
        n_resamples=400,
        method="percentile",
        rng=numpy_generator("test", 1, "bootstrap"),
    ).confidence_interval
    ours = correlation_interval(pred, mos, metric, 400, numpy_generator("test", 1, "bootstrap"))
    np.testing.assert_allclose(ours, expected, atol=1e-12)


@pytest.mark.parametrize("metric", ["plcc", "srcc"])
def test_covers_the_true_correlation_as_often_as_it_says(metric: str) -> None:
    rho, generator = 0.7, numpy_generator("test", 2, "coverage")
    truth = rho if metric == "plcc" else 6 / np.pi * np.arcsin(rho / 2)
    hits = 0
    for _ in range(300):
        low, high = correlation_interval(*normal_pairs(generator, 100, rho), metric, 300, generator)
        hits += low <= truth <= high
    assert 0.90 <= hits / 300 <= 0.985


def test_gap_interval_covers_the_true_gap_and_is_wider_than_its_parts() -> None:
    generator, hits, widths = numpy_generator("test", 3, "gap"), 0, []
    for _ in range(200):
        train, test = normal_pairs(generator, 200, 0.9), normal_pairs(generator, 100, 0.7)
        low, high = gap_interval(*train, *test, "plcc", 300, generator)
        hits += low <= 0.2 <= high
        part_low, part_high = correlation_interval(*test, "plcc", 300, generator)
        widths.append((high - low) / (part_high - part_low))
    assert 0.90 <= hits / 200 <= 0.985
    assert np.mean(widths) > 1


def test_gap_interval_resamples_train_and_test_independently() -> None:
    """On the same items a paired gap would be zero in every resample."""
    pairs = normal_pairs(numpy_generator("test", 4, "pairs"), 50, 0.5)
    low, high = gap_interval(*pairs, *pairs, "srcc", 200, numpy_generator("test", 4, "bootstrap"))
    assert low < -0.05 < 0.05 < high


def test_same_stream_same_interval_and_level_narrows_it() -> None:
    pred, mos = normal_pairs(numpy_generator("test", 5, "pairs"), 60, 0.6)

    def interval(level: float) -> tuple[float, float]:
        return correlation_interval(pred, mos, "srcc", 500, numpy_generator("bootstrap", 5), level)

    assert interval(0.95) == interval(0.95)
    (low, high), (inner_low, inner_high) = interval(0.95), interval(0.5)
    assert low < inner_low < inner_high < high


def test_ranks_by_counting_are_those_by_sorting() -> None:
    draw = numpy_generator("test", 3)
    for values in (draw.normal(size=29), draw.integers(0, 4, 29).astype(float), np.zeros(29)):
        index = draw.integers(0, 29, (50, 29))
        np.testing.assert_array_equal(resampled_ranks(values, index), stats.rankdata(values[index], axis=1))


def test_blocks_draw_the_same_resamples_as_one_draw(monkeypatch: pytest.MonkeyPatch) -> None:
    draw = numpy_generator("test", 4)
    pred, mos = draw.normal(size=30), draw.normal(size=30)
    whole = resampled_correlation(pred, mos, "srcc", 100, numpy_generator("test", 5))
    assert BLOCK // 30 > 100
    monkeypatch.setattr("vqa.stats.correlation.BLOCK", 30 * 7)
    np.testing.assert_array_equal(resampled_correlation(pred, mos, "srcc", 100, numpy_generator("test", 5)), whole)


def test_undefined_and_degenerate_samples() -> None:
    generator = numpy_generator("test", 7)
    assert np.isnan(correlation_interval(np.ones(20), np.arange(20.0), "plcc", 50, generator)).all()
    low, high = correlation_interval(np.arange(3.0), np.arange(3.0), "srcc", 200, generator)
    assert low == pytest.approx(1) == high  # resamples of a single item are left out
    with pytest.raises(ValueError, match="one length"):
        correlation_interval(np.arange(3.0), np.arange(4.0), "srcc", 50, generator)
    with pytest.raises(ValueError, match="at least 2 items"):
        correlation_interval(np.arange(1.0), np.arange(1.0), "srcc", 50, generator)


def test_is_fast_enough_for_every_cell_of_the_tables() -> None:
    pred, mos = normal_pairs(numpy_generator("test", 8, "pairs"), 300, 0.8)
    times = []
    for _ in range(3):
        start = time.process_time()
        for metric in ("srcc", "plcc"):
            correlation_interval(pred, mos, metric, 1000, numpy_generator("bootstrap", 8, metric))
        times.append(time.process_time() - start)
    assert min(times) < 0.3
