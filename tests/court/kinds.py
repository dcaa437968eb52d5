"""For every kind of claim: verdicts on planted truths, one of which is the boundary of the null hypothesis.

Each function gives the verdict and, where there is one number, whether its 95 % interval holds the truth.
"""

import math
from collections.abc import Callable
from dataclasses import replace

import numpy as np
import pandas as pd
from scipy.stats import norm
from world import BASE, Size, World

from vqa.report.verdicts.judge_landscapes import over_directions, trend
from vqa.report.verdicts.rules import agrees, combine, correlates, equivalent, exceeds, levels, not_above, reaches
from vqa.stats.association import associate
from vqa.stats.design import Design
from vqa.stats.trainings import Estimate, Sample

LEVEL, MARGIN, AGREEMENT, SHARPNESS = 0.05, 0.005, 0.02, 0.05
CLAIMED, PARTS, SIZE = 0.01, 6, 0.018
# A rank correlation that is called strong, and the slope at which those of :func:`correlation` have it in the mean.
STRONG, PLANTED = 0.5, 0.725

Outcome = tuple[str, bool | None]
Kind = Callable[[Size, np.random.Generator, float], Outcome]


def _covered(found: Estimate, truth: float) -> bool:
    low, high = found.interval(LEVEL)
    return low <= truth <= high


def above(size: Size, draw: np.random.Generator, truth: float) -> Outcome:
    """ "a above b" of one part; the paper prints a gain of 0.010."""
    found = World(size, draw).gain(truth).estimate()
    return exceeds(found, CLAIMED, *levels(LEVEL, 1, every=True)), _covered(found, truth)


def every(size: Size, draw: np.random.Generator, truth: float) -> Outcome:
    """ "a above b" on six test sets, and their mean."""
    world = World(size, draw)
    samples = [world.gain(truth, f"set {k}") for k in range(PARTS)]
    both = levels(LEVEL, PARTS, every=True, average=True)
    mean = Sample.mean(samples).estimate()
    refuted = exceeds(mean, CLAIMED, LEVEL / 2, LEVEL / 2)
    parts = [exceeds(sample.estimate(), CLAIMED, *both) for sample in samples]
    verdict = combine([*parts, *([refuted] if refuted in ("absent", "contradicted") else [])], every=True)
    return verdict, _covered(mean, truth)


def up_to(size: Size, draw: np.random.Generator, truth: float) -> Outcome:
    """ "gains up to 0.018" on six test sets that all gain the same."""
    world = World(size, draw)
    both = levels(LEVEL, PARTS, every=False)
    parts = [exceeds(world.gain(truth, f"set {k}").estimate(), SIZE, *both, SIZE) for k in range(PARTS)]
    return combine(parts, every=False), None


def same(size: Size, draw: np.random.Generator, truth: float) -> Outcome:
    """ "a the same as b" of one part."""
    found = World(size, draw).gain(truth).estimate()
    return equivalent(found, MARGIN, *levels(LEVEL, 1, every=True)), _covered(found, truth)


def no_gain(size: Size, draw: np.random.Generator, truth: float) -> Outcome:
    """ "a not above b" of one part."""
    found = World(size, draw).gain(truth).estimate()
    return not_above(found, MARGIN, *levels(LEVEL, 1, every=True)), _covered(found, truth)


def gap(size: Size, draw: np.random.Generator, truth: float) -> Outcome:
    """ "the gap is at least 0.1"."""
    world = World(size, draw)
    found = (world.method(BASE + truth, "train") - world.method(BASE, "test")).estimate()
    return reaches(found, 0.1, *levels(LEVEL, 1, every=True)), _covered(found, truth)


def flatter(size: Size, draw: np.random.Generator, truth: float) -> Outcome:
    """ "a flatter than b" by the share ``truth``: rises of trainings along five common directions."""
    direction, seed = 0.3 * draw.normal(size=5), 0.2 * draw.normal(size=(size.trainings, 1))
    noise = 0.08 * draw.normal(size=(2, size.trainings, 1)) + 0.04 * draw.normal(size=(2, size.trainings, 5))
    rises = np.exp(direction + seed + noise)
    a, b = rises[0] * (1 - truth), rises[1]
    found = over_directions((a - b) / b.mean()).estimate()
    return exceeds(-found, SHARPNESS, *levels(LEVEL, 1, every=True)), _covered(-found, truth)


def grows(size: Size, draw: np.random.Generator, truth: float) -> Outcome:
    """ "grows with the epochs": random walks with a drift, whose trends are far from independent of each other."""
    walks = np.cumsum(draw.normal(size=(size.trainings, 30)) + truth, axis=1)
    curve = pd.DataFrame(walks.T, index=range(1, 31), columns=[f"{seed}-0" for seed in range(size.trainings)])
    return trend("", curve, None, levels(LEVEL, 2, every=True)).verdict, None


def correlation(size: Size, draw: np.random.Generator, truth: float) -> Outcome:
    """ "sharper runs have the larger gap" over thirteen recipes whose sharpness and gap go together as ``truth``."""
    runs, n = 13, size.items
    recipe = norm.ppf((np.arange(runs) + 0.5) / runs)
    x = recipe + 0.5 * draw.normal(size=(size.trainings, runs))
    y = truth * recipe + draw.normal(size=(size.trainings, runs))
    items = draw.normal(size=(size.trainings, runs, n)) / n
    found = associate(x, y + items.sum(axis=2), items, ["one"] * runs, 200, draw)
    return correlates(found, STRONG, *levels(LEVEL, 2, every=True)), None


def cell(size: Size, draw: np.random.Generator, truth: float) -> Outcome:
    """A printed number of one training on another list of items, ``truth`` above ours."""
    sample = World(size, draw).method(BASE)
    ours, one = sample.estimate(), Design.of(sample).error_of_one()
    paper = float(World(replace(size, trainings=1), draw).method(BASE + truth).values[0])
    return agrees(ours.value, math.hypot(ours.error, one), ours.freedom, paper, AGREEMENT, LEVEL), None


# Truths of every kind: those where "reproduced" would be false, where "contradicted", where "absent", and where it is
# borne out; None where there is no such truth.
KINDS: dict[str, tuple[Kind, dict[str, float]]] = {
    "above": (above, {"reproduced": 0.0, "contradicted": 0.0, "absent": CLAIMED, "power": 0.02}),
    "every of six": (every, {"reproduced": 0.0, "contradicted": 0.0, "absent": CLAIMED, "power": 0.02}),
    "up to": (up_to, {"reproduced": CLAIMED, "contradicted": SIZE, "absent": SIZE, "power": 0.04}),
    "same": (same, {"reproduced": MARGIN, "contradicted": 0.0, "power": 0.0}),
    "not above": (no_gain, {"reproduced": MARGIN, "contradicted": 0.0, "power": 0.0}),
    "at least": (gap, {"reproduced": 0.1, "contradicted": 0.1, "power": 0.12}),
    "flatter": (flatter, {"reproduced": 0.0, "contradicted": 0.0, "absent": SHARPNESS, "power": 0.2}),
    "grows": (grows, {"reproduced": 0.0, "contradicted": 0.0, "power": 0.5}),
    "correlation": (correlation, {"reproduced": PLANTED, "contradicted": PLANTED, "absent": PLANTED, "power": 3.0}),
    "cell": (cell, {"contradicted": 0.0, "power": 0.0}),
}
