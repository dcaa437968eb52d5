"""Do two quantities of a run go together? Rank correlation over runs, within groups of comparable runs.

Runs of different methods or training sets differ in both quantities for reasons of their own, so a run is ranked among
those of its group only, and ranks are scaled so that every run counts the same.
"""

from collections.abc import Sequence

import numpy as np
from scipy import stats

from vqa.stats.correlation import row_plcc
from vqa.stats.trainings import Estimate, mixed


def rank_correlation(x: np.ndarray, y: np.ndarray, groups: Sequence[str]) -> np.ndarray:
    """Spearman's correlation over runs, within groups, of every row.

    Args:
        x: ``(R, runs)``.
        y: ``(R, runs)``.
        groups: name of every run's group; a single name for the ordinary correlation.

    Returns:
        ``(R,)``; NaN where a side is constant within every group.
    """
    labels = np.asarray(groups)
    sides = []
    for values in (x, y):
        ranks = np.empty(np.shape(values))
        for name in dict.fromkeys(groups):
            part = np.flatnonzero(labels == name)
            ranks[:, part] = (stats.rankdata(values[:, part], axis=1) - (len(part) + 1) / 2) / len(part)
        sides.append(ranks)
    return row_plcc(*sides)


def associate(
    x: np.ndarray,
    y: np.ndarray,
    moved: np.ndarray,
    groups: Sequence[str],
    resamples: int,
    generator: np.random.Generator,
) -> Estimate:
    """Mean over trainings of the rank correlation of two quantities over runs, with the mixed test of it.

    The runs are the recipes that were tried and are not drawn again: recipes of one sweep are nearly the same training,
    and would be taken for independent ones. What is drawn is the seed of a training, common to all runs, and the items.

    Args:
        x: ``(T, runs)``, known without error, of every training.
        y: ``(T, runs)``, correlations or their gaps.
        moved: ``(T, runs, n)``, how every item moves y (:class:`vqa.stats.trainings.Sample`).
        groups: name of every run's group.
        resamples: of the items, for the variance over them.
        generator: draws the items.
    """
    trainings, _, n = moved.shape
    values = rank_correlation(x, y, groups)
    weights = generator.multinomial(n, np.full(n, 1 / n), resamples) - 1.0
    again = np.empty((trainings, resamples))
    for row in range(trainings):
        shifted = y[row] + weights @ moved[row].T
        again[row] = rank_correlation(np.broadcast_to(x[row], shifted.shape), shifted, groups)
    again = again[:, ~np.isnan(again).any(axis=0)]
    if not again.shape[1] > 1 or np.isnan(values).any():
        return Estimate(float(np.mean(values)), float("nan"), float("nan"), trainings)
    over_items = float(again.mean(axis=0).var(ddof=1))
    apart = float(np.sum((again - again.mean(axis=0)).var(axis=1, ddof=1))) / (trainings - 1) if trainings > 1 else 0.0
    return mixed(values, [(over_items, n - 1)], apart)
