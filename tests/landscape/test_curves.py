"""Moved weights that always come back, curves and surfaces."""

import copy
from collections.abc import Callable

import numpy as np
import pytest
import tiny
import torch
from hypothesis import given
from hypothesis import strategies as st
from landscape_fixture import Net, ReluNet, batches, bits, method_case, squared
from torch import Tensor, nn

from vqa.landscape.curves import BatchLoss, LandscapeConfig, curve, moved, random_directions, surface

SUITE = LandscapeConfig()


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
    model, loss = method_case(name)
    model.train()
    before = bits(model)
    directions = random_directions(model, SUITE, 0)
    values = curve(model, directions, [-1.0, 0.0, 1.0], loss)
    assert np.isfinite(values).all()
    assert len(set(values[0])) == 3
    ((inputs, mos),) = loss.batches
    assert values[0, 1] == method.loss(method.scores(model.eval(), inputs), mos).item()
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
