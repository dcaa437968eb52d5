"""The error rates that docs/statistics.md states, measured again: a few here, all of them with ``make court``."""

from dataclasses import replace

import pandas as pd
import pytest
from kinds import KINDS
from project import ROOT
from rates import COLUMNS, measure
from scipy import stats
from world import SIZES

from vqa.report.verdicts.page import rate_table

# Highest rate of a wrong verdict, and of intervals that hold the truth, in percent.
WRONG, COVERAGE = 6.0, (93.0, 97.5)
FALSE = ("false_reproduced", "false_contradicted", "false_absent")


def check(found: dict, replicates: int) -> None:
    """No rate is above its bar by more than chance (one in a thousand)."""
    most = stats.binom.ppf(0.999, replicates, WRONG / 100)
    for name in FALSE:
        assert not found[name] * replicates / 100 > most, f"{found['kind']} at {found['scale']}: {name} {found[name]} %"
    if found["coverage"] == found["coverage"]:
        low = stats.binom.ppf(0.001, replicates, COVERAGE[0] / 100)
        assert found["coverage"] * replicates / 100 >= low, f"{found['kind']}: coverage {found['coverage']} %"


@pytest.mark.parametrize("kind", list(KINDS))
def test_wrong_verdicts_are_rare(kind: str) -> None:
    check(measure(kind, "demo", 60), 60)


def test_seeds_that_are_left_out_would_be_noticed(monkeypatch: pytest.MonkeyPatch) -> None:
    """The test of before: items alone, the trainings fixed. Its wrong verdicts are many."""
    from vqa.stats import trainings

    def over_items_alone(self: trainings.Sample) -> trainings.Estimate:
        over_items, _, _ = self.variances()
        error = sum(variance for variance, _ in over_items) ** 0.5
        return trainings.Estimate(float(self.values.mean()), error, over_items[0][1], len(self.values))

    monkeypatch.setattr(trainings.Sample, "estimate", over_items_alone)
    monkeypatch.setitem(SIZES, "demo", replace(SIZES["demo"], seeds=0.015))
    with pytest.raises(AssertionError, match="above at demo"):
        check(measure("above", "demo", 120), 120)


def test_the_table_has_every_kind_at_every_scale_within_its_bars() -> None:
    table = pd.read_csv(ROOT / "reports" / "court.csv")
    assert list(table.columns) == COLUMNS
    assert set(zip(table.kind, table.scale, strict=True)) == {(kind, scale) for kind in KINDS for scale in SIZES}
    assert table[list(FALSE)].max().max() <= WRONG + 1
    assert table.coverage.min() >= COVERAGE[0] - 1
    assert table.coverage.max() <= COVERAGE[1] + 1


def test_the_documentation_shows_that_table() -> None:
    text = (ROOT / "docs" / "statistics.md").read_text(encoding="utf-8")
    assert "\n".join(rate_table(pd.read_csv(ROOT / "reports" / "court.csv"))) in text


@pytest.mark.court
@pytest.mark.parametrize("scale", list(SIZES))
@pytest.mark.parametrize("kind", list(KINDS))
def test_all_rates(kind: str, scale: str) -> None:
    check(measure(kind, scale, 1000), 1000)
