"""The numbers of the paper's tables, cell by cell: ours, its interval, and the paper's.

A table is a data frame in the long form of the paper's own numbers (``reports/paper/tableNN.csv``), with every cell of
the paper once per protocol. It is filled from the runs that params name, never from whatever lies in the runs folder.
"""

import json
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import numpy as np
import pandas as pd

from vqa.io import InputError
from vqa.params import Common, Dataset, Run, Table
from vqa.rng import numpy_generator
from vqa.stats import ROW_METRICS, correlation_interval, gap_interval
from vqa.strict import known_name

PROTOCOLS = ("released", "clean")
PAPER_COLUMNS = ("table", "method", "setting", "dataset", "metric", "split", "value", "trained_on", "note")
TEXT_COLUMNS = (*PAPER_COLUMNS[:6], "trained_on", "note", "seeds", "protocol", "source", "items_digest", "run")
COLUMNS = (
    *PAPER_COLUMNS,
    *("paper", "delta", "ci_low", "ci_high", "n", "seeds", "protocol", "source", "items_digest", "run"),
)


@dataclass(frozen=True)
class Result:
    """Our number for one cell.

    Attributes:
        value: SRCC, PLCC or their gap (train minus test); NaN where there is none.
        ci_low: lower bound of the 95 % interval over items.
        ci_high: upper bound.
        n: items behind the value; of a gap, the test items.
        seeds: training seeds, separated by blanks.
        source: ``trained``, ``published-features``, ``published-predictions``, ``quoted`` or ``missing``.
        items_digest: digest of the item list; of a gap, ``train+test``.
        run: name of the run.
    """

    value: float = float("nan")
    ci_low: float = float("nan")
    ci_high: float = float("nan")
    n: int | None = None
    seeds: str = ""
    source: str = "missing"
    items_digest: str = ""
    run: str = ""


class TrainedRun:
    """Results of one run, read from the files of its evaluation.

    Args:
        name: key in ``params.runs``.
        run: its row.
        folder: where ``metrics.json`` and ``predictions.csv`` are.
        common: gives the released protocol's weights and the bootstrap.

    Raises:
        InputError: if a file is missing.
    """

    def __init__(self, name: str, run: Run, folder: Path, common: Common) -> None:
        self.name, self.run, self.common = name, run, common
        try:
            self.metrics = json.loads((folder / "metrics.json").read_text())
            self.predictions = pd.read_csv(folder / "predictions.csv")
        except OSError as error:
            raise InputError(f"{error.filename} is missing: `dvc repro evaluate@{name}` makes it") from None
        self.result = cache(self._result)

    def _result(self, protocol: str, test: str, metric: str, split: str) -> Result:
        """The number of one cell.

        Args:
            protocol: ``released`` or ``clean``.
            test: test set as ``dataset/split``.
            metric: ``srcc`` or ``plcc``.
            split: ``train``, ``test`` or ``gap``.
        """
        train, digests = f"{self.run.train}/train", self.metrics["items_digest"]
        keys = {"train": (train,), "test": (test,), "gap": (train, test)}[split]
        if any(key not in self.metrics[protocol]["scores"] for key in keys):
            return Result()
        scores = self.metrics[protocol]["scores"][keys[-1]]
        value = self.metrics[protocol]["gap"][test][metric] if split == "gap" else scores[metric]
        pairs = [self._scored_pairs(protocol, key, metric) for key in keys]
        # The stream is named by the items: all runs see the same resamples of a test set, and a run that stands in
        # several tables has one interval.
        generator = numpy_generator("bootstrap", self.common.seed, *keys)
        interval = gap_interval if split == "gap" else correlation_interval
        low, high = interval(*(x for pair in pairs for x in pair), metric, self.common.bootstrap, generator)
        return Result(
            value=float("nan") if value is None else value,
            ci_low=low,
            ci_high=high,
            n=scores["n"],
            seeds=str(self.metrics["seed"]),
            source="trained",
            items_digest="+".join(digests[key] for key in keys),
            run=self.name,
        )

    def _scored_pairs(self, protocol: str, key: str, metric: str) -> tuple[np.ndarray, np.ndarray]:
        """Predictions and MOS ``(n,)`` that the stated metric was computed from; InputError if it was not."""
        dataset, _, split = key.partition("/")
        table, scores = self.predictions, self.metrics[protocol]["scores"][key]
        rows = (table.protocol == protocol) & (table.dataset == dataset) & (table.split == split)
        if protocol == "released" and "best_epoch" in scores:
            rows &= (table.weights == self.common.released.weights) & (table.epoch == scores["best_epoch"][metric])
        elif protocol == "released":
            rows &= (table.weights == "on-the-fly") & (table.epoch == scores["epoch"])
        pred, mos = (table.loc[rows, column].to_numpy(dtype=np.float64) for column in ("prediction", "mos"))
        again = ROW_METRICS[metric](pred[None], mos[None])[0] if len(pred) == scores["n"] else None
        stated = float("nan") if scores[metric] is None else scores[metric]
        if again is None or not np.isclose(again, stated, rtol=0, atol=1e-9, equal_nan=True):
            raise InputError(
                f"runs/{self.name}: the {protocol} {metric} of {key} in metrics.json is not that of predictions.csv: "
                f"`dvc repro -f evaluate@{self.name}`"
            )
        return pred, mos


def row_key(method: str, setting: str) -> str:
    """Name of a row of the paper in ``params.tables.*.rows``: its ``name=value`` setting, else its method."""
    return setting if "=" in setting else method


def named_split(title: str, datasets: dict[str, Dataset]) -> str | None:
    """``dataset/split`` of the paper's name of a test set (``KoNViD-1k``, ``LSVQ_1080p``); None if not in params."""
    for name, dataset in datasets.items():
        if title == dataset.title:
            return f"{name}/test"
        if title.startswith(f"{dataset.title}_"):
            return f"{name}/{title.removeprefix(f'{dataset.title}_')}"
    return None


def fill(
    name: str, table: Table, paper: pd.DataFrame, runs: dict[str, TrainedRun], datasets: dict[str, Dataset]
) -> pd.DataFrame:
    """Long form of one table: the cells of the paper, in its order, first as released and then clean.

    Args:
        name: key in ``params.tables``, for messages.
        table: its rows.
        paper: the paper's cells as text, see :func:`read_paper`.
        runs: results of all runs that the rows name.
        datasets: give the paper's names of the test sets.

    Returns:
        A frame with :data:`COLUMNS`; a cell that no run fills has source ``missing`` and no value.

    Raises:
        ParamsError: if params name a row that the paper's table does not have.
    """
    keys = [row_key(method, setting) for method, setting in zip(paper.method, paper.setting, strict=True)]
    for row in table.rows:
        known_name(f"params.yaml: tables.{name}.rows", row, dict.fromkeys(keys))
    cells = []
    for protocol in PROTOCOLS:
        for key, cell in zip(keys, paper.to_dict("records"), strict=True):
            run, test = table.rows.get(key), named_split(cell["dataset"], datasets)
            known = run is not None and test is not None
            result = runs[run].result(protocol, test, cell["metric"].lower(), cell["split"]) if known else Result()
            cells.append({**cell, **vars(result), "paper": cell["value"], "protocol": protocol})
    frame = pd.DataFrame(cells)
    frame["paper"] = pd.to_numeric(frame.paper, errors="coerce")
    # Rounded, so that the difference of two decimals is not written as 0.11700000000000002.
    frame["delta"] = (frame.value - frame.paper).round(12)
    frame["n"] = frame.n.astype("Int64")
    return frame[list(COLUMNS)]


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
    numbers = {name: pd.to_numeric(text[name]) for name in COLUMNS if name not in TEXT_COLUMNS}
    return text.assign(**numbers).astype({"n": "Int64"})
