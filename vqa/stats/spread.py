"""How much a number varies over training seeds and over splits of the data, the two kept apart."""

from collections.abc import Hashable, Sequence
from dataclasses import dataclass

import numpy as np


@dataclass(frozen=True)
class Spread:
    """Standard deviations of repeated trainings.

    Attributes:
        seeds: number of training seeds.
        splits: number of splits of the data.
        std_over_seeds: of the values of one split, pooled over splits; NaN without a split that has two seeds.
        std_over_splits: of the values of one seed, pooled over seeds; NaN without a seed that has two splits.
    """

    seeds: int
    splits: int
    std_over_seeds: float
    std_over_splits: float


def spread(values: np.ndarray, seeds: Sequence[Hashable], splits: Sequence[Hashable]) -> Spread:
    """Spread of ``(trainings,)`` values by the seed and the split of every training."""
    return Spread(len(set(seeds)), len(set(splits)), pooled_std(values, splits), pooled_std(values, seeds))


def pooled_std(values: np.ndarray, groups: Sequence[Hashable]) -> float:
    """Standard deviation within groups: squares about the mean of each, over the sum of (size - 1); NaN if that is 0.

    Raises:
        ValueError: if there is not one group for each of the ``(n,)`` values.
    """
    values = np.asarray(values, dtype=np.float64)
    if values.shape != (len(groups),):
        raise ValueError(f"{values.shape} values need as many groups, got {len(groups)}")
    parts = [values[[group == name for group in groups]] for name in dict.fromkeys(groups)]
    freedom = sum(len(part) - 1 for part in parts)
    squares = sum(float(np.sum((part - part.mean()) ** 2)) for part in parts)
    return float(np.sqrt(squares / freedom)) if freedom else float("nan")
