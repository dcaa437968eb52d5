"""Sharpness in numbers, on losses whose Hessian is known."""

import copy
from collections.abc import Callable

import numpy as np
import pytest
import tiny
import torch
from landscape_fixture import bits, method_case, squared
from torch import Tensor, nn

from vqa.landscape.curves import BatchLoss, LandscapeConfig, curve, evaluating, random_directions
from vqa.landscape.sharpness import curvature, mean_rise, top_eigenvalue, worst_rise
from vqa.models.dropout import Dropout
from vqa.optim.perturb import WeightPerturbation
from vqa.rng import torch_generator

SIZE = 6


def start() -> torch.Generator:
    return torch_generator("power", 0)


class Quadratic:
    """w' A w / 2 + b' w of the weights of a linear layer, as a mean over three batches that share A out."""

    def __init__(self, eigenvalues: list[float]) -> None:
        generator = torch_generator("quadratic", 0)
        basis, _ = torch.linalg.qr(torch.randn(len(eigenvalues), len(eigenvalues), generator=generator).double())
        self.hessian = basis @ torch.tensor(eigenvalues, dtype=torch.float64).diag() @ basis.T
        self.model = nn.Linear(len(eigenvalues), 1, bias=False).double()
        with torch.no_grad():
            self.model.weight.copy_(torch.randn(1, len(eigenvalues), generator=generator))
        shares = [(self.hessian * share, torch.ones(1).double() * share) for share in (0.5, 1.5, 1.0)]
        self.loss = BatchLoss(self.value, shares)

    @staticmethod
    def value(model: nn.Module, matrix: Tensor, linear: Tensor) -> Tensor:
        # The model applied to the rows of A gives A w; applied to the identity, w.
        return (model(torch.eye(len(matrix)).double()) * model(matrix)).sum() / 2 + linear * model.weight.sum()

    def v_h_v(self, direction: dict[str, Tensor]) -> float:
        d = direction["weight"].squeeze(0)
        return (d @ self.hessian @ d).item()


class Net(nn.Module):
    """Not linear, with dropout and running statistics."""

    def __init__(self, dtype: torch.dtype = torch.float64) -> None:
        super().__init__()
        self.fc1, self.bn, self.drop, self.fc2 = nn.Linear(4, 5), nn.BatchNorm1d(5), Dropout(0.5), nn.Linear(5, 1)
        self.idle = nn.Linear(2, 2)
        generator = torch_generator("init", 3)
        for parameter in self.parameters():
            nn.init.normal_(parameter, generator=generator)
        self.to(dtype)

    def forward(self, x: Tensor) -> Tensor:
        return self.fc2(self.drop(self.bn(torch.tanh(self.fc1(x))))).squeeze(1)


def net_loss(dtype: torch.dtype = torch.float64) -> BatchLoss:
    generator = torch_generator("batches", 0)
    draw = [(torch.randn(4, 4, generator=generator), torch.randn(4, generator=generator)) for _ in range(3)]
    return BatchLoss(squared, [(x.to(dtype), y.to(dtype)) for x, y in draw])


# Numbers of a curve


def test_rise_and_curvature_of_a_quadratic_form() -> None:
    toy = Quadratic([5.0, 3.0, 1.0, 0.5, -2.0, 0.0])
    config = LandscapeConfig(directions=3)
    directions = random_directions(toy.model, config, 0)
    losses = curve(toy.model, directions, config.alphas, toy.loss)
    exact = np.array([toy.v_h_v(d) for d in directions])
    for step in (0.04, 0.4):
        np.testing.assert_allclose(curvature(config.alphas, losses, step), exact, rtol=1e-2)
        # The linear term cancels between the two signs.
        assert mean_rise(config.alphas, losses, step) == pytest.approx((exact * step**2 / 2).mean(), rel=1e-2)


def test_mean_curvature_estimates_the_weighted_trace() -> None:
    toy = Quadratic([5.0, 3.0, 1.0, 0.5, 2.0, 0.0])
    directions = random_directions(toy.model, LandscapeConfig(directions=2000), 0)
    found = np.mean([toy.v_h_v(d) for d in directions])
    mean_squared_weight = toy.model.weight.square().mean().item()
    assert found == pytest.approx(toy.hessian.trace().item() * mean_squared_weight, rel=0.05)


@pytest.mark.parametrize(("step", "message"), [(0.03, "-0.03 must be among them"), (0.0, "must be positive")])
@pytest.mark.parametrize("function", [mean_rise, curvature])
def test_a_step_that_the_curve_has_not(function: Callable, step: float, message: str) -> None:
    alphas = LandscapeConfig().alphas
    with pytest.raises(ValueError, match=message):
        function(alphas, np.zeros((1, len(alphas))), step)


# Worst rise


@pytest.mark.parametrize("projection", ["box", "ball"])
def test_one_step_is_the_step_of_awp(projection: str) -> None:
    model, loss = Net(), net_loss()
    perturbation = WeightPerturbation(0.05, "gradient", projection=projection)
    found = worst_rise(model, loss, perturbation)

    clean = loss(model)
    with evaluating(model):
        torch.stack(list(loss.terms(model))).mean().backward()
    with perturbation.perturbed(model, torch.Generator()):
        expected = loss(model) - clean
    assert found == pytest.approx(expected, rel=1e-12)
    assert found > 0


@pytest.mark.parametrize("projection", ["box", "ball"])
def test_more_steps_stay_in_the_ball_and_find_no_less(projection: str) -> None:
    model, loss = Net(), net_loss()
    perturbation = WeightPerturbation(0.3, "gradient", projection=projection)
    clean = {name: p.detach().clone() for name, p in model.named_parameters()}
    seen: list[nn.Module] = []

    def watched(model: nn.Module, x: Tensor, y: Tensor) -> Tensor:
        seen.append(copy.deepcopy(model))
        return squared(model, x, y)

    rises = [worst_rise(model, loss, perturbation, steps) for steps in (1, 2, 5)]
    assert rises == sorted(rises)
    assert rises[-1] > rises[0] * 1.001
    assert worst_rise(model, BatchLoss(watched, loss.batches), perturbation, 5) == rises[-1]
    for other in seen:
        for name, parameter in other.named_parameters():
            v, w = parameter - clean[name], clean[name]
            if projection == "box":
                assert (v.abs() <= 0.3 * w.abs() + 1e-12).all()
            assert v.norm() <= 0.3 * w.norm() + 1e-5, name
            assert "weight" in name or not v.any()


@pytest.mark.parametrize("projection", ["box", "ball"])
def test_steps_start_where_the_last_one_ended_and_the_largest_rise_counts(projection: str) -> None:
    """-(w - 1.1)^2 at w = 1: the first step overshoots to 1.3, the second comes back to 1, the third overshoots."""
    model = nn.Linear(1, 1, bias=False).double()
    nn.init.ones_(model.weight)
    batch = (torch.ones(1, 1, dtype=torch.float64), torch.tensor([1.1], dtype=torch.float64))
    loss = BatchLoss(lambda model, x, y: -(model(x).squeeze(1) - y).square().sum(), [batch])
    perturbation = WeightPerturbation(0.3, "gradient", projection=projection)
    rises = [worst_rise(model, loss, perturbation, steps) for steps in (1, 2, 3)]
    np.testing.assert_allclose(rises, [-0.03, 0, 0], atol=1e-5)


def test_a_flat_loss_has_no_worst_rise() -> None:
    model = nn.Linear(3, 1)
    flat = BatchLoss(lambda model, x, y: (model(x) * 0).sum(), [(torch.ones(2, 3), torch.ones(2))])
    assert worst_rise(model, flat, WeightPerturbation(0.1, "gradient"), 3) == 0


def test_what_the_worst_rise_refuses() -> None:
    model, loss = Net(), net_loss()
    with pytest.raises(ValueError, match="direction gradient"):
        worst_rise(model, loss, WeightPerturbation(0.1, "random"))
    with pytest.raises(ValueError, match="at least one step"):
        worst_rise(model, loss, WeightPerturbation(0.1, "gradient"), 0)
    with pytest.raises(ValueError, match="no parameter requires gradients"):
        worst_rise(model.requires_grad_(False), loss, WeightPerturbation(0.1, "gradient"))


# Hessian


@pytest.mark.parametrize(
    ("eigenvalues", "expected"),
    [([5.0, 3.0, 1.0, 0.5, -2.0, 0.0], 5.0), ([1.0, -4.0, 0.5, 2.0], -4.0), ([0.0, 0.0, 0.0], 0.0), ([2.0, 2.0], 2.0)],
)
def test_eigenvalue_of_largest_magnitude(eigenvalues: list[float], expected: float) -> None:
    toy = Quadratic(eigenvalues)
    found = top_eigenvalue(toy.model, toy.loss, start())
    assert found.value == pytest.approx(expected, rel=1e-2, abs=1e-12)
    assert found.converged
    assert found.residual <= 1e-3 * abs(found.value)
    assert (found.iterations == 1) == (len(set(eigenvalues)) == 1), "any vector is an eigenvector of c I"
    assert top_eigenvalue(toy.model, toy.loss, start()) == found, "the start comes from the generator"


def test_a_loss_linear_in_the_weights_has_a_zero_hessian() -> None:
    linear = BatchLoss(lambda model, x, y: model(x).mean(), [(torch.ones(2, 3), torch.ones(2))])
    found = top_eigenvalue(nn.Linear(3, 1), linear, start())
    assert (found.value, found.iterations, found.residual, found.converged) == (0, 1, 0, True)


def test_a_pair_of_opposite_signs_is_not_called_converged() -> None:
    toy = Quadratic([3.0, -3.0, 1.0])
    found = top_eigenvalue(toy.model, toy.loss, start(), max_iterations=40)
    assert not found.converged
    assert found.iterations == 40
    assert abs(found.value) <= 3
    assert min(abs(found.value - e) for e in (3.0, -3.0, 1.0)) <= found.residual + 1e-9


def test_eigenvalue_of_a_network_against_the_full_hessian() -> None:
    model, loss = Net(), net_loss()
    names, shapes = zip(*((name, p.shape) for name, p in model.named_parameters()), strict=True)
    sizes = [shape.numel() for shape in shapes]

    def flat(vector: Tensor) -> Tensor:
        parts = {n: v.view(s) for n, v, s in zip(names, vector.split(sizes), shapes, strict=True)}
        values = [(torch.func.functional_call(model, parts, (x,)) - y).square().mean() for x, y in loss.batches]
        return torch.stack(values).mean()

    with evaluating(model):
        vector = torch.cat([p.detach().flatten() for p in model.parameters()])
        eigenvalues = torch.linalg.eigvalsh(torch.autograd.functional.hessian(flat, vector))
    expected = eigenvalues[eigenvalues.abs().argmax()].item()
    found = top_eigenvalue(model, loss, start(), tolerance=1e-4, max_iterations=500)
    assert found.converged
    assert found.value == pytest.approx(expected, rel=1e-3)


def test_what_the_eigenvalue_refuses() -> None:
    model, loss = Net(), net_loss()
    with pytest.raises(ValueError, match="must be positive"):
        top_eigenvalue(model, loss, start(), tolerance=0)
    with pytest.raises(ValueError, match="max_iterations"):
        top_eigenvalue(model, loss, start(), max_iterations=0)
    with torch.no_grad():
        model.fc1.weight[0, 0] = float("nan")
    with pytest.raises(ValueError, match="not finite"):
        top_eigenvalue(model, loss, start())


# Both


def interrupt(model: nn.Module, x: Tensor, y: Tensor) -> Tensor:
    if model.fc1.weight.flatten()[0] != Net().fc1.weight.flatten()[0]:
        raise ZeroDivisionError
    return squared(model, x, y)


@pytest.mark.parametrize(
    "measure",
    [
        lambda model, loss: worst_rise(model, loss, WeightPerturbation(0.1, "gradient", projection="ball"), 3),
        lambda model, loss: top_eigenvalue(model, loss, start(), max_iterations=3),
    ],
)
@pytest.mark.parametrize("outer", [torch.enable_grad, torch.no_grad])
def test_the_model_is_left_as_it_was(measure: Callable, outer: Callable) -> None:
    model, loss = Net().train(), net_loss()
    model.bn.eval()
    before, modes = bits(model), [module.training for module in model.modules()]
    gradients = [torch.full_like(p, 2.0) for p in model.parameters()]
    for parameter, gradient in zip(model.parameters(), gradients, strict=True):
        parameter.grad = gradient
    state = torch.get_rng_state()
    with outer():
        measure(model, loss)
    assert torch.equal(torch.get_rng_state(), state)
    assert bits(model) == before
    assert [module.training for module in model.modules()] == modes
    assert all(p.grad is g and (g == 2).all() for p, g in zip(model.parameters(), gradients, strict=True))


def test_the_model_is_left_as_it_was_after_an_error() -> None:
    model = Net().train()
    before = bits(model)
    with pytest.raises(ZeroDivisionError):
        worst_rise(model, BatchLoss(interrupt, net_loss().batches), WeightPerturbation(0.1, "gradient"))
    assert bits(model) == before
    assert model.training
    assert all(parameter.grad is None for parameter in model.parameters())


@pytest.mark.parametrize("name", tiny.METHODS)
def test_every_method_has_its_numbers(name: str) -> None:
    model, loss = method_case(name)
    assert loss(model) > 0
    assert worst_rise(model, loss, WeightPerturbation(0.01, "gradient"), 2) > 0
    found = top_eigenvalue(model, loss, start(), tolerance=0.1, max_iterations=20)
    assert np.isfinite([found.value, found.residual]).all()
    assert found.value != 0
