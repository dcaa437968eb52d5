"""What the rules of fusing two branches are worth, of every row that has branches."""

from collections.abc import Iterable
from pathlib import Path

import pandas as pd

from vqa.report.tables.row_files import row_tables
from vqa.stats.fusion_gains import GAINS

FUSION = ("run", *GAINS[:-1], "trainings")


def fusion_gains(names: Iterable[str], runs: Path) -> pd.DataFrame:
    """The files ``fusion.csv`` of the rows ``names`` in one table; of several trainings the means, without intervals.

    Returns:
        A frame with :data:`FUSION`.

    Raises:
        InputError: if a file is missing.
    """
    tables = [pd.DataFrame(columns=FUSION)]
    for name, table in row_tables(names, runs, "fusion.csv"):
        means = [_of_rule(part) for _, part in table.groupby(["dataset", "rule"], sort=False)]
        tables.append(pd.DataFrame([{"run": name, **row} for row in means], columns=FUSION))
    return pd.concat([table for table in tables if len(table)] or tables, ignore_index=True)


def _of_rule(part: pd.DataFrame) -> dict:
    means = part[["weight", "srcc", "plcc", "gain", "ci_low", "ci_high"]].mean()
    if len(part) > 1:  # each has an interval of its own, and their mean has none
        means[["ci_low", "ci_high"]] = float("nan")
    first = part.iloc[0]
    return {"dataset": first["dataset"], "rule": first["rule"], **means, "n": first["n"], "trainings": len(part)}
