"""From numbers to a verdict: each rule by hand, and by what must never happen."""

import math

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from vqa.report.verdicts.rules import (
    ABSENT,
    CONTRADICTED,
    REPRODUCED,
    UNDECIDED,
    equivalent,
    exceeds,
    levels,
    not_above,
    reaches,
)
from vqa.stats.trainings import Estimate

LEVEL, MARGIN = 0.05, 0.02
INF = math.inf
# By the normal distribution: one-sided 5 % at 1.645, two-sided at 1.960; one-sided 0.5 % at 2.576, two-sided at 2.807.
HIGH, LOW = LEVEL, LEVEL / 10
# Values as multiples of their errors, and all near the sizes that matter: that is where verdicts change.
ESTIMATES = st.builds(
    lambda errors, error, size, freedom, trainings: Estimate(size + errors * error, error, freedom, trainings),
    st.floats(-6, 6),
    st.one_of(st.just(0.0), st.floats(1e-4, 0.02)),
    st.sampled_from([0.0, 0.0, 0.02, -0.02, 0.05]),
    st.one_of(st.just(INF), st.floats(1, 300)),
    st.integers(3, 10),
)
SIDES = st.builds(levels, st.just(LEVEL), st.integers(1, 20), st.booleans(), st.booleans())


def normal(value: float, error: float = 0.01, trainings: int = 10**9) -> Estimate:
    """So many trainings that a corrected side is normal too."""
    return Estimate(value, error, INF, trainings)


def test_one_part_that_decides_alone_has_its_share_of_the_level() -> None:
    assert levels(0.05, 1, every=True) == levels(0.05, 1, every=False) == (0.05, 0.05)
    assert levels(0.05, 8, every=True) == (0.05, 0.05 / 8)
    assert levels(0.05, 8, every=False) == (0.05 / 8, 0.05)
    assert levels(0.05, 8, every=True, average=True) == (0.05, 0.05 / 16), "the mean over all parts has the other half"


@pytest.mark.parametrize(
    ("value", "at_least", "plain", "strict_refute", "strict_support"),
    [
        (0.0170, 0.0, REPRODUCED, REPRODUCED, UNDECIDED),  # 1.7 errors
        (0.0160, 0.0, UNDECIDED, UNDECIDED, UNDECIDED),
        (0.0265, 0.0, REPRODUCED, REPRODUCED, REPRODUCED),  # 2.65 errors
        (0.0000, 0.0, ABSENT, ABSENT, ABSENT),  # up to 0.0196, or 0.0281; 0.03 is claimed
        (0.0110, 0.0, UNDECIDED, UNDECIDED, UNDECIDED),  # up to 0.0306
        (0.0090, 0.0, ABSENT, UNDECIDED, ABSENT),  # up to 0.0286, or 0.0371
        (-0.0170, 0.0, CONTRADICTED, ABSENT, CONTRADICTED),
        (-0.0265, 0.0, CONTRADICTED, CONTRADICTED, CONTRADICTED),
        (0.0670, 0.05, REPRODUCED, REPRODUCED, UNDECIDED),  # 1.7 errors above the size
        (0.0600, 0.05, UNDECIDED, UNDECIDED, UNDECIDED),  # a gain, but is it of that size?
        (0.0290, 0.05, CONTRADICTED, UNDECIDED, CONTRADICTED),  # a gain of up to 0.0486, or 0.0571
        (0.0200, 0.05, CONTRADICTED, CONTRADICTED, ABSENT),  # up to 0.0396, and above 0 by 2 errors only
        (0.0100, 0.05, ABSENT, ABSENT, ABSENT),
    ],
)
def test_exceeds(value: float, at_least: float, plain: str, strict_refute: str, strict_support: str) -> None:
    found = normal(value)
    assert exceeds(found, 0.03, HIGH, HIGH, at_least) == plain
    assert exceeds(found, 0.03, HIGH, LOW, at_least) == strict_refute
    assert exceeds(found, 0.03, LOW, HIGH, at_least) == strict_support


def test_a_gain_is_absent_only_below_what_is_claimed() -> None:
    found = normal(0.001, 0.003)  # up to 0.0069
    assert [exceeds(found, claimed, HIGH, HIGH) for claimed in (0.0068, 0.0070)] == [UNDECIDED, ABSENT]


@pytest.mark.parametrize(
    ("value", "error", "same", "no_gain"),
    [
        (0.002, 0.005, REPRODUCED, REPRODUCED),  # [-0.0078, 0.0118]
        (-0.002, 0.005, REPRODUCED, REPRODUCED),
        (0.002, 0.010, UNDECIDED, UNDECIDED),  # up to 0.0216
        (0.010, 0.005, UNDECIDED, CONTRADICTED),  # within the margin, but a gain
        (-0.010, 0.005, UNDECIDED, REPRODUCED),
        (0.0299, 0.005, CONTRADICTED, CONTRADICTED),
        (0.0297, 0.005, UNDECIDED, CONTRADICTED),  # from 0.0199
        (-0.0299, 0.005, CONTRADICTED, REPRODUCED),
        (-0.002, 0.012, UNDECIDED, UNDECIDED),  # [-0.0255, 0.0215]
        (-0.005, 0.012, UNDECIDED, REPRODUCED),  # [-0.0285, 0.0185]
        (0.0, 0.0, REPRODUCED, REPRODUCED),
        (0.001, 0.0, UNDECIDED, CONTRADICTED),  # a difference without error is a difference
    ],
)
def test_equivalence_and_no_gain(value: float, error: float, same: str, no_gain: str) -> None:
    assert equivalent(normal(value, error), MARGIN, HIGH, HIGH) == same
    assert not_above(normal(value, error), MARGIN, HIGH, HIGH) == no_gain


def test_the_sides_of_no_difference_have_their_own_levels() -> None:
    assert equivalent(normal(0.031, 0.005), MARGIN, HIGH, LOW) == UNDECIDED  # from 0.0170 then
    assert equivalent(normal(0.035, 0.005), MARGIN, HIGH, LOW) == CONTRADICTED
    assert equivalent(normal(0.002, 0.008), MARGIN, HIGH, LOW) == REPRODUCED
    assert equivalent(normal(0.002, 0.008), MARGIN, LOW, HIGH) == UNDECIDED  # up to 0.0245 then
    assert not_above(normal(0.010, 0.005), MARGIN, HIGH, LOW) == UNDECIDED  # a gain of 2 errors: neither
    assert not_above(normal(0.013, 0.005), MARGIN, HIGH, LOW) == CONTRADICTED
    assert not_above(normal(0.002, 0.008), MARGIN, LOW, HIGH) == UNDECIDED


def test_a_size_is_reached_significantly() -> None:
    values = (0.117, 0.116, 0.1, 0.084, 0.083)
    found = [reaches(normal(value), 0.1, HIGH, HIGH) for value in values]
    assert found == [REPRODUCED, UNDECIDED, UNDECIDED, UNDECIDED, CONTRADICTED]
    assert reaches(normal(0.117), 0.1, LOW, HIGH) == reaches(normal(0.083), 0.1, HIGH, LOW) == UNDECIDED


def test_a_corrected_side_has_the_degrees_of_freedom_of_the_trainings() -> None:
    """3 errors are significant at 0.5 % by the normal distribution, not by Student's t with 4 degrees of freedom."""
    assert exceeds(normal(-0.03, trainings=5), 0.03, HIGH, HIGH) == CONTRADICTED
    assert exceeds(normal(-0.03), 0.03, HIGH, LOW) == CONTRADICTED
    assert exceeds(normal(-0.03, trainings=5), 0.03, HIGH, LOW) == ABSENT
    assert exceeds(normal(0.03, trainings=5), 0.03, LOW, HIGH) == UNDECIDED
    assert not_above(normal(0.03, trainings=5), MARGIN, HIGH, LOW) == UNDECIDED
    assert equivalent(normal(0.05, trainings=5), MARGIN, HIGH, LOW) == UNDECIDED
    assert reaches(normal(0.07, trainings=5), 0.1, HIGH, LOW) == UNDECIDED


def test_few_degrees_of_freedom_need_more() -> None:
    """2 errors are significant by the normal distribution, not by Student's t with 2 degrees of freedom."""
    found, few = (Estimate(0.02, 0.01, freedom, 3) for freedom in (INF, 2))
    assert exceeds(found, 0.03, HIGH, HIGH) == not_above(-found, MARGIN, HIGH, HIGH) == REPRODUCED
    assert exceeds(few, 0.03, HIGH, HIGH) == not_above(-few, MARGIN, HIGH, HIGH) == UNDECIDED


@example(normal(0.0018, 0.001), (0.05, 0.05), (0.05 / 8, 0.05), 0.03, 0.0, 0.02)  # above 0 at 5 %, not at 5 % / 8
@given(ESTIMATES, SIDES, SIDES, st.floats(0.001, 0.1), st.floats(0, 0.05), st.floats(0.001, 0.05))
def test_a_claim_and_its_opposite_are_never_both_reproduced(
    found: Estimate, one: tuple, two: tuple, claimed: float, at_least: float, margin: float
) -> None:
    """Whatever the number of parts, and whether each claim is about all of them or about some."""
    greater, smaller = (exceeds(side, claimed, *one, at_least) for side in (found, -found))
    back = exceeds(-found, claimed, *two, at_least)
    same, no_gain = equivalent(found, margin, *two), not_above(found, margin, *two)
    verdicts = {greater, smaller, back, same, no_gain}
    assert verdicts <= {REPRODUCED, ABSENT, UNDECIDED, CONTRADICTED}
    for claim, opposite in ((greater, smaller), (greater, back), (greater, same), (greater, no_gain), (smaller, same)):
        assert (claim, opposite) != (REPRODUCED, REPRODUCED)
    if greater == REPRODUCED:
        assert back in (CONTRADICTED, UNDECIDED, ABSENT)
    if same == REPRODUCED:
        assert no_gain == REPRODUCED, "what is the same is no gain"


@given(ESTIMATES, st.floats(0.001, 0.1), st.floats(0.001, 0.05), st.integers(1, 20))
def test_opposites_agree_where_both_decide(found: Estimate, claimed: float, margin: float, parts: int) -> None:
    both = levels(LEVEL, parts, every=True)
    greater, smaller = (exceeds(side, claimed, *both) for side in (found, -found))
    same, no_gain = equivalent(found, margin, *both), not_above(found, margin, *both)
    assert equivalent(-found, margin, *both) == same
    if CONTRADICTED in (greater, smaller):
        assert REPRODUCED in (greater, smaller), "refuted significantly, so borne out the other way round"
    if no_gain == CONTRADICTED:
        assert greater == REPRODUCED
    if same == CONTRADICTED:
        assert REPRODUCED in (greater, smaller)
    if REPRODUCED in (greater, smaller):
        assert same != REPRODUCED


@given(ESTIMATES, st.floats(0, 0.2), SIDES, st.floats(0.001, 0.1), st.floats(0, 0.05))
def test_a_larger_number_never_makes_a_gain_less_likely(
    found: Estimate, more: float, both: tuple, claimed: float, at_least: float
) -> None:
    rank = {CONTRADICTED: 0, ABSENT: 0, UNDECIDED: 1, REPRODUCED: 2}
    larger = Estimate(found.value + more, found.error, found.freedom, found.trainings)
    assert rank[exceeds(larger, claimed, *both, at_least)] >= rank[exceeds(found, claimed, *both, at_least)]
    assert rank[reaches(larger, at_least, *both)] >= rank[reaches(found, at_least, *both)]
    assert rank[not_above(larger, MARGIN, *both)] <= rank[not_above(found, MARGIN, *both)]


@given(ESTIMATES, st.integers(1, 2), SIDES, st.floats(0, 0.1))
def test_fewer_than_three_trainings_say_nothing_of_a_method(
    found: Estimate, trainings: int, both: tuple, size: float
) -> None:
    few = Estimate(found.value, found.error, found.freedom, trainings)
    verdicts = (exceeds(few, size, *both), exceeds(few, size, *both, size), reaches(few, size, *both))
    assert {*verdicts, equivalent(few, size, *both), not_above(few, size, *both)} == {UNDECIDED}


def test_a_number_without_an_error_decides_nothing() -> None:
    unknown = Estimate(0.5, math.nan, math.nan, 5)
    both = (HIGH, HIGH)
    verdicts = {exceeds(unknown, 0.1, *both), reaches(unknown, 0.1, *both), reaches(-unknown, 0.1, *both)}
    assert verdicts | {equivalent(unknown, 0.1, *both), not_above(-unknown, 0.1, *both)} == {UNDECIDED}
