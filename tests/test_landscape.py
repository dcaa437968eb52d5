"""Random directions, moved weights that always come back, curves and surfaces."""

import copy
from collections.abc import Callable

import numpy as np
import pytest
import tiny
import torch
import torch.nn.functional as F
from hypothesis import given
from hypothesis import strategies as st
from torch import Tensor, nn

from vqa.landscape import (
    NORMALISATIONS,
    BatchLoss,
    LandscapeConfig,
    curve,
    gaussian,
    method_loss,
    moved,
    normalised,
    random_directions,
    surface,
)
from vqa.models.dropout import Dropout
from vqa.perturb import WeightPerturbation
from vqa.rng import torch_generator
from vqa.strict import ParamsError, build

SUITE = LandscapeConfig()


class Net(nn.Module):
    """Matrices, norms with and without running statistics, biases, a bias table and dropout."""

    def __init__(self, seed: int = 3) -> None:
        super().__init__()
        self.relative_position_bias_table = nn.Parameter(torch.empty(4, 8))
        self.fc1, self.norm, self.bn = nn.Linear(6, 8), nn.LayerNorm(8), nn.BatchNorm1d(8)
        self.drop, self.fc2 = Dropout(0.5), nn.Linear(8, 1)
        generator = torch_generator("init", seed)
        for parameter in self.parameters():
            nn.init.normal_(parameter, generator=generator)

    def forward(self, x: Tensor) -> Tensor:
        z = self.norm(F.gelu(self.fc1(x))) + self.relative_position_bias_table.mean(0)
        return self.fc2(self.drop(self.bn(z))).squeeze(1)


class ReluNet(nn.Module):
    """Three layers with biases, without any norm."""

    def __init__(self) -> None:
        super().__init__()
        self.layers = nn.ModuleList([nn.Linear(5, 7), nn.Linear(7, 6), nn.Linear(6, 1)])
        generator = torch_generator("init", 1)
        for parameter in self.parameters():
            nn.init.normal_(parameter, generator=generator)
        self.double()

    def forward(self, x: Tensor) -> Tensor:
        for layer in self.layers[:-1]:
            x = F.relu(layer(x))
        return self.layers[-1](x).squeeze(1)


def batches(n: int = 3, features: int = 6, dtype: torch.dtype = torch.float32) -> list[tuple[Tensor, Tensor]]:
    generator = torch_generator("batches", 0)
    draw = [(torch.randn(4, features, generator=generator), torch.randn(4, generator=generator)) for _ in range(n)]
    return [(x.to(dtype), y.to(dtype)) for x, y in draw]


def squared(model: nn.Module, x: Tensor, y: Tensor) -> Tensor:
    return (model(x) - y).square().mean()


def bits(model: nn.Module) -> dict[str, bytes]:
    return {name: entry.numpy().tobytes() for name, entry in model.state_dict().items()}


# Directions


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


# Moving


def stop() -> None:
    raise ZeroDivisionError


@pytest.mark.parametrize("end", [lambda: None, stop])
@pytest.mark.parametrize("dimensions", [1, 2])
@pytest.mark.parametrize("tensors", ["weights", "states"])
def test_weights_come_back_bit_for_bit(end: Callable[[], None], dimensions: int, tensors: str) -> None:
    model = Net()
    with torch.no_grad():
        model.fc1.weight[0, 0] = -0.0
    config = LandscapeConfig(directions=2, tensors=tensors, one_dimensional="copy", bias_tables="rows")
    d, e = random_directions(model, config, 0)
    before, clean = bits(model), copy.deepcopy(model.state_dict())
    try:
        with moved(model, d, 0.3, *((e, -0.7) if dimensions == 2 else ())):
            for name, entry in model.state_dict().items():
                expected = clean[name]
                if name in d:
                    expected = expected + 0.3 * d[name] + (-0.7 * e[name] if dimensions == 2 else 0)
                torch.testing.assert_close(entry, expected)
            end()
    except ZeroDivisionError:
        pass
    assert bits(model) == before


def test_an_error_while_moving_leaves_the_weights() -> None:
    model = Net()
    before = bits(model)
    (direction,) = random_directions(model, SUITE, 0)
    broken = {**direction, "bn.num_batches_tracked": torch.tensor(0.5)}
    with pytest.raises(RuntimeError), moved(model, broken, 1.0):
        pass
    assert bits(model) == before


@pytest.mark.parametrize("direction", [{"fc3.weight": torch.ones(1)}, {"fc1.weight": torch.ones(6)}])
def test_a_direction_of_another_model_is_refused(direction: dict[str, Tensor]) -> None:
    model = Net()
    before = bits(model)
    with pytest.raises(ValueError, match="does not fit the model"), moved(model, direction, 1.0):
        pass
    assert bits(model) == before


def test_gradients_work_while_moved() -> None:
    model = Net().eval()
    (direction,) = random_directions(model, SUITE, 0)
    with moved(model, direction, 0.5):
        squared(model, *batches()[0]).backward()
    assert model.fc1.weight.grad.any()


# Curves and surfaces


def test_a_point_is_the_mean_over_batches_at_the_moved_weights() -> None:
    model = Net()
    directions = random_directions(model, LandscapeConfig(directions=2), 0)
    loss = BatchLoss(squared, batches())
    alphas = [-0.5, 0.0, 1.0]
    found = curve(model, directions, alphas, loss)
    for row, d in zip(found, directions, strict=True):
        for value, alpha in zip(row, alphas, strict=True):
            other = copy.deepcopy(model).eval()
            with torch.no_grad():
                for name, parameter in other.named_parameters():
                    parameter.add_(alpha * d.get(name, torch.zeros(())))
                expected = np.mean([squared(other, x, y).item() for x, y in loss.batches])
            assert value == pytest.approx(expected, rel=1e-5)
    assert (found[:, 1] == loss(model)).all(), "alpha 0 is the model itself"


def test_a_surface_has_the_curves_as_its_axes() -> None:
    model = Net()
    d, e = random_directions(model, LandscapeConfig(directions=2), 0)
    loss = BatchLoss(squared, batches())
    alphas, betas = [-1.0, 0.0, 0.5], [0.0, 0.25]
    found = surface(model, (d, e), alphas, betas, loss)
    assert found.shape == (3, 2)
    assert (found[:, 0] == curve(model, [d], alphas, loss)[0]).all()
    assert (found[1] == curve(model, [e], betas, loss)[0]).all()
    with moved(model, d, 0.5, e, 0.25):
        assert found[2, 1] == loss(model)


@pytest.mark.usefixtures("global_rng_untouched")
@pytest.mark.parametrize("outer", [torch.no_grad, torch.inference_mode, torch.enable_grad])
def test_a_curve_leaves_model_modes_and_gradients_alone(outer: Callable) -> None:
    with torch.random.fork_rng(devices=[]):  # the layers' own initial weights
        model = Net().train()
    model.norm.eval()
    modes = [module.training for module in model.modules()]
    before = bits(model)
    with outer():
        (direction,) = random_directions(model, SUITE, 0)
        first = curve(model, [direction], SUITE.alphas[::10], BatchLoss(squared, batches()))
        again = curve(model, [direction], SUITE.alphas[::10], BatchLoss(squared, batches()))
    assert (first == again).all()
    assert bits(model) == before
    assert [module.training for module in model.modules()] == modes
    assert all(parameter.grad is None for parameter in model.parameters())
    model.eval()
    squared(model, *batches()[0]).backward()  # the weights still take part in autograd


@pytest.mark.parametrize("name", tiny.METHODS)
def test_every_method_has_its_curve(name: str) -> None:
    method = tiny.make(name)
    model = method.build(torch_generator("init", 0)).train()
    before = bits(model)
    generator = torch_generator("clips", 0)
    clips = {"sama_iqa": (4, 3, 32, 32), "simplevqa": (4, 2, 3, 40, 40)}.get(name, (4, 1, 3, 2, 32, 32))
    inputs: Tensor | dict[str, Tensor] = torch.randn(clips, generator=generator)
    if name == "simplevqa":
        inputs = {"frames": inputs, "motion": torch.randn(4, 2, tiny.MOTION, generator=generator)}
    loss = BatchLoss(method_loss(method), [(inputs, torch.tensor([1.0, 2.0, 3.0, 4.0]))])
    directions = random_directions(model, SUITE, 0)
    values = curve(model, directions, [-1.0, 0.0, 1.0], loss)
    assert np.isfinite(values).all()
    assert len(set(values[0])) == 3
    assert values[0, 1] == method.loss(method.scores(model.eval(), inputs), loss.batches[0][1]).item()
    assert bits(model) == before


@given(scales=st.tuples(*[st.floats(0.05, 20)] * 2))
def test_filter_normalised_curves_do_not_see_the_scale_of_relu_layers(scales: tuple[float, float]) -> None:
    """Rescaling a layer and taking it back in the next leaves the function; biases carry the scale up to there."""
    a, b = ReluNet(), ReluNet()
    factors = [scales[0], scales[1], 1 / (scales[0] * scales[1])]
    with torch.no_grad():
        total = 1.0
        for layer, factor in zip(b.layers, factors, strict=True):
            total *= factor
            layer.weight.mul_(factor)
            layer.bias.mul_(total)
    loss = BatchLoss(squared, batches(2, 5, torch.float64))
    alphas = [-1.0, 0.0, 0.4]

    def values(model: nn.Module, normalisation: str) -> np.ndarray:
        config = LandscapeConfig(normalisation=normalisation)
        return curve(model, random_directions(model, config, 0), alphas, loss)[0]

    for normalisation in ("filter", "layer", "weight"):
        np.testing.assert_allclose(values(a, normalisation), values(b, normalisation), rtol=1e-7)
    if abs(np.log(factors)).max() > 0.5:
        assert not np.allclose(values(a, "dfilter")[[0, 2]], values(b, "dfilter")[[0, 2]], rtol=1e-3)


def test_no_batches_are_an_error() -> None:
    with pytest.raises(ValueError, match="there are none"):
        BatchLoss(squared, [])


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
        ({"span": [0.0, float("inf")]}, "two finite numbers"),
        ({"span": [0.0]}, "must be a list of 2"),
        ({"point": 3}, "unknown key 'point' (did you mean 'points'?)"),
    ],
)
def test_config_errors_say_where(block: dict, message: str) -> None:
    with pytest.raises(ParamsError) as error:
        build(LandscapeConfig, block, "params.yaml: landscape")
    assert message in str(error.value)
    assert str(error.value).startswith("params.yaml: landscape")
