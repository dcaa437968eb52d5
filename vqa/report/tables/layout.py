"""How a filled table is laid out on a page, whatever the markup: rows, columns, texts of cells, and notes."""

from collections import Counter
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

from vqa.report.tables.cells import ADDED, PROTOCOLS, row_key
from vqa.report.wording import (
    MEANS,
    PUBLISHED,
    QUOTED,
    interval_definition,
    mapped_plcc,
    one_epoch,
    protocol_definitions,
)
from vqa.settings.params import Common

HEADERS = {"weight_decay": "Weight decay", "augmentation": "Augmentation", "gamma": "γ"}
EMPTY = "–"

Cell = dict[str, Any]


@dataclass(frozen=True)
class Column:
    """One column of numbers: ``group`` is the header that it shares with its neighbours."""

    dataset: str
    metric: str
    split: str
    group: str
    header: str


@dataclass(frozen=True)
class Row:
    """One row of the paper: its key in the long form, and the texts that label it."""

    method: str
    setting: str
    labels: tuple[str, ...]


@dataclass(frozen=True)
class Layout:
    """Rows and columns of one table, in the paper's order; ``labels`` are the headers of the rows' labels."""

    labels: tuple[str, ...]
    rows: tuple[Row, ...]
    columns: tuple[Column, ...]


def lay_out(frame: pd.DataFrame) -> Layout:
    """Rows and columns of a table in long form.

    Sweeps over one setting are labelled by its values, other tables by method and, where the paper has it, type.
    """
    first = frame[frame.protocol == PROTOCOLS[0]]
    rows = list(dict.fromkeys(zip(first.method, first.setting, strict=True)))
    if all("=" in setting for _, setting in rows):
        name = rows[0][1].partition("=")[0]
        labels: tuple[str, ...] = (HEADERS.get(name, name),)
        texts: list[tuple[str, ...]] = [(setting.partition("=")[2],) for _, setting in rows]
    elif any(setting for _, setting in rows):
        labels, texts = ("Method", "Type"), [*rows]
    else:
        labels, texts = ("Method",), [(method,) for method, _ in rows]
    keys = list(dict.fromkeys(zip(first.dataset, first.metric, first.split, strict=True)))
    many = first.dataset.nunique() > 1
    columns = [Column(d, m, s, group=d if many else m, header=m if many else s.capitalize()) for d, m, s in keys]
    return Layout(labels, tuple(Row(*row, text) for row, text in zip(rows, texts, strict=True)), tuple(columns))


def number(value: float) -> str:
    """Three decimals as in the paper, or a dash where there is no number."""
    return EMPTY if pd.isna(value) else f"{value:.3f}"


def interval(cell: Cell) -> str:
    """``[low, high]`` of a test value; empty for train values and gaps, whose intervals are in the CSV file."""
    shown = cell["split"] == "test" and not pd.isna(cell["ci_low"])
    return f"[{number(cell['ci_low'])}, {number(cell['ci_high'])}]" if shown else ""


def body(frame: pd.DataFrame, layout: Layout, protocol: str) -> list[tuple[Row, list[Cell]]]:
    """The rows of one protocol, each with its cells in the order of the columns."""
    cells = frame[frame.protocol == protocol].to_dict("records")
    by_key = {(c["method"], c["setting"], c["dataset"], c["metric"], c["split"]): c for c in cells}
    keys = [(column.dataset, column.metric, column.split) for column in layout.columns]
    return [(row, [by_key[row.method, row.setting, *key] for key in keys]) for row in layout.rows]


def is_quoted(cells: list[Cell]) -> bool:
    """Whether a row is quoted from the literature: it is one line, set apart, and never called ours."""
    return all(cell["source"] == "quoted" for cell in cells)


def whose(cells: list[Cell]) -> str:
    """``ours``, or ``published`` for a row of numbers that follow from predictions or results of others."""
    return "published" if any(cell["source"] == "published-predictions" for cell in cells) else "ours"


def is_filled(cells: list[Cell]) -> bool:
    """Whether a row has a number of ours."""
    return any(cell["source"] not in ("quoted", "missing") for cell in cells)


def is_not_run(cells: list[Cell]) -> bool:
    """Whether nothing was run for a row of the paper: it is one line, the paper's, and never called ours."""
    return all(cell["source"] == "missing" for cell in cells)


def warnings(frame: pd.DataFrame) -> list[str]:
    """Rows that must not be compared: scored on different item lists of the same test set."""
    filled = frame[frame.items_digest != ""]
    lines = []
    for (dataset, split), part in filled[filled.split != "gap"].groupby(["dataset", "split"], sort=False):
        runs = {digest: ", ".join(dict.fromkeys(rows.run)) for digest, rows in part.groupby("items_digest", sort=False)}
        if len(runs) > 1:
            lists = "; ".join(f"{digest} ({names})" for digest, names in runs.items())
            lines.append(f"Rows were scored on different items of {dataset} {split}, do not compare them: {lists}.")
    return lines


def in_paper(cells: list[Cell]) -> bool:
    """Whether the paper has a row, even if it prints dashes."""
    return any(cell["note"] != ADDED for cell in cells)


def sources(frame: pd.DataFrame) -> Counter[str]:
    """How many numbers of the paper (the same in all protocols) have which source; dashes of the paper do not count."""
    return Counter(frame[(frame.protocol == PROTOCOLS[0]) & frame.paper.notna()].source)


def coverage(counts: Counter[str]) -> str:
    """Sentence of :func:`sources`, of one table or of several."""
    if not counts:
        return "not in the paper"
    named = dict.fromkeys(["trained", *sorted(set(counts) - {"quoted", "missing"}), "quoted", "missing"])
    return f"{counts.total()} cells: " + ", ".join(f"{counts[source]} {source}" for source in named)


def items(frame: pd.DataFrame) -> str:
    """Number of items and digest of every item list in the table, and the seeds."""
    filled = frame[(frame.items_digest != "") & (frame.split != "gap")]
    lists = filled[["dataset", "split", "n", "folds", "items_digest"]].drop_duplicates()
    parts = []
    for dataset, split, n, folds, digest in lists.itertuples(index=False):
        name = f"{dataset} {split}" if lists.split.nunique() > 1 else dataset
        each = f" in each of {folds} splits" if folds > 1 else ""
        parts.append(f"{name} n = {n}{each} (items {digest})")
    seeds = sorted({seed for text in filled.seeds for seed in text.split()}, key=int)
    return "; ".join([*parts, f"training seed {', '.join(seeds)}"]) if parts else "no cell was filled"


def row_names(frame: pd.DataFrame) -> str:
    """Names of the rows that the given cells are in."""
    names = (row_key(method, setting) for method, setting in zip(frame.method, frame.setting, strict=True))
    return ", ".join(dict.fromkeys(names))


def exceptions(frame: pd.DataFrame) -> dict[str, str]:
    """What holds for some rows only: term and sentence."""
    found = {}
    picked, mapped, cut = frame[frame.selection == "best_srcc"], frame[frame.mapping != ""], frame[frame.folds > 1]
    if len(picked):
        found["Epoch"] = one_epoch(row_names(picked))
    if len(mapped):
        found["PLCC"] = mapped_plcc(row_names(mapped))
    if len(cut):
        cut = cut.assign(mean=np.where(cut.covers == "splits", "median", "mean"))
        means = (
            f"{row_names(rows)}: {mean} over {folds} random splits or seeds"
            for (mean, folds), rows in cut.groupby(["mean", "folds"])
        )
        found["Splits"] = f"{'; '.join(means)}. {MEANS}"
    return found


def notes(frame: pd.DataFrame, common: Common) -> dict[str, str]:
    """What is to be said below a table: term and sentence."""
    definitions = {f"{name.capitalize()} protocol": text for name, text in protocol_definitions(common).items()}
    gap = {"Gap": "train minus test."} if (frame.split == "gap").any() else {}
    published = {"Published rows": PUBLISHED} if (frame.source == "published-predictions").any() else {}
    quoted = {"Quoted rows": QUOTED} if (frame.source == "quoted").any() else {}
    counts = sources(frame)
    return {
        **definitions,
        **exceptions(frame),
        **published,
        **quoted,
        "Intervals": interval_definition(),
        **gap,
        "Data": f"{items(frame)}.",
        "Coverage": f"{coverage(counts)} (per protocol)." if counts else f"{coverage(counts)}.",
    }
