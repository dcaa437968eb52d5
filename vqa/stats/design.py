"""Design before data: how many trainings and items a claim needs, from the spread that was measured."""

import math
from dataclasses import dataclass

from vqa.stats.trainings import FEWEST, Estimate, Sample, student

MOST = 200


@dataclass(frozen=True)
class Design:
    """Variances of a difference, as measured on its items.

    Attributes:
        common: over items, of what is common to all trainings.
        interplay: over items, of what is one training's own.
        seeds: between trainings, beyond the items.
        items: number of items, of all lists together.
    """

    common: float
    interplay: float
    seeds: float
    items: int

    @classmethod
    def of(cls, sample: Sample) -> "Design":
        """The variances behind :meth:`vqa.stats.trainings.Sample.estimate`; of one training none are known apart."""
        over_items, interplay, between = sample.variances()
        trainings, items = len(sample.values), sum(freedom + 1 for _, freedom in over_items)
        known = sum(variance for variance, _ in over_items)
        if trainings == 1:
            return cls(float("nan"), float("nan"), float("nan"), items)
        return cls(max(0.0, known - interplay / trainings), interplay, max(0.0, between - interplay), items)

    def error_of_one(self) -> float:
        """Standard error of one training on other items, as many."""
        return math.sqrt(self.common + self.interplay + self.seeds)

    def estimate(self, value: float, trainings: int, times: float = 1.0) -> Estimate:
        """What would be known of a true ``value`` with so many trainings and ``times`` the items."""
        interplay = self.interplay / times
        known = self.common / times + interplay / trainings
        apart = self.seeds + interplay * 3 / trainings
        return student(value, trainings, [(known, max(self.items * times - 1, 1))], self.seeds, apart)

    def trainings_for(self, effect: float, level: float, power: float, times: float = 1.0) -> int | None:
        """Fewest trainings that find an effect so often, with ``times`` the items; None if :data:`MOST` do not."""
        if math.isnan(self.seeds):
            return None
        for trainings in range(FEWEST, MOST + 1):
            found = self.estimate(effect, trainings, times)
            if found.error == 0 or found.power(effect, level) >= power:
                return trainings
        return None

    def items_for(self, effect: float, level: float, power: float, trainings: int) -> int | None:
        """Fewest items that find an effect so often with so many trainings; None if a hundred times as many do not."""
        if math.isnan(self.seeds) or trainings < FEWEST:
            return None
        for items in sorted({max(2, round(self.items * 1.1**step)) for step in range(-60, 49)}):
            found = self.estimate(effect, trainings, items / self.items)
            if found.error == 0 or found.power(effect, level) >= power:
                return items
        return None
