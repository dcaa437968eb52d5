"""What the page of the verdicts and the first page show: claims by number, and counts of verdicts."""

from typing import Any

import pandas as pd

from vqa.report.site.embed import slug
from vqa.report.site.inputs import CLAIM_COUNTS, Inputs
from vqa.report.site.tables import SIGNS
from vqa.report.tables.cells import PROTOCOLS

CLAIM_TEXTS = ["source", "title", "says", "statement", "note", "paper_holds"]

View = dict[str, Any]


def words(*frames: pd.DataFrame) -> list[str]:
    """All verdicts that occur, those of the house first and in their order."""
    found = {word for frame in frames for word in frame.verdict}
    return [*SIGNS, *sorted(found - set(SIGNS))]


def counts(frame: pd.DataFrame, protocol: str, order: list[str]) -> View:
    """How often every verdict was given under one protocol."""
    given = frame[frame.protocol == protocol].verdict.value_counts()
    numbers = {word: int(given.get(word, 0)) for word in order}
    return {"protocol": protocol, "total": sum(numbers.values()), "numbers": numbers}


def claims_view(inputs: Inputs) -> list[View]:
    """Every claim once, with what was found under each protocol."""
    views = []
    for key, rows in inputs.claims.groupby("id", sort=False):
        first = rows.iloc[0]
        found = []
        for row in rows.to_dict("records"):
            parts = {name.removeprefix("n_").replace("_", " "): row[name] for name in CLAIM_COUNTS}
            found.append(
                {
                    "protocol": row["protocol"],
                    "verdict": row["verdict"],
                    "kind": slug(row["verdict"]),
                    "sign": SIGNS.get(row["verdict"], "?"),
                    "test": row["test"],
                    "parts": ", ".join(f"{number:.0f} {word}" for word, number in parts.items() if number > 0),
                }
            )
        found.sort(key=lambda row: PROTOCOLS.index(row["protocol"]) if row["protocol"] in PROTOCOLS else len(PROTOCOLS))
        views.append({"id": key, "anchor": slug(key), **first[CLAIM_TEXTS], "found": found})
    return views


def verdicts_by_table(inputs: Inputs, order: list[str]) -> list[View]:
    """Counts of the cells' verdicts of every table, per protocol."""
    names = {frame.table.iloc[0]: name for name, frame in inputs.tables.items()}
    views = []
    for number, rows in inputs.verdicts.groupby("table", sort=False):
        name = names.get(number)
        title = inputs.params.tables[name].title if name else ""
        place = {"name": name, "label": number, "title": title}
        views += [{**place, **counts(rows, protocol, order)} for protocol in PROTOCOLS]
    return views
