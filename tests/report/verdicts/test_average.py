"""The mean gain over all parts of a claim: which parts it is over, what is claimed of it, and what it can do."""

import dataclasses
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from verdict_fixture import SETTINGS, averaged, court, filled, paper

from vqa.report.verdicts import average
from vqa.report.verdicts.average import COLUMNS, averages
from vqa.report.verdicts.claims import Across, Best, Claim, Compared, Gap, Statement
from vqa.report.verdicts.judge import Court
from vqa.report.verdicts.rules import ABSENT, CONTRADICTED, REPRODUCED, UNDECIDED
from vqa.report.verdicts.verdict import Judged, judge
from vqa.stats.trainings import Sample

AWP = (("gamma=0.001", "gamma=0"), ("gamma=0.0001", "gamma=0"))
GREATER = Compared("greater", ("table05",), AWP)
NOISE, FIVE = 0.1, 0.001 * np.array([-2, -1, 0, 1, 2])
ITEMS = np.random.default_rng(0).normal(0, 0.001, (5, 40))


def judged(statement: Statement, evidence: Court, name: str = "x") -> Judged:
    return judge(name, Claim("", "", "", statement), "clean", evidence)


def verdict(statement: Statement, evidence: Court) -> str:
    return judged(statement, evidence).verdict


@pytest.mark.parametrize(
    ("value", "expected"), [(-0.01, CONTRADICTED), (0.0, ABSENT), (0.0085, UNDECIDED), (0.05, UNDECIDED)]
)
def test_the_mean_over_all_parts_can_refute_a_claim_but_not_bear_it_out(
    tmp_path: Path, value: float, expected: str
) -> None:
    """0.01 is claimed; no part alone can be decided."""
    evidence = court(tmp_path, lambda cell: 0.8, NOISE, averages=averaged("x", value))
    found = judged(GREATER, evidence)
    assert found.verdict == expected
    assert [part.is_mean for part in found.parts] == [False] * 4 + [True]
    assert found.parts[-1].label == "mean gain over 8 parts, claimed +0.010"
    assert (found.parts[-1].value, found.parts[-1].printed) == (value, None)
    assert (found.parts[-1].verdict == REPRODUCED) == (value > 0)
    assert judged(GREATER, evidence, name="y").verdict == UNDECIDED, "of another claim"
    some = judged(dataclasses.replace(GREATER, parts="some"), evidence)
    assert (some.verdict, len(some.parts)) == (UNDECIDED, 4), "one part is enough, so that the mean says nothing"
    few = court(tmp_path, lambda cell: 0.8, NOISE, averages=averaged("x", value, trainings=2))
    assert verdict(GREATER, few) == UNDECIDED


def test_the_mean_has_half_of_the_level(tmp_path: Path) -> None:
    """1.8 errors below are significant at 5 %, 2.1 errors at 2.5 % too."""
    evidence = [
        court(tmp_path, lambda cell: 0.8, NOISE, averages=averaged("x", errors * NOISE, error=NOISE))
        for errors in (-1.8, -2.1)
    ]
    assert [verdict(GREATER, one) for one in evidence] == [UNDECIDED, CONTRADICTED]


def test_a_mean_that_is_open_takes_nothing_from_parts_that_are_borne_out(tmp_path: Path) -> None:
    means = averaged("x", 0.05, error=NOISE)
    found = judged(GREATER, court(tmp_path, lambda cell: 0.8 + 0.05 * (cell["setting"] != "gamma=0"), averages=means))
    assert found.parts[-1].verdict == UNDECIDED
    assert found.verdict == REPRODUCED


def test_parts_share_the_level_with_the_mean(tmp_path: Path) -> None:
    """3.8 errors below: enough against one of four parts, not if the mean over them may refute the claim too."""
    rows = {"gamma=0.001": -3.8 * NOISE, "gamma=0.0001": 1.0}
    plain, shared = (
        court(tmp_path, lambda cell: rows.get(cell["setting"], 0.0), NOISE, averages=means)
        for means in (None, averaged("x", 0.0, error=NOISE))
    )
    assert [verdict(GREATER, one) for one in (plain, shared)] == [CONTRADICTED, UNDECIDED]


@pytest.fixture
def planted(monkeypatch: pytest.MonkeyPatch) -> dict[tuple[str, str, str, str], Sample]:
    """Samples by runs, data set and metric, in the place of those of predictions: clean ones, of the test set."""
    samples: dict[tuple[str, str, str, str], Sample] = {}

    def paired(place: tuple, a: str, b: str, runs: dict, datasets: dict):
        protocol, dataset, split, metric = place
        found = samples.get((a, b, dataset, metric)) if (protocol, split) == ("clean", "test") else None
        return None if found is None else ((0.9, 0.8), found)

    monkeypatch.setattr(average, "paired_sample", paired)
    return samples


def plant(samples: dict, gains: dict[tuple[str, str], float], base: str = "gamma=0", table: str = "table05") -> None:
    for (row, metric), gain in gains.items():
        samples[f"{table}-{row}", f"{table}-{base}", "KoNViD-1k", metric] = Sample(gain + FIVE, {"videos": ITEMS})


def means(*statements: Statement, names: tuple[str, ...] = ("table05",)) -> pd.DataFrame:
    claims = {f"claim {k}": Claim("", "", "", statement) for k, statement in enumerate(statements)}
    return averages(claims, paper(), filled(paper(), names=names), {}, {}, SETTINGS)


GAINS = {("gamma=0.001", "SRCC"): 0.01, ("gamma=0.001", "PLCC"): 0.02, ("gamma=0.0001", "SRCC"): 0.03}


def test_the_mean_is_over_the_parts_that_were_run(planted: dict) -> None:
    plant(planted, GAINS)
    table = means(GREATER)
    assert tuple(table.columns) == COLUMNS
    (row,) = table.to_dict("records")
    assert (row["claim"], row["protocol"], row["parts"], row["trainings"]) == ("claim 0", "clean", 3, 5)
    assert row["value"] == pytest.approx(0.02)
    printed = paper().values
    gains = [
        printed["table05", gamma, "KoNViD-1k", metric, "test"]
        - printed["table05", "gamma=0", "KoNViD-1k", metric, "test"]
        for gamma, metric in GAINS
    ]
    assert row["claimed"] == pytest.approx(np.mean(gains))
    assert row["n"] == 40, "the parts share their items"
    alone = Sample(0.02 + FIVE, {"videos": ITEMS}).estimate()
    assert row["standard_error"] == pytest.approx(alone.error), "and with them their errors"
    assert row["freedom"] == pytest.approx(alone.freedom)


def test_it_is_in_the_direction_of_the_claim(planted: dict) -> None:
    plant(planted, {key: -gain for key, gain in GAINS.items()})
    (row,) = means(dataclasses.replace(GREATER, kind="smaller")).to_dict("records")
    assert row["value"] == pytest.approx(0.02)
    assert row["claimed"] == SETTINGS.margin, "where the paper prints the opposite"


def test_parts_with_fewer_trainings_are_left_out(planted: dict) -> None:
    plant(planted, GAINS)
    key = next(iter(planted))
    planted[key] = planted[key].take([0, 1])
    (row,) = means(GREATER).to_dict("records")
    assert (row["parts"], row["trainings"]) == (2, 5)
    assert row["value"] == pytest.approx(0.025)
    planted[key] = Sample(np.array([np.nan] * 5), {"videos": ITEMS})
    (row,) = means(GREATER).to_dict("records")
    assert row["parts"] == 2


def test_one_part_has_no_mean(planted: dict) -> None:
    plant(planted, dict([next(iter(GAINS.items()))]))
    assert means(GREATER).empty


def test_only_claims_that_something_gains_everywhere_have_one(planted: dict) -> None:
    plant(planted, GAINS)
    others = [dataclasses.replace(GREATER, kind=kind) for kind in ("same", "not_above")]
    others += [dataclasses.replace(GREATER, parts="some"), Gap("gap", ("table01",), ("SAMA",), 0.1)]
    assert means(*others).empty
    plant(planted, {("gamma=0.0001", "SRCC"): 0.01, ("gamma=0.0001", "PLCC"): 0.03}, "gamma=0.001")
    best = means(Best("best", ("table05",), "gamma=0.0001"))
    assert list(best.parts) == [3]
    assert best.value.item() == pytest.approx((0.03 + 0.01 + 0.03) / 3)


def test_across_tables_it_is_over_the_same_rows_of_both(planted: dict) -> None:
    for metric, gain in (("SRCC", 0.01), ("PLCC", 0.03)):
        key = ("table05-gamma=0.001", "table04-gamma=0.001", "KoNViD-1k", metric)
        planted[key] = Sample(gain + FIVE, {"videos": ITEMS})
    claim = Across("across", "table05", "table04", ("gamma=0.001", "gamma=0.0001"))
    (row,) = means(claim, names=("table04", "table05")).to_dict("records")
    assert (row["parts"], row["value"]) == (2, pytest.approx(0.02))
