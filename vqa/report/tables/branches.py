"""What the rules of fusing two branches are worth, of every row that has branches."""

from collections.abc import Iterable, Iterator
from pathlib import Path

import pandas as pd

from vqa.io import InputError
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


def row_tables(names: Iterable[str], runs: Path, file: str) -> Iterator[tuple[str, pd.DataFrame]]:
    """The file of that name of every row, with the row's; InputError if one is missing."""
    for name in names:
        path = runs / name / file
        if not path.is_file():
            raise InputError(f"{path} is missing: `dvc repro` makes it")
        yield name, pd.read_csv(path)


def _of_rule(part: pd.DataFrame) -> dict:
    means = part[["weight", "srcc", "plcc", "gain", "ci_low", "ci_high"]].mean()
    if len(part) > 1:  # each has an interval of its own, and their mean has none
        means[["ci_low", "ci_high"]] = float("nan")
    first = part.iloc[0]
    return {"dataset": first["dataset"], "rule": first["rule"], **means, "n": first["n"], "trainings": len(part)}
