"""Scores of models on the items of a split, as rows of the files of predictions."""

from collections.abc import Iterable

import numpy as np
import pandas as pd
import torch
from torch import Tensor, nn

from vqa.data.items import Part
from vqa.io import InputError
from vqa.methods.base import Method, one_score
from vqa.training.clips import ClipDataset, Loader
from vqa.training.loader import Batch, batches, to_device
from vqa.training.predictions import PREDICTIONS


def predict(
    models: list[nn.Module], method: Method, clips: ClipDataset, epoch: int, workers: int, device: torch.device
) -> list[np.ndarray]:
    """Scores of every item of ``clips`` by several models that look at the same sampled clips.

    Returns:
        One ``(n,)`` float64 array per model, in the order of the items. The models are left in evaluation mode.

    Raises:
        InputError: for scores that :func:`check_scores` refuses.
    """
    every = batches(clips, range(len(clips)), epoch, method.batch_size, workers)
    return predict_batches(models, method, clips, epoch, every, device)


@torch.inference_mode()
def predict_batches(
    models: list[nn.Module],
    method: Method,
    clips: ClipDataset,
    epoch: int,
    every: Iterable[Batch],
    device: torch.device,
) -> list[np.ndarray]:
    """The same, from all batches of the items in their order (:func:`vqa.training.loader.loaded`)."""
    found: list[list[Tensor]] = [[] for _ in models]
    for model in models:
        model.eval()
    for inputs, _, _ in every:
        inputs = to_device(inputs, device)
        for model, of_model in zip(models, found, strict=True):
            of_model.append(method.scores(model, inputs))
    outputs = [torch.cat(of_model).double().cpu().numpy() for of_model in found]
    for out in outputs:
        check_scores(out, clips.part, epoch)
    return [one_score(method, out, clips.phase) for out in outputs]


def check_scores(scores: np.ndarray, part: Part, epoch: int) -> None:
    """Raise InputError if a score of ``part`` is not a finite number: left out, it would flatter the metrics.

    Scores are ``(n,)`` or, of several branches, ``(n, k)``.
    """
    wrong = int((~np.isfinite(scores)).reshape(len(scores), -1).any(axis=1).sum())
    if wrong:
        where = f"{part.key}, epoch {epoch}" if epoch else part.key
        raise InputError(f"{where}: {wrong} of {len(scores)} scores are not finite; the training diverged")


def prediction_rows(part: Part, scores: np.ndarray, epoch: int, weights: str, protocol: str) -> pd.DataFrame:
    """Predictions for the items of one part, in list order; items without a score are left out."""
    rows = {
        "dataset": part.data.name,
        "item": [item.name for item in part.items],
        "mos": part.mos,
        "prediction": scores,
        "epoch": epoch,
        "weights": weights,
        "split": part.split,
        "protocol": protocol,
        "fold": part.cut.seed if part.cut else 0,
    }
    table = pd.DataFrame(rows, columns=PREDICTIONS)
    return table[~np.isnan(scores)]


def clean_predictions(
    model: nn.Module, method: Method, parts: list[Part], epoch: int, seed: int, loader: Loader, device: torch.device
) -> pd.DataFrame:
    """Deterministic predictions of one model on several parts."""
    tables = []
    for part in parts:
        clips = ClipDataset(part, method, "clean", seed, (0,), loader)
        (scores,) = predict([model], method, clips, 0, loader.workers, device)
        tables.append(prediction_rows(part, scores, epoch, "ema", "clean"))
    return pd.concat(tables, ignore_index=True)
