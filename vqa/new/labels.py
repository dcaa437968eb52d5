"""Label lists as people have them: any usual header, separator and encoding; what was taken for what is said."""

import re
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd

from vqa.data.labels import SPLITS, read_splits
from vqa.data.listed import composed
from vqa.data.rows import BLANK, SEPARATORS, Rows, number, read_rows
from vqa.io import InputError

# Headers in small letters and digits, the likeliest first.
NAMES = (
    *("name", "filename", "file", "video", "videoname", "videofile", "videofilename", "path", "filepath", "videopath"),
    *("image", "imagename", "imagefile", "stimulus", "clip", "item", "vid", "videoid", "flickrid"),
)
SCORES = (
    *("mos", "score", "meanopinionscore", "mosscore", "subjectivescore", "quality", "qualityscore", "rating"),
    *("meanscore", "mean", "label"),
)
PARTS = {text: split for text, split in SPLITS.items() if split in ("train", "test")}
WORDS = {"name": "name", "mos": "MOS", "split": "split"}


@dataclass(frozen=True)
class Labels:
    """What was read.

    Attributes:
        table: columns ``name`` (as the list has it), ``mos`` and, if a split was asked for, ``split``.
        said: one line: which column was taken for what.
    """

    table: pd.DataFrame
    said: str


def read_any_labels(path: Path, name: str | None = None, mos: str | None = None, split: str | None = None) -> Labels:
    """Read a label list that was not written for this suite.

    Args:
        path: text in UTF-8 or UTF-16, separated by comma, semicolon, tab, bar or blanks. A list without a header has
            the name first and the MOS last.
        name: header of the column with the names; else the first usual one is taken.
        mos: the same for the MOS.
        split: header of a column that says ``train`` or ``test``; None if the split is made elsewhere.

    Raises:
        InputError: one line that says what is wrong, and in which line of the file.
    """
    rows = read_rows(path)
    header, separator = rows.header, rows.separator
    if len(header) < 2:
        raise InputError(f"{path}: one column alone, a name and a MOS are needed; {_remedy()}")
    plain = [_plain(cell) for cell in header]
    if not {name, mos, split} - {None} and not {*plain} & {*NAMES, *SCORES}:
        if number(header[-1], separator) is None:
            raise InputError(f"{path}: no header says which column is what: {_listed(header)}; {_remedy()}")
        columns, took = {"name": 0, "mos": len(header) - 1}, "no header: first column for the name, last for the MOS"
    else:
        rows = rows.without_header()
        columns = {
            "name": _column(path, header, name, NAMES, "--name"),
            "mos": _column(path, header, mos, SCORES, "--mos"),
        }
        if split is not None:
            columns["split"] = _column(path, header, split, (), "--split")
        took = ", ".join(f"column {header[place]!r} for the {WORDS[what]}" for what, place in columns.items())
        if columns["name"] == columns["mos"]:
            raise InputError(f"{path}: {took}: one column cannot be both; {_remedy()}")
    table = pd.DataFrame({"name": rows.names(columns["name"]), "mos": _scores(rows, columns["mos"])})
    if "split" in columns:
        table["split"] = read_splits(rows, columns["split"], header[columns["split"]], PARTS)
    between = {**SEPARATORS, BLANK: "blank"}[separator]
    return Labels(table, f"{path.name}: {took}, {between} between them")


def _scores(rows: Rows, place: int) -> np.ndarray:
    scores = rows.numbers(place, "MOS")
    if len(np.unique(scores)) < 2:
        raise InputError(f"{rows.path}: all {len(scores)} items have the same MOS, {scores[0]:g}")
    return scores


def _column(path: Path, header: list[str], wanted: str | None, usual: Iterable[str], option: str) -> int:
    """Which column has a header: the one that was asked for, or the likeliest usual one."""
    if wanted is not None and header.count(wanted) == 1:
        return header.index(wanted)
    plain = [_plain(cell) for cell in header]
    candidates = usual if wanted is None else (_plain(wanted),)
    for candidate in filter(None, candidates):
        if plain.count(candidate) > 1:
            raise InputError(f"{path}: several columns are called {candidate!r}; name one by {option}")
        if candidate in plain:
            return plain.index(candidate)
    missing = f"no column {wanted!r}" if wanted is not None else f"no usual name of a column for {option[2:]}"
    raise InputError(f"{path}: {missing} among {_listed(header)}; {_remedy()}")


def _plain(header: str) -> str:
    return re.sub(r"[\W_]", "", composed(header).casefold())


def _listed(header: list[str]) -> str:
    return ", ".join(repr(cell) for cell in header[:12]) + (", ..." if len(header) > 12 else "")


def _remedy() -> str:
    return "say which by --name COLUMN and --mos COLUMN"
