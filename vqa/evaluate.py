"""A run's metrics under both protocols, from its predictions (METHODS 3.7, DISCREPANCIES P1-P3)."""

import pandas as pd

from vqa.metrics import METRICS, best_epochs, raw_scores, score
from vqa.params import Common, Run


def released_scores(predictions: pd.DataFrame, weights: str, train_epoch: str) -> dict[str, dict]:
    """Metrics as the released code picks them, per ``dataset/split``.

    Test: the best of every metric over all epochs, each on its own, with the epoch it comes from (discrepancy P1).
    Train: on-the-fly predictions of the epochs, read at the last epoch or at the one with the best test SRCC.

    Args:
        predictions: the rows with protocol ``released`` of one run.
        weights: ``ema`` or ``raw``, the model whose test scores count.
        train_epoch: ``last`` or ``best``.
    """
    chosen = predictions[(predictions.protocol == "released") & predictions.weights.isin([weights, "on-the-fly"])]
    result: dict[str, dict] = {}
    first_best = None
    test = chosen[chosen.weights == weights]
    for (dataset, split), part in test.groupby(["dataset", "split"], sort=False):
        by_epoch = {epoch: _raw(rows) for epoch, rows in part.groupby("epoch")}
        best = best_epochs(by_epoch)
        result[f"{dataset}/{split}"] = {
            **{m: by_epoch[best[m]][m] for m in METRICS},
            "best_epoch": {m: int(best[m]) for m in METRICS},
            "n": int(part.item.nunique()),
        }
        first_best = first_best or best["srcc"]
    train = chosen[chosen.weights == "on-the-fly"]
    epoch = train.epoch.max() if train_epoch == "last" else first_best
    rows = train[train.epoch == epoch]
    result[f"{rows.dataset.iloc[0]}/train"] = {**_raw(rows), "epoch": int(epoch), "n": len(rows)}
    return result


def _raw(rows: pd.DataFrame) -> dict[str, float]:
    return raw_scores(rows.prediction.to_numpy(), rows.mos.to_numpy())


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


def metrics(predictions: pd.DataFrame, run: Run, common: Common, digests: dict[str, str]) -> dict:
    """Content of ``metrics.json``: both protocols, their gaps, and the selection bonus (released minus clean).

    Args:
        predictions: all rows of ``predictions.csv``.
        run: the run's row of params.
        common: the common block of params.
        digests: digest of the item list of every ``dataset/split``.
    """
    by_protocol = {
        "released": released_scores(predictions, common.released.weights, common.released.train_epoch),
        "clean": clean_scores(predictions),
    }
    content: dict = {"seed": common.seed, "items_digest": digests}
    for name, scores in by_protocol.items():
        content[name] = {"scores": scores, "gap": gaps(scores, run.train, run.test)}
    content["selection_bonus"] = {
        key: {m: by_protocol["released"][key][m] - by_protocol["clean"][key][m] for m in ("srcc", "plcc")}
        for key in run.test
    }
    return content
