"""Scores of models on the items of a split, and their rows in ``predictions.csv``."""

import numpy as np
import pandas as pd
import torch
from torch import nn

from vqa.data.items import PreparedDataset
from vqa.data.loader import ClipDataset, batches
from vqa.methods.base import Method

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


def clean_predictions(
    model: nn.Module,
    method: Method,
    splits: list[tuple[PreparedDataset, str]],
    epoch: int,
    seed: int,
    workers: int,
    device: torch.device,
) -> pd.DataFrame:
    """Deterministic predictions of one model on every data set and split: rows of ``predictions.csv``."""
    tables = []
    for data, split in splits:
        clips = ClipDataset(data, data.items(split), method, "clean", seed)
        (scores,) = predict([model], method, clips, 0, workers, device)
        tables.append(prediction_rows(data, split, scores, epoch, "ema", "clean"))
    return pd.concat(tables, ignore_index=True)
