"""The verdicts: on every claim of the paper and on every number of its tables, for each protocol by itself."""

import math
from collections import Counter
from collections.abc import Collection
from dataclasses import dataclass

import pandas as pd

from vqa.report.tables.cells import NUMBERS, PROTOCOLS
from vqa.report.verdicts.claims import Across, Best, Claim, Compared, Gap, describe
from vqa.report.verdicts.judge import Court, Part, is_universal, table_parts
from vqa.report.verdicts.judge_landscapes import landscape_parts
from vqa.report.verdicts.rules import (
    ABSENT,
    CONTRADICTED,
    NOT_COMPARABLE,
    NOT_RUN,
    UNDECIDED,
    VERDICTS,
    agrees,
    combine,
    decidable,
)
from vqa.stats.config import Statistics

HEADLINE = ("clean", "released")  # the protocol that a reader should look at comes first
CELLS = [
    *("table", "method", "setting", "dataset", "metric", "split", "protocol"),
    *("paper", "value", "ci_low", "ci_high", "verdict", "reason"),
]
CLAIMS = [
    *("id", "source", "title", "says", "statement", "note", "protocol", "paper_holds", "verdict", "test"),
    *(f"n_{verdict.replace(' ', '_')}" for verdict in VERDICTS),
]
QUOTED = "quoted from the literature, not run"
STAND_IN = {
    "verdict": NOT_COMPARABLE,
    "reason": "our row is of another method; only differences are judged",
}
SYNTHETIC = {"verdict": NOT_COMPARABLE, "reason": "our data are synthetic"}


@dataclass(frozen=True)
class Judged:
    """One claim in one protocol, with its parts."""

    claim: Claim
    protocol: str
    parts: list[Part]

    @property
    def verdict(self) -> str:
        """See :func:`vqa.report.verdicts.rules.combine`; the mean over all parts can refute a claim, and no more."""
        found = [part.verdict for part in self.parts if not part.is_mean]
        refuted = [part.verdict for part in self.parts if part.is_mean and part.verdict in (ABSENT, CONTRADICTED)]
        return combine([*found, *refuted], is_universal(self.claim.statement))

    @property
    def counts(self) -> Counter[str]:
        """How many parts have which verdict."""
        return Counter(part.verdict for part in self.parts)

    @property
    def paper_holds(self) -> str:
        """Whether the paper's own printed numbers carry the claim, read literally."""
        told = [part.printed for part in self.parts if part.printed is not None]
        if not told:
            return "not stated in numbers"
        if all(told) or (any(told) and not is_universal(self.claim.statement)):
            return "yes"
        return f"in part: {sum(told)} of {len(told)}" if any(told) else "no"

    @property
    def failing(self) -> list[Part]:
        """Parts that the paper's own numbers do not carry."""
        return [part for part in self.parts if part.printed is False]


def judge(name: str, claim: Claim, protocol: str, court: Court) -> Judged:
    """Judge one claim, known by its id, in one protocol."""
    if isinstance(claim.statement, Compared | Best | Across | Gap):
        return Judged(claim, protocol, table_parts(name, claim.statement, protocol, court))
    return Judged(claim, protocol, landscape_parts(claim.statement, protocol, court))


def judge_all(claims: dict[str, Claim], court: Court) -> dict[str, dict[str, Judged]]:
    """Judge every claim in both protocols: by id, then by protocol, the clean one first."""
    return {
        name: {protocol: judge(name, claim, protocol, court) for protocol in HEADLINE} for name, claim in claims.items()
    }


def findings(judged: Judged) -> str:
    """What was found, with numbers: the part itself if there are few, else their range and what they could show."""
    run = [part for part in judged.parts if part.verdict != NOT_RUN]
    if not run:
        return "not run: " + "; ".join(dict.fromkeys(part.numbers for part in judged.parts))
    if len(judged.parts) <= 3:
        return "; ".join(f"{part.label}: {part.numbers}" for part in judged.parts)
    values = [part.value for part in run if not math.isnan(part.value)]
    counts = judged.counts
    told = ", ".join(f"{counts[verdict]} {verdict}" for verdict in VERDICTS if counts[verdict])
    text = f"{len(judged.parts)} parts: {told}"
    if values:
        text += f"; estimates from {min(values):+.3f} to {max(values):+.3f}"
    known = [part.detectable for part in run if not math.isnan(part.detectable)]
    if known:
        text += f"; could have seen {min(known):.3f} to {max(known):.3f}"
    shown = next((part for part in run if part.verdict == judged.verdict), run[0])
    return f"{text}; {shown.verdict} is, for example, {shown.label}: {shown.numbers}"


def claim_rows(judged: dict[str, dict[str, Judged]]) -> pd.DataFrame:
    """One row per claim and protocol, with :data:`CLAIMS`."""
    rows = []
    for name, by_protocol in judged.items():
        for protocol, one in by_protocol.items():
            claim, counts = one.claim, one.counts
            texts = (name, claim.source, claim.title, claim.says, describe(claim.statement), claim.note, protocol)
            rows.append((*texts, one.paper_holds, one.verdict, findings(one), *(counts[v] for v in VERDICTS)))
    return pd.DataFrame(rows, columns=CLAIMS)


def cell_rows(court: Court, stand_ins: Collection[str] = (), synthetic: bool = False) -> pd.DataFrame:
    """One row per printed number of the paper and protocol, with :data:`CELLS`.

    A table that params do not name is not run; a dash of the paper is no number. Values of tables named in
    ``stand_ins`` are of another method than the paper's, and synthetic data are no data of the paper's: those are not
    comparable.
    """
    blank = {**dict.fromkeys(NUMBERS, float("nan")), "source": "missing"}
    rows = []
    for name, paper in court.printed.frames.items():
        frame = court.ours.tables.get(name)
        for protocol in PROTOCOLS:
            if frame is None:
                printed = pd.to_numeric(paper.value)
                cells = paper.assign(**{**blank, "paper": printed, "protocol": protocol})
            else:
                cells = frame[frame.protocol == protocol]
            judged = SYNTHETIC if synthetic else STAND_IN if name in stand_ins else {}
            for cell in cells.to_dict("records"):
                found = _cell_verdict(cell, court.settings)
                rows.append({**cell, **found, **(judged if found["verdict"] != NOT_RUN else {})})
    return pd.DataFrame(row for row in rows if not math.isnan(row["paper"]))[CELLS]


def _cell_verdict(cell: dict, settings: Statistics) -> dict[str, str | float]:
    """Verdict and reason of one cell; a quoted one has no number of ours."""
    value, paper, interval = cell["value"], cell["paper"], (cell["ci_low"], cell["ci_high"])
    if cell["source"] == "quoted":
        return {"value": float("nan"), "verdict": NOT_RUN, "reason": QUOTED}
    if cell["source"] == "missing":
        return {"verdict": NOT_RUN, "reason": "no run fills it"}
    if cell["covers"] == "splits":
        return {"verdict": UNDECIDED, "reason": "our interval is over splits: an error of computing, not of items"}
    if any(map(math.isnan, (value, *interval))):
        return {"verdict": UNDECIDED, "reason": "our number or its interval is not defined"}
    freedom, margin = cell["freedom"], settings.agreement
    error = math.hypot(cell["error"], cell["error_of_one"])  # the paper's is one training, on items of its own
    if not decidable(error, freedom, margin, settings.level):
        told = f"cannot be borne out with {cell['n']} items: two lists of them differ by more than {margin:g}"
    else:
        told = f"lists of {cell['n']} items differ by less than {margin:g}"
    verdict = agrees(value, error, freedom, paper, margin, settings.level)
    return {"verdict": verdict, "reason": f"{told}; difference {value - paper:+.3f}"}
