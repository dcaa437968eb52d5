"""How a filled table is laid out on a page, whatever the markup: rows, columns, texts of cells, and notes."""

from dataclasses import dataclass

import pandas as pd

from vqa.params import Common
from vqa.report.tables import PROTOCOLS
from vqa.report.wording import interval_definition, protocol_definitions

HEADERS = {"weight_decay": "Weight decay", "augmentation": "Augmentation", "gamma": "γ"}
QUALITY = {"SRCC", "PLCC"}
EMPTY = "–"


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
        texts = [(setting.partition("=")[2],) for _, setting in rows]
    elif any(setting for _, setting in rows):
        labels, texts = ("Method", "Type"), rows
    else:
        labels, texts = ("Method",), [(method,) for method, _ in rows]
    keys = list(dict.fromkeys(zip(first.dataset, first.metric, first.split, strict=True)))
    many = first.dataset.nunique() > 1
    columns = [Column(d, m, s, group=d if many else m, header=m if many else s.capitalize()) for d, m, s in keys]
    return Layout(labels, tuple(Row(*row, text) for row, text in zip(rows, texts, strict=True)), tuple(columns))


def number(value: float) -> str:
    """Three decimals as in the paper, or a dash where there is no number."""
    return EMPTY if pd.isna(value) else f"{value:.3f}"


def interval(cell: pd.Series) -> str:
    """``[low, high]`` of a test value; empty for train values and gaps, whose intervals are in the CSV file."""
    shown = cell["split"] == "test" and not pd.isna(cell["ci_low"])
    return f"[{number(cell['ci_low'])}, {number(cell['ci_high'])}]" if shown else ""


def cells(frame: pd.DataFrame, protocol: str) -> dict[tuple[str, ...], pd.Series]:
    """The cells of one protocol by ``(method, setting, dataset, metric, split)``."""
    chosen = frame[frame.protocol == protocol]
    return {(c.method, c.setting, c.dataset, c.metric, c.split): c for _, c in chosen.iterrows()}


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


def coverage(frame: pd.DataFrame) -> str:
    """How the cells of one protocol (all protocols have the same cells) came about."""
    sources = frame[frame.protocol == PROTOCOLS[0]].source.value_counts()
    named = dict.fromkeys(["trained", *sorted(set(sources.index) - {"quoted", "missing"}), "quoted", "missing"])
    return f"{sources.sum()} cells: " + ", ".join(f"{sources.get(source, 0)} {source}" for source in named)


def items(frame: pd.DataFrame) -> str:
    """Number of items and digest of every item list in the table, and the seeds."""
    filled = frame[(frame.items_digest != "") & (frame.split != "gap")]
    lists = filled[["dataset", "split", "n", "items_digest"]].drop_duplicates()
    parts = [f"{r.dataset} {r.split} n = {r.n} (items {r.items_digest})" for r in lists.itertuples()]
    seeds = sorted({seed for text in filled.seeds for seed in text.split()}, key=int)
    return "; ".join([*parts, f"training seed {', '.join(seeds)}"]) if parts else "no cell was filled"


def notes(frame: pd.DataFrame, common: Common) -> dict[str, str]:
    """What is to be said below a table: term and sentence."""
    definitions = {f"{name.capitalize()} protocol": text for name, text in protocol_definitions(common).items()}
    return {
        **definitions,
        "Intervals": interval_definition(common),
        "Gap": "train minus test.",
        "Data": f"{items(frame)}.",
        "Coverage": f"{coverage(frame)} (per protocol).",
    }
