"""What the page of the tables shows: every cell of ours with its interval, its test and its verdict."""

from itertools import groupby
from typing import Any

import pandas as pd

from vqa.report.site.embed import bounds, decimals, probability, signed, slug, unique_short_names
from vqa.report.site.inputs import Inputs
from vqa.report.tables.cells import PROTOCOLS, row_key
from vqa.report.tables.layout import (
    Layout,
    body,
    in_paper,
    interval,
    is_not_run,
    is_quoted,
    lay_out,
    notes,
    number,
    warnings,
    whose,
)
from vqa.stats.trainings import FEWEST

# Verdicts in the order of the pages, each with a sign of its own shape: colour is never the only difference.
SIGNS = {
    **{"reproduced": "●", "absent": "◌", "not distinguishable": "○", "contradicted": "×", "not run": "–"},
    "not comparable": "∥",
}

View = dict[str, Any]


def tables_view(inputs: Inputs) -> list[View]:
    """One view per table, in the order of params."""
    names = unique_short_names(list(inputs.params.runs))
    # Looked up cell by cell, so indexed once.
    verdicts = {
        (v["table"], v["protocol"], v["method"], v["setting"], v["dataset"], v["metric"], v["split"]): v
        for v in inputs.verdicts.to_dict("records")
    }
    tested = inputs.comparisons[inputs.comparisons.reference.str.lower() == "true"]
    comparisons: dict[str, list[View]] = {}
    for comparison in tested.to_dict("records"):
        comparisons.setdefault(comparison["table"], []).append(comparison)
    level = inputs.params.statistics["level"]
    views = []
    for name, frame in inputs.tables.items():
        title = inputs.params.tables[name].title
        found = comparisons.get(name, [])
        views.append(
            {
                "name": name,
                "number": frame.table.iloc[0],
                "title": title,
                "warnings": warnings(frame),
                "notes": notes(frame, inputs.params.common),
                "blocks": [_block(frame, protocol, found, verdicts, names, level) for protocol in PROTOCOLS],
                "tests": [_test(c, level) for c in found],
            }
        )
    return views


def _block(
    frame: pd.DataFrame, protocol: str, comparisons: list[View], verdicts: dict, names: dict[str, str], level: float
) -> View:
    """One table under one protocol."""
    layout = lay_out(frame)
    by_key = {(c["a"], c["dataset"], c["metric"], c["split"]): c for c in comparisons if c["protocol"] == protocol}
    references = {c["b"] for c in comparisons}
    rows = []
    for row, cells in body(frame, layout, protocol):
        key = row_key(row.method, row.setting)
        runs = list(dict.fromkeys(cell["run"] for cell in cells if cell["run"]))
        shown = []
        for cell in cells:
            place = (cell["dataset"], cell["metric"], cell["split"])
            verdict = verdicts.get((cell["table"], protocol, row.method, row.setting, *place))
            shown.append(
                {
                    "text": number(cell["value"]).replace("-", "−"),
                    "interval": interval(cell).replace("-", "−"),
                    "paper": number(cell["paper"]).replace("-", "−"),
                    "verdict": verdict and _verdict(verdict),
                    "mark": mark(by_key.get((key, *place)), level),
                }
            )
        rows.append(
            {
                "labels": row.labels,
                "quoted": is_quoted(cells),
                "not_run": is_not_run(cells),
                "in_paper": in_paper(cells),
                "reference": key in references,
                "runs": [(names[run], run) for run in runs],
                "whose": whose(cells),
                "cells": shown,
            }
        )
    return {"protocol": protocol, "labels": layout.labels, "groups": _groups(layout), "rows": rows, "layout": layout}


def _groups(layout: Layout) -> list[tuple[str, int]]:
    return [(name, len(list(columns))) for name, columns in groupby(layout.columns, key=lambda c: c.group)]


def _verdict(verdict: View) -> View:
    word, reason = verdict["verdict"], verdict["reason"]
    return {"word": word, "kind": slug(word), "sign": SIGNS.get(word, "?"), "text": f"{word}: {reason}".rstrip(": ")}


def mark(comparison: View | None, level: float) -> View | None:
    """How a cell differs from that of the reference row: an arrow if the method does at ``level``, else ``ns``."""
    if comparison is None:
        return None
    found = comparison["trainings"] >= FEWEST and comparison["p"] < level
    up = comparison["difference"] > 0
    sign, kind = (("▲", "up") if up else ("▼", "down")) if found else ("ns", "ns")
    text = (
        f"{'significantly ' + ('higher' if up else 'lower') if found else 'not significantly different'} "
        f"than {comparison['b']}: difference {signed(comparison['difference'])} "
        f"{bounds(comparison['ci_low'], comparison['ci_high'])}, {probability(comparison['p'])}, "
        f"{comparison['trainings']:.0f} training{'s' if comparison['trainings'] != 1 else ''}, "
        f"could have seen {decimals(comparison['detectable'])}"
    )
    return {"sign": sign, "kind": kind, "text": text.replace("different than", "different from")}


def _test(comparison: View, level: float) -> View:
    """One line of the list of all tests of a table."""
    said = mark(comparison, level)
    return {
        "protocol": comparison["protocol"],
        "cells": [
            f"{comparison['a']} − {comparison['b']}",
            f"{comparison['dataset']} {comparison['metric']} {comparison['split']}",
            signed(comparison["difference"]),
            bounds(comparison["ci_low"], comparison["ci_high"]),
            probability(comparison["p"]).removeprefix("p ").removeprefix("= "),
            f"{comparison['trainings']:.0f}",
            decimals(comparison["detectable"]),
            signed(comparison["paper_difference"]),
        ],
        "sign": said["sign"] if said else "",
        "kind": said["kind"] if said else "",
    }
