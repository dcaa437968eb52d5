"""A run's metrics under both protocols, from its predictions (METHODS 3.7, 5.2, 6.4-6.5, DISCREPANCIES P1-P3, P10)."""

import dataclasses
from typing import Any

import numpy as np
import pandas as pd

from vqa.io import digest
from vqa.methods.base import Reporting
from vqa.settings.params import Common, Run
from vqa.stats.metrics import METRICS, best_epochs, mapped_scores, raw_scores, score


def released_scores(
    predictions: pd.DataFrame, weights: str, train_epoch: str, reporting: Reporting | None = None
) -> dict[str, dict]:
    """Metrics as the released code picks them, per ``dataset/split``.

    Test: the best of every metric over all epochs, each on its own, with the epoch it comes from (discrepancy P1), or
    what ``reporting`` says in its place. Train: on-the-fly predictions of the epochs, read at the last epoch or at the
    one with the best test SRCC.

    Args:
        predictions: the rows with protocol ``released`` of one run.
        weights: ``ema`` or ``raw``, the model whose test scores count.
        train_epoch: ``last`` or ``best``.
        reporting: the rule of the method's released code; None: FAST-VQA's.
    """
    reporting = reporting or Reporting()
    chosen = predictions[(predictions.protocol == "released") & predictions.weights.isin([weights, "on-the-fly"])]
    result: dict[str, dict] = {}
    epochs: dict[str, int] = {}  # of a data set, by the first of its splits
    first_best = None
    test = chosen[chosen.weights == weights]
    for (dataset, split), part in test.groupby(["dataset", "split"], sort=False):
        rows = dict(iter(part.groupby("epoch")))
        by_epoch = {epoch: _raw(part) for epoch, part in rows.items()}
        best = best_epochs(by_epoch)
        first_best = first_best or best["srcc"]
        if reporting.selection == "best_srcc":
            best = dict.fromkeys(METRICS, epochs.setdefault(dataset, best["srcc"]))
        values = {m: by_epoch[best[m]][m] for m in METRICS}
        if reporting.plcc == "mapped":
            values |= {m: _mapped(rows[best[m]])[m] for m in ("plcc", "rmse")}
        result[f"{dataset}/{split}"] = {
            **values,
            "best_epoch": {m: int(best[m]) for m in METRICS},
            "n": int(part.item.nunique()),
        }
    train = chosen[chosen.weights == "on-the-fly"]
    epoch: Any = train.epoch.max() if train_epoch == "last" else first_best
    rows = train[train.epoch == epoch]
    result[f"{rows.dataset.iloc[0]}/train"] = {**_raw(rows), "epoch": int(epoch), "n": len(rows)}
    return result


def _raw(rows: pd.DataFrame) -> dict[str, float]:
    return raw_scores(rows.prediction.to_numpy(), rows.mos.to_numpy())


def _mapped(rows: pd.DataFrame) -> dict[str, float]:
    mapped = mapped_scores(rows.prediction.to_numpy(), rows.mos.to_numpy())
    return {name.removesuffix("_mapped"): value for name, value in mapped.items()}


def clean_scores(predictions: pd.DataFrame) -> dict[str, dict]:
    """Metrics of the clean protocol per ``dataset/split``: the one prediction of the last epoch's EMA model."""
    clean = predictions[predictions.protocol == "clean"]
    return {
        f"{dataset}/{split}": score(rows.prediction.to_numpy(), rows.mos.to_numpy()).as_dict()
        for (dataset, split), rows in clean.groupby(["dataset", "split"], sort=False)
    }


def gaps(scores: dict[str, dict], train: str, test: tuple[str, ...]) -> dict[str, dict]:
    """Generalization gap, train minus test, of SRCC and PLCC for every test set."""
    return {key: {m: scores[f"{train}/train"][m] - scores[key][m] for m in ("srcc", "plcc")} for key in test}


def metrics(
    predictions: pd.DataFrame,
    run: Run,
    common: Common,
    digests: dict[str, str],
    reporting: Reporting | None = None,
    seed: int | None = None,
) -> dict[str, Any]:
    """Content of ``metrics.json``: both protocols, their gaps, and the selection bonus (released minus clean).

    Args:
        predictions: all predictions of one training, of both protocols.
        run: the run's row of params.
        common: the common block of params.
        digests: digest of the item list of every ``dataset/split``.
        reporting: the rule of the method's released code; None: FAST-VQA's.
        seed: of the training; None: ``common.seed``.
    """
    reporting = reporting or Reporting()
    released, clean = common.released, clean_scores(predictions)
    by_protocol = {
        "released": released_scores(predictions, released.weights, released.train_epoch, reporting),
        "clean": clean,
    }
    content: dict = {
        "seed": common.seed if seed is None else seed,
        "cuts": list(run.partition.seeds) if run.partition else [],
        "reporting": dataclasses.asdict(reporting),
        "items_digest": digests,
    }
    for name, scores in by_protocol.items():
        content[name] = {"scores": scores, "gap": gaps(scores, run.train, run.test)}
    # Raw with raw: what the mapping adds is no bonus of the selection.
    unmapped = released_scores(predictions, released.weights, released.train_epoch, Reporting(reporting.selection))
    content["selection_bonus"] = {
        key: {m: unmapped[key][m] - clean[key][m] for m in ("srcc", "plcc")} for key in run.test
    }
    return content


def over_folds(folds: dict[int | str, dict[str, Any]]) -> dict[str, Any]:
    """Content of ``metrics.json`` of a run with several trainings, one for each seed and random cut of its data set.

    Every number is the mean over the trainings, except ``n``, the items of one, and ``seed``, that of
    the first; ``folds`` holds the content of each by its name (:class:`vqa.training.protocol.Training`). A digest of
    items stands for the lists of all cuts, which are the same for every seed. A run with one training keeps that
    content alone.
    """
    contents = list(folds.values())
    if len(contents) == 1:
        return contents[0]
    cuts = [content["items_digest"] for content in contents if content["seed"] == contents[0]["seed"]]
    lists = {key: [digests[key] for digests in cuts] for key in cuts[0]}
    return {
        **{name: contents[0][name] for name in ("seed", "cuts", "reporting")},
        "items_digest": {k: digest("+".join(d))[:12] if len(d) > 1 else d[0] for k, d in lists.items()},
        **{part: _mean([content[part] for content in contents]) for part in ("released", "clean", "selection_bonus")},
        "folds": {str(fold): content for fold, content in folds.items()},
    }


def _mean(values: list[Any]) -> Any:
    """Mean of equal nests of numbers, number by number; epochs are left out, for they belong to one training."""
    first = values[0]
    if isinstance(first, dict):
        return {k: _mean([v[k] for v in values]) for k in first if k not in ("best_epoch", "epoch")}
    return first if isinstance(first, int) else float(np.mean(values))
