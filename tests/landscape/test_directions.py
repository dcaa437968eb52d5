"""Random directions of a landscape: streams, scaling, which entries move; and the config."""

import copy

import numpy as np
import pytest
import tiny
import torch
import torch.nn.functional as F
from landscape_fixture import Net
from torch import nn

from vqa.landscape.curves import NORMALISATIONS, LandscapeConfig, gaussian, normalised, random_directions
from vqa.optim.perturb import WeightPerturbation
from vqa.rng import torch_generator
from vqa.settings.strict import ParamsError, build

SUITE = LandscapeConfig()


def test_one_seed_is_one_direction_for_every_model_up_to_its_weights() -> None:
    a, b = Net(3), Net(4)
    assert tiny.same_tensors(gaussian(a, 7, 0), gaussian(b, 7, 0))
    for name, d in normalised(a, gaussian(a, 7, 0), SUITE).items():
        e = normalised(b, gaussian(b, 7, 0), SUITE)[name]
        for model, direction in ((a, d), (b, e)):
            norms = model.state_dict()[name].norm(dim=1)
            torch.testing.assert_close(direction.norm(dim=1), norms)
        torch.testing.assert_close(F.normalize(d), F.normalize(e))


def test_another_seed_or_index_is_another_direction() -> None:
    drawn = [gaussian(Net(), seed, index)["fc1.weight"] for seed, index in ((7, 0), (7, 1), (8, 0))]
    assert len({d.numpy().tobytes() for d in drawn}) == 3
    first, second = random_directions(Net(), LandscapeConfig(directions=2), 7)
    assert torch.equal(
        second["fc1.weight"], random_directions(Net(), LandscapeConfig(directions=3), 7)[1]["fc1.weight"]
    )
    assert not torch.equal(first["fc1.weight"], second["fc1.weight"])


def test_directions_are_gaussian_and_of_the_models_dtype() -> None:
    wide = nn.Linear(200, 300)
    draw = gaussian(wide, 1, 0)["weight"]
    assert abs(draw.mean()) < 0.02
    assert abs(draw.std() - 1) < 0.02
    (double,) = random_directions(copy.deepcopy(wide).double(), SUITE, 1)
    (single,) = random_directions(wide, SUITE, 1)
    assert double["weight"].dtype == torch.float64
    torch.testing.assert_close(double["weight"].float(), single["weight"])


MATRICES = {"fc1.weight", "fc2.weight"}
TABLE = {"relative_position_bias_table"}
ONE_DIMENSIONAL = {"fc1.bias", "norm.weight", "norm.bias", "bn.weight", "bn.bias", "fc2.bias"}
STATISTICS = {"bn.running_mean", "bn.running_var"}


@pytest.mark.parametrize(
    ("options", "expected"),
    [
        ({}, MATRICES),
        ({"bias_tables": "rows"}, MATRICES | TABLE),
        ({"one_dimensional": "copy"}, MATRICES | ONE_DIMENSIONAL),
        ({"tensors": "states"}, MATRICES),
        ({"tensors": "states", "one_dimensional": "copy"}, MATRICES | ONE_DIMENSIONAL | STATISTICS),
    ],
)
def test_which_entries_move(options: dict[str, str], expected: set[str]) -> None:
    model = Net()
    (direction,) = random_directions(model, LandscapeConfig(**options), 0)
    assert set(direction) == expected
    for name in expected & (ONE_DIMENSIONAL | STATISTICS):
        assert torch.equal(direction[name], model.state_dict()[name])


@pytest.mark.parametrize("name", tiny.METHODS)
def test_the_suite_moves_what_awp_moves(name: str) -> None:
    model = tiny.make(name).build(torch_generator("init", 0))
    before = {n: p.detach().clone() for n, p in model.named_parameters()}
    for parameter in model.parameters():
        parameter.grad = torch.ones_like(parameter)
    with WeightPerturbation(0.1, "gradient", tensors="matrices").perturbed(model, torch.Generator()):
        awp = {n for n, p in model.named_parameters() if not torch.equal(p, before[n])}
    (direction,) = random_directions(model, SUITE, 0)
    assert set(direction) == awp


def test_zero_filters_and_zero_directions_stay_zero() -> None:
    model = Net()
    with torch.no_grad():
        model.fc1.weight[1] = 0
    raw = gaussian(model, 0, 0)
    raw["fc1.weight"][2] = 0
    raw["fc2.weight"].zero_()
    for normalisation in NORMALISATIONS:
        direction = normalised(model, raw, LandscapeConfig(normalisation=normalisation))
        assert all(d.isfinite().all() for d in direction.values()), normalisation
        assert not direction["fc1.weight"][2].any()
        assert not direction["fc2.weight"].any()
    assert not normalised(model, raw, SUITE)["fc1.weight"][1].any()


# Config


def test_the_suites_alphas() -> None:
    config = build(LandscapeConfig, {}, "params.yaml: landscape")
    assert config == SUITE
    assert (len(config.alphas), config.alphas[0], config.alphas[25], config.alphas[-1]) == (51, -1, 0, 1)
    assert not np.signbit(config.alphas[25])
    np.testing.assert_allclose(np.diff(config.alphas), 0.04)
    other = build(LandscapeConfig, {"points": 3, "span": [0, 0.5], "directions": 2}, "params.yaml: landscape")
    assert other.alphas.tolist() == [0, 0.25, 0.5]


@pytest.mark.parametrize(
    ("block", "message"),
    [
        ({"normalisation": "filters"}, "'filters' is not one of filter, layer, weight, dfilter, dlayer"),
        ({"tensors": "all"}, "tensors: 'all' is not one of"),
        ({"one_dimensional": "zero"}, "one_dimensional: 'zero' is not one of"),
        ({"bias_tables": "include"}, "bias_tables: 'include' is not one of"),
        ({"points": 1}, "points must be at least 2"),
        ({"directions": 0}, "directions at least 1"),
        ({"span": [1.0, -1.0]}, "the smaller one first"),
        ({"span": [0.0, float("inf")]}, "must be a finite number"),
        ({"span": [0.0]}, "must be a list of 2"),
        ({"point": 3}, "unknown key 'point' (did you mean 'points'?)"),
    ],
)
def test_config_errors_say_where(block: dict, message: str) -> None:
    with pytest.raises(ParamsError) as error:
        build(LandscapeConfig, block, "params.yaml: landscape")
    assert message in str(error.value)
    assert str(error.value).startswith("params.yaml: landscape")
