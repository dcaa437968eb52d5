"""Are two models on the same items different? Paired bootstrap, paired permutation, and Williams' test.

Two models that predict the same items err together, so their difference is far better known than either number: the
tests below keep the pairing. The bootstrap speaks of other items, the permutation test of the null hypothesis that
the two models are interchangeable on every item.
"""

from collections.abc import Hashable, Sequence

import numpy as np
from scipy import stats

from vqa.settings.strict import one_of
from vqa.stats.correlation import BLOCK, correlation_of_items, resampled_items

# Two permuted differences that are equal in exact arithmetic differ by rounding of about 1e-15.
TOLERANCE = 1e-12

ALTERNATIVES = ("two-sided", "greater", "less")

Split = tuple[np.ndarray, np.ndarray, np.ndarray]


def paired_differences(
    a: np.ndarray, b: np.ndarray, mos: np.ndarray, metric: str, resamples: int, generator: np.random.Generator
) -> np.ndarray:
    """Correlation of ``a`` minus that of ``b`` on the same resampled items.

    Args:
        a: ``(n,)`` predictions of one model, on any scale.
        b: ``(n,)`` predictions of the other, on any scale.
        mos: ``(n,)`` labels of the same items.
        metric: ``srcc`` or ``plcc``.
        resamples: number of resamples ``R``.
        generator: draws the items.

    Returns:
        ``(R,)`` values in [-2, 2]; NaN where a side of a resample is constant.

    Raises:
        ValueError: for sides of unequal length or fewer than two items.
    """
    _check_split(a, b, mos)
    return np.concatenate(
        [
            correlation_of_items(a, mos, metric, index) - correlation_of_items(b, mos, metric, index)
            for index in resampled_items(len(mos), resamples, generator)
        ]
    )


def bootstrap_p(differences: np.ndarray, alternative: str = "two-sided") -> float:
    """Level at which the percentile interval of ``(R,)`` resampled differences first contains 0.

    One-sided, it is the share of resamples on the wrong side of 0, counted as (1 + #) / (1 + R); two-sided, twice the
    smaller of both. Resamples without a value are left out; NaN if none is left.
    """
    one_of("alternative", alternative, ALTERNATIVES)
    defined = differences[~np.isnan(differences)]
    if len(defined) == 0:
        return float("nan")
    greater, less = ((1 + np.count_nonzero(side)) / (1 + len(defined)) for side in (defined <= 0, defined >= 0))
    return float({"greater": greater, "less": less, "two-sided": min(1.0, 2 * min(greater, less))}[alternative])


def permutation_test(
    splits: Sequence[Split],
    metric: str,
    permutations: int,
    generator: np.random.Generator,
    alternative: str = "two-sided",
    items: Sequence[Hashable] | None = None,
) -> float:
    """p of the paired randomization test: what if the predictions of an item had come from the other model?

    Two models predict on scales of their own, so what is swapped item by item is the rank of a prediction within its
    model for SRCC, and its z-score for PLCC. The statistic is Pearson's correlation of what a model then has with the
    ranks of the MOS, or with the MOS: unswapped, it is SRCC or PLCC itself. Swapped ranks are not ranked again, which
    makes every permuted sum linear in the swaps.

    Args:
        splits: ``(a, b, mos)``, each ``(n,)``, of every random split; there is a single one where a model is trained
            once. With several, the statistic is the median over splits of ``a`` minus that of ``b``, and splits are
            swapped independently, although their items overlap, but for those that ``items`` ties.
        metric: ``srcc`` or ``plcc``.
        permutations: number ``R`` of random swaps. If all 2^n are no more than that, every one is counted instead.
        generator: draws the swaps.
        alternative: ``two-sided``, ``greater`` (``a`` correlates better) or ``less``.
        items: names of the item lists of the splits: those of one list, trainings of several seeds, are swapped
            together. Seeds err on the same items, so that swaps of their own would take one item for many. None: every
            split has a list of its own.

    Returns:
        p in (0, 1]: (1 + #) / (1 + R) where ``#`` permuted differences are at least as extreme; their exact share if
        every swap is counted. NaN if a correlation is not defined.

    Raises:
        ValueError: for sides of unequal length, fewer than two items, or an unknown alternative.
    """
    one_of("alternative", alternative, ALTERNATIVES)
    for split in splits:
        _check_split(*split)
    lists = list(range(len(splits)) if items is None else items)
    of_list = dict(zip(lists, (len(mos) for _, _, mos in splits), strict=True))
    sizes = list(of_list.values())
    exact = sum(sizes) < 63 and 2 ** sum(sizes) <= permutations
    if exact:
        every = (np.arange(2 ** sum(sizes))[:, None] >> np.arange(sum(sizes))) & 1
        swaps = np.split(every, np.cumsum(sizes)[:-1], axis=1)
    else:
        swaps = [generator.integers(0, 2, (permutations, n), dtype=np.int8) for n in sizes]
    observed = _median_difference(splits, metric, [np.zeros((1, of_list[name])) for name in lists])
    if np.isnan(observed).any():
        return float("nan")
    by_list = dict(zip(of_list, swaps, strict=True))
    permuted = _median_difference(splits, metric, [by_list[name] for name in lists])
    with np.errstate(invalid="ignore"):  # a swap that makes a side constant has no value and is not extreme
        extreme = {
            "two-sided": np.abs(permuted) >= np.abs(observed) - TOLERANCE,
            "greater": permuted >= observed - TOLERANCE,
            "less": permuted <= observed + TOLERANCE,
        }[alternative]
    count = np.count_nonzero(extreme)
    return float(count / len(permuted) if exact else (1 + count) / (1 + permutations))


def williams_test(r_a: float, r_b: float, r_ab: float, n: int) -> float:
    """Two-sided p of Williams' t for two Pearson correlations with the same labels, as Steiger (1980, eq. 7) has it.

    It assumes normal values and is the analytic counterpart of :func:`permutation_test` for PLCC.

    Args:
        r_a: correlation of one model with the labels.
        r_b: of the other.
        r_ab: of the two models with each other; less than 1.
        n: number of items, at least 4.
    """
    determinant = 1 - r_a**2 - r_b**2 - r_ab**2 + 2 * r_a * r_b * r_ab
    scale = 2 * determinant * (n - 1) / (n - 3) + ((r_a + r_b) / 2) ** 2 * (1 - r_ab) ** 3
    return float(2 * stats.t.sf(abs(r_a - r_b) * np.sqrt((n - 1) * (1 + r_ab) / scale), n - 3))


def _check_split(a: np.ndarray, b: np.ndarray, mos: np.ndarray) -> None:
    if not a.shape == b.shape == mos.shape or mos.ndim != 1 or len(mos) < 2:
        raise ValueError(
            f"predictions {a.shape}, {b.shape} and MOS {mos.shape} must be 1-D, of one length, at least 2 items"
        )


def _median_difference(splits: Sequence[Split], metric: str, swaps: Sequence[np.ndarray]) -> np.ndarray:
    """Median over splits of what ``a`` has, minus that of ``b``, for every row of the swaps ``(R, n)``: ``(R,)``."""
    both = [_swapped_correlations(*split, metric, rows) for split, rows in zip(splits, swaps, strict=True)]
    return np.subtract(*np.median(both, axis=0))


def _swapped_correlations(a: np.ndarray, b: np.ndarray, mos: np.ndarray, metric: str, swaps: np.ndarray) -> np.ndarray:
    """Correlations ``(2, R)`` of both models with the MOS after the swaps ``(R, n)`` of 0 and 1.

    Sum, sum of squares and sum of products of a swapped model are linear in the swaps: three columns of one product.
    """
    if np.ptp(a) == 0 or np.ptp(b) == 0 or np.ptp(mos) == 0:
        return np.full((2, len(swaps)), np.nan)
    if metric == "srcc":
        a, b, mos = (stats.rankdata(x) for x in (a, b, mos))
    a, b, mos = ((x - x.mean()) / np.linalg.norm(x - x.mean()) for x in (a, b, mos))
    n, block = len(mos), max(1, BLOCK // len(mos))
    change = np.stack([b - a, b**2 - a**2, (b - a) * mos], axis=1)
    starts = range(0, len(swaps), block)
    moved = np.concatenate([swaps[start : start + block].astype(np.float64) @ change for start in starts])
    sides = []
    for x, sign in ((a, 1), (b, -1)):
        total, squares, products = (np.array([0.0, 1.0, x @ mos]) + sign * moved).T
        variance = squares - total**2 / n
        sides.append(np.divide(products, np.sqrt(variance), out=np.full(len(swaps), np.nan), where=variance > 1e-12))
    return np.array(sides)
