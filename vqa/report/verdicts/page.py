"""The page of verdicts: what of the paper our numbers bear out, claim by claim and cell by cell, in Markdown.

Every sentence with a number or a verdict in it is made from the results; none is written ahead of them.
"""

from collections import Counter

import pandas as pd

from vqa.report.tables.layout import row_names
from vqa.report.tables.render import pipe_table
from vqa.report.verdicts.claims import describe
from vqa.report.verdicts.judge import Court
from vqa.report.verdicts.rules import CELL_VERDICTS, NOT_RUN, UNDECIDED
from vqa.report.verdicts.summary import Verdicts, in_short, names_of, power_of, summary
from vqa.report.verdicts.verdict import HEADLINE, Judged, findings
from vqa.report.verdicts.words import ERRORS, RULES
from vqa.report.wording import protocol_definitions, scale_warning
from vqa.settings.params import Common
from vqa.stats.trainings import FEWEST


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
        *("# Verdicts", "", f"> **{scale_warning(common)}**", ">", f"> {_reach(common)}", "", *in_short(judged), ""),
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


def rate_table(rates: pd.DataFrame) -> list[str]:
    """The error rates in percent, as lines of Markdown; empty where a kind of claim has no such verdict."""
    numbers = ["false_reproduced", "false_contradicted", "false_absent", "coverage", "power"]
    texts = rates[numbers].map(lambda value: "" if pd.isna(value) else f"{value:.1f}")
    rows = rates.astype({"trainings": str, "items": str}).assign(**texts).to_numpy().tolist()
    header = ["Claim", "Sized as", "Trainings", "Items", "Falsely reproduced", "contradicted", "absent"]
    return pipe_table([*header, "Coverage", "Power"], [False, False, *[True] * 7], rows)


def _reach(common: Common) -> str:
    """What data the verdicts are about."""
    if common.scale in ("demo", "study"):
        return (
            "Every verdict on this page is about synthetic data and small networks. None says anything about the "
            "paper's own data."
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
    blind = power_of([part for part in first.parts if part.verdict == UNDECIDED])
    if blind:
        lines.append(f"- Clean comparisons left undecided that our items could not have decided: {blind}.")
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
    lines += [f"- Claims that were not run: {names_of(idle)}."] if idle else []
    lines += [f"- Claims with parts that were not run, clean protocol: {names_of(partly)}."] if partly else []
    missing = cells[(cells.verdict == NOT_RUN) & (cells.protocol == HEADLINE[0])]
    for (table, reason), rows in missing.groupby(["table", "reason"], sort=False):
        lines.append(f"- {table}, {len(rows)} cells, {reason}: {row_names(rows)}.")
    return lines or ["- Nothing."]
