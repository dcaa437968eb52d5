"""From numbers to a verdict: the rules by which claims and cells are judged, apart from where the numbers come from.

Every rule needs evidence for either answer. Without enough of it the verdict is ``not distinguishable``, which says
nothing against a claim.
"""

import math
from collections.abc import Sequence
from itertools import permutations

import numpy as np

VERDICTS = ("reproduced", "not distinguishable", "contradicted", "not run")
REPRODUCED, UNDECIDED, CONTRADICTED, NOT_RUN = VERDICTS
# Up to this many points all orders are counted (8! = 40320 at most).
COUNTED = 7
# Slack for printed decimals in binary.
TINY = 1e-9


def one_sided(value: float, p: float) -> tuple[float, float]:
    """One-sided p-values, for "above 0" and for "below 0", from a two-sided one and the sign of the estimate."""
    if math.isnan(p) or math.isnan(value):
        return 1.0, 1.0
    half = p / 2
    return (half, 1 - half) if value > 0 else (1 - half, half)


def exceeds(
    value: float, interval: tuple[float, float], p: tuple[float, float], level: float, at_least: float = 0.0
) -> str:
    """Verdict on "is above 0", or on "is at least s".

    Reproduced if the estimate is significantly above 0 and not below ``at_least``; contradicted if it is significantly
    below 0, or if its whole interval is below ``at_least``, where that is positive.

    Args:
        value: the estimate.
        interval: its 95 % interval.
        p: one-sided p-values for above and below 0, adjusted as the claim demands.
        level: of the one-sided tests.
        at_least: s >= 0.
    """
    above, below = p
    if above <= level and value >= at_least - TINY:
        return REPRODUCED
    short = at_least > 0 and interval[1] < at_least
    return CONTRADICTED if below <= level or short else UNDECIDED


def equivalent(interval: tuple[float, float], margin: float, p: float, level: float) -> str:
    """Verdict on "is the same": the 95 % interval against +-margin.

    Two one-sided tests at 5 % would need the 90 % interval to lie within; the 95 % one is printed everywhere, and is
    the stricter. Contradicted if the interval is wholly outside and the difference is significant.

    Args:
        interval: of the difference.
        margin: largest difference that does not matter.
        p: of a difference other than 0, adjusted as the claim demands.
        level: of the test.
    """
    low, high = interval
    if low >= -margin and high <= margin:
        return REPRODUCED
    return CONTRADICTED if (low > margin or high < -margin) and p <= level else UNDECIDED


def not_above(interval: tuple[float, float], margin: float, p: float, level: float) -> str:
    """Verdict on "does not gain": reproduced if the interval ends below the margin, contradicted if it starts above.

    A gain that is smaller than the margin does not matter; arguments as :func:`equivalent`, ``p`` one-sided for a gain.
    """
    if interval[1] <= margin:
        return REPRODUCED
    return CONTRADICTED if interval[0] > margin and p <= level else UNDECIDED


def reaches(interval: tuple[float, float], at_least: float) -> str:
    """Verdict on "is at least s" for a value with a 95 % interval: the whole of it has to be on one side."""
    if interval[0] >= at_least:
        return REPRODUCED
    return CONTRADICTED if interval[1] < at_least else UNDECIDED


def agrees(value: float, interval: tuple[float, float], paper: float, margin: float) -> str:
    """Verdict on a cell: ours against the paper's printed number.

    Reproduced if our 95 % interval lies within +-margin of it; contradicted if it is outside of our interval and
    further from our value than the margin.
    """
    low, high = interval
    if low >= paper - margin and high <= paper + margin:
        return REPRODUCED
    outside = paper < low or paper > high
    return CONTRADICTED if outside and abs(value - paper) > margin else UNDECIDED


def combine(verdicts: Sequence[str], every: bool) -> str:
    """Verdict on a claim from those on its parts.

    A claim about ``every`` part is contradicted by one contradicted part and reproduced by none but all of them. One
    about ``some`` part (up to so much) is reproduced by one and contradicted by none but all. Parts that were not run
    count as undecided, unless none was run.
    """
    if all(verdict == NOT_RUN for verdict in verdicts):
        return NOT_RUN
    one, all_ = (CONTRADICTED, REPRODUCED) if every else (REPRODUCED, CONTRADICTED)
    if one in verdicts:
        return one
    return all_ if all(verdict == all_ for verdict in verdicts) else UNDECIDED


def rank_trend(x: np.ndarray, y: np.ndarray) -> tuple[float, tuple[float, float]]:
    """Spearman's correlation and its one-sided p-values for a positive and a negative one.

    By counting all orders up to 7 points, by Student's t above.

    Args:
        x: ``(n,)``.
        y: ``(n,)``.

    Returns:
        NaN and p-values of 1 for fewer than three points, or where a side is constant.
    """
    from scipy import stats  # heavy, and not needed to read the rules

    if len(x) < 3 or np.ptp(x) == 0 or np.ptp(y) == 0:
        return float("nan"), (1.0, 1.0)
    rho = float(stats.spearmanr(x, y).statistic)
    if len(x) > COUNTED:
        above, below = (float(stats.spearmanr(x, y, alternative=side).pvalue) for side in ("greater", "less"))
        return rho, (above, below)
    ranks, others = stats.rankdata(x), stats.rankdata(y)
    observed = float(ranks @ others)
    orders = np.array(list(permutations(others))) @ ranks
    return rho, (float(np.mean(orders >= observed - TINY)), float(np.mean(orders <= observed + TINY)))


def mean_over_directions(
    values: np.ndarray, others: np.ndarray | None = None
) -> tuple[float, tuple[float, float], tuple[float, float]]:
    """Mean with its 95 % interval and one-sided p-values by Student's t; of two samples, the difference by Welch's.

    Args:
        values: ``(directions,)``; of paired measurements, their differences.
        others: ``(directions,)`` of other networks, whose directions are others.

    Returns:
        Mean, interval, and p-values for above and below 0; with one direction there is no interval (infinite, 1).
    """
    from scipy import stats  # see rank_trend

    groups = [np.asarray(values)] if others is None else [np.asarray(values), np.asarray(others)]
    mean = float(groups[0].mean() - (groups[1].mean() if others is not None else 0))
    if min(len(group) for group in groups) < 2:
        return mean, (-math.inf, math.inf), (1.0, 1.0)
    squares = [float(group.var(ddof=1)) / len(group) for group in groups]
    error = math.sqrt(sum(squares))
    if error == 0:
        return mean, (mean, mean), (float(mean <= 0), float(mean >= 0))
    freedom = sum(squares) ** 2 / sum(s**2 / (len(g) - 1) for s, g in zip(squares, groups, strict=True))
    half, t = float(stats.t.ppf(0.975, freedom)) * error, mean / error
    return mean, (mean - half, mean + half), (float(stats.t.sf(t, freedom)), float(stats.t.cdf(t, freedom)))
