"""The mark of a cell: an arrow where the method differs from the reference row, and what it says when pointed at."""

import math

import pytest

from vqa.report.site.tables import mark

FOUND = {
    **{"b": "gamma=0", "difference": 0.012, "ci_low": 0.002, "ci_high": 0.022, "p": 0.02, "trainings": 5.0},
    "detectable": 0.02,
}


@pytest.mark.parametrize(
    ("changes", "sign", "words"),
    [
        ({}, "▲", "significantly higher than gamma=0"),
        ({"difference": -0.012}, "▼", "significantly lower than gamma=0"),
        ({"p": 0.06}, "ns", "not significantly different from gamma=0"),
        ({"trainings": 2.0}, "ns", "not significantly different from gamma=0"),
        ({"trainings": 3.0}, "▲", "significantly higher than gamma=0"),
        ({"p": math.nan}, "ns", "not significantly different from gamma=0"),
    ],
)
def test_a_cell_is_marked_where_the_method_differs(changes: dict, sign: str, words: str) -> None:
    found = mark({**FOUND, **changes}, 0.05)
    assert found is not None
    assert found["sign"] == sign
    assert found["text"].startswith(words)
    assert f"{changes.get('trainings', 5):.0f} trainings, could have seen 0.020" in found["text"]


def test_the_reference_row_has_no_mark() -> None:
    assert mark(None, 0.05) is None
