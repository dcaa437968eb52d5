"""Design: its variances are those of the world, and what it asks for finds the effect as often as it says."""

import math

import numpy as np
import pytest
from two_way import of_means, two_way

from vqa.rng import numpy_generator
from vqa.stats.design import Design
from vqa.stats.trainings import FEWEST, Sample

SEED, OWN, ITEMS = 0.1, 0.5, 400


def drawn(trainings: int, n: int, replicates: int) -> list[Sample]:
    draw = numpy_generator("design", trainings, n)
    return [of_means(two_way(draw, trainings, n, SEED, OWN)) for _ in range(replicates)]


def test_variances_are_those_of_the_world() -> None:
    found = [Design.of(sample) for sample in drawn(6, ITEMS, 300)]
    for name, expected in (("common", 1 / ITEMS), ("interplay", OWN**2 / ITEMS), ("seeds", SEED**2)):
        assert np.mean([vars(design)[name] for design in found]) == pytest.approx(expected, rel=0.1), name
    assert {design.items for design in found} == {ITEMS}


def test_of_one_training_nothing_is_known_apart() -> None:
    (sample,) = drawn(1, ITEMS, 1)
    design = Design.of(sample)
    assert all(math.isnan(value) for value in (design.common, design.interplay, design.seeds))
    assert design.trainings_for(0.1, 0.05, 0.8) is None
    assert design.items_for(0.1, 0.05, 0.8, 5) is None


def test_what_it_asks_for_finds_the_effect_as_often_as_it_says() -> None:
    effect, design = 0.25, Design(1 / ITEMS, OWN**2 / ITEMS, SEED**2, ITEMS)
    trainings = design.trainings_for(effect, 0.05, 0.8)
    assert trainings is not None
    assert trainings > FEWEST
    for number, enough in ((trainings, True), (trainings - 2, False)):
        power = np.mean([shifted(sample, effect) for sample in drawn(number, ITEMS, 1500)])
        assert (power > 0.76) == enough, (number, power)


def shifted(sample: Sample, effect: float) -> bool:
    return Sample(sample.values + effect, sample.items).estimate().two_sided() < 0.05


def test_more_items_help_where_items_are_the_noise_and_not_where_seeds_are() -> None:
    of_items, of_seeds = Design(0.01, 0.0, 0.0, 100), Design(0.0, 0.0, 0.01, 100)
    assert of_items.trainings_for(0.1, 0.05, 0.8) is None
    wanted = of_items.items_for(0.1, 0.05, 0.8, 5)
    assert wanted is not None
    assert 600 < wanted < 1000  # (1.96 + 0.84)^2 = 7.8 times as many
    assert of_seeds.items_for(0.1, 0.05, 0.8, 5) is None
    assert of_seeds.trainings_for(0.1, 0.05, 0.8) == 10  # as many as a t-test with an effect of one deviation


def test_one_training_on_other_items_has_all_the_noise() -> None:
    assert Design(0.01, 0.02, 0.06, 100).error_of_one() == pytest.approx(0.3)
