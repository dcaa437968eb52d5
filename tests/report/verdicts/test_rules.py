"""From numbers to a verdict: each rule by hand, against SciPy, and by its properties."""

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats

from vqa.report.verdicts.rules import (
    CONTRADICTED,
    NOT_RUN,
    REPRODUCED,
    UNDECIDED,
    VERDICTS,
    agrees,
    combine,
    equivalent,
    exceeds,
    mean_over_directions,
    not_above,
    one_sided,
    rank_trend,
    reaches,
)

SMALL = st.floats(-0.5, 0.5)


def test_one_sided_p_values_follow_the_sign() -> None:
    assert one_sided(0.1, 0.04) == (0.02, 0.98)
    assert one_sided(-0.1, 0.04) == (0.98, 0.02)
    assert one_sided(0.1, math.nan) == (1.0, 1.0)


@pytest.mark.parametrize(
    ("value", "interval", "p", "at_least", "verdict"),
    [
        (0.02, (0.001, 0.04), (0.02, 0.98), 0.0, REPRODUCED),
        (0.02, (-0.01, 0.05), (0.10, 0.90), 0.0, UNDECIDED),
        (-0.02, (-0.04, 0.0), (0.98, 0.02), 0.0, CONTRADICTED),
        (0.018, (0.001, 0.04), (0.02, 0.98), 0.018, REPRODUCED),
        (0.017, (0.001, 0.04), (0.02, 0.98), 0.018, UNDECIDED),
        (0.010, (0.004, 0.016), (0.01, 0.99), 0.018, CONTRADICTED),
        (0.768 - 0.750, (0.001, 0.04), (0.02, 0.98), 0.018, REPRODUCED),
        (math.nan, (math.nan, math.nan), (1.0, 1.0), 0.018, UNDECIDED),
    ],
)
def test_exceeds(value: float, interval: tuple, p: tuple, at_least: float, verdict: str) -> None:
    assert exceeds(value, interval, p, 0.05, at_least) == verdict


@pytest.mark.parametrize(
    ("interval", "p", "same", "no_gain"),
    [
        ((-0.01, 0.015), 0.5, REPRODUCED, REPRODUCED),
        ((-0.01, 0.025), 0.5, UNDECIDED, UNDECIDED),
        ((0.021, 0.05), 0.001, CONTRADICTED, CONTRADICTED),
        ((0.021, 0.05), 0.2, UNDECIDED, UNDECIDED),
        ((-0.05, -0.021), 0.001, CONTRADICTED, REPRODUCED),
        ((-0.05, 0.019), 0.5, UNDECIDED, REPRODUCED),
        ((math.nan, math.nan), 1.0, UNDECIDED, UNDECIDED),
    ],
)
def test_equivalence_and_no_gain(interval: tuple, p: float, same: str, no_gain: str) -> None:
    assert equivalent(interval, 0.02, p, 0.05) == same
    assert not_above(interval, 0.02, p, 0.05) == no_gain


def test_a_size_is_reached_by_the_whole_interval() -> None:
    assert reaches((0.1, 0.2), 0.1) == REPRODUCED
    assert reaches((0.05, 0.2), 0.1) == UNDECIDED
    assert reaches((0.0, 0.099), 0.1) == CONTRADICTED


@pytest.mark.parametrize(
    ("value", "interval", "verdict"),
    [
        (0.80, (0.79, 0.81), REPRODUCED),
        (0.80, (0.70, 0.90), UNDECIDED),
        (0.84, (0.83, 0.85), CONTRADICTED),
        (0.81, (0.805, 0.815), REPRODUCED),
        (0.815, (0.805, 0.825), UNDECIDED),
        (0.84, (0.79, 0.89), UNDECIDED),
    ],
)
def test_a_cell_against_the_papers_080(value: float, interval: tuple, verdict: str) -> None:
    assert agrees(value, interval, 0.80, 0.02) == verdict


@given(SMALL, SMALL, SMALL)
def test_a_wider_margin_never_contradicts_what_a_narrower_one_reproduced(a: float, b: float, paper: float) -> None:
    interval, value = (min(a, b), max(a, b)), (a + b) / 2
    if agrees(value, interval, paper, 0.02) == REPRODUCED:
        assert agrees(value, interval, paper, 0.03) == REPRODUCED
    if agrees(value, interval, paper, 0.03) == CONTRADICTED:
        assert agrees(value, interval, paper, 0.02) == CONTRADICTED


@given(SMALL, st.floats(0.001, 0.3), st.floats(0, 1))
def test_a_claim_and_its_opposite_are_never_both_reproduced(value: float, half: float, p: float) -> None:
    above, below = one_sided(value, p)
    forth = exceeds(value, (value - half, value + half), (above, below), 0.05)
    back = exceeds(-value, (-value - half, -value + half), (below, above), 0.05)
    assert (forth, back) != (REPRODUCED, REPRODUCED)
    if forth == REPRODUCED:
        assert back == CONTRADICTED


@pytest.mark.parametrize(
    ("verdicts", "every", "some"),
    [
        ((REPRODUCED, REPRODUCED), REPRODUCED, REPRODUCED),
        ((REPRODUCED, UNDECIDED), UNDECIDED, REPRODUCED),
        ((REPRODUCED, CONTRADICTED), CONTRADICTED, REPRODUCED),
        ((UNDECIDED, CONTRADICTED), CONTRADICTED, UNDECIDED),
        ((CONTRADICTED, CONTRADICTED), CONTRADICTED, CONTRADICTED),
        ((REPRODUCED, NOT_RUN), UNDECIDED, REPRODUCED),
        ((CONTRADICTED, NOT_RUN), CONTRADICTED, UNDECIDED),
        ((UNDECIDED, NOT_RUN), UNDECIDED, UNDECIDED),
        ((NOT_RUN, NOT_RUN), NOT_RUN, NOT_RUN),
    ],
)
def test_parts_are_combined(verdicts: tuple, every: str, some: str) -> None:
    assert combine(verdicts, every=True) == every
    assert combine(verdicts[::-1], every=True) == every
    assert combine(verdicts, every=False) == some


@given(st.lists(st.sampled_from(VERDICTS), min_size=1), st.booleans())
def test_a_claim_is_not_run_only_if_nothing_was(verdicts: list[str], every: bool) -> None:
    assert (combine(verdicts, every) == NOT_RUN) == (set(verdicts) == {NOT_RUN})


def test_rank_trend_counts_orders_of_few_points() -> None:
    rho, (above, below) = rank_trend(np.arange(5.0), np.array([1.0, 2, 4, 3, 5]))
    oracle = stats.permutation_test(
        (np.arange(5.0),),
        lambda x: stats.spearmanr(x, [1, 2, 4, 3, 5]).statistic,
        permutation_type="pairings",
        alternative="greater",
    )
    assert rho == pytest.approx(0.9)
    assert above == pytest.approx(oracle.pvalue)
    assert below == pytest.approx(1 - 1 / 120)


def test_rank_trend_of_many_points_is_students() -> None:
    x, y = np.arange(12.0), np.array([0.0, 2, 1, 3, 5, 4, 6, 7, 9, 8, 11, 10])
    rho, (above, below) = rank_trend(x, y)
    t = rho * math.sqrt(10 / (1 - rho**2))
    assert above == pytest.approx(stats.t.sf(t, 10))
    assert below == pytest.approx(stats.t.cdf(t, 10))


@pytest.mark.parametrize("y", [[1.0, 2.0], [1.0, 1.0, 1.0]])
def test_rank_trend_of_nothing_decides_nothing(y: list[float]) -> None:
    rho, p = rank_trend(np.arange(len(y), dtype=float), np.array(y))
    assert math.isnan(rho)
    assert p == (1.0, 1.0)


def test_mean_over_directions_is_students_test() -> None:
    values, others = np.array([0.1, 0.3, 0.2, 0.5]), np.array([0.4, 0.9, 0.1])
    mean, interval, (above, below) = mean_over_directions(values)
    oracle = stats.ttest_1samp(values, 0.0)
    assert mean == pytest.approx(values.mean())
    assert 2 * min(above, below) == pytest.approx(oracle.pvalue)
    assert interval == pytest.approx(tuple(oracle.confidence_interval(0.95)))
    _, interval, (above, below) = mean_over_directions(values, others)
    oracle = stats.ttest_ind(values, others, equal_var=False)
    assert 2 * min(above, below) == pytest.approx(oracle.pvalue)
    assert interval == pytest.approx(tuple(oracle.confidence_interval(0.95)))


def test_one_direction_decides_nothing_and_equal_ones_everything() -> None:
    assert mean_over_directions(np.array([0.2]))[1:] == ((-math.inf, math.inf), (1.0, 1.0))
    assert mean_over_directions(np.array([0.25, 0.25])) == (0.25, (0.25, 0.25), (0.0, 1.0))
    assert mean_over_directions(np.array([0.0, 0.0]))[2] == (1.0, 1.0)
