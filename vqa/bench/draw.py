"""Which stages are run anew: some of every kind, drawn at random within a limit of time.

Nobody chooses: the seed is that of the lock's digest unless another is asked for. Of the many stages of a kind, some
take a hundred times longer than others; with little time only the quick ones can be drawn, which is said on the
certificate.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd

from vqa.graph.plan import kind
from vqa.graph.runner import TIMINGS
from vqa.rng import numpy_generator

# A new Python imports that long before a stage begins; recorded seconds are of stages that found all imported.
START = 5.0
# A stage of which nothing is recorded.
UNKNOWN = 10.0


@dataclass(frozen=True)
class Drawn:
    """What was drawn.

    Attributes:
        stages: names.
        left_out: kinds of which even the quickest stage takes too long.
    """

    stages: list[str]
    left_out: list[str]


def costs(names: Sequence[str]) -> dict[str, float]:
    """Seconds that every stage takes by itself: as recorded by the last build, and the start of a Python."""
    recorded = pd.read_csv(TIMINGS, index_col="stage").seconds if TIMINGS.is_file() else pd.Series(dtype=float)
    known = recorded.groupby(kind).median()
    return {name: START + float(recorded.get(name, known.get(kind(name), UNKNOWN))) for name in names}


def draw_within(units: dict[str, float], seconds: float, seed: int) -> Drawn:
    """One unit of every kind that can be had, and then more of any kind, as long as they fit.

    A kind's unit is drawn from those that leave enough for the quickest of every other kind.

    Args:
        units: seconds of every unit that can be drawn, by the name of its first stage.
        seconds: that may be spent.
        seed: of the draw.
    """
    generator = numpy_generator("certify", seed)
    kinds: dict[str, list[str]] = {}
    for name in units:
        kinds.setdefault(kind(name), []).append(name)
    least = {own: min(units[name] for name in names) for own, names in kinds.items()}
    asked = sorted(kinds, key=lambda own: least[own])
    while asked and sum(least[own] for own in asked) > seconds:
        asked.pop()
    drawn: list[str] = []
    spare = seconds - sum(least[own] for own in asked)
    for number, own in enumerate(asked):
        share = spare / (len(asked) - number)
        drawn.append(_one(generator, [name for name in kinds[own] if units[name] - least[own] <= share]))
        spare -= units[drawn[-1]] - least[own]
    for name in _shuffled(generator, [name for name in units if name not in drawn and kind(name) in asked]):
        if units[name] <= spare:
            drawn.append(name)
            spare -= units[name]
    return Drawn(drawn, [own for own in kinds if own not in asked])


def draw_number(units: Sequence[str], number: int, seed: int) -> Drawn:
    """That many units, one of every kind first, whatever they take; all if there are fewer."""
    generator = numpy_generator("certify", seed)
    order = _shuffled(generator, units)
    first = list({kind(name): name for name in reversed(order)}.values())
    chosen = [*_shuffled(generator, first), *(name for name in order if name not in first)][:number]
    return Drawn(chosen, [])


def _one(generator: np.random.Generator, names: Sequence[str]) -> str:
    return names[int(generator.integers(len(names)))]


def _shuffled(generator: np.random.Generator, names: Sequence[str]) -> list[str]:
    return [names[int(position)] for position in generator.permutation(len(names))]
