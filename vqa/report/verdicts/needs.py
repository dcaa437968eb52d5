"""What each claim about differences of rows would take: trainings and items, from the variances that were measured."""

import math
from pathlib import Path

import pandas as pd

from vqa.io import InputError
from vqa.report.verdicts.claims import Across, Best, Claim, Compared
from vqa.report.verdicts.evidence import Printed
from vqa.report.verdicts.judge import questions
from vqa.stats.config import Statistics
from vqa.stats.design import Design
from vqa.stats.trainings import Estimate

COLUMNS = ("claim", "part", "gain", "has trainings", "items", "could have seen", "needs trainings", "or items")


def needs(
    claims: dict[str, Claim], printed: Printed, statistics: Path, protocol: str, settings: Statistics
) -> list[tuple[str, ...]]:
    """Rows of texts with :data:`COLUMNS`: of every claim the part that needs most, and the mean over all its parts.

    Args:
        claims: by id; those about landscapes and gaps are left out.
        printed: gives the gains that the paper prints.
        statistics: folder of ``comparisons.csv`` and ``averages.csv``.
        protocol: ``released`` or ``clean``.
        settings: level, power, and the gain where the paper prints none.

    Raises:
        InputError: if a file is missing.
    """
    try:
        comparisons, averages = (pd.read_csv(statistics / f"{name}.csv") for name in ("comparisons", "averages"))
    except OSError as error:
        raise InputError(f"{error.filename} is missing: `vqa repro` makes it") from None
    pairs = {}
    for row in comparisons[comparisons.protocol == protocol].to_dict("records"):
        place = (row["dataset"], row["metric"], row["split"])
        pairs[(row["table"], row["a"]), (row["other"], row["b"]), place] = row
        pairs[(row["other"], row["b"]), (row["table"], row["a"]), place] = row
    rows = []
    for name, claim in claims.items():
        statement = claim.statement
        if not isinstance(statement, Compared | Best | Across):
            continue
        found = []
        for a, b, place in questions(statement, printed):
            row = pairs.get((a, b, place))
            if row is not None and not math.isnan(row["detectable"]):  # of a collapsed run it is not defined
                gain = abs(printed.values[*a, *place] - printed.values[*b, *place])
                gain = max(settings.margin, getattr(statement, "at_least", 0.0), 0.0 if math.isnan(gain) else gain)
                found.append((row["detectable"] / gain, gain, f"{' '.join(place)}: {a[1]} and {b[1]}", row))
        if not found:
            rows.append((name, "not run", *[""] * (len(COLUMNS) - 2)))
            continue
        _, gain, part, row = max(found, key=lambda one: one[0])
        rows.append((name, part, *_needs(row, gain, settings)))
        for row in averages[(averages.claim == name) & (averages.protocol == protocol)].to_dict("records"):
            rows.append(("", f"mean of {row['parts']} parts", *_needs(row, row["claimed"], settings)))
    return rows


def _needs(row: dict, gain: float, settings: Statistics) -> tuple[str, ...]:
    design = Design(float(row["common"]), float(row["interplay"]), float(row["seeds"]), int(row["items"]))
    trainings, asked = int(row["trainings"]), (gain, settings.level, settings.power)
    wanted, items = design.trainings_for(*asked), design.items_for(*asked, trainings)
    return (
        *(f"{gain:.3f}", str(trainings), str(design.items), f"{_seen(row, settings):.4f}"),
        *("one training tells nothing" if math.isnan(design.seeds) else str(wanted or "more items"), str(items or "")),
    )


def _seen(row: dict, settings: Statistics) -> float:
    """Smallest effect that could have been seen."""
    found = Estimate(0.0, float(row["standard_error"]), float(row["freedom"]), int(row["trainings"]))
    return found.detectable(settings.level, settings.power)
