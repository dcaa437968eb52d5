"""Several tests at once: Holm's step-down correction."""

import numpy as np


def holm(p: np.ndarray) -> np.ndarray:
    """Adjusted p of a family of tests: those at most alpha are significant with family-wise error alpha (Holm 1979).

    The k-th smallest of m is multiplied by m - k + 1, made at least as large as the one before, and cut at 1. Needs no
    independence of the tests.

    Args:
        p: ``(m,)`` raw values in [0, 1]; NaN are no tests: they stay NaN and do not count in m.

    Returns:
        ``(m,)`` in the order of ``p``.
    """
    p = np.asarray(p, dtype=np.float64)
    order = np.argsort(p, kind="stable")[: np.count_nonzero(~np.isnan(p))]
    adjusted = np.full(len(p), np.nan)
    steps = np.arange(len(order), 0, -1)
    adjusted[order] = np.minimum(np.maximum.accumulate(p[order] * steps), 1)
    return adjusted
