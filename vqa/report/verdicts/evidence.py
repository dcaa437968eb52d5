"""What a claim is judged on: the paper's printed numbers, and ours as the stages before have written them."""

from dataclasses import dataclass, field
from functools import cache
from pathlib import Path

import numpy as np
import pandas as pd

from vqa.io import InputError
from vqa.report.tables.cells import PROTOCOLS, read_paper, read_table, row_key

METRICS = ("SRCC", "PLCC")
CellKey = tuple[str, str, str, str, str]  # table, row, data set, metric, split


class Printed:
    """Numbers of the paper.

    Args:
        folder: ``reports/paper``.

    Attributes:
        values: by table (``table05``), row key, data set, metric and split; NaN where the paper prints a dash.
        frames: the same as tables, by name, see :func:`vqa.report.tables.cells.read_paper`.

    Raises:
        InputError: if the folder holds no table.
    """

    def __init__(self, folder: Path) -> None:
        self.values: dict[CellKey, float] = {}
        self.frames = {path.stem: read_paper(path) for path in sorted(folder.glob("table*.csv"))}
        for name, frame in self.frames.items():
            for cell in frame.itertuples():
                key = (name, row_key(cell.method, cell.setting), cell.dataset, cell.metric, cell.split)
                self.values[key] = float(cell.value or "nan")
        if not self.values:
            raise InputError(f"{folder} holds no table of the paper")

    def names(self, position: int, table: str | None = None) -> list[str]:
        """The different names at one position of the keys (0 tables, 1 rows, ...), of one table or of all."""
        return list(dict.fromkeys(key[position] for key in self.values if table in (None, key[0])))


@dataclass(frozen=True)
class Difference:
    """A difference of ours between two rows, with what is known of its uncertainty.

    Attributes:
        value: row a minus row b.
        low: lower bound of its 95 % interval.
        high: upper bound.
        p: two-sided; adjusted in its family if ``adjusted``.
        adjusted: whether the p-value is Holm's.
        detectable: smallest difference found with 80 % power, NaN if not known.
    """

    value: float
    low: float
    high: float
    p: float
    adjusted: bool = False
    detectable: float = float("nan")


@dataclass(frozen=True)
class Evidence:
    """Numbers of ours.

    Attributes:
        tables: filled tables by name, see :func:`vqa.report.tables.cells.fill`.
        comparisons: paired differences between rows, ``reports/statistics/comparisons.csv``.
        correlations: sharpness against gap, ``reports/statistics/sharpness_gap.csv``; None without landscapes.
        runs: folder of the runs, for ``curve.csv``.
        landscapes: folder of the landscapes, for ``sharpness.csv``.
        weights: ``ema`` or ``raw``, the released protocol's test scores.
        rise_at: alpha of the mean rise that stands for sharpness.
    """

    tables: dict[str, pd.DataFrame]
    comparisons: pd.DataFrame
    correlations: pd.DataFrame | None
    runs: Path
    landscapes: Path
    weights: str
    rise_at: float
    _cells: dict[tuple, dict] = field(init=False, repr=False, compare=False)
    _pairs: dict[tuple, Difference] = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        cells, pairs = {}, {}
        for name, frame in self.tables.items():
            for cell in frame.to_dict("records"):
                row = row_key(cell["method"], cell["setting"])
                cells[name, row, cell["dataset"], cell["metric"], cell["split"], cell["protocol"]] = cell
        for row in self.comparisons.itertuples():
            place, raw = (row.dataset, row.metric, row.split, row.protocol), row.p_permutation
            raw, adjusted = row.p_bootstrap if np.isnan(raw) else raw, not np.isnan(row.p_holm)
            p, detectable = row.p_holm if adjusted else raw, row.detectable
            forth = Difference(row.difference, row.ci_low, row.ci_high, p, adjusted, detectable)
            back = Difference(-row.difference, -row.ci_high, -row.ci_low, p, adjusted, detectable)
            pairs[row.table, row.a, row.b, *place], pairs[row.table, row.b, row.a, *place] = forth, back
        object.__setattr__(self, "_cells", cells)
        object.__setattr__(self, "_pairs", pairs)
        for name in ("rises", "curve"):  # many claims look at the same few files
            object.__setattr__(self, name, cache(getattr(self, name)))

    def cell(self, key: CellKey, protocol: str) -> dict | None:
        """A filled cell of ours; None if it is missing or quoted."""
        found = self._cells.get((*key, protocol))
        return None if found is None or found["source"] in ("missing", "quoted") else found

    def run(self, table: str, row: str, dataset: str) -> str:
        """Name of the run that fills a row on a data set; empty if there is none."""
        found = (cell["run"] for key, cell in self._cells.items() if key[:3] == (table, row, dataset))
        return next((run for run in found if run), "")

    def pair(self, table: str, a: str, b: str, place: tuple[str, str, str], protocol: str) -> Difference | None:
        """Paired difference of two rows of one table at ``(data set, metric, split)``; None if there is none."""
        found = self._pairs.get((table, a, b, *place, protocol))
        return None if found is None or np.isnan(found.value) else found

    def absence(self, key: CellKey) -> str:
        """Why there is no number of ours in a cell; empty if there is one."""
        table, row = key[:2]
        cells = (self._cells.get((*key, protocol)) for protocol in PROTOCOLS)
        sources = {cell["source"] for cell in cells if cell is not None}
        if not sources or sources == {"missing"}:
            return f"{row} of {table} was not run"
        return f"{row} of {table} is quoted, not run" if sources == {"quoted"} else ""

    def rises(self, run: str) -> pd.DataFrame | None:
        """Mean rise of the training loss along every direction, at ``rise_at``.

        Returns:
            One row per direction and one column per epoch whose EMA weights were measured, in their order; None if
            the run has no landscape.
        """
        path = self.landscapes / run / "sharpness.csv"
        if not run or not path.is_file():
            return None
        table = pd.read_csv(path)
        rows = table[(table.measure == "mean_rise") & table.part.str.endswith("/train")]
        rows = rows[rows.weights.str.endswith("_ema")]
        rows = rows[np.isclose(rows["at"], self.rise_at)]
        return rows.pivot_table(index="direction", columns="epoch", values="value") if len(rows) else None

    def curve(self, run: str, metric: str) -> pd.Series | None:
        """Gap after every epoch on the run's first test set, mean over random splits; None without ``curve.csv``."""
        path = self.runs / run / "curve.csv"
        if not run or not path.is_file():
            return None
        table = pd.read_csv(path)
        first, name = table[table.dataset == table.dataset.iloc[0]], metric.lower()
        gap = first[f"train_{name}"] - first[f"test_{name}_{self.weights}"]
        return gap.groupby(first.epoch).mean()

    def correlation(self, group: str, metric: str, protocol: str) -> dict | None:
        """Row of ``sharpness_gap.csv`` for the mean rise at ``rise_at``; None if there is none."""
        table = self.correlations
        if table is None:
            return None
        rows = table[(table.group == group) & (table.gap == metric.lower()) & (table.protocol == protocol)]
        rows = rows[(rows.measure == f"mean_rise_{self.rise_at:g}") & rows.spearman.notna()]
        return rows.to_dict("records")[0] if len(rows) else None


def read_evidence(
    tables: Path, statistics: Path, runs: Path, landscapes: Path, weights: str, rise_at: float
) -> Evidence:
    """Read what the stages before left.

    Args:
        tables: folder of filled tables.
        statistics: folder of ``comparisons.csv`` and ``sharpness_gap.csv``.
        runs: see :class:`Evidence`.
        landscapes: see :class:`Evidence`.
        weights: see :class:`Evidence`.
        rise_at: see :class:`Evidence`.

    Raises:
        InputError: if there are no comparisons.
    """
    try:
        comparisons = pd.read_csv(statistics / "comparisons.csv")
    except OSError:
        raise InputError(f"{statistics}/comparisons.csv is missing: `dvc repro statistics`") from None
    path = statistics / "sharpness_gap.csv"
    correlations = pd.read_csv(path) if path.is_file() else None
    filled = {file.stem: read_table(file) for file in sorted(tables.glob("table*.csv"))}
    return Evidence(filled, comparisons, correlations, runs, landscapes, weights, rise_at)
