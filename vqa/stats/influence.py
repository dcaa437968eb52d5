"""How much each item moves a correlation: influence values, of which every standard error here is made.

To first order a correlation over n items is its true value plus the mean of one influence value per item. So the
variance over other items is that of a mean, differences of any numbers on the same items are differences of influence
values, and nothing has to be drawn. For SRCC the ranks are influenced too: one item moves those of all others.
"""

import numpy as np
from scipy import stats


def influence(pred: np.ndarray, mos: np.ndarray, metric: str) -> np.ndarray:
    """Influence of every item on SRCC or PLCC.

    Args:
        pred: ``(n,)`` predictions on any scale.
        mos: ``(n,)`` labels of the same items.
        metric: ``srcc`` or ``plcc``.

    Returns:
        ``(n,)``, their mean is 0: leaving item i out lowers the correlation by about its value over n. NaN where a
        side is constant.
    """
    if np.ptp(pred) == 0 or np.ptp(mos) == 0:
        return np.full(len(pred), np.nan)
    if metric == "plcc":
        return _of_plcc(pred, mos)
    # Mid-distribution of every item: the share of items below it, ties counting half.
    x, y = ((stats.rankdata(side) - 0.5) / len(side) for side in (pred, mos))
    direct = _of_plcc(x, y)
    # An item also raises the ranks of all items above it.
    a, b = (side - side.mean() for side in (x, y))
    scale = np.sqrt((a @ a) * (b @ b)) / len(a)
    rho = float(a @ b) / len(a) / scale
    on_x = _mean_above(pred, b / scale - rho * a * len(a) / (a @ a))
    on_y = _mean_above(mos, a / scale - rho * b * len(b) / (b @ b))
    found = direct + on_x + on_y
    return found - found.mean()


def _of_plcc(x: np.ndarray, y: np.ndarray) -> np.ndarray:
    """Hampel's influence function of Pearson's correlation: zx zy - r (zx^2 + zy^2) / 2."""
    zx, zy = ((side - side.mean()) / side.std() for side in (x, y))
    return zx * zy - float(np.mean(zx * zy)) * (zx**2 + zy**2) / 2


def _mean_above(values: np.ndarray, weights: np.ndarray) -> np.ndarray:
    """For every item the mean over all items of ``weights`` times [its value is below theirs], ties counting half."""
    order = np.argsort(values, kind="stable")
    total = np.concatenate([[0.0], np.cumsum(weights[order])])
    below = np.searchsorted(values[order], values, side="left")
    upto = np.searchsorted(values[order], values, side="right")
    return (total[-1] - (total[below] + total[upto]) / 2) / len(values)
