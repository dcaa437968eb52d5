"""The numbers of the paper's tables, cell by cell: ours, its interval, and the paper's.

A table is a data frame in the long form of the paper's own numbers (``reports/paper/tableNN.csv``), with every cell of
the paper once per protocol. It is filled from the runs that params name, never from whatever lies in the runs folder.
"""

import re
from pathlib import Path

import pandas as pd

from vqa.io import InputError
from vqa.report.tables.outside_row import OutsideRow
from vqa.report.tables.results import Result, TrainedRun
from vqa.settings.params import Dataset, Table
from vqa.settings.strict import ParamsError, known_name

PROTOCOLS = ("released", "clean")
PAPER_COLUMNS = ("table", "method", "setting", "dataset", "metric", "split", "value", "trained_on", "note")
ADDED = "not in the paper"
NUMBERS = ("value", "paper", "delta", "ci_low", "ci_high", "error", "error_of_one", "freedom", "n", "folds")
COLUMNS = (
    *PAPER_COLUMNS,
    *("paper", "delta", "ci_low", "ci_high", "error", "error_of_one", "freedom", "covers"),
    *("n", "folds", "seeds", "protocol", "source"),
    *("selection", "mapping", "items_digest", "run"),
)


def row_key(method: str, setting: str) -> str:
    """Name of a row of the paper in ``params.tables``: its ``name=value`` setting, else its method."""
    return setting if "=" in setting else method


def matching_tests(title: str, tests: tuple[str, ...], datasets: dict[str, Dataset]) -> list[str]:
    """Which of a run's test sets, ``dataset/split`` each, the paper means by ``title``.

    A data set's bare title (``KoNViD-1k``) is any split of it; ``LSVQ_1080p`` is the split ``1080p`` of ``LSVQ``.
    """
    found = []
    for key in tests:
        name, _, split = key.partition("/")
        if title in (datasets[name].title, f"{datasets[name].title}_{split}"):
            found.append(key)
    return found


def fill(
    name: str,
    table: Table,
    paper: pd.DataFrame,
    runs: dict[str, TrainedRun | OutsideRow],
    datasets: dict[str, Dataset],
) -> pd.DataFrame:
    """Long form of one table: the cells of the paper, in its order, first as released and then clean.

    Rows that the paper does not have follow its own, without a number of the paper's.

    Args:
        name: key in ``params.tables``, for messages.
        table: its rows.
        paper: the paper's cells as text, see :func:`paper_cells`.
        runs: results of all runs that the rows name.
        datasets: give the paper's names of the test sets.

    Returns:
        A frame with :data:`COLUMNS`; a cell that no run fills has source ``missing`` and no value, one of a quoted row
        has the paper's value.

    Raises:
        ParamsError: if params name a row that the paper's table does not have, two runs for one cell, or a table of
            ours as none is called or with a column that is no data set.
    """
    keys = [row_key(method, setting) for method, setting in zip(paper.method, paper.setting, strict=True)]
    for place, rows in (("rows", table.rows), ("quoted", table.quoted)):
        for row in rows:
            known_name(f"params.yaml: tables.{name}.{place}", row, dict.fromkeys(keys))
    cells, places = [], list(zip(keys, paper.to_dict("records"), strict=True))
    own = {"setting": "", "value": "", "trained_on": "", "note": ADDED}
    columns = _columns(name, table, paper, [dataset.title for dataset in datasets.values()])
    places += [(row, {**column, **own, "method": row}) for row in table.added for column in columns]
    rows = {**table.rows, **table.added}
    for protocol in PROTOCOLS:
        for key, cell in places:
            if key in table.quoted:
                result = Result(value=float(cell["value"] or "nan"), source="quoted")
            else:
                candidates = {run: runs[run] for run in rows.get(key, ())}
                result = _trained(f"tables.{name}.rows.{key}", cell, protocol, candidates, datasets)
            cells.append({**cell, **vars(result), "paper": cell["value"], "protocol": protocol})
    frame = pd.DataFrame(cells)
    frame["paper"] = pd.to_numeric(frame.paper, errors="coerce")
    # Rounded, so that the difference of two decimals is not written as 0.11700000000000002.
    frame["delta"] = (frame.value - frame.paper).round(12).where(frame.source != "quoted")
    return frame[list(COLUMNS)].astype({"n": "Int64", "folds": "Int64"})


def _columns(name: str, table: Table, paper: pd.DataFrame, titles: list[str]) -> list[dict[str, str]]:
    """What the cells of one column share: number of the table, data set, metric and split."""
    if not table.columns:
        return paper.drop_duplicates(["dataset", "metric", "split"]).to_dict("records")
    if not re.fullmatch(r"table[A-Z]", name):
        raise ParamsError(f"params.yaml: tables.{name}: the paper has no such table; name it tableA, tableB ...")
    for column in table.columns:
        # Of LSVQ_1080p the title is LSVQ
        known_name(f"params.yaml: tables.{name}.columns", column.partition("_")[0], dict.fromkeys(titles))
    number = f"Table {name[-1]}"
    return [
        {"table": number, "dataset": title, "metric": metric, "split": split}
        for title in table.columns
        for metric in ("SRCC", "PLCC")
        for split in table.splits
    ]


def _trained(
    place: str,
    cell: dict[str, str],
    protocol: str,
    runs: dict[str, TrainedRun | OutsideRow],
    datasets: dict[str, Dataset],
) -> Result:
    """The number of one cell by the one run of its row that is tested on the cell's data set."""
    title = cell["dataset"]
    found = [(name, key) for name, run in runs.items() for key in _tests(title, run, datasets)]
    if len(found) > 1:
        fits = ", ".join(f"{name} on {key}" for name, key in found)
        raise ParamsError(f"params.yaml: {place}: more than one result fits {title} ({fits}); leave one")
    if not found:
        return Result()
    ((name, key),) = found
    return runs[name].result(protocol, key, cell["metric"].lower(), cell["split"])


def _tests(title: str, run: TrainedRun | OutsideRow, datasets: dict[str, Dataset]) -> list[str]:
    """Test sets of a row that the paper means by ``title``."""
    if isinstance(run, OutsideRow):
        return [title] if title in run.datasets else []
    return matching_tests(title, run.run.test, datasets)


def paper_cells(name: str, table: Table, folder: Path) -> pd.DataFrame:
    """The paper's cells of a table of params, see :func:`read_paper`; none for a table that the paper does not have."""
    return pd.DataFrame(columns=list(PAPER_COLUMNS)) if table.columns else read_paper(folder / f"{name}.csv")


def read_paper(path: Path) -> pd.DataFrame:
    """The paper's cells of one table, all as text; InputError if there are none."""
    try:
        paper = pd.read_csv(path, dtype=str, keep_default_na=False)
    except OSError:
        raise InputError(f"{path} is missing: name tables in params.yaml as the paper's, say table02") from None
    return paper[list(PAPER_COLUMNS)]


def read_table(path: Path) -> pd.DataFrame:
    """A filled table as :func:`fill` made it; InputError if it is missing."""
    try:
        text = pd.read_csv(path, dtype=str, keep_default_na=False)
    except OSError:
        raise InputError(f"{path} is missing: `dvc repro tables`") from None
    numbers = {name: pd.to_numeric(text[name]) for name in NUMBERS}
    return text.assign(**numbers).astype({"n": "Int64", "folds": "Int64"})
