"""A world with known truth: trainings of methods whose population values, seed noise and item noise are set.

A training predicts a standard normal quality with an error. Errors have a part of the items that all methods share, one
of the method's, and one of the training's own (the interplay of seed and item); how large they are varies from seed to
seed, which moves the training's population value. Two methods of one seed share a part of that.
"""

from dataclasses import dataclass

import numpy as np

from vqa.stats.correlation import ROW_METRICS
from vqa.stats.influence import influence
from vqa.stats.trainings import Sample


@dataclass(frozen=True)
class Size:
    """Trainings and test items of a scale, and the seeds' share of the noise.

    Attributes:
        trainings: T.
        items: n.
        seeds: deviation of the population correlation over seeds of one method; half of the variance is common to all.
        shared: share of the error's variance that is common to all methods.
        own: share of the error's variance that is the training's own; the rest is the method's.
    """

    trainings: int
    items: int
    seeds: float
    shared: float
    own: float


# As they are measured at the demo (for AWP of 0.001) and at the real scale; of the paper's size nothing is known, and a
# deviation of 0.006 over seeds is taken.
SIZES = {
    "demo": Size(5, 240, 0.004, 0.93, 0.05),
    "real": Size(10, 240, 0.0005, 0.997, 0.002),
    "paper": Size(3, 1000, 0.006, 0.9, 0.08),
}
BASE = 0.87


def error_of(correlation: np.ndarray) -> np.ndarray:
    """Deviation of the error at which quality plus error has this correlation with quality."""
    return np.sqrt(1 / correlation**2 - 1)


class World:
    """Draws numbers of methods, all on the same items.

    Args:
        size: of the scale.
        generator: draws everything.
        metric: ``plcc`` is the metric whose population value is set.
    """

    def __init__(self, size: Size, generator: np.random.Generator, metric: str = "plcc") -> None:
        self.size, self.draw, self.metric = size, generator, metric
        self.lists: dict[str, tuple[np.ndarray, np.ndarray]] = {}
        self.seeds = generator.normal(size=size.trainings)  # common to all methods

    def _list(self, name: str) -> tuple[np.ndarray, np.ndarray]:
        """Quality of the items of a list, and the error that all methods make on them."""
        if name not in self.lists:
            self.lists[name] = (self.draw.normal(size=self.size.items), self.draw.normal(size=self.size.items))
        return self.lists[name]

    def method(self, correlation: float, name: str = "test") -> Sample:
        """A method whose population value, mean over seeds, is ``correlation``, measured on the items of a list.

        Args:
            correlation: mean over seeds of the population PLCC.
            name: of the item list.
        """
        size, shared = self.size, self.size.shared
        quality, common = self._list(name)
        own_seeds = self.draw.normal(size=size.trainings)
        values = correlation + size.seeds * (self.seeds + own_seeds) / np.sqrt(2)
        method = self.draw.normal(size=size.items)
        found, moved = np.empty(size.trainings), np.empty((size.trainings, size.items))
        for t in range(size.trainings):
            error = np.sqrt(shared) * common + np.sqrt(1 - shared - size.own) * method
            error = error + np.sqrt(size.own) * self.draw.normal(size=size.items)
            pred = quality + error_of(np.array(np.clip(values[t], 0.05, 0.995))) * error
            found[t] = ROW_METRICS[self.metric](pred[None], quality[None])[0]
            moved[t] = influence(pred, quality, self.metric) / size.items
        return Sample(found, {name: moved})

    def gain(self, gain: float, name: str = "test") -> Sample:
        """Difference of two methods whose population values differ by ``gain``."""
        return self.method(BASE + gain, name) - self.method(BASE, name)
