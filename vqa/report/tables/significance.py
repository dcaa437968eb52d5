"""Marks for cells that differ from their table's reference row, from the comparisons of the statistics stage."""

from pathlib import Path

import pandas as pd

from vqa.io import InputError
from vqa.stats.trainings import FEWEST

MARK = "*"

# Protocol, row, data set, metric and split of a cell.
Place = tuple[str, str, str, str, str]


def read_marks(path: Path, level: float) -> dict[str, dict[Place, str]]:
    """The cells to mark, by table: those of a method that differs from its reference row with p below ``level``.

    Each mark is for itself: of many cells that do not differ, a share of ``level`` is marked.

    Raises:
        InputError: if there are no comparisons.
    """
    if not path.is_file():
        raise InputError(f"{path} is missing: `dvc repro statistics`")
    places = ["protocol", "a", "dataset", "metric", "split"]
    table = pd.read_csv(path, dtype=dict.fromkeys(("table", *places), str))
    chosen = table.reference.astype(bool) & (table.trainings >= FEWEST) & (table.p < level)
    marks: dict[str, dict[Place, str]] = {}
    for row in table[chosen].to_dict("records"):
        marks.setdefault(row["table"], {})[tuple(row[name] for name in places)] = MARK
    return marks
