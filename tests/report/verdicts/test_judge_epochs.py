"""Statements about epochs on planted curves: a training has a trend, and trainings are counted."""

from pathlib import Path

import numpy as np
import pytest
from verdict_fixture import court, write_curve, write_landscape

from vqa.report.verdicts.claims import Claim, Epochs, Statement
from vqa.report.verdicts.judge import Court
from vqa.report.verdicts.rules import CONTRADICTED, NOT_RUN, REPRODUCED, UNDECIDED
from vqa.report.verdicts.verdict import Judged, judge

BASE = "table05-gamma=0"
GROWS, TOGETHER = (Epochs(kind, ("table05",), "gamma=0") for kind in ("grows", "together"))
RISING = np.linspace(0, 0.2, 12)


def judged(statement: Statement, evidence: Court, protocol: str = "clean") -> Judged:
    return judge("x", Claim("", "", "", statement), protocol, evidence)


def verdict(statement: Statement, evidence: Court, protocol: str = "clean") -> str:
    return judged(statement, evidence, protocol).verdict


@pytest.mark.parametrize(
    ("rising", "falling", "expected"),
    [
        (5, 0, REPRODUCED),  # p = 1/32
        (4, 0, UNDECIDED),  # p = 1/16, however steep
        (1, 0, UNDECIDED),
        (7, 1, REPRODUCED),  # p = 9/256
        (6, 1, UNDECIDED),
        (0, 5, UNDECIDED),  # either metric alone would refute the claim: p = 1/32 is above half of the level
        (0, 6, CONTRADICTED),
    ],
)
def test_a_trend_is_one_of_trainings(tmp_path: Path, rising: int, falling: int, expected: str) -> None:
    number = rising + falling
    gaps = [RISING] * rising + [RISING[::-1]] * falling
    write_curve(tmp_path, BASE, gaps)
    evidence = court(tmp_path)
    found = judged(GROWS, evidence, "released")
    assert found.verdict == expected
    assert found.parts[0].trainings == number
    assert found.parts[0].numbers.startswith(f"rises in {rising} of {number} training")
    assert verdict(GROWS, evidence, "clean") == NOT_RUN


@pytest.mark.parametrize(("gap", "expected"), [(RISING, REPRODUCED), (RISING[::-1], CONTRADICTED)])
def test_together_is_about_the_epochs_that_were_measured(tmp_path: Path, gap: np.ndarray, expected: str) -> None:
    """Where no landscape was measured the gap does the opposite."""
    kept, gaps = {1, 3, 6, 9, 12}, [gap.copy() for _ in range(6)]
    for one in gaps:
        one[[epoch - 1 for epoch in range(1, 13) if epoch not in kept]] *= -9
    write_curve(tmp_path, BASE, gaps)
    write_landscape(
        tmp_path, BASE, {epoch: epoch * np.outer([1.0, 1.3, 0.7, 1.1, 0.9, 2.0], [0.01, 0.03]) for epoch in kept}
    )
    assert verdict(TOGETHER, court(tmp_path), "released") == expected
    assert verdict(TOGETHER, court(tmp_path), "clean") == NOT_RUN


def test_no_trend_without_epochs_or_change(tmp_path: Path) -> None:
    for gaps in ([[0.0, 0.1]] * 6, [[0.1] * 5] * 6):
        write_curve(tmp_path, BASE, gaps)
        (part, _) = judged(GROWS, court(tmp_path), "released").parts
        assert part.verdict == UNDECIDED
        assert part.numbers == f"{len(gaps[0])} epochs say nothing of a trend"
    assert verdict(TOGETHER, court(tmp_path), "released") == NOT_RUN


def test_the_curve_is_that_of_the_first_test_set_and_of_every_training(tmp_path: Path) -> None:
    write_curve(tmp_path, BASE, [[0.0, 0.1, 0.3], [0.2, 0.1, 0.0]], ["43-0", "42-0"])
    curve = court(tmp_path).ours.curve(BASE, "PLCC")
    assert list(curve.index) == [1, 2, 3]
    assert list(curve["43-0"]) == pytest.approx([0.0, 0.1, 0.3])
    assert list(curve["42-0"]) == pytest.approx([0.2, 0.1, 0.0])
