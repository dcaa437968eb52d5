"""Numbers with a part of the training and a part of the item, and their means as samples."""

import numpy as np

from vqa.stats.trainings import Sample


def of_means(y: np.ndarray, name: str = "l") -> Sample:
    """The mean over items of every training of ``(T, n)`` numbers, and how each item moves it."""
    return Sample(y.mean(axis=1), {name: (y - y.mean(axis=1, keepdims=True)) / y.shape[1]})


def two_way(draw: np.random.Generator, trainings: int, n: int, seed: float, own: float = 1.0) -> np.ndarray:
    """Numbers with mean 0 of common items: parts of the training, of the item, and of both together."""
    of_training, of_item = seed * draw.normal(size=(trainings, 1)), draw.normal(size=n)
    return of_training + of_item + own * draw.normal(size=(trainings, n))
