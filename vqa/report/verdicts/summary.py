"""The results of all claims in a few sentences: what held, what did not, what nobody can tell, and why."""

from collections import Counter
from collections.abc import Iterable

import pandas as pd

from vqa.report.verdicts.judge import Part
from vqa.report.verdicts.rules import ABSENT, CELL_VERDICTS, CONTRADICTED, NOT_RUN, REPRODUCED, UNDECIDED, VERDICTS
from vqa.report.verdicts.verdict import HEADLINE, Judged
from vqa.stats.trainings import FEWEST

Verdicts = dict[str, dict[str, Judged]]

BLIND = (
    "clean comparisons that were left undecided could not have been decided with our trainings and items: the smallest "
    "effect that they could have seen (80 % power, before any correction) is larger than the one that the paper "
    "prints, or, where the claim is that there is none, the interval is wider than the margin allows."
)


def in_short(judged: Verdicts) -> list[str]:
    """Five sentences on the claims that the paper stands for: what held, what did not, what is open, and why."""
    main = [both[HEADLINE[0]] for both in judged.values() if both[HEADLINE[0]].claim.main]
    by_verdict = {verdict: [one for one in main if one.verdict == verdict] for verdict in VERDICTS}
    held, open_ = by_verdict[REPRODUCED], by_verdict[UNDECIDED]
    against = [*by_verdict[CONTRADICTED], *by_verdict[ABSENT]]
    decided = len(held) + len(against)
    few = [one for one in open_ if 0 < min(part.trainings for part in one.parts if part.verdict != NOT_RUN) < FEWEST]
    others = [one for one in open_ if one not in few]
    blind = [one for one in others if any(part.blind for part in one.parts if part.verdict == UNDECIDED)]
    why = f"Of the {len(open_)} that were run and left open, {len(few)} rest on fewer than three trainings of a row"
    if others:
        why += f"; of the other {len(others)}, {len(blind)} claim an effect that our trainings and items could not see"
    return [
        f"1. Of the {len(main)} claims that the paper stands for, our data decide {decided} under the clean protocol.",
        f"2. What held: {_titles(held)}.",
        f"3. What did not hold: {_titles(against, told=True)}.",
        f"4. What these data cannot tell: {_titles([*open_, *by_verdict[NOT_RUN]])}.",
        f"5. {why if open_ else 'Every claim that was run was decided'}.",
    ]


def _titles(found: list[Judged], told: bool = False) -> str:
    """Titles of claims, with their verdicts where ``told``."""
    texts = [f"{one.claim.title} ({one.claim.source}{f', {one.verdict}' if told else ''})" for one in found]
    return "; ".join(texts) or "nothing"


def summary(judged: Verdicts, cells: pd.DataFrame) -> list[str]:
    """Paragraphs that sum the results up: claims, the paper's own numbers, what could be shown, cells."""
    undecided = [p for both in judged.values() for p in both[HEADLINE[0]].parts if p.verdict == UNDECIDED]
    power = [f"**What the data could show**: {power_of(undecided)} {BLIND}"] if power_of(undecided) else []
    counts = (f"{p} protocol, {_counts(Counter(cells[cells.protocol == p].verdict), CELL_VERDICTS)}" for p in HEADLINE)
    numbers = f"**{len(cells) // len(HEADLINE)} cells** of the paper's tables: {'; '.join(counts)}."
    return [_claims_in_sum(judged), _paper_in_sum(judged), *power, numbers]


def _claims_in_sum(judged: Verdicts) -> str:
    """Counts of the verdicts in both protocols, and which claims have the clear ones."""
    found = {p: [both[p].verdict for both in judged.values()] for p in HEADLINE}
    clean, released = (f"{protocol} protocol, {_counts(Counter(verdicts))}" for protocol, verdicts in found.items())
    text = f"**{len(judged)} claims** of the paper were put to the test. {clean.capitalize()}; {released}."
    if all(verdict == NOT_RUN for verdicts in found.values() for verdict in verdicts):
        text += " Nothing that a claim is about was run, so that none was judged."
    for verdict in (REPRODUCED, ABSENT, CONTRADICTED):
        names = [name for name, both in judged.items() if both[HEADLINE[0]].verdict == verdict]
        text += f" {verdict.capitalize()} by the clean numbers: {names_of(names)}." if names else ""
    differing = [name for name, both in judged.items() if len({one.verdict for one in both.values()}) > 1]
    return text + (f" The two protocols come to different verdicts on {names_of(differing)}." if differing else "")


def _paper_in_sum(judged: Verdicts) -> str:
    """Which claims the paper's printed numbers carry."""
    holds = {name: both[HEADLINE[0]].paper_holds for name, both in judged.items()}
    told = {name: text for name, text in holds.items() if text != "not stated in numbers"}
    kept = sum(text == "yes" for text in told.values())
    own = "**The paper's own numbers**, without any of ours, carry"
    own += f" {kept} of the {len(told)} claims that they speak to."
    partly, none = ([name for name, text in told.items() if text.startswith(start)] for start in ("in part", "no"))
    own += f" In part only: {names_of(partly)}." if partly else ""
    return own + (f" Not at all: {names_of(none)}." if none else "")


def _counts(found: Counter[str], verdicts: tuple[str, ...] = VERDICTS) -> str:
    return ", ".join(f"{found[verdict]} {verdict}" for verdict in verdicts)


def names_of(names: Iterable[str]) -> str:
    """Ids in a sentence."""
    return ", ".join(f"`{name}`" for name in names)


def power_of(parts: list[Part]) -> str:
    """How many of these undecided comparisons our items could not have decided; empty if that is not known."""
    known = [part.blind for part in parts if part.blind is not None]
    return f"{sum(known)} of {len(known)}" if known else ""
