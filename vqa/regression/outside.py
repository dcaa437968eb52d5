"""Rows of the tables that no training of ours fills: results that others published, and regressions on their features.

Such a row is a folder ``runs/KEY`` with one file, ``results.csv``: a number per protocol, data set and metric. The
released protocol is the row as published, the clean one the same without what was chosen on the test set.
"""

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from vqa.data.items import items_digest
from vqa.data.published.entries import ROOT
from vqa.data.published.tables import read_published
from vqa.rng import numpy_generator
from vqa.settings.strict import build, one_of
from vqa.stats.correlation import ROW_METRICS, percentile_interval, resampled_correlation
from vqa.stats.fusion import weighted
from vqa.stats.metrics import logistic_map

RESULTS = [
    *("protocol", "dataset", "split", "metric", "value", "ci_low", "ci_high", "n", "folds", "source", "mapping"),
    "items_digest",
]
FEATURES, PREDICTIONS, OWN = "published-features", "published-predictions", "regressed"
BOTH = ("released", "clean")


@dataclass(frozen=True)
class Outside:
    """Block ``quotable.KEY`` of params: a row that others published.

    Attributes:
        entry: published entry that holds it (:mod:`vqa.data.published.entries`).
        kind: ``dover`` (two branches, item by item), ``predictions`` (item by item on random splits), ``splits``
            (metrics of random splits), ``finetuned`` (FAST-VQA's metrics of ten splits) or ``log`` (a training log).
        datasets: title of the paper's column, by the entry's name of the data set.
        method: the entry's name of the method, where it has several; of a log, the method's printed name.
        weights: of kind ``dover``: weight of the technical branch as published, by data set (discrepancy P21).
        fixed_weight: of kind ``dover``: one weight for all.
    """

    entry: str
    kind: str
    datasets: dict[str, str]
    method: str = ""
    weights: dict[str, float] | None = None
    fixed_weight: float = 0.5

    def __post_init__(self) -> None:
        one_of("kind", self.kind, tuple(_KINDS))
        if self.kind == "dover" and set(self.weights or {}) != set(self.datasets):
            raise ValueError("weights: name exactly the data sets of the row")
        if self.kind == "log" and not self.method:
            raise ValueError("method: a log needs the name of its method")


def read_outside(rows: dict[str, dict[str, Any]]) -> dict[str, Outside]:
    """The block ``quotable`` of params, checked; ParamsError says what does not fit."""
    return build(dict[str, Outside], rows, "params.yaml: quotable")


def published_results(row: Outside, resamples: int, seed: int, root: Path = ROOT) -> pd.DataFrame:
    """``results.csv`` of a row that others published.

    Args:
        row: its block of params.
        resamples: of the intervals.
        seed: of the streams.
        root: folder of the published entries.

    Raises:
        vqa.io.InputError: if a file is missing, damaged, or lacks what the row names.
    """
    content = read_published(row.entry, root / row.entry)
    return pd.concat(
        [_KINDS[row.kind](row, content, name, title, (resamples, seed)) for name, title in row.datasets.items()],
        ignore_index=True,
    )[RESULTS]


def regression_results(
    splits: pd.DataFrame, title: str, digest: str, resamples: int, seed: int, source: str = FEATURES
) -> pd.DataFrame:
    """``results.csv`` of a regression: medians over its splits, PLCC mapped as published and raw.

    Args:
        splits: ``splits.csv``, see :func:`vqa.regression.protocol.run_split`.
        title: the paper's name of the data set.
        digest: of the items that were cut.
        resamples: of the intervals.
        seed: of the streams.
        source: whose features these are.
    """
    raw = splits.assign(plcc=splits.plcc_raw)
    parts = [
        _of_splits(table, title, protocol, source, "logistic" if table is splits else "", (resamples, seed))
        for protocol, table in (("released", splits), ("clean", raw))
    ]
    return pd.concat(parts, ignore_index=True).assign(n=int(splits.n_test.iloc[0]), items_digest=digest)[RESULTS]


def _of_splits(
    splits: pd.DataFrame, title: str, protocol: str, source: str, mapping: str, draw: tuple[int, int]
) -> pd.DataFrame:
    """Medians over random splits, each with a bootstrap interval over the splits."""
    rows = []
    for metric in ("srcc", "plcc"):
        values = splits[metric].to_numpy(dtype=np.float64)
        generator = numpy_generator("bootstrap", draw[1], "splits", title)
        medians = np.median(values[generator.integers(0, len(values), (draw[0], len(values)))], axis=1)
        low, high = percentile_interval(medians)
        rows.append(_row(protocol, title, metric, np.median(values), low, high, source, mapping, folds=len(values)))
    return pd.DataFrame(rows)


def item_results(
    pred: np.ndarray,
    mos: np.ndarray,
    title: str,
    protocol: str,
    digest: str,
    draw: tuple[int, int],
    source: str = PREDICTIONS,
) -> list[dict[str, Any]]:
    """Rows of ``results.csv``: correlations over items, each with a bootstrap interval over the items.

    Args:
        pred: predictions ``(n,)``.
        mos: labels ``(n,)``.
        title: the tables' name of the data set.
        protocol: ``released`` or ``clean``.
        digest: of the item list.
        draw: resamples of the intervals, and the seed of their stream.
        source: where the predictions come from (:class:`vqa.report.tables.results.Result`).
    """
    rows = []
    for metric, function in ROW_METRICS.items():
        generator = numpy_generator("bootstrap", draw[1], "items", title)
        low, high = percentile_interval(resampled_correlation(pred, mos, metric, draw[0], generator))
        value = function(pred[None], mos[None])[0]
        rows.append(_row(protocol, title, metric, value, low, high, source, "", n=len(mos), items_digest=digest))
    return rows


def _row(
    protocol: str,
    title: str,
    metric: str,
    value: float,
    low: float,
    high: float,
    source: str,
    mapping: str,
    **more: object,
) -> dict[str, Any]:
    place = {"protocol": protocol, "dataset": title, "split": "test", "metric": metric.upper()}
    numbers = {"value": float(value), "ci_low": low, "ci_high": high, "n": None, "folds": 1, "items_digest": ""}
    return {**place, **numbers, "source": source, "mapping": mapping, **more}


def _dover(row: Outside, content: dict[str, Any], name: str, title: str, draw: tuple[int, int]) -> pd.DataFrame:
    """Two branches, each a z-score over the test set, fused by the published weight or by one for all sets."""
    table, weights = content[name], row.weights or {}
    technical, aesthetic = (table[branch].to_numpy() for branch in ("technical", "aesthetic"))
    rows = []
    for protocol, weight in zip(BOTH, (weights[name], row.fixed_weight), strict=True):
        fused = weighted(aesthetic, technical, weight)
        rows += item_results(fused, table.mos.to_numpy(), title, protocol, items_digest(table), draw)
    return pd.DataFrame(rows)


def _predictions(row: Outside, content: dict[str, Any], name: str, title: str, draw: tuple[int, int]) -> pd.DataFrame:
    """Predictions on random splits: PLCC after the logistic on the test part as published, and raw."""
    table = content["predictions"]
    table = table[(table.method == row.method) & (table.dataset == name)]
    numbers: dict[str, list[dict[str, float]]] = {protocol: [] for protocol in BOTH}
    for _, part in table.groupby("split"):
        pred, mos = part.prediction.to_numpy(), part.mos.to_numpy()
        srcc = ROW_METRICS["srcc"](pred[None], mos[None])[0]
        for protocol, scored in (("released", logistic_map(pred, mos)), ("clean", pred)):
            numbers[protocol].append({"srcc": srcc, "plcc": ROW_METRICS["plcc"](scored[None], mos[None])[0]})
    sizes = table.groupby("split").size()
    return pd.concat(
        [
            _of_splits(pd.DataFrame(values), title, protocol, PREDICTIONS, mapping, draw)
            for (protocol, values), mapping in zip(numbers.items(), ("logistic", ""), strict=True)
        ]
    ).assign(n=int(sizes.iloc[0]))


def _splits(row: Outside, content: dict[str, Any], name: str, title: str, draw: tuple[int, int]) -> pd.DataFrame:
    """Published metrics of random splits; their PLCC is after the logistic, so the clean protocol has SRCC alone."""
    table = content["splits"]
    part = table[(table.method == row.method) & (table.dataset == name) & (table.part == "test")]
    released = _of_splits(part, title, "released", PREDICTIONS, "logistic", draw)
    return pd.concat([released, released[released.metric == "SRCC"].assign(protocol="clean", mapping="")])


def _finetuned(row: Outside, content: dict[str, Any], name: str, title: str, draw: tuple[int, int]) -> pd.DataFrame:
    """FAST-VQA's own ten splits, the best epoch of each: nothing of it is clean."""
    table = content["splits"]
    release, _, start = row.method.partition("/")
    part = table[(table.release == release) & (table.start == start) & (table.dataset == name)]
    return _of_splits(part, title, "released", PREDICTIONS, "", draw)


def _log(row: Outside, content: dict[str, Any], name: str, title: str, draw: tuple[int, int]) -> pd.DataFrame:
    """A training log: the best epoch on the test set, metric by metric, and the last epoch; it has no items."""
    table = content["epochs"]
    part, nan = table[table.test == name], float("nan")
    rows = []
    for metric in ("srcc", "plcc"):
        for protocol, value in (("released", part[metric].max()), ("clean", part[metric].iloc[-1])):
            n = int(part.videos.iloc[-1])
            rows.append(_row(protocol, title, metric, value, nan, nan, PREDICTIONS, "", n=n))
    return pd.DataFrame(rows)


_KINDS = {"dover": _dover, "predictions": _predictions, "splits": _splits, "finetuned": _finetuned, "log": _log}
