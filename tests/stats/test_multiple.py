"""Holm's correction by its definition, spread over seeds and splits by hand, and the block of params."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from vqa.rng import numpy_generator
from vqa.settings.strict import ParamsError, build
from vqa.stats.config import Statistics
from vqa.stats.multiple import holm
from vqa.stats.spread import pooled_std, spread

P = st.lists(st.floats(0, 1), min_size=1, max_size=8)


def rejected(p: list[float], alpha: float) -> list[bool]:
    """Holm's procedure as it is defined: go through the smallest first, stop at the first that fails."""
    result = [False] * len(p)
    for k, i in enumerate(sorted(range(len(p)), key=lambda i: p[i])):
        if p[i] * (len(p) - k) > alpha:
            break
        result[i] = True
    return result


@given(P, st.floats(0.001, 0.999))
def test_adjusted_p_decides_as_the_procedure_does(p: list[float], alpha: float) -> None:
    assert list(holm(np.array(p)) <= alpha) == rejected(p, alpha)


@given(P)
def test_adjusted_p_is_at_least_p_in_the_same_order_and_below_bonferroni(p: list[float]) -> None:
    raw, adjusted = np.array(p), holm(np.array(p))
    assert (adjusted >= raw).all()
    assert (adjusted <= np.minimum(len(p) * raw, 1)).all()
    assert (np.diff(adjusted[np.argsort(raw, kind="stable")]) >= 0).all()


def test_known_values_and_tests_that_were_not_made() -> None:
    np.testing.assert_allclose(holm(np.array([0.01, 0.04, 0.03, 0.005])), [0.03, 0.06, 0.06, 0.02])
    np.testing.assert_allclose(holm(np.array([0.04, np.nan, 0.01])), [0.04, np.nan, 0.02])
    assert np.isnan(holm(np.full(2, np.nan))).all()
    assert len(holm(np.array([]))) == 0


def test_families_without_any_effect_are_rejected_at_the_level() -> None:
    draw = numpy_generator("test", 1)
    wrong = [(holm(draw.uniform(size=8)) <= 0.05).any() for _ in range(4000)]
    assert np.mean(wrong) == pytest.approx(0.05, abs=0.011)


def test_seeds_and_splits_are_kept_apart() -> None:
    draw = numpy_generator("test", 2)
    seeds, splits = np.repeat(np.arange(60), 80), np.tile(np.arange(80), 60)
    of_seed, of_split = 0.3 * draw.normal(size=60), 0.05 * draw.normal(size=80)
    found = spread(of_seed[seeds] + of_split[splits], list(seeds), list(splits))
    assert (found.seeds, found.splits) == (60, 80)
    assert found.std_over_seeds == pytest.approx(np.std(of_seed, ddof=1))
    assert found.std_over_splits == pytest.approx(np.std(of_split, ddof=1))


def test_unequal_groups_are_pooled_by_their_degrees_of_freedom() -> None:
    values = np.array([1.0, 2.0, 3.0, 10.0, 14.0, 7.0])
    assert pooled_std(values, ["a", "a", "a", "b", "b", "c"]) == pytest.approx(np.sqrt((2 + 8) / 3))
    alone = spread(np.array([0.4, 0.6]), [42, 42], [123, 246])
    assert np.isnan(alone.std_over_seeds)
    assert alone.std_over_splits == pytest.approx(np.std([0.4, 0.6], ddof=1))
    assert np.isnan(spread(np.array([0.4]), [42], [None]).std_over_splits)
    with pytest.raises(ValueError, match="as many groups"):
        pooled_std(values, ["a"])


def test_block_of_params() -> None:
    block = {"permutations": 1999, "level": 0.05, "power": 0.8, "margin": 0.02, "rise_at": 0.5}
    assert build(Statistics, block, "params.yaml: statistics").margin == 0.02
    for change in ({"level": 5.0}, {"power": 0.0}, {"margin": 1.0}, {"permutations": 0}):
        with pytest.raises(ParamsError, match=r"params.yaml: statistics: .*must"):
            build(Statistics, {**block, **change}, "params.yaml: statistics")
