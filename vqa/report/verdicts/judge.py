"""A statement about the paper's tables, part by part: the verdict of our numbers, and whether the paper's carry it.

A part is one comparison: one table, data set, metric and pair of rows. How numbers make a verdict is said in
:mod:`vqa.report.verdicts.rules`; statements about landscapes and epochs are judged in
:mod:`vqa.report.verdicts.judge_landscapes`.
"""

import math
from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Any

from vqa.report.verdicts.claims import Across, Best, Compared, Gap, Statement
from vqa.report.verdicts.evidence import Evidence, Found, Printed
from vqa.report.verdicts.rules import NOT_RUN, TINY, equivalent, exceeds, holds, levels, not_above, reaches
from vqa.stats.config import Statistics
from vqa.stats.trainings import Estimate

NAN = float("nan")
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
        detectable: smallest effect that could have been seen, NaN if not known.
        paper: the paper's number, NaN if it prints none.
        blind: whether these trainings and items could not have decided it: what they can show is larger than the
            paper's difference, or, of a claim of no difference, their interval is wider than the margin allows. None
            if not known.
        trainings: number of trainings, 0 if it was not run.
        is_mean: whether it is the mean over all parts of its claim.
    """

    label: str
    verdict: str
    numbers: str
    printed: bool | None
    value: float = NAN
    detectable: float = NAN
    paper: float = NAN
    blind: bool | None = None
    trainings: int = 0
    is_mean: bool = False


@dataclass(frozen=True)
class Court:
    """What every part is judged with.

    Attributes:
        ours: numbers of ours.
        printed: the paper's numbers.
        settings: block ``statistics`` of params: level and margins.
    """

    ours: Evidence
    printed: Printed
    settings: Statistics


def is_universal(statement: Statement) -> bool:
    """Whether every part has to hold; else one is enough."""
    return getattr(statement, "parts", "every") == "every"


def table_parts(name: str, statement: Compared | Best | Across | Gap, protocol: str, court: Court) -> list[Part]:
    """The parts of a statement about tables in one protocol, in the order of tables, pairs, data sets and metrics.

    A claim that something gains everywhere has one part more, the mean over all of them: it can refute the claim.
    """
    if isinstance(statement, Gap):
        places = list(_gap_places(statement, court))
        both = levels(court.settings.level, len(places), every=True)
        return [_gap(statement, place, protocol, court, both) for place in places]
    asked = list(questions(statement, court.printed))
    average = court.ours.average(name, protocol) if is_universal(statement) else None
    both = levels(court.settings.level, len(asked), is_universal(statement), average is not None)
    parts = [_compare(statement, a, b, place, protocol, court, both) for a, b, place in asked]
    return [*parts, _average(average, court)] if average else parts


def _places(statement: Compared | Best | Across, table: str, printed: Printed) -> Iterator[tuple[str, str, str]]:
    """Data set, metric and split of the cells of a table that a statement is about."""
    split = getattr(statement, "split", "test")
    for dataset in statement.datasets or printed.names(2, table):
        for metric in statement.metrics:
            yield dataset, metric, split


def questions(statement: Compared | Best | Across, printed: Printed) -> Iterator[tuple[Any, Any, Any]]:
    """Table and row of either side, and data set, metric and split, of every part."""
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
    statement: Compared | Best | Across,
    a: tuple[str, str],
    b: tuple[str, str],
    place: tuple[str, str, str],
    protocol: str,
    court: Court,
    both: tuple[float, float],
) -> Part:
    """One pair of rows, each ``(table, row)``, at one place."""
    kind = statement.kind if isinstance(statement, Compared) else "greater"
    at_least, margin = getattr(statement, "at_least", 0.0), court.settings.margin
    values = court.printed.values
    paper = round(values[*a, *place] - values[*b, *place], 6)
    told = None if math.isnan(paper) else holds(kind, paper, margin, at_least)
    label = f"{_where(a, b, place)}: {a[1]} {WORDS[kind]} {b[1]}"
    if isinstance(statement, Across):
        label = f"{_where(a, b, place)}: {a[1]} of {title(a[0])} above that of {title(b[0])}"
    reasons = [reason for side in (a, b) if (reason := court.ours.absence((*side, *place)))]
    found = court.ours.pair(a, b, place, protocol)
    if reasons or found is None:
        reason = "; ".join(reasons) or "no paired comparison: other items, other trainings, or not defined"
        return Part(label, NOT_RUN, reason, told, paper=paper)
    if kind in ("same", "not_above"):
        rule = equivalent if kind == "same" else not_above
        verdict = rule(found.estimate, margin, *both)
        low, high = found.estimate.interval(both[0])
        blind: bool | None = high - low > 2 * margin
    else:
        gain, claimed = (-found.estimate, -paper) if kind == "smaller" else (found.estimate, paper)
        verdict = exceeds(gain, claimed if claimed > 0 else margin, *both, at_least)
        blind = None if math.isnan(paper) else not found.detectable <= max(abs(paper), at_least)
    return part_of(label, verdict, found, court, told, paper, blind)


def part_of(
    label: str,
    verdict: str,
    found: Found,
    court: Court,
    told: bool | None = None,
    paper: float = NAN,
    blind: bool | None = None,
    form: str = "+.3f",
    bound: float | None = None,
) -> Part:
    """A part with its numbers in words: value, interval, trainings, items, p, and what could have been seen.

    Args:
        label: see :class:`Part`, as ``verdict``, ``told`` (``printed``), ``paper`` and ``blind``.
        verdict: of the rule.
        found: our number.
        court: gives the level.
        told: whether the paper's own number carries it.
        paper: the paper's number.
        blind: whether it could not have been decided.
        form: how numbers are written.
        bound: what p tests a single number against; None for a difference, which is tested against 0.
    """
    estimate = found.estimate
    if form.endswith(".3f") and found.detectable < 0.005:
        form = form.replace(".3f", ".4f" if found.detectable >= 0.0005 else ".5f")
    items = "" if found.n is None else f", {int(found.n)} items"
    text = f"{estimate.value:{form}} {bounds(*estimate.interval(court.settings.level), form)}"
    text += f", {estimate.trainings} {'training' if estimate.trainings == 1 else 'trainings'}{items}"
    p = replace(estimate, value=estimate.value - (bound or 0.0)).two_sided()
    if not math.isnan(p):
        text += f", {p_text(p)}{'' if bound is None else f' against {bound:g}'}"
    if not math.isnan(found.detectable):
        text += f", could have seen {found.detectable:{form.lstrip('+')}}"
    if not estimate.of_method and not math.isnan(p):
        differ = "differ" if p <= court.settings.level else "cannot be told apart"
        these = "this training says nothing" if estimate.trainings == 1 else "so few trainings say nothing"
        text += f"; {these} of the method" + (f" (as trainings they {differ})" if bound is None else "")
    return Part(label, verdict, text, told, estimate.value, found.detectable, paper, blind, estimate.trainings)


def _average(average: dict, court: Court) -> Part:
    """The mean over all parts; it is none of the printed numbers."""
    found, half = average["found"], court.settings.level / 2
    verdict = exceeds(found.estimate, average["claimed"], half, half)
    label = f"mean gain over {average['parts']} parts, claimed {average['claimed']:+.3f}"
    blind = not found.detectable <= average["claimed"]
    part = part_of(label, verdict, found, court, None, average["claimed"], blind)
    return replace(part, is_mean=True)


def _gap_places(statement: Gap, court: Court) -> Iterator[tuple]:
    for table in statement.tables:
        for row in statement.rows:
            for dataset in court.printed.names(2, table):
                for metric in statement.metrics:
                    yield table, row, dataset, metric, "gap"


def _gap(statement: Gap, key: tuple, protocol: str, court: Court, both: tuple[float, float]) -> Part:
    """The gap of one row against what the claim says it is at least."""
    paper = court.printed.values[key]
    told = None if math.isnan(paper) else paper >= statement.at_least - TINY
    label = f"{_where(key, key, key[2:])}: {key[1]} at least {statement.at_least:.3f}"
    cell = court.ours.cell(key, protocol)
    if cell is None:
        return Part(label, NOT_RUN, court.ours.absence(key), told, paper=paper)
    estimate = Estimate(cell["value"], cell["error"], cell["freedom"], int(cell["folds"]))
    found = court.ours.found(estimate, cell["n"])
    verdict = reaches(estimate, statement.at_least, *both)
    return part_of(label, verdict, found, court, told, paper, form=".3f", bound=statement.at_least)


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
    """A two-sided p-value to three decimals."""
    return "p < 0.001" if p < 0.001 else f"p = {p:.3f}"
