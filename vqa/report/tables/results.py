"""The numbers of one run, as its evaluation left them: checked against its predictions, and with their intervals."""

import json
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import numpy as np

from vqa.io import InputError
from vqa.settings.params import Common, Run
from vqa.stats.correlation import ROW_METRICS
from vqa.stats.design import Design
from vqa.stats.influence import influence
from vqa.stats.metrics import logistic_map
from vqa.stats.trainings import Sample, correlation_interval
from vqa.training.predictions import read_predictions
from vqa.training.protocol import Training

Scored = tuple[np.ndarray, np.ndarray, np.ndarray]


@dataclass(frozen=True)
class Result:
    """Our number for one cell.

    Attributes:
        value: SRCC, PLCC or their gap (train minus test), the mean over trainings; NaN where there is none.
        ci_low: lower bound of its 95 % interval.
        ci_high: upper bound.
        error: standard error of the value; NaN of published results of many splits.
        error_of_one: standard error of the value that one training would have, on other items.
        freedom: of Student's t, for the interval (:class:`vqa.stats.trainings.Estimate`).
        covers: what would move the value within its interval: ``trainings and items`` of a method, ``items`` of fewer
            than three trainings, ``splits`` of published results of many splits: there it is an error of computing.
        n: items behind the value, of one training; of a gap, the test items.
        folds: number of trainings that the value is the mean of: seeds times random splits.
        seeds: training seeds, separated by blanks.
        source: ``trained``, ``published-features``, ``published-predictions``, ``quoted`` or ``missing``.
        selection: how the epoch was picked on the test set, ``per_metric`` or ``best_srcc``; empty if it was not.
        mapping: ``logistic`` if the test predictions were mapped to the MOS before PLCC was taken; else empty.
        items_digest: digest of the item list; of a gap, ``train+test``.
        run: name of the run.
    """

    value: float = float("nan")
    ci_low: float = float("nan")
    ci_high: float = float("nan")
    error: float = float("nan")
    error_of_one: float = float("nan")
    freedom: float = float("nan")
    covers: str = ""
    n: int | None = None
    folds: int | None = None
    seeds: str = ""
    source: str = "missing"
    selection: str = ""
    mapping: str = ""
    items_digest: str = ""
    run: str = ""


class TrainedRun:
    """Results of one run, read from the files of its evaluation.

    Every number is recomputed from the predictions, with the influence of every item on it, once: a run may stand in
    many tables.

    Args:
        name: key in ``params.runs``.
        run: its row.
        folder: where ``metrics.json`` and the predictions are.
        common: gives the released protocol's weights.

    Raises:
        InputError: if a file is missing.
    """

    def __init__(self, name: str, run: Run, folder: Path, common: Common) -> None:
        self.name, self.run, self.common = name, run, common
        try:
            self.metrics = json.loads((folder / "metrics.json").read_text())
            self.predictions = read_predictions(folder)
        except OSError as error:
            raise InputError(f"{error.filename} is missing: `dvc repro evaluate@{name}` makes it") from None
        # Looked up for every number, so indexed once.
        part = ["protocol", "dataset", "split", "fold"]
        self._rows: dict[tuple, np.ndarray] = {}
        for names in (part, [*part, "weights", "epoch"]):
            self._rows |= self.predictions.groupby(names, observed=True, sort=False).indices
        self.reporting, seed = self.metrics.get("reporting", {}), self.metrics["seed"]
        folds = self.metrics.get("folds", [self.predictions.fold.iloc[0]])
        self.trainings = [Training.from_fold(str(fold), seed) for fold in folds]
        self.result, self.sample, self.scored = cache(self._result), cache(self._sample), cache(self._scored)
        self.names = cache(self._names)

    def _result(self, protocol: str, test: str, metric: str, split: str) -> Result:
        """The number of one cell.

        Args:
            protocol: ``released`` or ``clean``.
            test: test set as ``dataset/split``.
            metric: ``srcc`` or ``plcc``.
            split: ``train``, ``test`` or ``gap``.

        Raises:
            InputError: if ``metrics.json`` does not say what follows from the predictions.
        """
        keys, digests, block = self.keys(test, split), self.metrics["items_digest"], self.metrics[protocol]
        if any(key not in block["scores"] for key in keys):
            return Result()
        stated = block["gap"][test] if split == "gap" else block["scores"][keys[0]]
        sample = self.sample(protocol, test, metric, split)
        estimate, seeds = sample.estimate(), dict.fromkeys(str(training.seed) for training in self.trainings)
        self._check(stated[metric], estimate.value, f"{protocol} {metric} {'gap ' * (split == 'gap')}of {keys[-1]}")
        low, high = estimate.interval() if split == "gap" else correlation_interval(estimate)
        picked = protocol == "released" and split != "train"
        return Result(
            value=float("nan") if stated[metric] is None else stated[metric],
            ci_low=low,
            ci_high=high,
            error=estimate.error,
            error_of_one=Design.of(sample).error_of_one() if len(sample.values) > 1 else estimate.error,
            freedom=estimate.freedom,
            covers="trainings and items" if estimate.of_method else "items",
            n=block["scores"][keys[-1]]["n"],
            folds=len(sample.values),
            seeds=" ".join(seeds),
            source="trained",
            selection=self.reporting.get("selection", "per_metric") if picked else "",
            mapping="logistic" if picked and self._mapped(protocol, test, metric) else "",
            items_digest="+".join(digests[key] for key in keys),
            run=self.name,
        )

    def keys(self, test: str, split: str) -> tuple[str, ...]:
        """``dataset/split`` of the items behind a number: of ``train``, ``test``, or both for ``gap``."""
        train = f"{self.run.train}/train"
        return {"train": (train,), "test": (test,), "gap": (train, test)}[split]

    def _sample(self, protocol: str, test: str, metric: str, split: str, raw: bool = False) -> Sample:
        """Number of every training, and how every item moves it; ``raw``: of predictions that are not mapped (P10).

        Arguments as of ``result``. A random cut takes its training and test items from one list.
        """
        if split == "gap":
            return self.sample(protocol, test, metric, "train") - self.sample(protocol, test, metric, "test")
        (key,) = self.keys(test, split)
        of_cuts = any(training.cut for training in self.trainings) and key.partition("/")[0] == self.run.train
        scored = self.scored(protocol, key, metric, raw)
        columns = self.names(self.run.train if of_cuts else key)
        values, moved = np.empty(len(scored)), np.zeros((len(scored), len(columns)))
        for row, (items, pred, mos) in enumerate(scored):
            values[row] = ROW_METRICS[metric](pred[None], mos[None])[0]
            moved[row, np.searchsorted(columns, items)] = influence(pred, mos, metric) / len(mos)
        return Sample(values, {self.run.train if of_cuts else key: moved})

    def _names(self, key: str) -> np.ndarray:
        """Items of a data set, or of one split of it, in order: all that were scored under any protocol."""
        dataset, _, split = key.partition("/")
        rows = self.predictions.dataset == dataset
        if split:
            rows &= self.predictions.split == split
        return np.unique(self.predictions.item[rows].to_numpy(str))

    def folds(self, protocol: str) -> list[tuple[int | str | None, dict]]:
        """Name and scores of every training, in the order of ``trainings``; a single one has no name."""
        if "folds" not in self.metrics:
            return [(None, self.metrics[protocol])]
        blocks = self.metrics["folds"].values()
        return [(training.fold, block[protocol]) for training, block in zip(self.trainings, blocks, strict=True)]

    def _mapped(self, protocol: str, key: str, metric: str) -> bool:
        """Whether predictions are mapped before the correlation: the released test PLCC of some methods (P10)."""
        released = protocol == "released" and not key.endswith("/train")
        return released and metric == "plcc" and self.reporting.get("plcc") == "mapped"

    def _scored(self, protocol: str, key: str, metric: str, raw: bool = False) -> list[Scored]:
        """Items, predictions and MOS ``(n,)`` of every training that the stated metric was computed from.

        Args:
            protocol: ``released`` or ``clean``.
            key: ``dataset/split``.
            metric: ``srcc`` or ``plcc``; of the released protocol each may have an epoch of its own.
            raw: the predictions as they are, even where the stated metric is that of mapped ones.

        Raises:
            InputError: if the stated metric is not theirs.
        """
        return [
            self._scored_pair(protocol, key, metric, fold, b["scores"][key], raw) for fold, b in self.folds(protocol)
        ]

    def _scored_pair(
        self, protocol: str, key: str, metric: str, fold: int | str | None, scores: dict, raw: bool
    ) -> Scored:
        weights, epoch = None, None
        if protocol == "released" and "best_epoch" in scores:
            weights, epoch = self.common.released.weights, scores["best_epoch"][metric]
        elif protocol == "released":
            weights, epoch = "on-the-fly", scores["epoch"]
        items, pred, mos = self.predicted(protocol, key, fold, weights, epoch)
        mapped = self._mapped(protocol, key, metric)
        if mapped and raw:
            return items, pred, mos
        if mapped:
            try:
                pred = logistic_map(pred, mos)
            except (ValueError, RuntimeError):  # not defined on these predictions, and stated as such
                pred = np.full(len(pred), np.nan)
        again = ROW_METRICS[metric](pred[None], mos[None])[0] if len(pred) == scores["n"] else None
        place = f"{protocol} {metric} of {key}" + ("" if fold is None else f", split {fold},")
        self._check(scores[metric], again, place)
        return items, pred, mos

    def predicted(
        self, protocol: str, key: str, fold: int | str | None, weights: str | None = None, epoch: int | None = None
    ) -> Scored:
        """Items, predictions and MOS ``(n,)`` in their order; ``weights`` and ``epoch`` if there are several."""
        dataset, _, split = key.partition("/")
        where = (protocol, dataset, split, self.trainings[0].fold if fold is None else fold)
        found = self._rows.get(where if weights is None else (*where, weights, epoch))
        rows = self.predictions.iloc[[] if found is None else found]
        pred, mos = (rows[column].to_numpy(dtype=np.float64) for column in ("prediction", "mos"))
        return rows.item.to_numpy(str), pred, mos

    def _check(self, stated: float | None, again: float | None, place: str) -> None:
        """InputError unless a stated number (None is not defined) is the recomputed one (None: other items)."""
        stated = float("nan") if stated is None else stated
        if again is None or not np.isclose(again, stated, rtol=0, atol=1e-9, equal_nan=True):
            raise InputError(
                f"runs/{self.name}: the {place} in metrics.json is not that of its predictions: "
                f"`dvc repro -f evaluate@{self.name}`"
            )
