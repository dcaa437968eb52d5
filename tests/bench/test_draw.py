"""Which stages are drawn: every kind, what fits, the same by the same seed."""

import pytest

from vqa.bench.draw import draw_number, draw_within
from vqa.graph.plan import kind

UNITS = {f"train@{k}": 10.0 + 10 * k for k in range(10)} | {f"fetch@{k}": 6.0 for k in range(4)} | {"site": 30.0}


@pytest.mark.parametrize("seed", range(20))
@pytest.mark.parametrize("seconds", [46.0, 60.0, 200.0, 5000.0])
def test_every_kind_is_drawn_and_all_fit(seed: int, seconds: float) -> None:
    drawn = draw_within(UNITS, seconds, seed)
    assert {kind(name) for name in drawn.stages} == {"train", "fetch", "site"}
    assert len(set(drawn.stages)) == len(drawn.stages)
    assert sum(UNITS[name] for name in drawn.stages) <= seconds
    assert drawn.left_out == []
    assert draw_within(UNITS, seconds, seed) == drawn


def test_seeds_draw_differently_and_much_time_draws_all() -> None:
    assert len({tuple(draw_within(UNITS, 100, seed).stages) for seed in range(20)}) > 5
    assert set(draw_within(UNITS, 5000, 1).stages) == set(UNITS)


def test_kinds_that_take_too_long_are_named() -> None:
    assert draw_within(UNITS, 20, 1).left_out == ["site"]
    assert draw_within(UNITS, 1, 1).stages == []


def test_a_number_begins_with_the_kinds() -> None:
    for seed in range(10):
        assert {kind(name) for name in draw_number(list(UNITS), 3, seed).stages} == {"train", "fetch", "site"}
        assert len(draw_number(list(UNITS), 2, seed).stages) == 2
    assert set(draw_number(list(UNITS), 99, 1).stages) == set(UNITS)
