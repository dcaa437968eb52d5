"""Paired tests of two models: against SciPy, by counting every swap, and by how often they reject."""

import itertools

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from normal import two_models
from scipy import stats

from vqa.rng import numpy_generator
from vqa.stats.correlation import ROW_METRICS, percentile_interval, resampled_correlation
from vqa.stats.paired import ALTERNATIVES, bootstrap_p, paired_differences, permutation_test, williams_test

METRICS = ("srcc", "plcc")


def small_models(n: int, seed: int) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """A good model, a worse one on another scale, and MOS with ties."""
    draw = numpy_generator("test", seed, "small")
    mos = draw.integers(1, 5, n).astype(float)
    return mos + draw.normal(size=n), 40 + 9 * (mos + 2 * draw.normal(size=n)), mos


def side(values: np.ndarray, metric: str) -> np.ndarray:
    return stats.rankdata(values) if metric == "srcc" else stats.zscore(values)


def test_differences_are_those_of_both_models_on_the_same_items() -> None:
    a, b, mos = small_models(40, 1)
    for metric in METRICS:
        found = paired_differences(a, b, mos, metric, 200, numpy_generator("test", 1))
        each = [resampled_correlation(x, mos, metric, 200, numpy_generator("test", 1)) for x in (a, b)]
        np.testing.assert_array_equal(found, each[0] - each[1])
        np.testing.assert_array_equal(paired_differences(b, a, mos, metric, 200, numpy_generator("test", 1)), -found)


@pytest.mark.parametrize(("metric", "scipy_metric"), [("srcc", stats.spearmanr), ("plcc", stats.pearsonr)])
def test_interval_agrees_with_scipy_bootstrap_draw_by_draw(metric: str, scipy_metric) -> None:
    a, b, mos = small_models(50, 2)
    expected = stats.bootstrap(
        (a, b, mos),
        lambda x, y, m: scipy_metric(x, m).statistic - scipy_metric(y, m).statistic,
        paired=True,
        vectorized=False,
        n_resamples=200,
        method="percentile",
        rng=numpy_generator("test", 2, "bootstrap"),
    ).confidence_interval
    found = paired_differences(a, b, mos, metric, 200, numpy_generator("test", 2, "bootstrap"))
    np.testing.assert_allclose(percentile_interval(found), expected, atol=1e-12)


def test_pairing_narrows_the_interval() -> None:
    a, b, mos = (x[0] for x in two_models(numpy_generator("test", 3), 200, 0.8, 0.78, 0.95))
    paired = paired_differences(a, b, mos, "srcc", 500, numpy_generator("test", 3, "a"))
    apart = resampled_correlation(a, mos, "srcc", 500, numpy_generator("test", 3, "a"))
    apart = apart - resampled_correlation(b, mos, "srcc", 500, numpy_generator("test", 3, "b"))
    assert paired.std() < 0.6 * apart.std()


def test_bootstrap_p_is_the_level_of_the_interval_that_touches_zero() -> None:
    differences = numpy_generator("test", 4).normal(1, 1, 1999)
    p = bootstrap_p(differences)
    assert percentile_interval(differences, 1 - 0.98 * p)[0] < 0 < percentile_interval(differences, 1 - 1.02 * p)[0]
    assert bootstrap_p(-differences) == p == 2 * bootstrap_p(differences, "greater")
    assert bootstrap_p(differences, "less") == pytest.approx(1 + 1 / 2000 - p / 2)
    assert bootstrap_p(np.ones(199)) == 2 / 200
    assert bootstrap_p(np.zeros(199)) == 1
    assert bootstrap_p(np.array([np.nan, 1.0])) == bootstrap_p(np.ones(1))
    assert np.isnan(bootstrap_p(np.full(3, np.nan)))


@pytest.mark.parametrize("alternative", ALTERNATIVES)
@pytest.mark.parametrize("metric", METRICS)
def test_exact_test_agrees_with_scipy(metric: str, alternative: str) -> None:
    for seed in range(3):
        a, b, mos = small_models(7, seed)
        target = side(mos, metric)
        expected = stats.permutation_test(
            (side(a, metric), side(b, metric)),
            lambda x, y, target=target: stats.pearsonr(x, target).statistic - stats.pearsonr(y, target).statistic,
            permutation_type="samples",
            vectorized=False,
            n_resamples=2**7,
            alternative=alternative,
        )
        assert permutation_test([(a, b, mos)], metric, 2**7, None, alternative) == pytest.approx(expected.pvalue)


def test_exact_test_of_three_splits_counts_every_swap_of_the_difference_of_medians() -> None:
    splits = [small_models(n, seed) for n, seed in ((3, 1), (4, 2), (3, 3))]
    scaled = [(side(a, "srcc"), side(b, "srcc"), side(mos, "srcc")) for a, b, mos in splits]

    def difference(swaps: tuple[int, ...]) -> float:
        values, start = [], 0
        for a, b, mos in scaled:
            swap = np.array(swaps[start : start + len(mos)], dtype=bool)
            start += len(mos)
            both = np.where(swap, b, a), np.where(swap, a, b)
            values.append([stats.pearsonr(x, mos).statistic for x in both])
        return float(np.subtract(*np.median(values, axis=0)))

    observed = difference((0,) * 10)
    raw = [[stats.spearmanr(x, mos).statistic for x in (a, b)] for a, b, mos in splits]
    assert observed == pytest.approx(np.subtract(*np.median(raw, axis=0)))
    null = np.array([difference(swaps) for swaps in itertools.product((0, 1), repeat=10)])
    for alternative, extreme in {"two-sided": np.abs(null) - abs(observed), "greater": null - observed}.items():
        assert permutation_test(splits, "srcc", 1024, None, alternative) == np.mean(extreme >= -1e-12)


def test_random_swaps_approach_every_swap() -> None:
    split = small_models(12, 5)
    for metric in METRICS:
        exact = permutation_test([split], metric, 4096, None)
        drawn = permutation_test([split], metric, 3999, numpy_generator("test", 5))
        assert drawn == pytest.approx(exact, abs=3.5 * np.sqrt(exact * (1 - exact) / 4000))
        assert drawn != exact


def test_smallest_p_counts_the_observation_itself() -> None:
    mos = np.arange(40.0)
    assert (
        permutation_test([(mos, numpy_generator("test", 6).normal(size=40), mos)], "plcc", 99, np.random.default_rng(6))
        == 0.01
    )


@settings(max_examples=25, deadline=None)
@given(st.integers(0, 10**6), st.integers(4, 9), st.sampled_from(METRICS))
def test_swapping_the_models_mirrors_the_test(seed: int, n: int, metric: str) -> None:
    a, b, mos = small_models(n, seed)
    if np.ptp(mos) == 0:
        mos[0] += 1
    forth, back = (
        {x: permutation_test([split], metric, 512, None, x) for x in ALTERNATIVES}
        for split in ((a, b, mos), (b, a, mos))
    )
    assert (forth["two-sided"], forth["greater"], forth["less"]) == (back["two-sided"], back["less"], back["greater"])
    assert forth["greater"] + forth["less"] >= 1


def test_scales_of_the_models_do_not_matter() -> None:
    a, b, mos = small_models(60, 7)

    def p(metric: str, *split: np.ndarray) -> float:
        return permutation_test([split], metric, 499, numpy_generator("test", 7))

    assert p("srcc", np.exp(a), b**3, np.log(mos)) == p("srcc", a, b, mos)
    assert p("plcc", 100 * a - 7, b / 9, 3 * mos + 1) == p("plcc", a, b, mos)
    assert p("plcc", np.exp(a), b, mos) != p("plcc", a, b, mos)


@pytest.mark.parametrize("metric", METRICS)
def test_equal_models_are_rejected_at_the_level(metric: str) -> None:
    draw, p = numpy_generator("test", 8, metric), []
    for a, b, mos in zip(*two_models(draw, 60, 0.8, 0.8, 0.85, 600), strict=True):
        p.append([permutation_test([(a, 5 * b, mos)], metric, 199, draw)])
        p[-1].append(bootstrap_p(paired_differences(a, b, mos, metric, 199, draw)))
    permutation, bootstrap = np.mean(np.array(p) <= 0.05, axis=0)
    assert 0.03 <= permutation <= 0.07
    assert 0.03 <= bootstrap <= 0.085  # a percentile interval of 60 items is a little narrow


def test_williams_is_the_analytic_counterpart() -> None:
    draw, p = numpy_generator("test", 9), []
    for a, b, mos in zip(*two_models(draw, 80, 0.8, 0.74, 0.85, 40), strict=True):
        r_a, r_b, r_ab = (stats.pearsonr(*pair).statistic for pair in ((a, mos), (b, mos), (a, b)))
        p.append((williams_test(r_a, r_b, r_ab, 80), permutation_test([(a, b, mos)], "plcc", 999, draw)))
    williams, permutation = np.array(p).T
    assert np.median(np.abs(williams - permutation)) < 0.025
    assert stats.spearmanr(williams, permutation).statistic > 0.95
    assert williams.min() < 0.01
    a, b, mos = two_models(draw, 30, 0.7, 0.7, 0.8, 4000)
    correlations = [ROW_METRICS["plcc"](*pair) for pair in ((a, mos), (b, mos), (a, b))]
    rejected = np.mean([williams_test(*r, 30) <= 0.05 for r in zip(*correlations, strict=True)])
    assert rejected == pytest.approx(0.05, abs=0.011)


def test_undefined_and_wrong_input() -> None:
    a, b, mos = small_models(20, 12)
    draw = numpy_generator("test", 12)
    for split in ((np.ones(20), b, mos), (a, np.ones(20), mos), (a, b, np.ones(20)), (np.full(20, np.nan), b, mos)):
        assert np.isnan(permutation_test([split], "srcc", 99, draw))
    assert permutation_test([(a, a, mos)], "plcc", 99, draw) == 1
    with pytest.raises(ValueError, match="one length"):
        permutation_test([(a, b[:-1], mos)], "srcc", 99, draw)
    with pytest.raises(ValueError, match="at least 2 items"):
        paired_differences(a[:1], b[:1], mos[:1], "srcc", 99, draw)
    with pytest.raises(ValueError, match="alternative: 'both'"):
        permutation_test([(a, b, mos)], "srcc", 99, draw, "both")
    with pytest.raises(ValueError, match="alternative: 'both'"):
        bootstrap_p(np.ones(3), "both")


def test_splits_of_one_item_list_are_swapped_together() -> None:
    """Copies of one training are one training; a list of its own for each makes the test surer than it can be."""
    draw = np.random.default_rng(8)
    mos = draw.normal(size=40)
    a, b = (mos + noise * draw.normal(size=40) for noise in (1.0, 1.4))
    alone, tied, free = (
        permutation_test([(a, b, mos)] * n, "srcc", 999, np.random.default_rng(1), items=items)
        for n, items in ((1, None), (5, ["x"] * 5), (5, None))
    )
    assert tied == alone
    assert free < alone
    exact = [permutation_test([(a[:6], b[:6], mos[:6])] * n, "plcc", 64, draw, items=[0] * n) for n in (1, 3)]
    assert exact[0] == exact[1], "all swaps of one list are counted, not all of every training"
