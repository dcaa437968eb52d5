"""What is said of a method is tested over its trainings and over the items: one mixed test for every number.

A number of a method is the mean over its trainings (seeds, or random cuts of the data). Another seed would move it, and
so would other videos. With T trainings on the same items its variance has two parts: that over items of the mean, which
holds the items' common part and a T-th of their interplay with the trainings; and a T-th of what trainings differ by
beyond that interplay. The first is known well, from hundreds of items; the second from T - 1 degrees of freedom.
docs/statistics.md has the error rates that this test has been found to have.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from functools import reduce

import numpy as np
from scipy import stats

# With fewer trainings nothing is said of a method, only of these trainings.
FEWEST = 3


@dataclass(frozen=True)
class Estimate:
    """A number with what is known of its error.

    Attributes:
        value: the mean over trainings.
        error: its standard error.
        freedom: degrees of freedom of Student's t that go with it.
        trainings: number of trainings; below :data:`FEWEST` the error is of these trainings, over items alone.
    """

    value: float
    error: float
    freedom: float
    trainings: int

    @property
    def of_method(self) -> bool:
        """Whether it says something of a method, not only of the trainings that were made."""
        return self.trainings >= FEWEST

    def strict(self) -> "Estimate":
        """With the degrees of freedom of the trainings alone: far out in the tail no others can be trusted."""
        if self.trainings < 2:
            return self
        return Estimate(self.value, self.error, min(self.freedom, self.trainings - 1), self.trainings)

    def interval(self, level: float = 0.05) -> tuple[float, float]:
        """Interval that misses the true value with probability ``level``, half on either side."""
        half = float(stats.t.ppf(1 - level / 2, self.freedom)) * self.error if self.error != 0 else 0.0
        return self.value - half, self.value + half

    def above(self, bound: float = 0.0) -> float:
        """One-sided p of "it is not above ``bound``": small where it is."""
        if math.isnan(self.value + self.error):
            return float("nan")
        if not self.error > 0:
            return float(self.value <= bound)
        return float(stats.t.sf((self.value - bound) / self.error, self.freedom))

    def below(self, bound: float = 0.0) -> float:
        """One-sided p of "it is not below ``bound``"."""
        return (-self).above(-bound)

    def two_sided(self) -> float:
        """p of "it is 0"."""
        sides = self.above(), self.below()
        return float("nan") if math.isnan(sum(sides)) else min(1.0, 2 * min(sides))

    def detectable(self, level: float, power: float) -> float:
        """Smallest true value that a two-sided test at ``level`` finds with probability ``power``, nearly."""
        return float(stats.t.ppf(1 - level / 2, self.freedom) + stats.t.ppf(power, self.freedom)) * self.error

    def power(self, true: float, level: float) -> float:
        """How often a two-sided test at ``level`` would find a true value; NaN for an error of 0."""
        if not self.error > 0:
            return float("nan")
        critical = float(stats.t.ppf(1 - level / 2, self.freedom))
        return float(stats.nct.sf(critical, self.freedom, abs(true) / self.error))

    def __neg__(self) -> "Estimate":
        return Estimate(-self.value, self.error, self.freedom, self.trainings)


@dataclass(frozen=True)
class Sample:
    """A number of every training, and how every item moves it.

    Attributes:
        values: ``(T,)``.
        items: by item list, ``(T, n)``: influence values (:func:`vqa.stats.influence.influence`) over the number of
            items that the training has, 0 for items that it has not. An item that stands in several random cuts has one
            column, so that it is one item.
    """

    values: np.ndarray
    items: dict[str, np.ndarray]

    def __sub__(self, other: "Sample") -> "Sample":
        """Difference, training by training and item by item."""
        lists = dict.fromkeys([*self.items, *other.items])
        none = np.zeros((len(self.values), 1))
        items = {name: self.items.get(name, none) - other.items.get(name, none) for name in lists}
        return Sample(self.values - other.values, items)

    def __mul__(self, factor: float) -> "Sample":
        return Sample(self.values * factor, {name: moved * factor for name, moved in self.items.items()})

    def take(self, trainings: Sequence[int]) -> "Sample":
        """Those trainings alone."""
        chosen = list(trainings)
        return Sample(self.values[chosen], {name: moved[chosen] for name, moved in self.items.items()})

    @classmethod
    def mean(cls, samples: Sequence["Sample"]) -> "Sample":
        """Mean of several numbers of the same trainings: they share items, and with them their errors."""
        total = reduce(lambda a, b: a - b * -1.0, samples)
        return total * (1 / len(samples))

    def variances(self) -> tuple[list[tuple[float, int]], float, float]:
        """Variance of the mean over each list of items with its degrees of freedom; interplay; between trainings."""
        over_items, interplay = [], 0.0
        for moved in self.items.values():
            n = max(int(np.any(moved != 0, axis=0).sum()), 2)
            over_items.append((n / (n - 1) * float(np.sum(moved.mean(axis=0) ** 2)), n - 1))
            if len(moved) > 1:
                interplay += n / (n - 1) * float(np.sum(moved.var(axis=0, ddof=1)))
        return over_items, interplay, float(np.var(self.values, ddof=1)) if len(self.values) > 1 else float("nan")

    def estimate(self) -> Estimate:
        """The mixed test of this number, see :func:`mixed`."""
        over_items, interplay, _ = self.variances()
        return mixed(self.values, over_items, interplay)


def mixed(values: np.ndarray, over_items: Sequence[tuple[float, int]], interplay: float) -> Estimate:
    """Estimate of a mean over trainings on common items.

    The variance is V + max(0, B - I) / T. Degrees of freedom are Satterthwaite's; how much of I is taken for known
    there, and the weight of T - 1, were set by simulation, for coverage (docs/statistics.md).

    Args:
        values: ``(T,)``, one of every training; between them lies B.
        over_items: variance of the mean over each independent list of items, with its degrees of freedom; V is the sum.
        interplay: I, what of B the items explain: how differently they move the trainings.
    """
    trainings, value = len(values), float(np.mean(values))
    if trainings == 1:
        return student(value, 1, over_items, 0.0, 0.0) if over_items else Estimate(value, math.nan, math.inf, 1)
    between = float(np.var(values, ddof=1))
    apart = max(0.0, between - interplay * (trainings - 3) / trainings)
    return student(value, trainings, over_items, max(0.0, between - interplay), apart)


def student(
    value: float, trainings: int, over_items: Sequence[tuple[float, float]], seeds: float, apart: float
) -> Estimate:
    """Standard error and degrees of freedom of a mean over trainings, from its variances.

    Args:
        value: the mean.
        trainings: T.
        over_items: see :func:`mixed`.
        seeds: variance between trainings beyond the items.
        apart: the part of the variance between trainings that is taken for uncertain.
    """
    beyond = seeds / trainings
    total = sum(variance for variance, _ in over_items) + beyond
    if not total > 0:
        return Estimate(value, math.sqrt(total), math.inf, trainings)
    uncertain = sum(variance**2 / freedom for variance, freedom in over_items)
    if trainings == 1:
        return Estimate(value, math.sqrt(total), total**2 / uncertain, 1)
    freedom = total**2 / (uncertain + (apart / trainings) ** 2 / (trainings - 1))
    weight = beyond / total
    return Estimate(value, math.sqrt(total), 1 / ((1 - weight) / freedom + weight / (trainings - 1)), trainings)


def correlation_interval(estimate: Estimate, level: float = 0.05) -> tuple[float, float]:
    """Interval of a correlation, symmetric in Fisher's z, so that it stays in [-1, 1]."""
    if not abs(estimate.value) < 1:
        return estimate.value, estimate.value
    z, stretch = math.atanh(estimate.value), 1 - estimate.value**2
    low, high = Estimate(z, estimate.error / stretch, estimate.freedom, estimate.trainings).interval(level)
    return math.tanh(low), math.tanh(high)
