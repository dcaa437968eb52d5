"""A statement about the paper's tables, part by part: the verdict of our numbers, and whether the paper's carry it.

A part is one comparison: one table, data set, metric and pair of rows. How numbers make a verdict is said in
:mod:`vqa.report.verdicts.rules`; statements about landscapes and epochs are judged in
:mod:`vqa.report.verdicts.judge_landscapes`.
"""

import math
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from vqa.report.verdicts.claims import Across, Best, Compared, Gap, Statement
from vqa.report.verdicts.evidence import Difference, Evidence, Printed
from vqa.report.verdicts.rules import (
    NOT_RUN,
    TINY,
    UNDECIDED,
    equivalent,
    exceeds,
    not_above,
    one_sided,
    reaches,
)

NAN = float("nan")
HALF_WIDTH = 1.959963984540054  # of a 95 % interval, in standard errors
WORDS = {"greater": "above", "smaller": "below", "same": "the same as", "not_above": "not above"}


@dataclass(frozen=True)
class Part:
    """One comparison of a claim.

    Attributes:
        label: what was compared.
        verdict: of our numbers.
        numbers: our numbers in words; why there are none if it was not run.
        printed: whether the paper's own numbers carry it; None if it prints none.
        value: our estimate, NaN if there is none.
        detectable: smallest difference that these items could have shown, NaN if not known.
        paper: the paper's number, NaN if it prints none.
        blind: whether these items could not have decided it: what they can show is larger than the paper's difference,
            or, of a claim of no difference, their interval is wider than the margin allows. None if not known.
    """

    label: str
    verdict: str
    numbers: str
    printed: bool | None
    value: float = NAN
    detectable: float = NAN
    paper: float = NAN
    blind: bool | None = None


@dataclass(frozen=True)
class Court:
    """What every part is judged with.

    Attributes:
        ours: numbers of ours.
        printed: the paper's numbers.
        level: of the one-sided tests.
        margin: largest difference of a correlation that does not matter.
    """

    ours: Evidence
    printed: Printed
    level: float
    margin: float


def is_universal(statement: Statement) -> bool:
    """Whether every part has to hold; else one is enough."""
    return getattr(statement, "parts", "every") == "every"


def table_parts(statement: Compared | Best | Across | Gap, protocol: str, court: Court) -> list[Part]:
    """The parts of a statement about tables in one protocol, in the order of tables, pairs, data sets and metrics."""
    if isinstance(statement, Gap):
        return [_gap(statement, place, protocol, court) for place in _gap_places(statement, court)]
    asked = list(_questions(statement, court.printed))
    return [_compare(statement, a, b, place, protocol, court, len(asked)) for a, b, place in asked]


def _places(statement: Compared | Best | Across, table: str, printed: Printed) -> Iterator[tuple[str, str, str]]:
    """Data set, metric and split of the cells of a table that a statement is about."""
    split = getattr(statement, "split", "test")
    for dataset in statement.datasets or printed.names(2, table):
        for metric in statement.metrics:
            yield dataset, metric, split


def _questions(statement: Compared | Best | Across, printed: Printed) -> Iterator[tuple[Any, Any, Any]]:
    """Table and row of either side, and the place, of every part."""
    if isinstance(statement, Across):
        for row in statement.rows:
            for place in _places(statement, statement.table, printed):
                yield (statement.table, row), (statement.other, row), place
        return
    for table in statement.tables:
        if isinstance(statement, Best):
            others = [row for row in printed.names(1, table) if row != statement.row]
            pairs: tuple[tuple[str, ...], ...] = tuple((statement.row, row) for row in others)
        else:
            pairs = statement.pairs
        for a, b in pairs:
            for place in _places(statement, table, printed):
                yield (table, a), (table, b), place


def _compare(
    statement: Compared | Best | Across, a: tuple, b: tuple, place: tuple, protocol: str, court: Court, parts: int
) -> Part:
    """One pair of rows, each ``(table, row)``, at one place."""
    kind = statement.kind if isinstance(statement, Compared) else "greater"
    at_least = getattr(statement, "at_least", 0.0)
    values = court.printed.values
    paper = round(values[*a, *place] - values[*b, *place], 6)
    holds = None if math.isnan(paper) else _holds(kind, paper, at_least, court.margin)
    label = f"{_where(a, b, place)}: {a[1]} {WORDS[kind]} {b[1]}"
    if isinstance(statement, Across):
        label = f"{_where(a, b, place)}: {a[1]} of {title(a[0])} above that of {title(b[0])}"
    found, reason = _difference(a, b, place, protocol, court)
    if found is None:
        return Part(label, NOT_RUN, reason, holds, paper=paper)
    verdict = _verdict(kind, found, at_least, is_universal(statement), parts, court)
    blind = _is_blind(kind, found, paper, court.margin)
    return Part(label, verdict, _numbers(found), holds, found.value, found.detectable, paper, blind)


def _holds(kind: str, paper: float, at_least: float, margin: float) -> bool:
    """Whether a printed difference is as claimed, read literally; ``same`` is the one kind with a margin."""
    if kind == "same":
        return abs(paper) <= margin + TINY
    if kind == "not_above":
        return paper <= 0
    claimed = -paper if kind == "smaller" else paper
    return claimed > 0 and claimed >= at_least - TINY


def _is_blind(kind: str, found: Difference, paper: float, margin: float) -> bool | None:
    """See :class:`Part`."""
    if kind in ("same", "not_above"):
        return None if math.isnan(found.high - found.low) else found.high - found.low > 2 * margin
    return None if math.isnan(found.detectable + paper) else found.detectable > abs(paper)


def _difference(a: tuple, b: tuple, place: tuple, protocol: str, court: Court) -> tuple[Difference | None, str]:
    """Our difference of two rows, or None and why there is none."""
    ours = court.ours
    reasons = [reason for side in (a, b) if (reason := ours.absence((*side, *place)))]
    if reasons:
        return None, "; ".join(reasons)
    if a[0] == b[0]:
        found = ours.pair(a[0], a[1], b[1], place, protocol)
        return found, "" if found else "no paired comparison: scored on different items, or not defined"
    cell_a, cell_b = (ours.cell((*side, *place), protocol) for side in (a, b))
    if cell_a is None or cell_b is None or cell_a["items_digest"] != cell_b["items_digest"]:
        return None, "scored on different items"
    return unpaired(cell_a, cell_b), ""


def unpaired(a: dict, b: dict) -> Difference:
    """Difference of two cells from their own intervals, as if their items were different ones.

    Two rows that were scored on the same items vary together, so that this interval is too wide, not too narrow; it is
    for rows of different tables, which are not compared in pairs.
    """
    errors = [(cell["ci_high"] - cell["ci_low"]) / (2 * HALF_WIDTH) for cell in (a, b)]
    error, value = math.hypot(*errors), a["value"] - b["value"]
    p = math.erfc(abs(value) / error / math.sqrt(2)) if error > 0 else NAN
    # 80 % power at 5 %, two-sided: the quantiles of 97.5 % and 80 %.
    return Difference(value, value - HALF_WIDTH * error, value + HALF_WIDTH * error, p, False, 2.801585 * error)


def _verdict(kind: str, found: Difference, at_least: float, every: bool, parts: int, court: Court) -> str:
    """Verdict on one difference; see :func:`deciding` for the number of parts."""
    interval = (found.low, found.high)
    if kind == "same":
        return equivalent(interval, court.margin, deciding(found.p, found.adjusted, parts), court.level)
    above, below = one_sided(found.value, found.p)
    if kind == "not_above":
        return not_above(interval, court.margin, deciding(above, found.adjusted, parts), court.level)
    value = found.value
    if kind == "smaller":
        value, interval, above, below = -value, (-found.high, -found.low), below, above
    if every:
        below = deciding(below, found.adjusted, parts)
    else:
        above = deciding(above, found.adjusted, parts)
    return exceeds(value, interval, (above, below), court.level, at_least)


def deciding(p: float, adjusted: bool, parts: int) -> float:
    """p-value of a part that alone decides its claim: Bonferroni over the parts, where it is not adjusted already."""
    return p if adjusted else min(1.0, p * parts)


def _gap_places(statement: Gap, court: Court) -> Iterator[tuple]:
    for table in statement.tables:
        for row in statement.rows:
            for dataset in court.printed.names(2, table):
                for metric in statement.metrics:
                    yield table, row, dataset, metric, "gap"


def _gap(statement: Gap, key: tuple, protocol: str, court: Court) -> Part:
    """The gap of one row against what the claim says it is at least."""
    paper = court.printed.values[key]
    holds = None if math.isnan(paper) else paper >= statement.at_least - TINY
    label = f"{_where(key, key, key[2:])}: {key[1]} at least {statement.at_least:.3f}"
    cell = court.ours.cell(key, protocol)
    if cell is None:
        return Part(label, NOT_RUN, court.ours.absence(key), holds, paper=paper)
    interval = (cell["ci_low"], cell["ci_high"])
    verdict = UNDECIDED if any(map(math.isnan, interval)) else reaches(interval, statement.at_least)
    return Part(label, verdict, f"{cell['value']:.3f} {bounds(*interval, '.3f')}", holds, cell["value"], paper=paper)


def _where(a: tuple, b: tuple, place: tuple) -> str:
    tables = " and ".join(dict.fromkeys(title(table) for table in (a[0], b[0])))
    return f"{tables}, {' '.join(place)}"


def title(table: str) -> str:
    """``Table 5`` for ``table05``."""
    return f"Table {int(table.removeprefix('table'))}"


def bounds(low: float, high: float, form: str = "+.3f") -> str:
    """``[low, high]``, or that there is none."""
    return f"[{low:{form}}, {high:{form}}]" if math.isfinite(low) and math.isfinite(high) else "[no interval]"


def p_text(p: float) -> str:
    """A p-value to three decimals."""
    return "p < 0.001" if p < 0.001 else f"p = {p:.3f}"


def _numbers(found: Difference) -> str:
    text = f"{found.value:+.3f} {bounds(found.low, found.high)}"
    if not math.isnan(found.p):
        text += f", two-sided {p_text(found.p)}{' (Holm)' if found.adjusted else ''}"
    return text if math.isnan(found.detectable) else f"{text}, detectable {found.detectable:.3f}"
