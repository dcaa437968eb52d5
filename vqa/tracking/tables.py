"""What the mirror says of the report: one parent run per table, its cells as metrics, and one run with all figures."""

from __future__ import annotations

import math
import re
from functools import partial
from pathlib import Path

import pandas as pd

from vqa.io import InputError, digest, file_digest
from vqa.settings.params import Params
from vqa.tracking.store import Content, Entry, Point

SUFFIXES = (".csv", ".md", ".tex")
LAYOUT = 1  # of what is made of the files: a store of another one is written anew
NOTE = """{title}

Metrics are the cells of the table: `clean/<data set>/<row>/srcc` and `released/...` are ours, by protocol, and
`printed/...` is what the paper has; `srcc_train` and `srcc_gap` are the training value and the gap. The runs of its
rows are nested below it, or below the first table that they stand in: ``tags.`vqa.tables` LIKE '%{name}%'`` finds them
all."""


def report_entries(params: Params, reports: Path) -> list[Entry]:
    """One entry per table of params, and one for the figures if there are any.

    Args:
        params: of the scale.
        reports: holds ``tables/`` and ``figures/``.

    Raises:
        InputError: if a page of a table, or all figures, are missing.
    """
    entries = []
    scale = params.common.scale
    for name, table in params.tables.items():
        files = [reports / "tables" / f"{name}{suffix}" for suffix in SUFFIXES]
        _demand(files, "tables")
        note = NOTE.format(title=table.title, name=name)
        entries.append(Entry("vqa.table", name, _fingerprint(files, note), partial(_read_table, files, scale, note)))
    if params.figures:
        files = sorted(path for path in (reports / "figures").glob("*") if path.is_file())
        _demand(files or [reports / "figures"], "figures")
        entries.append(Entry("vqa.figures", "figures", _fingerprint(files, ""), partial(_read_figures, files, scale)))
    return entries


def cells(table: pd.DataFrame) -> dict[str, float]:
    """The numbers of a table in long form by the name of their metric; cells without a number are left out.

    Args:
        table: columns ``protocol``, ``dataset``, ``method``, ``setting``, ``split``, ``metric``, ``value``, ``paper``.

    Raises:
        InputError: if two rows get one name, because what tells them apart MLflow does not take.
    """
    found: dict[str, float] = {}
    rows: dict[str, str] = {}
    for cell in table.to_dict("records"):
        # A row is named by its setting where it is one of a sweep, else by its method.
        row = str(cell["setting"] if "=" in str(cell["setting"]) else cell["method"])
        name = allowed(row)
        if rows.setdefault(name, row) != row:
            raise InputError(f"rows {rows[name]!r} and {row!r} of a table are both {name!r} in MLflow; rename one")
        metric = str(cell["metric"]).lower() + ("" if cell["split"] == "test" else f"_{cell['split']}")
        end = f"{allowed(str(cell['dataset']))}/{name}/{metric}"
        for start, value in ((cell["protocol"], cell["value"]), ("printed", cell["paper"])):
            if not math.isnan(float(value)):
                found[f"{start}/{end}"] = float(value)
    return found


def allowed(name: str) -> str:
    """A name as one part of a metric's name: letters, digits, ``_``, ``-``, ``.``, ``:`` and single blanks."""
    text = re.sub(r"[^\w.:\- ]", "", re.sub(r"[=+]", " ", name.replace("/", "-")))
    return " ".join(text.split())


def _demand(files: list[Path], stage: str) -> None:
    absent = [path for path in files if not path.exists()]
    if absent:
        raise InputError(f"{absent[0]} is missing: `vqa repro {stage}` makes it")


def _fingerprint(files: list[Path], note: str) -> str:
    return digest("\n".join([f"layout {LAYOUT}", note, *(f"{path.name} {file_digest(path)}" for path in files)]))


def _read_table(files: list[Path], scale: str, note: str) -> Content:
    empty = {"value": [""], "paper": [""]}
    frame = pd.read_csv(files[0], dtype={"method": str, "setting": str}, keep_default_na=False, na_values=empty)
    points: list[Point] = [(name, value, 0) for name, value in cells(frame).items()]
    return Content({"vqa.scale": scale, "mlflow.note.content": note}, points=points, files=tuple(files))


def _read_figures(files: list[Path], scale: str) -> Content:
    return Content({"vqa.scale": scale}, files=tuple(files))
