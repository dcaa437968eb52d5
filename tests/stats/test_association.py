"""Correlation over runs: against SciPy for one group, by counting for several, and what groups must not leak."""

import itertools

import numpy as np
import pytest
from scipy import stats

from vqa.rng import numpy_generator
from vqa.stats.association import associate

GROUPS = ["a", "b", "a", "a", "b", "a", "b"]


def related(n: int, seed: int, noise: float = 1.0) -> tuple[np.ndarray, np.ndarray]:
    draw = numpy_generator("test", seed, "related")
    x = draw.normal(size=n)
    return x, x + noise * draw.normal(size=n)


def test_one_group_agrees_with_scipy() -> None:
    x, y = related(7, 1)
    x[2] = x[5]
    found = associate(x, y, ["a"] * 7, 400, 5040, numpy_generator("test", 1))
    assert (found.runs, found.spearman) == (7, pytest.approx(stats.spearmanr(x, y).statistic))
    assert found.pearson == pytest.approx(stats.pearsonr(x, y).statistic)
    ranked = stats.rankdata(x)
    null = [stats.pearsonr(ranked, p).statistic for p in itertools.permutations(stats.rankdata(y))]
    assert found.p_permutation == np.mean(np.abs(null) >= abs(found.spearman) - 1e-12)


def test_random_permutations_agree_with_scipy() -> None:
    x, y = related(20, 2, 2.0)
    found = associate(x, y, ["a"] * 20, 50, 9999, numpy_generator("test", 2))
    expected = stats.permutation_test(
        (y,),
        lambda v: stats.spearmanr(x, v).statistic,
        permutation_type="pairings",
        vectorized=False,
        n_resamples=1500,
        rng=numpy_generator("test", 2, "scipy"),
    )
    assert 0.01 < found.p_permutation < 0.5
    assert found.p_permutation == pytest.approx(expected.pvalue, abs=0.04)


def test_interval_agrees_with_scipy_bootstrap() -> None:
    x, y = related(25, 3)
    found = associate(x, y, ["a"] * 25, 4000, 9, numpy_generator("test", 3))
    expected = stats.bootstrap(
        (x, y),
        lambda v, w: stats.spearmanr(v, w).statistic,
        paired=True,
        vectorized=False,
        n_resamples=1500,
        method="percentile",
        rng=numpy_generator("test", 3, "scipy"),
    ).confidence_interval
    np.testing.assert_allclose((found.ci_low, found.ci_high), expected, atol=0.04)
    assert found.ci_low < found.spearman < found.ci_high


def within(values: np.ndarray) -> np.ndarray:
    """Ranks within the groups, each run of the same weight, by the definition."""
    result = np.empty(len(values))
    for name in set(GROUPS):
        part = np.array(GROUPS) == name
        result[part] = (stats.rankdata(values[part]) - (part.sum() + 1) / 2) / part.sum()
    return result


def test_groups_by_counting_every_permutation_within_them() -> None:
    x, y = related(7, 4)
    found = associate(x, y, GROUPS, 200, 24 * 6, numpy_generator("test", 4))
    assert found.spearman == pytest.approx(stats.pearsonr(within(x), within(y)).statistic)
    a, b = np.flatnonzero(np.array(GROUPS) == "a"), np.flatnonzero(np.array(GROUPS) == "b")
    null = []
    for first, second in itertools.product(itertools.permutations(a), itertools.permutations(b)):
        permuted = y.copy()
        permuted[a], permuted[b] = y[list(first)], y[list(second)]
        null.append(stats.pearsonr(within(x), within(permuted)).statistic)
    assert found.p_permutation == np.mean(np.abs(null) >= abs(found.spearman) - 1e-12)
    drawn = associate(x, y, GROUPS, 2, 143, numpy_generator("test", 4)).p_permutation
    assert drawn == pytest.approx(found.p_permutation, abs=0.12)


def test_differences_between_groups_do_not_count() -> None:
    """Two groups apart in both quantities make a strong correlation over all runs, and none within groups."""
    draw = numpy_generator("test", 5)
    groups = ["a", "b", "b"] * 10
    shift = 50 * np.tile([0, 1, 1], 10)
    p, spearman = [], []
    for _ in range(150):
        found = associate(draw.normal(size=30) + shift, draw.normal(size=30) + shift, groups, 1, 199, draw)
        p.append(found.p_permutation)
        spearman.append(found.spearman)
    assert np.mean(np.array(p) <= 0.05) == pytest.approx(0.05, abs=0.05)
    assert abs(np.mean(spearman)) < 0.06
    x, y = related(30, 5, 0.5)
    apart, together = (
        associate(x + s, y - 3 * s, groups, 99, 99, numpy_generator("test", 5)) for s in (shift, 0 * shift)
    )
    assert apart.spearman == together.spearman > 0.7
    assert apart.pearson == pytest.approx(together.pearson, abs=1e-9)
    assert apart.p_permutation == together.p_permutation == 0.01
    assert (apart.ci_low, apart.ci_high) == (together.ci_low, together.ci_high)


def test_scale_and_order_of_the_quantities() -> None:
    x, y = related(12, 6)
    groups = ["a"] * 6 + ["b"] * 6

    def found(x: np.ndarray, y: np.ndarray):
        return associate(x, y, groups, 99, 99, numpy_generator("test", 6))

    assert found(np.exp(x), y**3).spearman == found(x, y).spearman == found(y, x).spearman == -found(-x, y).spearman
    assert found(np.exp(x), y**3).p_permutation == found(x, y).p_permutation


def test_undefined_and_wrong_input() -> None:
    draw = numpy_generator("test", 7)
    found = associate(np.ones(5), np.arange(5.0), ["a"] * 5, 20, 20, draw)
    assert found.runs == 5
    assert np.isnan([found.spearman, found.pearson, found.p_permutation, found.ci_low]).all()
    with pytest.raises(ValueError, match="one length"):
        associate(np.ones(5), np.ones(4), ["a"] * 5, 20, 20, draw)
    with pytest.raises(ValueError, match="at least 2 runs"):
        associate(np.ones(1), np.ones(1), ["a"], 20, 20, draw)
