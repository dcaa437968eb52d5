"""How close features of our own come to published rows, of every row that holds them side by side."""

from collections.abc import Iterable
from pathlib import Path

import pandas as pd

from vqa.regression.agreement import AGREEMENT
from vqa.report.tables.row_files import row_tables


def agreements(names: Iterable[str], runs: Path) -> pd.DataFrame:
    """The files ``agreement.csv`` of the rows ``names`` in one table; InputError if one is missing."""
    tables = [table.assign(run=name) for name, table in row_tables(names, runs, "agreement.csv")]
    return pd.concat([pd.DataFrame(columns=["run", *AGREEMENT]), *tables], ignore_index=True)


def worst_by_clip(table: pd.DataFrame) -> pd.DataFrame:
    """One row per ``run`` and ``clip``: how many ``features``, how many ``close`` to a millionth, and the one that is
    furthest in standard deviations of the data set (``furthest``, ``deviations``).
    """
    rows = []
    for (run, clip), part in table.groupby(["run", "clip"], sort=False):
        last = part.loc[part.deviations.idxmax()]
        close = int((part.relative < 1e-6).sum())
        rows.append((run, clip, len(part), close, last.feature, float(last.deviations)))
    return pd.DataFrame(rows, columns=["run", "clip", "features", "close", "furthest", "deviations"])
