"""From numbers to a verdict: cells, the paper's own numbers held against its claims, and claims from their parts."""

import math
from itertools import product

import pytest
from hypothesis import given
from hypothesis import strategies as st

from vqa.report.verdicts.rules import (
    ABSENT,
    CELL_VERDICTS,
    CONTRADICTED,
    NOT_COMPARABLE,
    NOT_RUN,
    REPRODUCED,
    UNDECIDED,
    VERDICTS,
    agrees,
    combine,
    decidable,
    holds,
)

INF, LEVEL, MARGIN = math.inf, 0.05, 0.02


@pytest.mark.parametrize(
    ("value", "error", "freedom", "verdict"),
    [
        (0.800, 0.007, INF, REPRODUCED),  # the difference from other videos lies within 2.77 errors: 0.0194
        (0.800, 0.0075, INF, UNDECIDED),  # 0.0208
        (0.810, 0.003, INF, REPRODUCED),
        (0.815, 0.003, INF, UNDECIDED),  # a difference, but no larger than the margin
        (0.830, 0.010, INF, CONTRADICTED),
        (0.770, 0.010, INF, CONTRADICTED),
        (0.830, 0.012, INF, UNDECIDED),  # ours alone would be outside, not the two
        (0.800, 0.0032, 2, REPRODUCED),  # Student's t with 2: 6.085 errors
        (0.800, 0.0034, 2, UNDECIDED),
    ],
)
def test_a_cell_against_the_papers_080(value: float, error: float, freedom: float, verdict: str) -> None:
    error *= math.sqrt(2)  # the paper's number has one like ours
    assert agrees(value, error, freedom, 0.80, MARGIN, LEVEL) == verdict
    if value == 0.8:
        assert decidable(error, freedom, MARGIN, LEVEL) == (verdict == REPRODUCED)


@given(st.floats(-0.1, 0.1), st.floats(1e-4, 0.05), st.floats(1, 300), st.floats(0.001, 0.05), st.floats(0, 0.05))
def test_a_cell_that_is_borne_out_could_be(
    difference: float, error: float, freedom: float, margin: float, more: float
) -> None:
    verdict = agrees(0.8 + difference, error, freedom, 0.8, margin, LEVEL)
    if verdict == REPRODUCED:
        assert decidable(error, freedom, margin + 1e-9, LEVEL)
        assert agrees(0.8 + difference, error, freedom, 0.8, margin + more, LEVEL) == REPRODUCED
    if verdict == CONTRADICTED:
        assert agrees(0.8 + difference, error + more, freedom, 0.8, margin, LEVEL) in (CONTRADICTED, UNDECIDED)


def test_printed_numbers_are_held_to_the_margin() -> None:
    gain = 0.768 - 0.750  # 0.018000000000000016 and the like
    assert holds("greater", gain, 0.005, 0.018)
    assert holds("greater", 0.750 - 0.732, 0.005, 0.018)
    assert not holds("greater", 0.017, 0.005, 0.018)
    assert not holds("greater", -gain, 0.005)
    assert holds("smaller", -gain, 0.005, 0.018)
    assert [holds("greater", printed, 0.005) for printed in (0.872 - 0.867, 0.004)] == [True, False]
    assert all(holds("same", printed, 0.005) for printed in (0.004, -0.004, 0.0))
    assert not any(holds("same", printed, 0.005) for printed in (0.872 - 0.867, -0.005))
    assert [holds("not_above", printed, 0.005) for printed in (0.004, 0.872 - 0.867, -0.3)] == [True, False, True]


@given(st.integers(0, 1000), st.integers(0, 1000), st.sampled_from([0.002, 0.005, 0.02]), st.sampled_from([0, 0.018]))
def test_a_claim_and_its_opposite_never_both_hold_on_printed_numbers(
    a: int, b: int, margin: float, at_least: float
) -> None:
    printed = a / 1000 - b / 1000
    greater, smaller = holds("greater", printed, margin, at_least), holds("smaller", printed, margin, at_least)
    same, no_gain = holds("same", printed, margin), holds("not_above", printed, margin)
    assert not any((greater and smaller, greater and same, greater and no_gain, smaller and same))
    assert holds("smaller", -printed, margin, at_least) == greater
    assert holds("not_above", -printed, margin) or holds("greater", -printed, margin)
    assert not same or no_gain


@pytest.mark.parametrize(
    ("verdicts", "every", "some"),
    [
        ((REPRODUCED, REPRODUCED), REPRODUCED, REPRODUCED),
        ((REPRODUCED, UNDECIDED), UNDECIDED, REPRODUCED),
        ((REPRODUCED, CONTRADICTED), CONTRADICTED, REPRODUCED),
        ((REPRODUCED, ABSENT), ABSENT, REPRODUCED),
        ((UNDECIDED, CONTRADICTED), CONTRADICTED, UNDECIDED),
        ((UNDECIDED, ABSENT), ABSENT, UNDECIDED),
        ((CONTRADICTED, CONTRADICTED), CONTRADICTED, CONTRADICTED),
        ((ABSENT, ABSENT), ABSENT, ABSENT),
        ((ABSENT, CONTRADICTED), CONTRADICTED, ABSENT),
        ((REPRODUCED, NOT_RUN), UNDECIDED, REPRODUCED),
        ((CONTRADICTED, NOT_RUN), CONTRADICTED, UNDECIDED),
        ((ABSENT, NOT_RUN), ABSENT, UNDECIDED),
        ((UNDECIDED, NOT_RUN), UNDECIDED, UNDECIDED),
        ((NOT_RUN, NOT_RUN), NOT_RUN, NOT_RUN),
    ],
)
def test_parts_are_combined(verdicts: tuple, every: str, some: str) -> None:
    for order in (verdicts, verdicts[::-1]):
        assert combine(order, every=True) == every
        assert combine(order, every=False) == some


@given(st.lists(st.sampled_from(VERDICTS), min_size=1), st.booleans())
def test_a_claim_is_not_run_only_if_nothing_was(verdicts: list[str], every: bool) -> None:
    assert (combine(verdicts, every) == NOT_RUN) == (set(verdicts) == {NOT_RUN})


def test_one_part_more_that_is_refuted_never_helps() -> None:
    for verdicts, every in product(product(VERDICTS, repeat=3), (True, False)):
        for refuted in (ABSENT, CONTRADICTED):
            if combine([*verdicts, refuted], every) == REPRODUCED:
                assert combine(verdicts, every) == REPRODUCED


def test_cells_are_not_absent_but_may_be_not_comparable() -> None:
    assert set(CELL_VERDICTS) == {*VERDICTS, NOT_COMPARABLE} - {ABSENT}
