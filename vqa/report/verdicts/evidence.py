"""What a claim is judged on: the paper's printed numbers, and ours as the stages before have written them."""

from dataclasses import dataclass, field
from functools import cache
from pathlib import Path

import numpy as np
import pandas as pd

from vqa.io import InputError
from vqa.report.tables.cells import PROTOCOLS, read_paper, read_table, row_key
from vqa.stats.config import Statistics
from vqa.stats.trainings import Estimate

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
class Found:
    """A number of ours that a verdict is about.

    Attributes:
        estimate: with its error.
        n: items behind it; of a gap, the test items. None where there are none.
        detectable: smallest effect that would be found with 80 % power.
    """

    estimate: Estimate
    n: int | None
    detectable: float

    def __neg__(self) -> "Found":
        return Found(-self.estimate, self.n, self.detectable)


@dataclass(frozen=True)
class Evidence:
    """Numbers of ours.

    Attributes:
        tables: filled tables by name, see :func:`vqa.report.tables.cells.fill`.
        comparisons: paired differences between rows, ``reports/statistics/comparisons.csv``.
        averages: means over the parts of claims, ``reports/statistics/averages.csv``.
        correlations: sharpness against gap, ``reports/statistics/sharpness_gap.csv``; None without landscapes.
        runs: folder of the runs, for ``curve.csv``.
        landscapes: folder of the landscapes, for ``sharpness.csv``.
        weights: ``ema`` or ``raw``, the released protocol's test scores.
        settings: level, power and the alpha of the mean rise that stands for sharpness.
    """

    tables: dict[str, pd.DataFrame]
    comparisons: pd.DataFrame
    averages: pd.DataFrame
    correlations: pd.DataFrame | None
    runs: Path
    landscapes: Path
    weights: str
    settings: Statistics
    _cells: dict[tuple, dict] = field(init=False, repr=False, compare=False)
    _pairs: dict[tuple, Found] = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        cells, pairs = {}, {}
        for name, frame in self.tables.items():
            for cell in frame.to_dict("records"):
                row = row_key(cell["method"], cell["setting"])
                cells[name, row, cell["dataset"], cell["metric"], cell["split"], cell["protocol"]] = cell
        for row in self.comparisons.to_dict("records"):
            place, found = (row["dataset"], row["metric"], row["split"], row["protocol"]), self._found(row)
            a, b = (row["table"], row["a"]), (row["other"], row["b"])
            pairs[a, b, place], pairs[b, a, place] = found, -found
        object.__setattr__(self, "_cells", cells)
        object.__setattr__(self, "_pairs", pairs)
        for name in ("rises", "curve"):  # many claims look at the same few files
            object.__setattr__(self, name, cache(getattr(self, name)))

    def found(self, estimate: Estimate, n: int | None = None) -> Found:
        """An estimate with what could have been seen."""
        return Found(estimate, n, estimate.detectable(self.settings.level, self.settings.power))

    def _found(self, row: dict, value: str = "difference") -> Found:
        error, freedom = float(row["standard_error"]), float(row["freedom"])
        return self.found(Estimate(float(row[value]), error, freedom, int(row["trainings"])), row.get("n"))

    def cell(self, key: CellKey, protocol: str) -> dict | None:
        """A filled cell of ours; None if it is missing or quoted."""
        found = self._cells.get((*key, protocol))
        return None if found is None or found["source"] in ("missing", "quoted") else found

    def run(self, table: str, row: str, dataset: str) -> str:
        """Name of the run that fills a row on a data set; empty if there is none."""
        found = (cell["run"] for key, cell in self._cells.items() if key[:3] == (table, row, dataset))
        return next((run for run in found if run), "")

    def pair(self, a: tuple[str, str], b: tuple[str, str], place: tuple[str, str, str], protocol: str) -> Found | None:
        """Paired difference of two rows ``(table, row)`` at ``(data set, metric, split)``; None if there is none."""
        found = self._pairs.get((a, b, (*place, protocol)))
        return None if found is None or np.isnan(found.estimate.value) else found

    def average(self, claim: str, protocol: str) -> dict | None:
        """Row of ``averages.csv``: parts, claimed gain and what was found; None if there is none."""
        rows = self.averages[(self.averages.claim == claim) & (self.averages.protocol == protocol)]
        return {**(row := rows.to_dict("records")[0]), "found": self._found(row, "value")} if len(rows) else None

    def absence(self, key: CellKey) -> str:
        """Why there is no number of ours in a cell; empty if there is one."""
        table, row = key[:2]
        cells = (self._cells.get((*key, protocol)) for protocol in PROTOCOLS)
        sources = {cell["source"] for cell in cells if cell is not None}
        if not sources or sources == {"missing"}:
            return f"{row} of {table} was not run"
        return f"{row} of {table} is quoted, not run" if sources == {"quoted"} else ""

    def rises(self, run: str, measure: str = "mean_rise") -> pd.Series | None:
        """Mean rise of a loss on the training items at ``rise_at``, around EMA weights.

        Args:
            run: its name.
            measure: ``mean_rise`` of the run's own loss, or ``linearity_rise``, which has no units.

        Returns:
            By training, epoch and direction, in their order; None if the run has no such landscape.
        """
        path = self.landscapes / run / "sharpness.csv"
        if not run or not path.is_file():
            return None
        table = pd.read_csv(path, dtype={"fold": str})
        rows = table[(table.measure == measure) & table.part.str.endswith("/train")]
        rows = rows[rows.weights.str.endswith("_ema")]
        rows = rows[np.isclose(rows["at"], self.settings.rise_at)]
        return rows.set_index(["fold", "epoch", "direction"]).value.sort_index() if len(rows) else None

    def curve(self, run: str, metric: str) -> pd.DataFrame | None:
        """Gap on the run's first test set, a row per epoch and a column per training; None without ``curve.csv``."""
        path = self.runs / run / "curve.csv"
        if not run or not path.is_file():
            return None
        table = pd.read_csv(path, dtype={"fold": str})
        first, name = table[table.dataset == table.dataset.iloc[0]], metric.lower()
        gap = first[f"train_{name}"] - first[f"test_{name}_{self.weights}"]
        return first.assign(gap=gap).pivot(index="epoch", columns="fold", values="gap")

    def correlation(self, group: str, metric: str, protocol: str) -> dict | None:
        """Row of ``sharpness_gap.csv`` for the mean rise at ``rise_at``, and what was found; None if there is none."""
        table = self.correlations
        if table is None:
            return None
        rows = table[(table.group == group) & (table.gap == metric.lower()) & (table.protocol == protocol)]
        rows = rows[(rows.measure == f"mean_rise_{self.settings.rise_at:g}") & rows.spearman.notna()]
        return {**(row := rows.to_dict("records")[0]), "found": self._found(row, "spearman")} if len(rows) else None


def read_rates(path: Path) -> pd.DataFrame:
    """How often verdicts err on planted truths; InputError if it was not measured."""
    try:
        return pd.read_csv(path)
    except OSError:
        raise InputError(f"{path} is missing: `make court` measures it") from None


def read_evidence(
    tables: Path, statistics: Path, runs: Path, landscapes: Path, weights: str, settings: Statistics
) -> Evidence:
    """Read what the stages before left.

    Args:
        tables: folder of filled tables.
        statistics: folder of ``comparisons.csv``, ``averages.csv`` and ``sharpness_gap.csv``.
        runs: see :class:`Evidence`.
        landscapes: see :class:`Evidence`.
        weights: see :class:`Evidence`.
        settings: see :class:`Evidence`.

    Raises:
        InputError: if there are no comparisons or averages.
    """
    try:
        comparisons, averages = (pd.read_csv(statistics / f"{name}.csv") for name in ("comparisons", "averages"))
    except OSError as error:
        raise InputError(f"{error.filename} is missing: `dvc repro statistics`") from None
    path = statistics / "sharpness_gap.csv"
    correlations = pd.read_csv(path) if path.is_file() else None
    filled = {file.stem: read_table(file) for file in sorted(tables.glob("table*.csv"))}
    return Evidence(filled, comparisons, averages, correlations, runs, landscapes, weights, settings)
