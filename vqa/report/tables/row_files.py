"""Files that rows leave beside their metrics, collected row by row."""

from collections.abc import Iterable, Iterator
from pathlib import Path

import pandas as pd

from vqa.io import InputError


def row_tables(names: Iterable[str], runs: Path, file: str) -> Iterator[tuple[str, pd.DataFrame]]:
    """The file of that name of every row, with the row's; InputError if one is missing."""
    for name in names:
        path = runs / name / file
        if not path.is_file():
            raise InputError(f"{path} is missing: `dvc repro` makes it")
        yield name, pd.read_csv(path)
