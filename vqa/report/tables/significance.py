"""Marks for cells that differ from their table's reference row, from the comparisons of the statistics stage."""

from pathlib import Path

import pandas as pd

from vqa.io import InputError

MARK = "*"

# Protocol, row, data set, metric and split of a cell.
Place = tuple[str, str, str, str, str]


def read_marks(path: Path, level: float) -> dict[str, dict[Place, str]]:
    """The cells to mark, by table: those whose Holm-adjusted p-value against the reference row is below ``level``.

    Raises:
        InputError: if there are no comparisons.
    """
    if not path.is_file():
        raise InputError(f"{path} is missing: `dvc repro statistics`")
    places = ["protocol", "a", "dataset", "metric", "split"]
    table = pd.read_csv(path, dtype=dict.fromkeys(("table", *places), str))
    marks: dict[str, dict[Place, str]] = {}
    for row in table[table.reference.astype(bool) & (table.p_holm < level)].to_dict("records"):
        marks.setdefault(row["table"], {})[tuple(row[name] for name in places)] = MARK
    return marks
