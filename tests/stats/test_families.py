"""Holm's adjustment, against its definition step by step."""

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from vqa.stats.families import holm


@given(st.lists(st.floats(0, 1), max_size=12), st.floats(0.001, 0.999))
def test_what_is_below_a_level_is_what_the_steps_reject(p: list[float], level: float) -> None:
    rejected, m = set(), len(p)
    for step, index in enumerate(sorted(range(m), key=lambda k: p[k])):
        if p[index] * (m - step) >= level:
            break
        rejected.add(index)
    assert {k for k, value in enumerate(holm(np.array(p))) if value < level} == rejected


def test_a_test_that_was_not_asked_is_no_member() -> None:
    np.testing.assert_allclose(holm(np.array([0.04, np.nan, 0.01])), [0.04, np.nan, 0.02])
    assert holm(np.array([np.nan])).tolist() != [0.0]
    assert len(holm(np.array([]))) == 0
