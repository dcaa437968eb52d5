"""Statements on planted numbers: what is true is reproduced, what is false contradicted, what is noise neither."""

import dataclasses
import math
from pathlib import Path

import numpy as np
import pytest
from verdict_fixture import LEVEL, Cell, correlated, court, nothing, write_curve, write_landscape

from vqa.report.verdicts.claims import (
    Across,
    Best,
    Claim,
    Compared,
    Correlation,
    Epochs,
    Gap,
    Order,
    Sharpness,
    Statement,
)
from vqa.report.verdicts.judge import Court, deciding, table_parts, unpaired
from vqa.report.verdicts.rules import CONTRADICTED, NOT_RUN, REPRODUCED, UNDECIDED
from vqa.report.verdicts.verdict import Judged, judge

AWP = (("gamma=0.001", "gamma=0"), ("gamma=0.0001", "gamma=0"))
ONE, BOTH, SIX = ("table01",), ("table04", "table05"), ("table06",)
METHODS = (("SimpleVQA+AWP", "SimpleVQA"), ("FAST-VQA+AWP", "FAST-VQA"), ("SAMA+AWP", "SAMA"))
BASE, HALF = "table05-gamma=0", "table05-gamma=0.0001"


def verdict(statement: Statement, evidence: Court, protocol: str = "clean") -> str:
    return judged(statement, evidence, protocol).verdict


def judged(statement: Statement, evidence: Court, protocol: str = "clean") -> Judged:
    return judge(Claim("", "", "", statement), protocol, evidence)


def level_of(cell: Cell) -> float:
    """0.8, and 0.1 for gaps: no row differs from another."""
    return 0.1 if cell["split"] == "gap" else 0.8


def shifted(amount: float, *marks: str):
    """0.8 and ``amount`` more in rows whose method or setting ends with one of ``marks``."""

    def value(cell: Cell) -> float:
        return level_of(cell) + amount * f"{cell['method']} {cell['setting']}".endswith(marks)

    return value


UP, DOWN = shifted(0.05, "gamma=0.001", "gamma=0.0001"), shifted(-0.05, "gamma=0.001", "gamma=0.0001")


@pytest.mark.parametrize("split", ["test", "gap"])
def test_differences(tmp_path: Path, split: str) -> None:
    above = Compared("greater", ("table05",), AWP, split=split)
    below = dataclasses.replace(above, kind="smaller")
    true, false, noisy = court(tmp_path, UP), court(tmp_path, DOWN), court(tmp_path, UP, error=0.1)
    assert [verdict(above, one) for one in (true, false, noisy)] == [REPRODUCED, CONTRADICTED, UNDECIDED]
    assert [verdict(below, one) for one in (true, false, noisy)] == [CONTRADICTED, REPRODUCED, UNDECIDED]


def test_no_difference_and_no_gain(tmp_path: Path) -> None:
    same, no_gain = Compared("same", ("table05",), AWP), Compared("not_above", ("table05",), AWP)
    flat, noisy = court(tmp_path, level_of), court(tmp_path, level_of, error=0.02)
    up, down = court(tmp_path, UP), court(tmp_path, DOWN)
    assert [verdict(same, one) for one in (flat, up, down, noisy)] == [
        REPRODUCED,
        CONTRADICTED,
        CONTRADICTED,
        UNDECIDED,
    ]
    assert [verdict(no_gain, one) for one in (flat, up, down, noisy)] == [
        REPRODUCED,
        CONTRADICTED,
        REPRODUCED,
        UNDECIDED,
    ]


def test_one_row_that_is_not_as_claimed_contradicts_a_claim_about_all(tmp_path: Path) -> None:
    mixed = judged(Compared("greater", ("table05",), AWP), court(tmp_path, shifted(0.05, "gamma=0.001")))
    assert mixed.verdict == UNDECIDED
    assert mixed.counts == {REPRODUCED: 2, UNDECIDED: 2}

    def split(cell: Cell) -> float:
        return {"gamma=0.001": 0.9, "gamma=0.0001": 0.7}.get(cell["setting"], 0.8)

    assert verdict(Compared("greater", ("table05",), AWP), court(tmp_path, split)) == CONTRADICTED


def test_up_to_so_much_needs_one_and_the_size(tmp_path: Path) -> None:
    claim = Compared("greater", ("table06",), METHODS, at_least=0.018, parts="some")

    def one(amount: float):
        return lambda cell: 0.8 + amount * (cell["method"] == "SAMA+AWP" and cell["dataset"] == "LIVE-VQC")

    assert verdict(claim, court(tmp_path, one(0.018), names=SIX)) == REPRODUCED
    assert verdict(claim, court(tmp_path, one(0.012), names=SIX)) == CONTRADICTED
    assert verdict(claim, court(tmp_path, one(0.012), 0.01, names=SIX)) == UNDECIDED
    assert verdict(dataclasses.replace(claim, parts="every"), court(tmp_path, one(0.018), names=SIX)) == CONTRADICTED


def test_best_is_better_than_every_other_row(tmp_path: Path) -> None:
    claim = Best("best", ("table05",), "gamma=0.0001")
    assert verdict(claim, court(tmp_path, shifted(0.05, "gamma=0.0001"))) == REPRODUCED
    assert verdict(claim, court(tmp_path, UP)) == UNDECIDED
    assert verdict(claim, court(tmp_path, shifted(0.05, "gamma=0.001"))) == CONTRADICTED
    assert len(judged(claim, court(tmp_path, UP)).parts) == 4 * 2


def test_rows_that_decide_alone_are_adjusted_for_the_number_of_parts(tmp_path: Path) -> None:
    """Raw p just below the level contradicts a claim about one comparison, not one about eight."""
    assert (deciding(0.01, False, 8), deciding(0.01, True, 8), deciding(0.2, False, 8)) == (0.08, 0.01, 1.0)
    mark = "gamma=0.00001"
    value = shifted(0.0018, mark)
    one = Compared("greater", ("table05",), (("gamma=0.0001", mark),), metrics=("SRCC",))
    assert verdict(one, court(tmp_path, value)) == CONTRADICTED
    assert verdict(Best("best", ("table05",), "gamma=0.0001"), court(tmp_path, value)) == UNDECIDED


def test_across_tables_is_not_paired(tmp_path: Path) -> None:
    claim = Across("across", "table05", "table04", ("gamma=0.001", "gamma=0.0001"))

    def method(amount: float):
        return lambda cell: 0.8 + amount * (cell["table_name"] == "table05")

    assert verdict(claim, court(tmp_path, method(0.05), names=BOTH)) == REPRODUCED
    assert verdict(claim, court(tmp_path, method(-0.05), names=BOTH)) == CONTRADICTED
    assert verdict(claim, court(tmp_path, method(0.05), 0.03, names=BOTH)) == UNDECIDED
    a, b = ({"value": v, "ci_low": v - 0.03, "ci_high": v + 0.03} for v in (0.84, 0.8))
    found = unpaired(a, b)
    assert found.high - found.value == pytest.approx(0.03 * math.sqrt(2))
    assert found.p == pytest.approx(math.erfc(0.04 / (0.03 * math.sqrt(2) / 1.96) / math.sqrt(2)), rel=1e-3)


def test_other_items_are_not_compared(tmp_path: Path) -> None:
    evidence = court(tmp_path, UP, names=BOTH)
    table = evidence.ours.tables["table05"]
    table.loc[table.setting == "gamma=0.0001", "items_digest"] = "other"
    ours = dataclasses.replace(evidence.ours, comparisons=evidence.ours.comparisons.query("a != 'gamma=0.0001'"))
    evidence = dataclasses.replace(evidence, ours=ours)
    parts = table_parts(Compared("greater", ("table05",), AWP), "clean", evidence)
    assert [part.verdict for part in parts] == [REPRODUCED, REPRODUCED, NOT_RUN, NOT_RUN]
    assert "different items" in parts[-1].numbers
    parts = table_parts(Across("across", "table05", "table04", ("gamma=0.0001",)), "clean", evidence)
    assert {(part.verdict, part.numbers) for part in parts} == {(NOT_RUN, "scored on different items")}


def test_gaps_against_a_size(tmp_path: Path) -> None:
    claim = Gap("gap", ("table01",), ("SimpleVQA", "FAST-VQA", "SAMA"), 0.1)
    verdicts = [verdict(claim, court(tmp_path, lambda cell, gap=gap: gap, names=ONE)) for gap in (0.11, 0.1, 0.09)]
    assert verdicts == [REPRODUCED, UNDECIDED, CONTRADICTED]


def test_flatter_compares_directions_pair_by_pair(tmp_path: Path) -> None:
    claim = Sharpness("flatter", ("table05",), (("gamma=0.0001", "gamma=0"),))
    evidence = court(tmp_path)
    assert verdict(claim, evidence) == NOT_RUN
    write_landscape(tmp_path, BASE, {12: [0.010, 0.020, 0.030]})
    write_landscape(tmp_path, HALF, {12: [0.009, 0.019, 0.029]})
    assert verdict(claim, court(tmp_path)) == REPRODUCED  # though the directions vary by more than the runs
    reverse = dataclasses.replace(claim, pairs=(("gamma=0", "gamma=0.0001"),))
    assert verdict(reverse, court(tmp_path)) == CONTRADICTED
    write_landscape(tmp_path, HALF, {12: [0.019, 0.009, 0.029]})
    assert verdict(claim, court(tmp_path)) == UNDECIDED
    write_landscape(tmp_path, HALF, {12: [0.001]})
    assert verdict(claim, court(tmp_path)) == UNDECIDED


def test_as_sharp_is_within_a_share(tmp_path: Path) -> None:
    claim = Sharpness("as_sharp", ("table05",), (("gamma=0.0001", "gamma=0"),), within=0.1)
    write_landscape(tmp_path, BASE, {12: [0.010, 0.010, 0.010]})
    found = []
    for rises in ([0.0105, 0.0106, 0.0104], [0.0150, 0.0151, 0.0149], [0.009, 0.011, 0.012]):
        write_landscape(tmp_path, HALF, {12: rises})
        found.append(verdict(claim, court(tmp_path)))
    assert found == [REPRODUCED, CONTRADICTED, UNDECIDED]


def test_order_by_sharpness_against_order_by_gap(tmp_path: Path) -> None:
    claim = Order("order", "table01", ("SimpleVQA", "FAST-VQA"), metrics=("SRCC",))

    def gaps(cell: Cell) -> float:
        return {"SimpleVQA": 0.3, "FAST-VQA": 0.1}.get(cell["method"], 0.0)

    found = []
    for rises in ([0.5, 0.51, 0.52], [0.1, 0.11, 0.12], [0.1, 0.9, 0.3]):
        write_landscape(tmp_path, "table01-SimpleVQA", {12: rises})
        write_landscape(tmp_path, "table01-FAST-VQA", {12: [0.3, 0.31, 0.32]})
        found.append(verdict(claim, court(tmp_path, gaps, names=ONE)))
    assert found == [REPRODUCED, CONTRADICTED, UNDECIDED]


def test_epochs(tmp_path: Path) -> None:
    grows, sharpens, together = (Epochs(kind, ("table05",), "gamma=0") for kind in ("grows", "sharpens", "together"))
    rises = {1: [0.010, 0.02], 3: [0.011, 0.021], 6: [0.012, 0.0221], 9: [0.013, 0.023], 12: [0.014, 0.0241]}
    write_landscape(tmp_path, BASE, rises)
    write_curve(tmp_path, BASE, list(np.linspace(0, 0.2, 12)))
    evidence = court(tmp_path)
    assert verdict(sharpens, evidence) == REPRODUCED
    assert [verdict(one, evidence, "released") for one in (grows, together)] == [REPRODUCED, REPRODUCED]
    assert [verdict(one, evidence, "clean") for one in (grows, together)] == [NOT_RUN, NOT_RUN]
    write_curve(tmp_path, BASE, list(np.linspace(0.2, 0, 12)))
    evidence = court(tmp_path)
    assert [verdict(one, evidence, "released") for one in (grows, together)] == [CONTRADICTED, CONTRADICTED]
    write_curve(tmp_path, BASE, [0.1, 0.0] * 6)
    assert verdict(grows, court(tmp_path), "released") == UNDECIDED
    write_landscape(tmp_path, BASE, dict(zip(rises, reversed(rises.values()), strict=True)))
    assert verdict(sharpens, court(tmp_path)) == CONTRADICTED


@pytest.mark.parametrize(
    ("spearman", "p", "expected"),
    [(0.7, 0.002, REPRODUCED), (0.2, 0.3, UNDECIDED), (-0.7, 0.002, CONTRADICTED)],
)
def test_correlation_takes_the_rise_at_the_smallest_step(
    tmp_path: Path, spearman: float, p: float, expected: str
) -> None:
    claim = Correlation("correlation", ("all, within groups",))
    found = judged(claim, court(tmp_path, correlations=correlated(spearman, p)))
    assert found.verdict == expected
    assert all("mean_rise_0.2" in part.numbers for part in found.parts)
    assert verdict(Correlation("correlation", ("others",)), court(tmp_path, correlations=correlated(0.7, p))) == NOT_RUN


def test_holms_p_values_are_used_against_the_reference_row(tmp_path: Path) -> None:
    """A raw p-value that is significant and an adjusted one that is not: the adjusted one counts."""
    evidence = court(tmp_path, UP)
    adjusted = evidence.ours.comparisons.assign(p_holm=lambda t: t.p_holm.where(t.p_holm.isna(), 2 * LEVEL + 0.01))
    evidence = dataclasses.replace(evidence, ours=dataclasses.replace(evidence.ours, comparisons=adjusted))
    found = judged(Compared("greater", ("table05",), AWP), evidence)
    assert found.verdict == UNDECIDED
    assert "(Holm)" in found.parts[0].numbers


def test_protocols_are_judged_by_their_own_numbers(tmp_path: Path) -> None:
    def value(cell: Cell) -> float:
        return UP(cell) if cell["protocol"] == "released" else level_of(cell)

    claim, evidence = Compared("greater", ("table05",), AWP), court(tmp_path, value)
    assert [verdict(claim, evidence, protocol) for protocol in ("released", "clean")] == [REPRODUCED, UNDECIDED]


def test_what_the_items_cannot_show_is_named(tmp_path: Path) -> None:
    greater = Compared("greater", ("table05",), (("gamma=0.0001", "gamma=0"),), metrics=("SRCC",))
    (sharp,), (blind,) = (judged(greater, court(tmp_path, level_of, error=e)).parts for e in (0.001, 0.02))
    assert (sharp.blind, blind.blind) == (False, True)  # the paper's difference is 0.012
    assert "detectable 0.056" in blind.numbers
    same = dataclasses.replace(greater, kind="same")
    (sharp,), (blind,) = (judged(same, court(tmp_path, level_of, error=e)).parts for e in (0.001, 0.02))
    assert (sharp.blind, blind.blind) == (False, True)


def test_no_evidence_is_not_run(tmp_path: Path) -> None:
    statements = (
        Compared("greater", ("table05",), AWP),
        Gap("gap", ("table01",), ("SAMA",), 0.1),
        Across("across", "table05", "table04", ("gamma=0.001",)),
        Sharpness("flatter", ("table05",), AWP),
        Order("order", "table01", ("SimpleVQA", "SAMA")),
        Epochs("grows", ("table05",), "gamma=0"),
        Epochs("sharpens", ("table05",), "gamma=0"),
        Correlation("correlation", ("all, within groups",)),
    )
    for statement in statements:
        assert verdict(statement, nothing(tmp_path), "released") == NOT_RUN


def test_undefined_numbers_decide_nothing(tmp_path: Path) -> None:
    evidence = court(tmp_path, lambda cell: math.nan, names=("table01", "table05"))
    assert verdict(Compared("greater", ("table05",), AWP), evidence) == NOT_RUN
    assert verdict(Gap("gap", ("table01",), ("SAMA",), 0.1), evidence) == UNDECIDED


def test_a_pair_can_be_read_from_either_side(tmp_path: Path) -> None:
    evidence, place = court(tmp_path, UP).ours, ("KoNViD-1k", "SRCC", "test")
    forth = evidence.pair("table05", "gamma=0.0001", "gamma=0", place, "clean")
    back = evidence.pair("table05", "gamma=0", "gamma=0.0001", place, "clean")
    assert (forth.value, forth.low, forth.high) == pytest.approx((0.05, 0.05 - 0.00196, 0.05 + 0.00196))
    assert (back.value, back.low, back.high) == (-forth.value, -forth.high, -forth.low)
    assert (back.p, back.adjusted, back.detectable) == (forth.p, forth.adjusted, forth.detectable)


def test_the_curve_is_that_of_the_first_test_set(tmp_path: Path) -> None:
    write_curve(tmp_path, BASE, [0.0, 0.1, 0.3])
    curve = court(tmp_path).ours.curve(BASE, "PLCC")
    assert list(curve.index) == [1, 2, 3]
    assert list(curve) == pytest.approx([0.0, 0.1, 0.3])
