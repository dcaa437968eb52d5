"""The label list of a data set: which files, their MOS, and the split of each."""

import difflib
from pathlib import Path, PurePosixPath

import pandas as pd

from vqa.data.catalog import CATALOG
from vqa.data.rows import Rows, read_rows
from vqa.io import InputError

LABELS = "labels.csv"
LABEL_COLUMNS = ["name", "mos", "split"]
# What lists call a split, in small letters, and what it is called here: no run would ever ask for another.
SPLITS = {
    **{split: split for entry in CATALOG.values() for listed in entry.lists for split in listed.splits},
    **{"train": "train", "training": "train", "test": "test", "testing": "test", "val": "val", "all": "all"},
}


def read_labels(path: Path) -> pd.DataFrame:
    """Read a label list and check it: columns ``name,mos,split``, an item a row.

    Returns:
        These columns, in the order of the file: text, float64, text.

    Raises:
        InputError: naming the file and, where there is one, line and value: whatever
            :func:`vqa.data.rows.read_rows` refuses, other columns, no items, a name that is there twice or does not
            stay inside the folder of the files, a MOS that is no number, a split that nobody knows.
    """
    if not path.is_file():
        raise InputError(f"{path}: no label list; fetch the data set first")
    rows = read_rows(path)
    if rows.header != LABEL_COLUMNS:
        raise InputError(f"{path}: columns are {rows.header}, expected {LABEL_COLUMNS}")
    rows = rows.without_header()
    names = rows.names(0)
    for line, name in rows.column(0):
        if not stays_inside(name):
            raise InputError(f"{path}: line {line}: {name!r} is not a plain relative path inside the folder")
    return pd.DataFrame({"name": names, "mos": rows.numbers(1, "MOS"), "split": read_splits(rows, 2, "split", SPLITS)})


def read_splits(rows: Rows, place: int, title: str, known: dict[str, str]) -> list[str]:
    """A column of splits, of that title, under the names they have here; InputError for one that is not ``known``."""
    for line, text in rows.column(place):
        if text.lower() not in known:
            close = difflib.get_close_matches(text.lower(), known, n=1)
            meant = f" (did you mean {close[0]!r}?)" if close else ""
            options = ", ".join(dict.fromkeys(known.values())) + meant
            raise InputError(f"{rows.path}: line {line}: column {title!r} says {text!r}, which is none of {options}")
    return [known[text.lower()] for _, text in rows.column(place)]


def stays_inside(name: str) -> bool:
    """Whether a name is relative, in its shortest form, without ``..``, and not that of the label list itself."""
    path = PurePosixPath(name)
    # Two spellings of one path would be one file in data/, and backslashes are separators on some systems only.
    plain = str(path) == name and "\\" not in name and name not in (".", LABELS)
    return plain and not path.is_absolute() and ".." not in path.parts
