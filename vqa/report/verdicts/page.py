"""The page of verdicts: what of the paper our numbers bear out, claim by claim and cell by cell, in Markdown.

Every sentence with a number or a verdict in it is made from the results; none is written ahead of them.
"""

from collections import Counter
from collections.abc import Iterable

import pandas as pd

from vqa.report.tables.layout import row_names
from vqa.report.tables.render import pipe_table
from vqa.report.verdicts.claims import describe
from vqa.report.verdicts.judge import Court, Part
from vqa.report.verdicts.rules import (
    ABSENT,
    CELL_VERDICTS,
    CONTRADICTED,
    NOT_RUN,
    REPRODUCED,
    UNDECIDED,
    VERDICTS,
)
from vqa.report.verdicts.verdict import HEADLINE, Judged, findings
from vqa.report.wording import protocol_definitions, scale_warning
from vqa.settings.params import Common
from vqa.stats.trainings import FEWEST

Verdicts = dict[str, dict[str, Judged]]

BLIND = (
    "clean comparisons that were left undecided could not have been decided with our trainings and items: the smallest "
    "effect that they could have seen (80 % power, before any correction) is larger than the one that the paper "
    "prints, or, where the claim is that there is none, the interval is wider than the margin allows."
)
ERRORS = (
    "Measured on planted truths, in percent (`make court`): how often a verdict is given that is false, each where it "
    "is likeliest, at the edge of what it says; how often the 95 % interval holds the truth; how often an effect that "
    "is there is found. Effects found: above 0.02; up to 0.04 of 0.018; the same and not above, no difference; a gap "
    "of 0.12 of 0.1; flatter by 20 %; cells, the very same quality on other items."
)
# What vqa.report.verdicts.rules and its callers do, in words.
RULES = (
    "The unit is the training. A number of a method is the mean over its trainings, and its interval covers other "
    "seeds and other items (docs/statistics.md has the test and its error rates). With fewer than three trainings "
    "nothing is said of a method, only whether these trainings differ.",
    "*Not distinguishable* means that our numbers decide neither for nor against; it is no verdict against a claim. "
    "*Absent*: there is no significant gain, and the whole 95 % interval lies below the gain that the paper prints "
    "(below the margin, where it prints none).",
    "Differences between two rows (`greater`, `smaller`, `best`, `across`): paired over trainings of the same seeds "
    "and over items. Reproduced if significant in the claimed direction (one-sided), of a claim that gives a size if "
    "significantly above that size; contradicted if significant the other way, or if a gain is smaller than the size.",
    "No difference (`same`): reproduced if the 95 % interval lies within the margin and no difference is significant; "
    "contradicted if it lies wholly outside. No gain (`not_above`): reproduced if the interval ends below the margin "
    "and no gain is significant; contradicted by a significant one. So a claim and its opposite never both hold.",
    "Gaps (`gap`): reproduced if significantly above the claimed size, contradicted if significantly below.",
    "Sharpness (`flatter`, `as_sharp`, `sharpens`): mean rise of the training loss at the step that "
    "`statistics.rise_at` in params.yaml names, around the EMA weights, as a share of the reference's; paired over "
    "trainings and directions. It is the same in both protocols. Methods are put in `order` by the rise of one loss "
    "without units, FAST-VQA's linearity term.",
    "Over epochs (`grows`, `together`): Spearman's correlation of every training; the sign test asks whether more of "
    "them rise than fall. Over runs (`correlation`): Spearman's correlation of every seed over the runs; what is "
    "tested is their mean.",
    "A claim about every one of its parts is reproduced if all are; one part, or the mean over all parts, can refute "
    "it. A claim of *up to* so much is reproduced if one part is, and refuted if all are. p-values are raw; where one "
    "part alone decides, its level is divided by the number of parts, and its degrees of freedom are those of the "
    "trainings alone. Not run: none of the parts was.",
    "The paper's own numbers are held against the claims by the same margin: a smaller printed difference is none.",
    "Cells: the interval of the difference from the paper's number is wider than ours, for the paper's is one "
    "training, on videos of its own. Reproduced if it lies within `statistics.agreement`; contradicted if it does not "
    "hold 0 and the difference is larger. On data that are not the paper's, cells are not comparable.",
)


def verdict_page(
    judged: Verdicts,
    cells: pd.DataFrame,
    court: Court,
    common: Common,
    rates: pd.DataFrame,
    own: dict[str, str] | None = None,
) -> str:
    """Markdown of the page.

    Args:
        judged: see :func:`vqa.report.verdicts.verdict.judge_all`.
        cells: see :func:`vqa.report.verdicts.verdict.cell_rows`.
        court: gives level and margin.
        common: the common block of params.
        rates: how often the rules err on planted truths, ``reports/court.csv``.
        own: titles of the tables that the paper does not have, by name.
    """
    lines = [
        *("# Verdicts", "", f"> **{scale_warning(common)}**", ">", f"> {_reach(common)}", "", *_in_short(judged), ""),
        *("## The main claims", "", *_main_claims(judged), *_own_tables(court, own or {}), "", "## In sum", ""),
        *(line for text in summary(judged, cells) for line in (text, "")),
        *("## Claims", "", *_claim_table(judged), ""),
        *("## Claim by claim", ""),
        *(line for name, by_protocol in judged.items() for line in _paragraph(name, by_protocol)),
        *("## Numbers of the tables", "", *_cell_table(cells), ""),
        *("Every cell is in [verdicts.csv](verdicts.csv), every claim in [claims.csv](claims.csv).", ""),
        *("## How it was judged", "", *_rules(court, common), ""),
        *("## How often such verdicts err", "", ERRORS, "", *rate_table(rates), ""),
        *("## What was not run", "", *_not_run(judged, cells)),
    ]
    return "\n".join(lines).rstrip() + "\n"


def unjudged_page(court: Court, own: dict[str, str]) -> str:
    """Markdown of the page of a scale of the user's own data: the paper says nothing about them.

    Args:
        court: gives our results, level and margin.
        own: titles of the tables, by name.
    """
    nothing = (
        "The paper says nothing about these data, so that no claim of it was judged. What the rows say themselves:"
    )
    return "\n".join(["# Verdicts", "", nothing, "", *_own_tables(court, own)]) + "\n"


def _in_short(judged: Verdicts) -> list[str]:
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


def rate_table(rates: pd.DataFrame) -> list[str]:
    """The error rates in percent, as lines of Markdown; empty where a kind of claim has no such verdict."""
    numbers = ["false_reproduced", "false_contradicted", "false_absent", "coverage", "power"]
    texts = rates[numbers].map(lambda value: "" if pd.isna(value) else f"{value:.1f}")
    rows = rates.astype({"trainings": str, "items": str}).assign(**texts).to_numpy().tolist()
    header = ["Claim", "Sized as", "Trainings", "Items", "Falsely reproduced", "contradicted", "absent"]
    return pipe_table([*header, "Coverage", "Power"], [False, False, *[True] * 7], rows)


def _reach(common: Common) -> str:
    """What data the verdicts are about."""
    if common.scale == "demo":
        return (
            "Every verdict on this page is about the demo's synthetic data and small networks. None says anything "
            "about the paper's own data."
        )
    if common.scale == "real":
        return (
            "Every verdict on this page is about a small network on features that others published of real videos, "
            "with their real opinion scores; none is about FAST-VQA, SAMA or SimpleVQA themselves."
        )
    return f"The verdicts are about what was trained at scale `{common.scale}`, with training seed {common.seed}."


def _main_claims(judged: Verdicts) -> list[str]:
    """The answers to what the paper stands for, a line each."""
    lines = []
    for both in judged.values():
        clean, released = (both[protocol] for protocol in HEADLINE)
        if not clean.claim.main:
            continue
        other = "" if released.verdict == clean.verdict else f" (by the released numbers {released.verdict})"
        found = "" if clean.verdict == NOT_RUN else f" {_sentence(findings(clean))}"
        lines.append(f"- {clean.claim.title} ({clean.claim.source}): **{clean.verdict}**{other}.{found}")
    return lines


def _own_tables(court: Court, own: dict[str, str]) -> list[str]:
    """What the tables say that the paper does not have: how many rows differ from their reference, a line each."""
    lines, table = [], court.ours.comparisons
    for name, title in own.items():
        rows = table[(table.table == name) & table.reference.astype(bool)]
        rows = rows[(rows.protocol == HEADLINE[0]) & (rows.split == "test")]
        if len(rows):
            found = rows[(rows.p < court.settings.level) & (rows.trainings >= FEWEST)].difference
            lines.append(
                f"- Table {name[-1]}, {title}: {len(rows)} clean differences of test values from the reference rows, "
                f"of which {int((found > 0).sum())} significantly above, {int((found < 0).sum())} below, "
                f"{int((rows.difference.abs() > court.settings.margin).sum())} larger than the margin of "
                f"{court.settings.margin:g}; "
                f"from {rows.difference.min():+.3f} to {rows.difference.max():+.3f}, the smallest that could have been "
                f"seen from {rows.detectable.min():.3f} to {rows.detectable.max():.3f}."
            )
    return lines


def summary(judged: Verdicts, cells: pd.DataFrame) -> list[str]:
    """Paragraphs that sum the results up: claims, the paper's own numbers, what could be shown, cells."""
    undecided = [p for both in judged.values() for p in both[HEADLINE[0]].parts if p.verdict == UNDECIDED]
    power = [f"**What the data could show**: {_power(undecided)} {BLIND}"] if _power(undecided) else []
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
        text += f" {verdict.capitalize()} by the clean numbers: {_names(names)}." if names else ""
    differing = [name for name, both in judged.items() if len({one.verdict for one in both.values()}) > 1]
    return text + (f" The two protocols come to different verdicts on {_names(differing)}." if differing else "")


def _paper_in_sum(judged: Verdicts) -> str:
    """Which claims the paper's printed numbers carry."""
    holds = {name: both[HEADLINE[0]].paper_holds for name, both in judged.items()}
    told = {name: text for name, text in holds.items() if text != "not stated in numbers"}
    kept = sum(text == "yes" for text in told.values())
    own = "**The paper's own numbers**, without any of ours, carry"
    own += f" {kept} of the {len(told)} claims that they speak to."
    partly, none = ([name for name, text in told.items() if text.startswith(start)] for start in ("in part", "no"))
    own += f" In part only: {_names(partly)}." if partly else ""
    return own + (f" Not at all: {_names(none)}." if none else "")


def _counts(found: Counter[str], verdicts: tuple[str, ...] = VERDICTS) -> str:
    return ", ".join(f"{found[verdict]} {verdict}" for verdict in verdicts)


def _names(names: Iterable[str]) -> str:
    return ", ".join(f"`{name}`" for name in names)


def _power(parts: list[Part]) -> str:
    """How many of these undecided comparisons our items could not have decided; empty if that is not known."""
    known = [part.blind for part in parts if part.blind is not None]
    return f"{sum(known)} of {len(known)}" if known else ""


def _claim_table(judged: Verdicts) -> list[str]:
    rows = []
    for name, both in judged.items():
        first = both[HEADLINE[0]]
        verdicts = [both[protocol].verdict for protocol in HEADLINE]
        rows.append([name, first.claim.title, first.claim.source, *verdicts, first.paper_holds])
    header = ["Id", "Claim", "Source", *(name.capitalize() for name in HEADLINE), "By the paper's own numbers"]
    return pipe_table(header, [False] * len(header), rows)


def _paragraph(name: str, both: dict[str, Judged]) -> list[str]:
    first = both[HEADLINE[0]]
    claim = first.claim
    lines = [f"### {name}: {claim.title}", "", f"{claim.source}. {claim.says}", ""]
    lines.append(f"- Statement: {describe(claim.statement)}.")
    by_text: dict[str, list[str]] = {}
    for protocol, one in both.items():
        text = f"**{one.verdict}**. {_sentence(findings(one).removeprefix('not run: '))}"
        by_text.setdefault(text, []).append(protocol)
    for text, protocols in by_text.items():
        lines.append(f"- {'Both protocols' if len(protocols) > 1 else protocols[0].capitalize()}: {text}")
    undecided = [part for part in first.parts if part.verdict == UNDECIDED]
    if _power(undecided):
        lines.append(f"- Clean comparisons left undecided that our items could not have decided: {_power(undecided)}.")
    lines.append(f"- Carried by the paper's own printed numbers: {first.paper_holds}{_failing(first)}.")
    return [*lines, *([f"- Note: {claim.note}"] if claim.note else []), ""]


def _sentence(text: str) -> str:
    return f"{text[:1].upper()}{text[1:]}."


def _failing(one: Judged) -> str:
    """The parts that the paper's own numbers do not carry, with the printed difference."""
    if one.paper_holds in ("yes", "not stated in numbers"):
        return ""
    shown = [f"{part.label} ({part.paper:+.3f})" for part in one.failing]
    more = f" and {len(shown) - 6} more" if len(shown) > 6 else ""
    return f"; not: {'; '.join(shown[:6])}{more}"


def _cell_table(cells: pd.DataFrame) -> list[str]:
    rows = []
    for table in dict.fromkeys(cells.table):
        for protocol in HEADLINE:
            found = Counter(cells[(cells.table == table) & (cells.protocol == protocol)].verdict)
            rows.append([table, protocol, *(str(found[verdict]) for verdict in CELL_VERDICTS)])
    header = ["Table", "Protocol", *map(str.capitalize, CELL_VERDICTS)]
    return pipe_table(header, [False, False, *[True] * len(CELL_VERDICTS)], rows)


def _rules(court: Court, common: Common) -> list[str]:
    definitions = protocol_definitions(common)
    return [
        *(f"- {name.capitalize()} protocol: {definitions[name]}" for name in HEADLINE),
        f"- Level of all tests: {court.settings.level:g}. Smallest difference of a correlation that matters (margin): "
        f"{court.settings.margin:g}; of sharpness, as a share: {court.settings.sharpness_margin:g}.",
        *(f"- {text}" for text in RULES),
    ]


def _not_run(judged: Verdicts, cells: pd.DataFrame) -> list[str]:
    lines = []
    idle = [name for name, both in judged.items() if {one.verdict for one in both.values()} == {NOT_RUN}]
    partly = [
        name
        for name, both in judged.items()
        if name not in idle and any(part.verdict == NOT_RUN for part in both[HEADLINE[0]].parts)
    ]
    lines += [f"- Claims that were not run: {_names(idle)}."] if idle else []
    lines += [f"- Claims with parts that were not run, clean protocol: {_names(partly)}."] if partly else []
    missing = cells[(cells.verdict == NOT_RUN) & (cells.protocol == HEADLINE[0])]
    for (table, reason), rows in missing.groupby(["table", "reason"], sort=False):
        lines.append(f"- {table}, {len(rows)} cells, {reason}: {row_names(rows)}.")
    return lines or ["- Nothing."]
