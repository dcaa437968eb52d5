"""The mixed test: Student's, Welch's or an analysis of variance where it is one of them, coverage, and algebra."""

import math

import numpy as np
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st
from normal import spearman_of
from scipy import stats
from two_way import of_means, two_way

from vqa.rng import numpy_generator
from vqa.stats.correlation import row_srcc
from vqa.stats.influence import influence
from vqa.stats.trainings import Estimate, Sample, correlation_interval, mixed

numbers = st.floats(-10, 10).map(lambda value: round(value, 2))


@st.composite
def samples(draw: st.DrawFn, trainings: int = 0) -> Sample:
    t, n = trainings or draw(st.integers(1, 5)), draw(st.integers(2, 6))
    rows = [draw(st.lists(numbers, min_size=n, max_size=n)) for _ in range(t)]
    sample = of_means(np.array(rows))
    # Where trainings cancel each other out, nothing but rounding is left.
    assume(sample.estimate().error > 1e-6)
    return sample


def same(one: Estimate, other: Estimate) -> bool:
    return np.allclose(*((e.value, e.error, e.freedom, e.trainings) for e in (one, other)), atol=1e-7, equal_nan=True)


# --- tests that it is in special cases


@pytest.mark.parametrize("bound", [0.0, 0.3])
def test_trainings_alone_are_students_t(bound: float) -> None:
    values = numpy_generator("test", 1).normal(0.4, 1, 6)
    found, t = Sample(values, {}).estimate(), stats.ttest_1samp(values, bound)
    assert (found.value, found.freedom, found.trainings) == pytest.approx((values.mean(), 5, 6))
    assert found.above(bound) == pytest.approx(stats.ttest_1samp(values, bound, alternative="greater").pvalue)
    assert found.below(bound) == pytest.approx(stats.ttest_1samp(values, bound, alternative="less").pvalue)
    assert found.interval(0.1) == pytest.approx(t.confidence_interval(0.9))
    assert found.two_sided() == pytest.approx(stats.ttest_1samp(values, 0).pvalue)


def test_items_alone_are_students_t_and_two_lists_are_welchs() -> None:
    draw = numpy_generator("test", 2)
    x, y = draw.normal(0.5, 1, 20), draw.normal(0, 3, 12)
    one, two = of_means(x[None], "x"), of_means(y[None], "y")
    assert one.estimate().two_sided() == pytest.approx(stats.ttest_1samp(x, 0).pvalue)
    assert one.estimate().interval() == pytest.approx(stats.ttest_1samp(x, 0).confidence_interval())
    welch = stats.ttest_ind(x, y, equal_var=False)
    assert (one - two).estimate().freedom == pytest.approx(welch.df)
    assert (one - two).estimate().two_sided() == pytest.approx(welch.pvalue)
    paired = of_means(x[None, :12], "x") - of_means(y[None], "x")
    assert paired.estimate().two_sided() == pytest.approx(stats.ttest_rel(x[:12], y).pvalue)
    assert not one.estimate().of_method


@pytest.mark.parametrize("seed", [0.0, 0.1, 2.0])
def test_its_error_is_that_of_the_two_way_analysis_of_variance(seed: float) -> None:
    trainings, n = 4, 9
    y = two_way(numpy_generator("test", 3, str(seed)), trainings, n, seed)
    mean, rows, columns = y.mean(), y.mean(axis=1), y.mean(axis=0)
    of_training = n * sum((row - mean) ** 2 for row in rows) / (trainings - 1)
    of_item = trainings * sum((column - mean) ** 2 for column in columns) / (n - 1)
    rest = [(y[t, i] - rows[t] - columns[i] + mean) ** 2 for t in range(trainings) for i in range(n)]
    of_both = sum(rest) / (trainings - 1) / (n - 1)
    found = of_means(y).estimate()
    assert found.error**2 == pytest.approx((of_item + max(0, of_training - of_both)) / (trainings * n))
    assert (found.value, found.trainings, found.of_method) == (pytest.approx(mean), 4, True)
    assert 0 < found.freedom <= 3 + 8


def test_by_hand() -> None:
    """V = 0.01 from 4 degrees of freedom, B = 1, I = 0.4, T = 4: error^2 = 0.01 + 0.6 / 4, of which 15/16 is seeds'."""
    values = np.array([0.0, 0.0, math.sqrt(3), math.sqrt(3)])
    found = mixed(values, [(0.01, 4)], 0.4)
    assert found.error == pytest.approx(0.4)
    uncertain = 0.01**2 / 4 + ((1 - 0.4 * 1 / 4) / 4) ** 2 / 3
    satterthwaite = 0.16**2 / uncertain
    assert found.freedom == pytest.approx(1 / (1 / 16 / satterthwaite + 15 / 16 / 3))
    less = mixed(values, [(0.01, 4)], 2.0)
    assert less.error == pytest.approx(0.1), "trainings that differ less than items say add nothing"


def test_far_in_the_tail_the_freedom_is_that_of_the_trainings() -> None:
    one = Estimate(0.5, 0.1, 40.0, 5)
    assert one.strict() == Estimate(0.5, 0.1, 4, 5)
    assert Estimate(0.5, 0.1, 2.5, 5).strict().freedom == 2.5
    assert Estimate(0.5, 0.1, 40.0, 1).strict().freedom == 40


# --- error rates


@pytest.mark.parametrize(("trainings", "seed"), [(3, 0.0), (3, 0.3), (5, 0.1), (10, 0.3), (5, 3.0)])
def test_intervals_cover_the_planted_mean(trainings: int, seed: float) -> None:
    draw, hits = numpy_generator("test", 4, trainings, str(seed)), []
    for _ in range(600):
        low, high = of_means(two_way(draw, trainings, 40, seed)).estimate().interval()
        hits.append(low <= 0 <= high)
    # Monte-Carlo error 0.009
    assert 0.925 <= np.mean(hits) <= 0.985


def test_correlations_cover_the_planted_one_and_equal_methods_are_found_apart_as_often_as_stated() -> None:
    """Trainings share the noise of the items in part, and have unlike quality; two methods of the same population."""
    draw, hits, p, n, trainings = numpy_generator("test", 5), [], [], 120, 5
    for _ in range(200):
        mos, common, sides = draw.normal(size=n), draw.normal(size=n), []
        for _ in range(2):
            noise = np.sqrt(0.7) * common + np.sqrt(0.3) * draw.normal(size=(trainings, n))
            rho = np.clip(0.75 + 0.03 * draw.normal(size=(trainings, 1)), 0, 1)
            pred = rho * mos + np.sqrt(1 - rho**2) * noise
            moved = np.stack([influence(row, mos, "srcc") for row in pred]) / n
            sides.append(Sample(row_srcc(pred, np.broadcast_to(mos, pred.shape)), {"l": moved}))
        low, high = correlation_interval(sides[0].estimate())
        hits.append(low <= spearman_of(0.75) <= high)
        p.append((sides[0] - sides[1]).estimate().two_sided())
    assert 0.90 <= np.mean(hits) <= 0.985
    assert 0.015 <= np.mean(np.array(p) < 0.05) <= 0.09


@pytest.mark.parametrize("freedom", [3.0, 200.0])
def test_the_detectable_value_is_found_as_often_as_promised(freedom: float) -> None:
    one = Estimate(0.0, 0.2, freedom, 4)
    smallest = one.detectable(0.05, 0.8)
    draw = numpy_generator("test", 6)
    error = 0.2 * np.sqrt(draw.chisquare(freedom, 20000) / freedom)
    found = (smallest + 0.2 * draw.normal(size=20000)) / error > stats.t.ppf(0.975, freedom)
    assert one.power(smallest, 0.05) == pytest.approx(found.mean(), abs=0.01)
    assert one.power(-smallest, 0.05) == one.power(smallest, 0.05) == pytest.approx(0.8, abs=0.05)
    assert one.power(2 * smallest, 0.05) > one.power(smallest, 0.05) > one.power(smallest, 0.01)
    assert one.detectable(0.05, 0.9) > smallest


# --- algebra


@given(samples(), st.integers(1, 9))
def test_signs_and_scales(sample: Sample, scale: int) -> None:
    one, turned, larger = sample.estimate(), (sample * -1.0).estimate(), (sample * scale).estimate()
    assert same(turned, -one)
    assert same(larger, Estimate(one.value * scale, one.error * scale, one.freedom, one.trainings))
    np.testing.assert_allclose((-one).interval(), [-bound for bound in one.interval()[::-1]])
    assert (-one).above(0.25) == one.below(-0.25)
    assert one.above(0.25) + one.below(0.25) == pytest.approx(1)
    if one.freedom >= 1:  # quantiles of less are too far out to be inverted
        low, high = one.interval(0.1)
        assert one.below(high) == pytest.approx(0.05) == pytest.approx(one.above(low))


@given(samples())
def test_identical_runs_differ_by_nothing(sample: Sample) -> None:
    found = (sample - sample).estimate()
    assert (found.value, found.error, found.two_sided(), found.detectable(0.05, 0.8)) == (0, 0, 1, 0)
    assert math.isnan(found.power(0.1, 0.05))


@given(samples(3), samples(3), st.permutations(range(3)))
def test_order_of_trainings_and_items_does_not_matter(one: Sample, two: Sample, order: list[int]) -> None:
    apart = one - Sample(two.values, {"other": two.items["l"]})
    expected = apart.estimate()
    assert same(apart.take(order).estimate(), expected)
    assert same(Sample(apart.values, {k: v[:, ::-1] for k, v in reversed(apart.items.items())}).estimate(), expected)
    padded = {k: np.insert(v, 1, 0.0, axis=1) for k, v in apart.items.items()}
    if all((v != 0).any(axis=0).sum() > 1 for v in apart.items.values()):
        assert same(Sample(apart.values, padded).estimate(), expected), "an item that nobody has adds nothing"


@given(samples(2), st.integers(2, 4))
def test_a_mean_of_the_same_numbers_is_that_number(sample: Sample, times: int) -> None:
    assert same(Sample.mean([sample] * times).estimate(), sample.estimate())
    other = Sample(sample.values + 1, {"other": sample.items["l"]})
    both = Sample.mean([sample, other])
    np.testing.assert_allclose(both.values, sample.values + 0.5)
    assert set(both.items) == {"l", "other"}
    np.testing.assert_allclose(both.items["other"], sample.items["l"] / 2)


def test_an_item_of_several_cuts_is_one_item() -> None:
    """Of two trainings on the same items the mean has the error of one; on other items it is smaller by root 2."""
    x = numpy_generator("test", 7).normal(size=40)
    one = of_means(x[None])
    again = Sample(np.repeat(one.values, 2), {"l": np.repeat(one.items["l"], 2, axis=0)})
    nothing = np.zeros_like(one.items["l"])
    apart = Sample(again.values, {"l": np.block([[one.items["l"], nothing], [nothing, one.items["l"]]])})
    assert again.estimate().error == pytest.approx(one.estimate().error)
    assert apart.estimate().error == pytest.approx(one.estimate().error / math.sqrt(2), rel=0.02)


def test_few_trainings_speak_of_themselves() -> None:
    y = two_way(numpy_generator("test", 8), 5, 20, 1.0)
    assert [of_means(y).take(range(t)).estimate().of_method for t in (1, 2, 3, 5)] == [False, False, True, True]


def test_a_correlation_has_fishers_interval() -> None:
    low, high = correlation_interval(Estimate(0.8, 0.036, math.inf, 1))
    np.testing.assert_allclose(np.arctanh([low, high]), np.arctanh(0.8) + np.array([-1, 1]) * 1.959964 * 0.1, atol=1e-6)
    assert all(-1 < bound < 1 for bound in correlation_interval(Estimate(0.95, 0.1, 4.0, 5)))
    assert correlation_interval(Estimate(1.0, 0.0, math.inf, 1)) == (1, 1)


def test_what_is_not_defined_is_nan() -> None:
    """A constant prediction, a single training without items, and an error that is not known."""
    nan = Sample(np.array([0.5, math.nan]), {"l": np.array([[0.1, -0.1], [math.nan, math.nan]])}).estimate()
    bare = Sample(np.array([0.5]), {}).estimate()
    for one in (nan, bare):
        assert np.isnan([one.error, one.above(), one.below(), one.two_sided(), one.power(0.1, 0.05)]).all()
        assert np.isnan([*one.interval(), *correlation_interval(one)]).all()
    certain = Estimate(0.5, 0.0, math.inf, 1)
    assert (certain.above(0.4), certain.above(0.5), certain.below(0.6), certain.interval()) == (0, 1, 0, (0.5, 0.5))
