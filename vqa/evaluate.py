"""Predictions of a model on an item list, and a run's metrics under both protocols (METHODS 3.7, DISCREPANCIES P1-P3)."""

import numpy as np
import pandas as pd
import torch
from torch import nn

from vqa.data.items import PreparedDataset
from vqa.data.loader import ClipDataset, batches
from vqa.methods.base import Method
from vqa.metrics import METRICS, raw_scores, score
from vqa.params import Common, Run

PREDICTIONS = ["dataset", "item", "mos", "prediction", "epoch", "weights", "split", "protocol"]


@torch.inference_mode()
def predict(
    models: list[nn.Module], method: Method, clips: ClipDataset, epoch: int, workers: int, device: torch.device
) -> list[np.ndarray]:
    """Scores of every item of ``clips`` by several models that look at the same sampled clips.

    Returns:
        One ``(n,)`` float64 array per model, in the order of the items. The models are left in evaluation mode.
    """
    scores = [np.empty(len(clips)) for _ in models]
    for model in models:
        model.eval()
    for inputs, _, index in batches(clips, list(range(len(clips))), epoch, method.batch_size, workers):
        for model, out in zip(models, scores, strict=True):
            out[index.numpy()] = method.scores(model, inputs.to(device)).double().cpu().numpy()
    return scores


def prediction_rows(
    data: PreparedDataset, split: str, scores: np.ndarray, epoch: int, weights: str, protocol: str
) -> pd.DataFrame:
    """Rows of ``predictions.csv`` for the items of one split, in list order."""
    items = data.items(split)
    rows = {
        "dataset": data.name,
        "item": [item.name for item in items],
        "mos": [item.mos for item in items],
        "prediction": scores,
        "epoch": epoch,
        "weights": weights,
        "split": split,
        "protocol": protocol,
    }
    return pd.DataFrame(rows, columns=PREDICTIONS)


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
        by_epoch = {epoch: raw_scores(rows.prediction.to_numpy(), rows.mos.to_numpy()) for epoch, rows in part.groupby("epoch")}
        best = {m: (min if m == "rmse" else max)(by_epoch, key=lambda e, m=m: by_epoch[e][m]) for m in METRICS}
        result[f"{dataset}/{split}"] = {
            **{m: by_epoch[best[m]][m] for m in METRICS},
            "best_epoch": {m: int(best[m]) for m in METRICS},
            "n": int(part.item.nunique()),
        }
        first_best = first_best or best["srcc"]
    train = chosen[chosen.weights == "on-the-fly"]
    epoch = train.epoch.max() if train_epoch == "last" else first_best
    rows = train[train.epoch == epoch]
    scores = raw_scores(rows.prediction.to_numpy(), rows.mos.to_numpy())
    result[f"{rows.dataset.iloc[0]}/train"] = {**scores, "epoch": int(epoch), "n": len(rows)}
    return result


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


def clean_predictions(
    model: nn.Module,
    method: Method,
    datasets: dict[str, PreparedDataset],
    keys: list[str],
    epoch: int,
    seed: int,
    workers: int,
    device: torch.device,
) -> pd.DataFrame:
    """Deterministic predictions of one model on every ``dataset/split`` of ``keys``: rows of ``predictions.csv``."""
    tables = []
    for key in keys:
        name, _, split = key.partition("/")
        clips = ClipDataset(datasets[name], datasets[name].items(split), method, "clean", seed)
        (scores,) = predict([model], method, clips, 0, workers, device)
        tables.append(prediction_rows(datasets[name], split, scores, epoch, "ema", "clean"))
    return pd.concat(tables, ignore_index=True)


def metrics(predictions: pd.DataFrame, run: Run, common: Common, digests: dict[str, str]) -> dict:
    """Content of ``metrics.json``: both protocols, their gaps, and the selection bonus (released minus clean).

    Args:
        predictions: all rows of ``predictions.csv``.
        run: the run's row of params.
        common: the common block of params.
        digests: digest of the item list of every ``dataset/split``.
    """
    protocols = {
        "released": released_scores(predictions, common.released.weights, common.released.train_epoch),
        "clean": clean_scores(predictions),
    }
    content: dict = {"seed": common.seed, "items_digest": digests}
    for name, scores in protocols.items():
        content[name] = {"scores": scores, "gap": gaps(scores, run.train, run.test)}
    content["selection_bonus"] = {
        key: {m: protocols["released"][key][m] - protocols["clean"][key][m] for m in ("srcc", "plcc")} for key in run.test
    }
    return content
