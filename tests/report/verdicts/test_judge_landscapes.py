"""Statements about sharpness on planted landscapes and correlations: the unit is the training."""

import dataclasses
from pathlib import Path

import numpy as np
import pytest
from scipy import stats
from verdict_fixture import Cell, correlated, court, write_landscape

from vqa.report.verdicts.claims import Claim, Correlation, Epochs, Order, Sharpness, Statement
from vqa.report.verdicts.judge import Court
from vqa.report.verdicts.judge_landscapes import over_directions
from vqa.report.verdicts.rules import ABSENT, CONTRADICTED, NOT_RUN, REPRODUCED, UNDECIDED
from vqa.report.verdicts.verdict import Judged, judge

BASE, HALF = "table05-gamma=0", "table05-gamma=0.0001"
FLATTER = Sharpness("flatter", ("table05",), (("gamma=0.0001", "gamma=0"),))
AS_SHARP = Sharpness("as_sharp", ("table05",), (("gamma=0.0001", "gamma=0"),), within=0.1)
SHARPENS = Epochs("sharpens", ("table05",), "gamma=0")
ORDER = Order("order", "table01", ("SimpleVQA", "FAST-VQA"), metrics=("SRCC",))
# Rises of five trainings along three directions: both vary by far more than what is planted.
RISES = np.outer([1.0, 1.3, 0.7, 1.1, 0.9], [0.01, 0.03, 0.02])
JITTER = np.array([[1, -1, 0.5], [0, 1, -1], [-1, 0.5, 1], [1, 0, -1], [-1, 1, 0.5]])


def judged(statement: Statement, evidence: Court, protocol: str = "clean") -> Judged:
    return judge("x", Claim("", "", "", statement), protocol, evidence)


def verdict(statement: Statement, evidence: Court, protocol: str = "clean") -> str:
    return judged(statement, evidence, protocol).verdict


def changed(share: float, noise: float = 0.01) -> np.ndarray:
    """Rises whose mean is ``share`` times that of the others, every one of them lower or higher by as much."""
    return RISES + RISES.mean() * (share - 1 + noise * JITTER)


def landscapes(folder: Path, base: np.ndarray, other: np.ndarray, **how) -> Court:
    write_landscape(folder, BASE, {12: base})
    write_landscape(folder, HALF, {12: other}, **how)
    return court(folder)


@pytest.mark.parametrize(
    ("share", "flatter", "steeper"),
    [(0.8, REPRODUCED, CONTRADICTED), (1.2, CONTRADICTED, REPRODUCED), (1.0, ABSENT, ABSENT)],
)
def test_flatter_compares_trainings_of_one_seed_along_one_direction(
    tmp_path: Path, share: float, flatter: str, steeper: str
) -> None:
    reverse = dataclasses.replace(FLATTER, pairs=(("gamma=0", "gamma=0.0001"),))
    evidence = landscapes(tmp_path, RISES, changed(share))
    assert [verdict(one, evidence) for one in (FLATTER, reverse)] == [flatter, steeper]


@pytest.mark.parametrize("order", [([1, 2, 0, 4, 3], slice(None)), (slice(None), [1, 0, 2])])
def test_other_pairs_of_trainings_or_directions_decide_nothing(tmp_path: Path, order: tuple) -> None:
    evidence = landscapes(tmp_path, RISES, changed(0.8)[order])
    assert verdict(FLATTER, evidence) == UNDECIDED


def test_only_trainings_that_both_have_are_compared(tmp_path: Path) -> None:
    folds = [f"{seed}-0" for seed in (44, 43, 42, 90, 91)]
    other = np.concatenate([changed(0.8)[[2, 1, 0]], 9 * RISES[:2]])
    evidence = landscapes(tmp_path, RISES, other, folds=folds)
    found = judged(FLATTER, evidence)
    assert found.verdict == REPRODUCED
    assert found.parts[0].trainings == 3
    assert "3 trainings" in found.parts[0].numbers
    assert found.parts[0].numbers.endswith("3 directions")
    strangers = landscapes(tmp_path, changed(0.8), RISES, folds=[f"{seed}-0" for seed in range(5)])
    assert verdict(FLATTER, strangers) == UNDECIDED
    directions = landscapes(tmp_path, RISES, changed(0.8)[:, :2])
    assert verdict(FLATTER, directions) == UNDECIDED


def test_one_training_says_nothing_of_the_method(tmp_path: Path) -> None:
    one = judged(FLATTER, landscapes(tmp_path, RISES, changed(0.5)[:1], folds=["0"]))
    assert one.verdict == UNDECIDED
    assert one.parts[0].value == pytest.approx(-0.5, abs=0.02), "the first training of the run that has more of them"
    assert "this training says nothing of the method (as trainings they differ)" in one.parts[0].numbers
    two = judged(FLATTER, landscapes(tmp_path, RISES[:2], changed(0.5)[:2]))
    assert two.verdict == UNDECIDED
    assert "so few trainings say nothing of the method" in two.parts[0].numbers
    assert verdict(FLATTER, landscapes(tmp_path, RISES[:3], changed(0.5)[:3])) == REPRODUCED


def test_one_training_is_held_against_that_of_its_seed(tmp_path: Path) -> None:
    (part,) = judged(FLATTER, landscapes(tmp_path, RISES, changed(0.5)[3:4], folds=["45-0"])).parts
    assert part.value == pytest.approx(-0.5 * RISES.mean() / RISES[3].mean(), abs=0.02)
    (part,) = judged(FLATTER, landscapes(tmp_path, RISES, changed(0.5)[3:4], folds=["99-0"])).parts
    assert "for the same trainings" in part.numbers


def test_cuts_without_seeds_are_matched_by_their_names(tmp_path: Path) -> None:
    write_landscape(tmp_path, BASE, {12: RISES}, folds=["1", "2", "3", "4", "5"])
    write_landscape(tmp_path, HALF, {12: changed(0.8)[::-1]}, folds=["5", "4", "3", "2", "1"])
    assert verdict(FLATTER, court(tmp_path)) == REPRODUCED


def test_a_landscape_that_was_not_measured_is_named(tmp_path: Path) -> None:
    write_landscape(tmp_path, BASE, {12: RISES})
    (part,) = judged(FLATTER, court(tmp_path)).parts
    assert (part.verdict, part.numbers) == (NOT_RUN, "no landscape of gamma=0.0001")
    assert verdict(FLATTER, landscapes(tmp_path, 0 * RISES, RISES)) == UNDECIDED, "no rise to compare with"


@pytest.mark.parametrize(
    ("share", "noise", "expected"),
    [
        (1.0, 0.01, REPRODUCED),
        (1.05, 0.01, UNDECIDED),  # within the share, but different
        (1.5, 0.01, CONTRADICTED),
        (0.6, 0.01, CONTRADICTED),
        (1.0, 0.3, UNDECIDED),
    ],
)
def test_as_sharp_is_within_a_share(tmp_path: Path, share: float, noise: float, expected: str) -> None:
    assert verdict(AS_SHARP, landscapes(tmp_path, RISES, changed(share, noise))) == expected


@pytest.mark.parametrize(
    ("share", "wider", "expected"),
    [
        (2.0, 0.2, REPRODUCED),
        (0.5, -0.2, REPRODUCED),
        (0.5, 0.2, CONTRADICTED),
        (2.0, -0.2, CONTRADICTED),
        (1.0, 0.2, UNDECIDED),
        (2.0, 0.0, UNDECIDED),
    ],
)
def test_order_is_that_of_the_loss_without_units(tmp_path: Path, share: float, wider: float, expected: str) -> None:
    """The files' rises of the methods' own losses say the opposite."""

    def gaps(cell: Cell) -> float:
        return 0.1 + wider * (cell["method"] == "SimpleVQA")

    write_landscape(tmp_path, "table01-SimpleVQA", {12: changed(share)}, "linearity_rise")
    write_landscape(tmp_path, "table01-FAST-VQA", {12: RISES}, "linearity_rise")
    assert verdict(ORDER, court(tmp_path, gaps, names=("table01",))) == expected
    assert verdict(ORDER, court(tmp_path, gaps, names=("table01",), trainings=2)) == UNDECIDED


def test_orders_of_several_parts_are_refuted_at_a_share_of_the_level(tmp_path: Path) -> None:
    """Gaps that differ by 1.8 errors: enough for either metric to agree, not for one alone to refute."""
    write_landscape(tmp_path, "table01-SimpleVQA", {12: changed(2.0)}, "linearity_rise")
    write_landscape(tmp_path, "table01-FAST-VQA", {12: RISES}, "linearity_rise")
    found = []
    for errors in (1.8, -1.8, -2.2, -9.0):
        evidence = court(
            tmp_path,
            lambda cell, errors=errors: 0.1 + 0.001 * errors * (cell["method"] == "SimpleVQA"),
            names=("table01",),
        )
        found.append([verdict(dataclasses.replace(ORDER, metrics=m), evidence) for m in (("SRCC",), ("SRCC", "PLCC"))])
    assert found == [
        *([REPRODUCED, REPRODUCED], [CONTRADICTED, UNDECIDED], [CONTRADICTED, UNDECIDED], [CONTRADICTED, CONTRADICTED]),
    ]


def test_directions_stand_where_items_stand_elsewhere() -> None:
    one = over_directions(np.array([[0.1, 0.3, 0.2, 0.5]])).estimate()
    oracle = stats.ttest_1samp([0.1, 0.3, 0.2, 0.5], 0.0)
    assert one.interval() == pytest.approx(tuple(oracle.confidence_interval(0.95)))
    assert one.two_sided() == pytest.approx(oracle.pvalue)
    trainings = over_directions(np.array([[0.1], [0.3], [0.2], [0.5]]) + np.zeros(3)).estimate()
    assert trainings.interval() == pytest.approx(one.interval()), "trainings whose directions agree"


def test_order_is_not_told_from_other_losses(tmp_path: Path) -> None:
    for name in ("SimpleVQA", "FAST-VQA"):
        write_landscape(tmp_path, f"table01-{name}", {12: RISES})
    (part,) = judged(ORDER, court(tmp_path, names=("table01",))).parts
    assert part.verdict == NOT_RUN
    assert "no landscape in a loss without units" in part.numbers


@pytest.mark.parametrize(
    ("last", "trainings", "expected"),
    [(1.3, 5, REPRODUCED), (0.7, 5, CONTRADICTED), (1.0, 5, ABSENT), (1.3, 2, UNDECIDED), (1.3, 1, UNDECIDED)],
)
def test_sharpens_holds_the_last_epoch_against_the_first(
    tmp_path: Path, last: float, trainings: int, expected: str
) -> None:
    epochs = {1: RISES, 6: 9 * RISES, 12: changed(last)}
    write_landscape(tmp_path, BASE, {epoch: rises[:trainings] for epoch, rises in epochs.items()})
    assert verdict(SHARPENS, court(tmp_path)) == expected
    write_landscape(tmp_path, BASE, {12: RISES})
    assert verdict(SHARPENS, court(tmp_path)) == NOT_RUN


@pytest.mark.parametrize(
    ("spearman", "error", "trainings", "expected"),
    [
        (0.9, 0.05, 5, REPRODUCED),
        (0.9, 0.05, 2, UNDECIDED),
        (0.6, 0.1, 5, UNDECIDED),
        (0.2, 0.2, 5, UNDECIDED),
        (0.2, 0.02, 5, CONTRADICTED),
        (0.0, 0.06, 5, ABSENT),
        (-0.7, 0.1, 5, CONTRADICTED),
    ],
)
def test_correlation_takes_the_rise_at_the_step_of_params(
    tmp_path: Path, spearman: float, error: float, trainings: int, expected: str
) -> None:
    table = correlated(spearman, error, trainings=trainings)
    found = judged(
        Correlation("correlation", ("all, within groups",), at_least=0.5), court(tmp_path, correlations=table)
    )
    assert found.verdict == expected
    assert all("over 31 runs, mean_rise_0.2" in part.numbers for part in found.parts)
    assert (
        verdict(Correlation("correlation", ("others",), at_least=0.5), court(tmp_path, correlations=table)) == NOT_RUN
    )
