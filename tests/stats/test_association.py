"""Correlation over runs: against SciPy and the definition, its error by loops and by coverage, what must not matter."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats

from vqa.rng import numpy_generator
from vqa.stats.association import associate, rank_correlation
from vqa.stats.trainings import Estimate, mixed

GROUPS = ["a", "b", "a", "a", "b", "a", "b"]


def related(shape: tuple[int, int], seed: int, noise: float = 1.0) -> tuple[np.ndarray, np.ndarray]:
    draw = numpy_generator("test", seed, "related")
    x = draw.normal(size=shape)
    return x, x + noise * draw.normal(size=shape)


def items(trainings: int, runs: int, n: int, seed: int, size: float = 1.0) -> np.ndarray:
    """How items move y: influences over their number, with mean 0 over items."""
    moved = size * numpy_generator("test", seed, "items").normal(size=(trainings, runs, n)) / n
    return moved - moved.mean(axis=2, keepdims=True)


def within(values: np.ndarray, groups: list[str]) -> np.ndarray:
    """Ranks within the groups, each run of the same weight, by the definition."""
    result = np.empty(len(values))
    for name in set(groups):
        part = np.array(groups) == name
        result[part] = (stats.rankdata(values[part]) - (part.sum() + 1) / 2) / part.sum()
    return result


def test_one_group_agrees_with_scipy_ties_included() -> None:
    x, y = related((6, 9), 1)
    x, y = x.round(0), y.round(0)
    expected = [stats.spearmanr(a, b).statistic for a, b in zip(x, y, strict=True)]
    np.testing.assert_allclose(rank_correlation(x, y, ["a"] * 9), expected, atol=1e-12)


@given(st.lists(st.integers(0, 9), min_size=14, max_size=14))
def test_groups_by_the_definition(values: list[int]) -> None:
    x, y = np.array(values[:7], float), np.array(values[7:], float)
    sides = within(x, GROUPS), within(y, GROUPS)
    (found,) = rank_correlation(x[None], y[None], GROUPS)
    if min(np.ptp(side) for side in sides) == 0:
        assert np.isnan(found)
    else:
        # Ranks within a group have the mean 0, so that of all runs is 0 too.
        assert found == pytest.approx(sides[0] @ sides[1] / np.sqrt((sides[0] @ sides[0]) * (sides[1] @ sides[1])))
    shift = 100 * (np.array(GROUPS) == "b")
    again = rank_correlation((x + shift)[None], (np.exp(y) - 1e6 * shift)[None], GROUPS)
    np.testing.assert_allclose(again, [found], atol=1e-12)
    np.testing.assert_allclose(rank_correlation(-x[None], y[None], GROUPS), [-found], atol=1e-12)
    np.testing.assert_allclose(rank_correlation(y[None], x[None], GROUPS), [found], atol=1e-12)


def test_the_error_by_loops() -> None:
    """Items are drawn again, the same for all runs and trainings; what trainings differ by beyond that is added."""
    (x, y), moved, n = related((3, 7), 2), items(3, 7, 30, 2, 4.0), 30
    found = associate(x, y, moved, GROUPS, 100, numpy_generator("test", 2))
    counts = numpy_generator("test", 2).multinomial(n, np.full(n, 1 / n), 100)
    again = np.empty((3, 100))
    for t in range(3):
        for r, count in enumerate(counts):
            drawn = np.repeat(np.arange(n), count)
            shifted = [y[t, run] + moved[t, run, drawn].sum() for run in range(7)]
            sides = within(x[t], GROUPS), within(np.array(shifted), GROUPS)
            again[t, r] = stats.pearsonr(*sides).statistic
    values = [stats.pearsonr(within(x[t], GROUPS), within(y[t], GROUPS)).statistic for t in range(3)]
    apart = sum(np.var(again[t] - again.mean(axis=0), ddof=1) for t in range(3)) / 2
    expected = mixed(np.array(values), [(again.mean(axis=0).var(ddof=1), n - 1)], apart)
    assert vars(found) == pytest.approx(vars(expected))
    assert found.error > 0


def test_without_error_of_items_it_is_students_t_over_trainings() -> None:
    x, y = related((5, 8), 3, 2.0)
    found = associate(x, y, np.zeros((5, 8, 20)), ["a"] * 8, 50, numpy_generator("test", 3))
    values = [stats.spearmanr(a, b).statistic for a, b in zip(x, y, strict=True)]
    expected = stats.ttest_1samp(values, 0)
    assert (found.value, found.freedom) == pytest.approx((np.mean(values), 4))
    assert found.two_sided() == pytest.approx(expected.pvalue)
    assert found.interval() == pytest.approx(expected.confidence_interval())


def test_of_one_training_the_error_is_over_items_alone() -> None:
    x, y = related((1, 8), 4)
    certain, uncertain = (
        associate(x, y, items(1, 8, 40, 4, size), ["a"] * 8, 300, numpy_generator("test", 4)) for size in (0.0, 6.0)
    )
    assert (certain.value, certain.error) == (uncertain.value, pytest.approx(0, abs=1e-12))
    assert (uncertain.error > 0.05, uncertain.freedom, uncertain.of_method) == (True, pytest.approx(39), False)


def planted(draw: np.random.Generator, seed: float, noise: float) -> Estimate:
    """Ten recipes in two groups whose sharpness and true gap are unrelated, in four trainings, seen on 50 items.

    Every training moves the gap of a recipe, and so do items: in part the same way in all trainings.
    """
    trainings, runs, n = 4, 10, 50
    x = np.arange(10.0) + 0 * draw.normal(size=(trainings, 1))
    gaps = np.array([4.0, 2.0, 0.0, 2.0, 4.0] * 2) + seed * draw.normal(size=(trainings, runs))
    each = noise * (draw.normal(size=(runs, n)) + 0.5 * draw.normal(size=(trainings, runs, n)))
    y, moved = gaps + each.mean(axis=2), (each - each.mean(axis=2, keepdims=True)) / n
    return associate(x, y, moved, ["a"] * 5 + ["b"] * 5, 100, draw)


@pytest.mark.parametrize(("seed", "noise"), [(2.0, 0.1), (0.5, 6.0), (1.5, 6.0)])
def test_intervals_cover_no_correlation_nearly_as_often_as_they_say(seed: float, noise: float) -> None:
    draw, hits = numpy_generator("test", 5, str(seed), str(noise)), []
    for _ in range(150):
        low, high = planted(draw, seed, noise).interval()
        hits.append(low <= 0 <= high)
    # Ranks of what is noisy already bend when noise is added again: where items move all, 0.90 to 0.92 is reached.
    assert np.mean(hits) >= (0.9 if noise < 1 else 0.86)


def test_differences_between_groups_do_not_count() -> None:
    """Two groups apart in both quantities make a strong correlation over all runs, and none within groups."""
    groups, draw = ["a", "b", "b"] * 10, numpy_generator("test", 6)
    shift = 50 * np.tile([0, 1, 1], 10)
    x, y = draw.normal(size=(2, 60, 30))
    assert abs(rank_correlation(x + shift, y + shift, groups).mean()) < 0.06
    assert rank_correlation(x + shift, y + shift, ["a"] * 30).mean() > 0.6
    (x, y), moved = related((3, 30), 6, 0.5), items(3, 30, 20, 6)
    apart, together = (
        associate(x + s, y - 3 * s, moved, groups, 99, numpy_generator("test", 6)) for s in (shift, 0 * shift)
    )
    assert vars(apart) == pytest.approx(vars(together))
    assert together.value > 0.7


def test_signs_turn_and_the_stream_decides() -> None:
    (x, y), moved = related((3, 7), 7), items(3, 7, 20, 7)

    def found(sign: float, seed: int) -> Estimate:
        return associate(sign * x, y, moved, GROUPS, 99, numpy_generator("test", seed))

    assert vars(found(-1, 7)) == pytest.approx(vars(-found(1, 7)))
    assert found(1, 7) == found(1, 7)
    assert found(1, 7).error != found(1, 8).error


def test_what_is_not_defined_is_nan() -> None:
    draw, y = numpy_generator("test", 8), np.arange(5.0)[None].repeat(2, axis=0)
    constant = associate(np.ones((2, 5)), y, items(2, 5, 10, 8), ["a"] * 5, 20, draw)
    once = associate(np.array([np.arange(5.0), np.ones(5)]), y, items(2, 5, 10, 8), ["a"] * 5, 20, draw)
    for found in (constant, once):
        assert np.isnan([found.value, found.error, found.two_sided(), *found.interval()]).all()
        assert found.trainings == 2
