"""Do two quantities of a run go together? Correlations over runs, within groups of comparable runs.

Runs of different methods or training sets differ in both quantities for reasons of their own, so runs are compared
with those of their group only: ranks and z-scores are taken within groups, scaled so that every run counts the same,
and permuted and resampled within groups.
"""

import itertools
import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
from scipy import stats

from vqa.stats.correlation import percentile_interval, row_plcc
from vqa.stats.paired import TOLERANCE


@dataclass(frozen=True)
class Association:
    """How two quantities go together over runs.

    Attributes:
        runs: number of runs.
        spearman: rank correlation, within groups if there are several; NaN where a side is constant.
        ci_low: lower bound of its percentile bootstrap interval over runs.
        ci_high: upper bound.
        p_permutation: two-sided, for the rank correlation.
        pearson: correlation of the values, of their z-scores if there are several groups.
    """

    runs: int
    spearman: float
    ci_low: float
    ci_high: float
    p_permutation: float
    pearson: float


def associate(
    x: np.ndarray,
    y: np.ndarray,
    groups: Sequence[str],
    resamples: int,
    permutations: int,
    generator: np.random.Generator,
    level: float = 0.95,
) -> Association:
    """Correlation of two quantities over runs, within groups.

    Args:
        x: ``(runs,)``, finite.
        y: ``(runs,)``, finite.
        groups: name of every run's group; a single name for an ordinary correlation.
        resamples: of runs within groups, for the interval.
        permutations: number of permutations of ``y`` within groups; all of them are counted if they are no more.
        generator: draws resamples and then permutations.
        level: of the interval.

    Raises:
        ValueError: for unequal lengths or fewer than two runs.
    """
    x, y, labels = np.asarray(x, dtype=np.float64), np.asarray(y, dtype=np.float64), np.asarray(groups)
    if not x.shape == y.shape == labels.shape or x.ndim != 1 or len(x) < 2:
        raise ValueError(f"{x.shape}, {y.shape} and groups {labels.shape} must be 1-D, of one length, at least 2 runs")
    members = [np.flatnonzero(labels == name) for name in dict.fromkeys(groups)]
    identity = np.arange(len(x))[None]
    spearman = row_plcc(_ranks(x, members, identity), _ranks(y, members, identity))[0]
    pearson = row_plcc(_scores(x, members), _scores(y, members))[0]
    drawn = _rearranged(members, lambda part: generator.choice(part, (resamples, len(part))))
    low, high = percentile_interval(row_plcc(_ranks(x, members, drawn), _ranks(y, members, drawn)), level)
    p = _permutation_p(x, y, members, permutations, generator, spearman)
    return Association(len(x), float(spearman), low, high, p, float(pearson))


def _permutation_p(
    x: np.ndarray,
    y: np.ndarray,
    members: list[np.ndarray],
    permutations: int,
    generator: np.random.Generator,
    observed: float,
) -> float:
    """Two-sided p of the rank correlation when ``y`` is permuted within groups."""
    if np.isnan(observed):
        return float("nan")
    exact = math.prod(math.factorial(len(part)) for part in members) <= permutations
    if exact:
        every = np.array([sum(rows, ()) for rows in itertools.product(*map(itertools.permutations, members))])
        order = every[:, np.argsort(np.concatenate(members))]
    else:
        order = _rearranged(members, lambda part: generator.permuted(np.tile(part, (permutations, 1)), axis=1))
    ranks_y = _ranks(y, members, np.arange(len(y))[None])[0][order]
    ranks_x = np.broadcast_to(_ranks(x, members, np.arange(len(x))[None]), ranks_y.shape)
    count = np.count_nonzero(np.abs(row_plcc(ranks_x, ranks_y)) >= abs(observed) - TOLERANCE)
    return float(count / len(order) if exact else (1 + count) / (1 + permutations))


def _rearranged(members: list[np.ndarray], draw: Callable[[np.ndarray], np.ndarray]) -> np.ndarray:
    """Rows of runs ``(R, runs)`` in which every group stands at its places, as ``draw`` arranges it."""
    parts = [draw(part) for part in members]
    return np.concatenate(parts, axis=1)[:, np.argsort(np.concatenate(members))]


def _ranks(values: np.ndarray, members: list[np.ndarray], index: np.ndarray) -> np.ndarray:
    """Ranks ``(R, runs)`` of ``values[index]`` within groups, centred and divided by the size of the group."""
    ranks = np.empty(index.shape)
    for part in members:
        ranks[:, part] = (stats.rankdata(values[index[:, part]], axis=1) - (len(part) + 1) / 2) / len(part)
    return ranks


def _scores(values: np.ndarray, members: list[np.ndarray]) -> np.ndarray:
    """z-scores ``(1, runs)`` within groups; 0 in a group of equal values."""
    scores = np.zeros((1, len(values)))
    for part in members:
        if np.ptp(values[part]) > 0:
            scores[0, part] = stats.zscore(values[part])
    return scores
