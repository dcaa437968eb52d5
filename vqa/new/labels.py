"""Label lists as people have them: any usual header, separator and encoding; what was taken for what is said."""

import csv
import io
import re
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd

from vqa.io import InputError

# Headers in small letters and digits alone, the likeliest first.
NAMES = (
    *("name", "filename", "file", "video", "videoname", "videofile", "videofilename", "path", "filepath", "videopath"),
    *("image", "imagename", "imagefile", "stimulus", "clip", "item", "vid", "videoid", "flickrid"),
)
SCORES = (
    *("mos", "score", "meanopinionscore", "mosscore", "subjectivescore", "quality", "qualityscore", "rating"),
    *("meanscore", "mean", "label"),
)
SPLITS = {"train": "train", "training": "train", "test": "test", "testing": "test"}
WORDS = {"name": "name", "mos": "MOS", "split": "split"}
SEPARATORS = {",": "comma", ";": "semicolon", "\t": "tab", "|": "bar", " ": "blank"}


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
    rows, separator = _rows(path)
    header = [cell.strip() for cell in rows[0][1]]
    plain = [_plain(cell) for cell in header]
    if not {name, mos, split} - {None} and not {*plain} & {*NAMES, *SCORES}:
        if len(header) < 2 or not _is_number(header[-1], separator):
            raise InputError(f"{path}: no header says which column is what: {_listed(header)}; {_remedy()}")
        columns, took = {"name": 0, "mos": len(header) - 1}, "no header: first column for the name, last for the MOS"
    else:
        rows = rows[1:]
        columns = {
            "name": _column(path, header, name, NAMES, "--name"),
            "mos": _column(path, header, mos, SCORES, "--mos"),
        }
        if split is not None:
            columns["split"] = _column(path, header, split, (), "--split")
        took = ", ".join(f"column {header[place]!r} for the {WORDS[what]}" for what, place in columns.items())
        if columns["name"] == columns["mos"]:
            raise InputError(f"{path}: {took}: one column cannot be both; {_remedy()}")
    if not rows:
        raise InputError(f"{path}: lists no items")
    found = {what: [cells[place].strip() for _, cells in rows] for what, place in columns.items()}
    table = pd.DataFrame({"name": found["name"], "mos": _scores(path, rows, found["mos"], separator)})
    _check_names(path, rows, found["name"])
    if "split" in found:
        table["split"] = _splits(path, rows, found["split"], header[columns["split"]])
    return Labels(table, f"{path.name}: {took}, {SEPARATORS[separator]} between them")


def _rows(path: Path) -> tuple[list[tuple[int, list[str]]], str]:
    """Cells of all lines that are not empty, each with its number from 1, and the separator."""
    try:
        content = path.read_bytes()
    except OSError as error:
        raise InputError(f"{path}: cannot be read ({error.strerror})") from None
    encoding = "utf-16" if content[:2] in (b"\xff\xfe", b"\xfe\xff") else "utf-8-sig"
    try:
        text = content.decode(encoding)
    except UnicodeDecodeError as error:
        raise InputError(f"{path}: not text in UTF-8 ({error.reason} at byte {error.start}): save it as such") from None
    first = next((line for line in text.splitlines() if line.strip()), None)
    if first is None:
        raise InputError(f"{path}: is empty")
    separator = max(SEPARATORS, key=lambda char: first.count(char) * (char != " ") or 0.5 * (char == " "))
    reader = csv.reader(io.StringIO(text, newline=""), delimiter=separator, skipinitialspace=True)
    try:
        rows = [(reader.line_num, cells) for cells in reader if any(cell.strip() for cell in cells)]
    except csv.Error as error:
        raise InputError(f"{path}: line {reader.line_num}: {error}") from None
    for number, cells in rows:
        if len(cells) != len(rows[0][1]):
            raise InputError(f"{path}: line {number} has {len(cells)} fields, the first line {len(rows[0][1])}")
    if len(rows[0][1]) < 2:
        raise InputError(f"{path}: one column alone, a name and a MOS are needed; {_remedy()}")
    return rows, separator


def _column(path: Path, header: list[str], wanted: str | None, usual: Iterable[str], option: str) -> int:
    """Which column has a header: the one that was asked for, or the likeliest usual one."""
    plain = [_plain(cell) for cell in header]
    candidates = usual if wanted is None else (_plain(wanted),)
    for candidate in candidates:
        if plain.count(candidate) > 1:
            raise InputError(f"{path}: several columns are called {candidate!r}; name one by {option}")
        if candidate in plain:
            return plain.index(candidate)
    missing = f"no column {wanted!r}" if wanted is not None else f"no usual name of a column for {option[2:]}"
    raise InputError(f"{path}: {missing} among {_listed(header)}; {_remedy()}")


def _scores(path: Path, rows: list[tuple[int, list[str]]], texts: list[str], separator: str) -> np.ndarray:
    """MOS as numbers; a comma is the decimal point where it is not the separator."""
    for (number, _), text in zip(rows, texts, strict=True):
        if not _is_number(text, separator):
            raise InputError(f"{path}: line {number}: {text!r} is no MOS")
    scores = np.array([_number(text, separator) for text in texts])
    if len(np.unique(scores)) < 2:
        raise InputError(f"{path}: all {len(scores)} items have the same MOS, {scores[0]:g}")
    return scores


def _splits(path: Path, rows: list[tuple[int, list[str]]], texts: list[str], header: str) -> list[str]:
    for (number, _), text in zip(rows, texts, strict=True):
        if text.lower() not in SPLITS:
            raise InputError(f"{path}: line {number}: column {header!r} says {text!r}; train or test are understood")
    return [SPLITS[text.lower()] for text in texts]


def _check_names(path: Path, rows: list[tuple[int, list[str]]], names: list[str]) -> None:
    seen: dict[str, int] = {}
    for (number, _), name in zip(rows, names, strict=True):
        if not name:
            raise InputError(f"{path}: line {number} has no name")
        if name in seen:
            raise InputError(f"{path}: line {number}: {name} is there already, in line {seen[name]}")
        seen[name] = number


def _number(text: str, separator: str) -> float:
    return float(text if separator == "," else text.replace(",", "."))


def _is_number(text: str, separator: str) -> bool:
    try:
        return bool(np.isfinite(_number(text, separator)))
    except ValueError:
        return False


def _plain(header: str) -> str:
    return re.sub(r"[^a-z0-9]", "", header.lower())


def _listed(header: list[str]) -> str:
    return ", ".join(repr(cell) for cell in header[:12]) + (", ..." if len(header) > 12 else "")


def _remedy() -> str:
    return "say which by --name COLUMN and --mos COLUMN"
