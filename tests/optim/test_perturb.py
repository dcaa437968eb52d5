"""Weight perturbation: size, bounds, choice of tensors, and weights that always come back."""

from collections.abc import Iterator
from contextlib import contextmanager

import pytest
import torch
import torch.nn.functional as F
from torch import Tensor, nn

from vqa.models.dropout import Dropout, random_masks
from vqa.optim.perturb import NoPerturbation, WeightPerturbation, build_perturbation
from vqa.rng import torch_generator

GAMMA = 0.05


class Net(nn.Module):
    """Matrices, a norm scale, biases, a table, a frozen layer and one that takes no part."""

    def __init__(self) -> None:
        super().__init__()
        self.position_table = nn.Parameter(torch.empty(4, 8))
        self.fc1, self.norm, self.drop = nn.Linear(6, 8), nn.LayerNorm(8), Dropout(0.5)
        self.frozen = nn.Linear(8, 8).requires_grad_(False)
        self.idle = nn.Linear(8, 8)
        self.fc2 = nn.Linear(8, 1)
        generator = torch_generator("init", 3)
        for parameter in self.parameters():
            nn.init.normal_(parameter, generator=generator)

    def forward(self, x: Tensor) -> Tensor:
        z = self.drop(self.norm(F.gelu(self.fc1(x))) + self.position_table.mean(0))
        return self.fc2(self.frozen(z)).squeeze(1)


class Batch:
    """A mini-batch; as ``backward`` it computes gradients and records the weights of every pass."""

    def __init__(self, net: nn.Module) -> None:
        generator = torch_generator("batch", 0)
        self.net = net.eval()
        self.x, self.y = torch.randn(5, 6, generator=generator), torch.randn(5, generator=generator)
        self.calls: list[bool] = []
        self.weights: list[dict[str, Tensor]] = []

    def loss(self) -> Tensor:
        return (self.net(self.x) - self.y).square().mean()

    def __call__(self, second_pass: bool) -> float:
        self.calls.append(second_pass)
        self.weights.append(weights(self.net))
        self.net.zero_grad(set_to_none=True)
        loss = self.loss()
        loss.backward()
        return loss.item()


def weights(net: nn.Module) -> dict[str, Tensor]:
    return {name: parameter.detach().clone() for name, parameter in net.named_parameters()}


def moves(perturbation: WeightPerturbation, seed: int = 0) -> tuple[Batch, dict[str, Tensor]]:
    """Run one step; return its batch and v of every tensor."""
    batch = Batch(Net())
    perturbation.gradients(batch.net, batch, torch_generator("perturb", seed))
    clean, perturbed = batch.weights
    return batch, {name: perturbed[name] - clean[name] for name in clean}


@contextmanager
def unchanged(net: nn.Module) -> Iterator[None]:
    before = weights(net)
    yield
    assert all(torch.equal(parameter, before[name]) for name, parameter in net.named_parameters())


@pytest.mark.parametrize("projection", ["box", "ball"])
@pytest.mark.parametrize("direction", ["gradient", "random"])
def test_weights_come_back_bit_for_bit(direction: str, projection: str) -> None:
    batch = Batch(Net())
    with unchanged(batch.net):
        result = WeightPerturbation(GAMMA, direction, projection=projection).gradients(
            batch.net, batch, torch_generator("perturb", 0)
        )
    assert batch.calls == [False, True]
    batch.net.zero_grad()
    assert result == batch.loss().item(), "the result must be that of the clean pass"


def test_weights_come_back_after_an_error() -> None:
    batch = Batch(Net())

    def backward(second_pass: bool) -> None:
        batch(second_pass)
        if second_pass:
            raise ZeroDivisionError

    with unchanged(batch.net), pytest.raises(ZeroDivisionError):
        WeightPerturbation(GAMMA, "gradient").gradients(batch.net, backward, torch_generator("perturb", 0))
    assert not torch.equal(batch.weights[0]["fc1.weight"], batch.weights[1]["fc1.weight"])


@pytest.mark.parametrize("direction", ["gradient", "random"])
def test_the_gradient_left_is_that_of_the_perturbed_weights(direction: str) -> None:
    batch, _ = moves(WeightPerturbation(GAMMA, direction))
    left = {name: parameter.grad for name, parameter in batch.net.named_parameters()}
    batch.net.load_state_dict(batch.weights[1])
    batch.net.zero_grad(set_to_none=True)
    batch.loss().backward()
    for name, parameter in batch.net.named_parameters():
        assert (parameter.grad is None) == (left[name] is None)
        assert parameter.grad is None or torch.equal(parameter.grad, left[name]), name


@pytest.mark.parametrize(
    ("tensors", "expected"),
    [("released", {"fc1.weight", "norm.weight", "fc2.weight"}), ("matrices", {"fc1.weight", "fc2.weight"})],
)
@pytest.mark.parametrize("direction", ["gradient", "random"])
def test_which_tensors_move(direction: str, tensors: str, expected: set[str]) -> None:
    _, moved = moves(WeightPerturbation(GAMMA, direction, tensors=tensors))
    assert {name for name, v in moved.items() if v.any()} == expected


@pytest.mark.parametrize("direction", ["gradient", "random"])
def test_the_ball_has_radius_gamma_times_the_norm_of_the_tensor(direction: str) -> None:
    batch, moved = moves(WeightPerturbation(GAMMA, direction, projection="ball"))
    for name in ("fc1.weight", "norm.weight", "fc2.weight"):
        ratio = moved[name].norm() / batch.weights[0][name].norm()
        assert ratio.item() == pytest.approx(GAMMA, rel=1e-4), name


@pytest.mark.parametrize("direction", ["gradient", "random"])
def test_the_box_bounds_every_element(direction: str) -> None:
    batch, boxed = moves(WeightPerturbation(GAMMA, direction))
    _, free = moves(WeightPerturbation(GAMMA, direction, projection="ball"))
    for name in ("fc1.weight", "norm.weight", "fc2.weight"):
        radius = GAMMA * batch.weights[0][name].abs()
        slack = 1e-6
        assert bool((boxed[name].abs() <= radius + slack).all()), name
        inside = free[name].abs() <= radius - slack
        torch.testing.assert_close(boxed[name][inside], free[name][inside])
        assert bool((free[name].abs() > radius + slack).any()), "the box must bind somewhere to be tested"


def test_awp_goes_along_the_gradient_and_raises_the_loss() -> None:
    batch = Batch(Net())
    clean_loss = batch(False)
    gradient = batch.net.fc1.weight.grad.clone()
    _, moved = moves(WeightPerturbation(1e-3, "gradient", projection="ball"))
    cosine = F.cosine_similarity(moved["fc1.weight"].flatten(), gradient.flatten(), dim=0)
    assert cosine.item() == pytest.approx(1, abs=1e-4)
    with WeightPerturbation(1e-3, "gradient").perturbed(batch.net, torch_generator("perturb", 0)):
        assert batch.loss().item() > clean_loss


def test_rwp_draws_from_no_global_generator() -> None:
    batch = Batch(Net())
    before = torch.get_rng_state()
    WeightPerturbation(GAMMA, "random").gradients(batch.net, batch, torch_generator("perturb", 0))
    assert torch.equal(before, torch.get_rng_state())


def test_rwp_repeats_with_its_generator_and_differs_between_tensors() -> None:
    rwp = WeightPerturbation(GAMMA, "random", projection="ball")
    (_, first), (_, again), (_, other) = moves(rwp, 1), moves(rwp, 1), moves(rwp, 2)
    assert all(torch.equal(first[name], again[name]) for name in first)
    assert not torch.allclose(first["fc1.weight"], other["fc1.weight"])


def test_a_direction_of_norm_zero_or_not_finite_moves_nothing() -> None:
    batch = Batch(Net())
    batch(False)
    for bad in (0.0, float("nan"), float("inf")):
        batch.net.fc1.weight.grad.fill_(bad)
        before = weights(batch.net)
        with WeightPerturbation(GAMMA, "gradient").perturbed(batch.net, torch_generator("perturb", 0)):
            assert torch.equal(batch.net.fc1.weight, before["fc1.weight"])
            assert not torch.equal(batch.net.fc2.weight, before["fc2.weight"])


def test_no_perturbation_is_one_pass() -> None:
    batch = Batch(Net())
    with unchanged(batch.net):
        NoPerturbation().gradients(batch.net, batch, torch_generator("perturb", 0))
    assert batch.calls == [False]


def test_a_baseline_and_its_twin_share_the_dropout_of_the_clean_pass() -> None:
    scores = {}
    for kind, gamma in (("none", 0), ("rwp", GAMMA), ("awp", GAMMA)):
        batch = Batch(Net())
        batch.net.train()
        passes = scores.setdefault(kind, [])

        def backward(second_pass: bool, batch: Batch = batch, passes: list = passes) -> None:
            with random_masks(batch.net, torch_generator("dropout", 0, int(second_pass))):
                passes.append(batch.net(batch.x).detach().clone())
                batch(second_pass)

        perturbation = build_perturbation(kind, gamma, "released", "box")
        perturbation.gradients(batch.net, backward, torch_generator("perturb", 0))
    assert torch.equal(scores["none"][0], scores["rwp"][0])
    assert torch.equal(scores["none"][0], scores["awp"][0])
    assert not torch.equal(scores["awp"][0], scores["awp"][1])


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("none", 0.1, "released", "box"), "gamma: 0.1 given, but perturbation is none; set gamma: 0"),
        (("rwp", 0.0, "released", "box"), "gamma: 0.0 must be positive"),
        (("awp", float("nan"), "released", "box"), "gamma: nan must be positive"),
        (("sam", 0.1, "released", "box"), "perturbation: 'sam' is not one of none, rwp, awp"),
        (("awp", 0.1, "all", "box"), "tensors: 'all' is not one of released, matrices"),
        (("awp", 0.1, "released", "cube"), "projection: 'cube' is not one of box, ball"),
    ],
)
def test_options_that_do_not_fit_are_named(arguments: tuple[str, float, str, str], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        build_perturbation(*arguments)
