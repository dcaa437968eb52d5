"""A row of a table that is no training of ours, read from its ``results.csv`` (:mod:`vqa.regression.outside`)."""

from collections.abc import Iterable
from pathlib import Path

import pandas as pd

from vqa.io import InputError
from vqa.report.tables.results import Result, TrainedRun
from vqa.settings.params import Params

HALF_WIDTH = 1.959963984540054  # of a 95 % interval, in standard errors


class OutsideRow:
    """Numbers of one row, by the paper's names of the data sets.

    Args:
        name: key in ``params.regressions`` or ``params.quotable``.
        folder: where ``results.csv`` is.

    Raises:
        InputError: if it is missing.
    """

    def __init__(self, name: str, folder: Path) -> None:
        try:
            table = pd.read_csv(folder / "results.csv", dtype={"mapping": str, "items_digest": str})
        except OSError:
            raise InputError(f"{folder}/results.csv is missing: `dvc repro` makes it") from None
        self.name, texts = name, ["mapping", "items_digest"]
        table[texts] = table[texts].fillna("")
        self.datasets = list(dict.fromkeys(table.dataset))
        keys = zip(table.protocol, table.dataset, table.metric.str.lower(), table.split, strict=True)
        self._cells = dict(zip(keys, table.to_dict("records"), strict=True))

    def result(self, protocol: str, test: str, metric: str, split: str) -> Result:
        """The number of one cell; missing where the row has none. It names no run, for there is no page of one."""
        cell = self._cells.get((protocol, test, metric, split))
        if cell is None:
            return Result()
        error = (cell["ci_high"] - cell["ci_low"]) / (2 * HALF_WIDTH) if cell["folds"] == 1 else float("nan")
        return Result(
            value=cell["value"],
            ci_low=cell["ci_low"],
            ci_high=cell["ci_high"],
            # Of one list of items the interval is over them, symmetric enough to tell the error; of many splits it says
            # how well their median is computed, and shrinks with their number.
            error=error,
            error_of_one=error,
            freedom=float("inf"),
            covers="items" if cell["folds"] == 1 else "splits",
            n=None if pd.isna(cell["n"]) else int(cell["n"]),
            folds=int(cell["folds"]),
            source=cell["source"],
            mapping=cell["mapping"],
            items_digest=cell["items_digest"],
        )


def names_of_tables(params: Params) -> list[str]:
    """Runs, regressions and published rows that the tables of params name, each once."""
    rows = (row for table in params.tables.values() for row in (*table.rows.values(), *table.added.values()))
    return list(dict.fromkeys(name for row in rows for name in row))


def read_rows(names: Iterable[str], params: Params, folder: Path) -> dict[str, TrainedRun | OutsideRow]:
    """Results by name, each once, read from the folder of the runs; InputError if a file is missing."""
    return {
        name: TrainedRun(name, params.runs[name], folder / name, params.common)
        if name in params.runs
        else OutsideRow(name, folder / name)
        for name in dict.fromkeys(names)
    }
