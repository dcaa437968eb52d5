"""What a test set can tell apart: standard errors of correlations and their differences, and the power of a test.

Standard errors here are formulas for normal values and large n. Where resamples are at hand, their standard
deviation takes the formula's place, and the same functions give the detectable difference and the power.
"""

import numpy as np
from scipy import stats


def standard_error(r: float, n: int, metric: str) -> float:
    """Standard error of one correlation by the delta method from that of its Fisher z.

    The variance of z is 1 / (n - 3) for PLCC and (1 + r^2 / 2) / (n - 3) for SRCC (Bonett & Wright 2000).
    """
    return float((1 - r**2) * _fisher_error(r, n, metric))


def correlation_interval(r: float, n: int, metric: str, level: float = 0.95) -> tuple[float, float]:
    """Interval of one correlation, symmetric in Fisher's z: for SRCC that of Bonett & Wright (2000)."""
    reach = stats.norm.ppf((1 + level) / 2) * _fisher_error(r, n, metric)
    return float(np.tanh(np.arctanh(r) - reach)), float(np.tanh(np.arctanh(r) + reach))


def difference_error(r_a: float, r_b: float, r_ab: float, n: int, metric: str) -> float:
    """Standard error of the difference of two correlations with the same labels.

    How closely the two estimates go together is the large-sample result for Pearson's (Pearson & Filon 1898; Steiger
    1980, eq. 3); for SRCC it is taken over, with the wider standard errors of :func:`standard_error`.

    Args:
        r_a: correlation of one model with the labels, in (-1, 1).
        r_b: of the other.
        r_ab: of the two models' predictions with each other.
        n: number of items, more than 3.
        metric: ``srcc`` or ``plcc``; of all three correlations.
    """
    covariance = r_ab * (1 - r_a**2 - r_b**2) - r_a * r_b * (1 - r_a**2 - r_b**2 - r_ab**2) / 2
    together = covariance / ((1 - r_a**2) * (1 - r_b**2))
    a, b = standard_error(r_a, n, metric), standard_error(r_b, n, metric)
    return float(np.sqrt(max(a**2 + b**2 - 2 * together * a * b, 0.0)))


def detectable(error: float, level: float, power: float) -> float:
    """Smallest true difference that a two-sided test finds often enough, by normal theory.

    For strong rank correlations it is on the safe side: at 0.87 on 240 items, a difference that should be found in
    80 % of samples is found in 88 %.

    Args:
        error: standard error of the difference.
        level: of the test, for example 0.05.
        power: how often the difference is found, for example 0.8.
    """
    return float((stats.norm.ppf(1 - level / 2) + stats.norm.ppf(power)) * error)


def power_to_find(difference: float, error: float, level: float) -> float:
    """How often a two-sided test at ``level`` finds a true difference; NaN for a standard error of 0."""
    if not error > 0:
        return float("nan")
    critical, shift = stats.norm.ppf(1 - level / 2), abs(difference) / error
    return float(stats.norm.sf(critical - shift) + stats.norm.cdf(-critical - shift))


def _fisher_error(r: float, n: int, metric: str) -> float:
    return float(np.sqrt((1 + r**2 / 2 if metric == "srcc" else 1) / (n - 3)))
