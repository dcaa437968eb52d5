"""The numbers of one run, as its evaluation left them: checked against its predictions, and with their intervals."""

import json
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import numpy as np
import pandas as pd

from vqa.io import InputError
from vqa.rng import numpy_generator
from vqa.settings.params import Common, Run
from vqa.stats.correlation import ROW_METRICS, percentile_interval, resampled_correlation
from vqa.stats.metrics import logistic_map
from vqa.training.protocol import Training

TEXTS = ("dataset", "weights", "split", "protocol")


@dataclass(frozen=True)
class Result:
    """Our number for one cell.

    Attributes:
        value: SRCC, PLCC or their gap (train minus test), the median over trainings; NaN where there is none.
        ci_low: lower bound of the 95 % interval over items.
        ci_high: upper bound.
        n: items behind the value, of one training; of a gap, the test items.
        folds: number of trainings that the value is the median of: seeds times random splits.
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

    Every number is recomputed from the predictions, and its interval is drawn, once: a run may stand in many tables.

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
            columns = dict.fromkeys(TEXTS, "category")
            table = pd.read_csv(folder / "predictions.csv", usecols=lambda c: c != "item", dtype=columns)
            self.predictions = table.astype({"fold": "category"})
        except OSError as error:
            raise InputError(f"{error.filename} is missing: `dvc repro evaluate@{name}` makes it") from None
        self.reporting, seed = self.metrics.get("reporting", {}), self.metrics["seed"]
        self.trainings = [Training.from_fold(fold, seed) for fold in self.metrics.get("folds", {"0": {}})]
        self.result, self.numbers = cache(self._result), cache(self._compute)
        self.scored, self.distribution = cache(self._scored), cache(self._distribution)

    def _result(self, protocol: str, test: str, metric: str, split: str) -> Result:
        """The number of one cell.

        Args:
            protocol: ``released`` or ``clean``.
            test: test set as ``dataset/split``.
            metric: ``srcc`` or ``plcc``.
            split: ``train``, ``test`` or ``gap``.

        Raises:
            InputError: if ``metrics.json`` does not say what follows from ``predictions.csv``.
        """
        keys, digests, block = self.keys(test, split), self.metrics["items_digest"], self.metrics[protocol]
        if any(key not in block["scores"] for key in keys):
            return Result()
        stated = block["gap"][test] if split == "gap" else block["scores"][keys[0]]
        values = self.values(protocol, test, metric, split)
        seeds = dict.fromkeys(str(training.seed) for training in self.trainings)
        self._check(stated[metric], np.median(values), f"{protocol} {metric} {'gap ' * (split == 'gap')}of {keys[-1]}")
        low, high = percentile_interval(self.distribution(protocol, test, metric, split))
        picked = protocol == "released" and split != "train"
        return Result(
            value=float("nan") if stated[metric] is None else stated[metric],
            ci_low=low,
            ci_high=high,
            n=block["scores"][keys[-1]]["n"],
            folds=len(values),
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

    def values(self, protocol: str, test: str, metric: str, split: str) -> np.ndarray:
        """Number of every training, ``(F,)``, whose median is the result; arguments as of ``result``."""
        numbers = [self.numbers(protocol, key, metric)[0] for key in self.keys(test, split)]
        return np.subtract(*numbers) if split == "gap" else numbers[0]

    def _distribution(self, protocol: str, test: str, metric: str, split: str) -> np.ndarray:
        """What the interval of ``result`` is read off: the median over trainings of every resample, ``(R,)``.

        Resamples are named by their items, so of two runs on the same items the distributions may be subtracted
        from each other: that is a paired bootstrap. The trainings of one split are resampled together.
        """
        numbers = [self.numbers(protocol, key, metric)[1] for key in self.keys(test, split)]
        return np.median(np.subtract(*numbers) if split == "gap" else numbers[0], axis=0)

    def _compute(self, protocol: str, key: str, metric: str, raw: bool = False) -> tuple[np.ndarray, np.ndarray]:
        """Correlation of every training ``(F,)``, and of its resamples ``(F, R)``; ``raw``: never mapped (P10)."""
        if raw and not self._mapped(protocol, key, metric):
            return self.numbers(protocol, key, metric)
        values, resampled = [], []
        for training, (pred, mos) in zip(self.trainings, self.scored(protocol, key, metric, raw), strict=True):
            values.append(ROW_METRICS[metric](pred[None], mos[None])[0])
            # The stream is named by the items: all runs see the same resamples of a test set.
            position = (key, training.cut) if training.cut else (key,)
            generator = numpy_generator("bootstrap", self.common.seed, *position)
            resampled.append(resampled_correlation(pred, mos, metric, self.common.bootstrap, generator))
        return np.array(values), np.array(resampled)

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

    def _scored(self, protocol: str, key: str, metric: str, raw: bool = False) -> list[tuple[np.ndarray, np.ndarray]]:
        """Predictions and MOS ``(n,)`` of every training that the stated metric was computed from.

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
    ) -> tuple[np.ndarray, np.ndarray]:
        weights, epoch = None, None
        if protocol == "released" and "best_epoch" in scores:
            weights, epoch = self.common.released.weights, scores["best_epoch"][metric]
        elif protocol == "released":
            weights, epoch = "on-the-fly", scores["epoch"]
        pred, mos = self.predicted(protocol, key, fold, weights, epoch)
        mapped = self._mapped(protocol, key, metric)
        if mapped and raw:
            return pred, mos
        if mapped:
            try:
                pred = logistic_map(pred, mos)
            except (ValueError, RuntimeError):  # not defined on these predictions, and stated as such
                pred = np.full(len(pred), np.nan)
        again = ROW_METRICS[metric](pred[None], mos[None])[0] if len(pred) == scores["n"] else None
        place = f"{protocol} {metric} of {key}" + ("" if fold is None else f", split {fold},")
        self._check(scores[metric], again, place)
        return pred, mos

    def predicted(
        self, protocol: str, key: str, fold: int | str | None, weights: str | None = None, epoch: int | None = None
    ) -> tuple[np.ndarray, np.ndarray]:
        """Predictions and MOS ``(n,)`` in the order of the items; ``weights`` and ``epoch`` if there are several."""
        dataset, _, split = key.partition("/")
        table = self.predictions
        rows = (table.protocol == protocol) & (table.dataset == dataset) & (table.split == split)
        for column, wanted in (("fold", fold), ("weights", weights), ("epoch", epoch)):
            if wanted is not None:
                rows &= table[column] == wanted
        pred, mos = (table[column].to_numpy(dtype=np.float64)[rows.to_numpy()] for column in ("prediction", "mos"))
        return pred, mos

    def _check(self, stated: float | None, again: float | None, place: str) -> None:
        """InputError unless a stated number (None is not defined) is the recomputed one (None: other items)."""
        stated = float("nan") if stated is None else stated
        if again is None or not np.isclose(again, stated, rtol=0, atol=1e-9, equal_nan=True):
            raise InputError(
                f"runs/{self.name}: the {place} in metrics.json is not that of predictions.csv: "
                f"`dvc repro -f evaluate@{self.name}`"
            )
