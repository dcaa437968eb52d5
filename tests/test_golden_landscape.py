"""Directions, moved weights and losses against the landscape tool of Li et al. (section 10 of the golden contract)."""

import copy

import golden
import numpy as np
import pytest
import torch
import torch.nn.functional as F
from golden import assert_close
from torch import Tensor, nn

from vqa.landscape.curves import BatchLoss, Direction, LandscapeConfig, curve, moved, normalised, surface
from vqa.optim.losses import fastvqa_loss, linearity_loss

VECTORS = golden.load("landscape")
VARIANTS = [name for name in VECTORS.groups("", "dir/conv1.weight") if "/" not in name]
ALPHAS = VECTORS["alphas"]


class Net(nn.Module):
    """The contract's network: two convolutions with batch norm, a bias table and a linear layer."""

    def __init__(self) -> None:
        super().__init__()
        shapes = {name: value.shape for name, value in VECTORS.under("state").items()}
        conv1, conv2 = shapes["conv1.weight"], shapes["conv2.weight"]
        self.relative_position_bias_table = nn.Parameter(torch.empty(shapes["relative_position_bias_table"]))
        self.conv1, self.bn1 = nn.Conv2d(conv1[1], conv1[0], conv1[2:], padding=1), nn.BatchNorm2d(conv1[0])
        self.conv2 = nn.Conv2d(conv2[1], conv2[0], conv2[2:], stride=2, bias=False)
        self.bn2, self.fc = nn.BatchNorm2d(conv2[0]), nn.Linear(*reversed(shapes["fc.weight"]))

    def forward(self, x: Tensor) -> Tensor:
        z = F.relu(self.bn2(self.conv2(F.relu(self.bn1(self.conv1(x))))))
        return self.fc(z.mean((-2, -1)) + self.relative_position_bias_table.mean(0))


def net() -> Net:
    model = Net().eval()
    own = model.state_dict()
    assert list(own) == VECTORS.text("state_names")
    assert [name for name, _ in model.named_parameters()] == VECTORS.text("param_names")
    model.load_state_dict({n: torch.tensor(v).reshape(own[n].shape) for n, v in VECTORS.under("state").items()})
    return model


def config(variant: str) -> LandscapeConfig:
    tensors, normalisation, one_dimensional = variant.split("_")
    kind = {"biasbn": "ignore", "noignore": "copy"}[one_dimensional]
    return LandscapeConfig(normalisation=normalisation, tensors=tensors, one_dimensional=kind, bias_tables="rows")


def direction(model: nn.Module, variant: str) -> Direction:
    raw = {name: torch.tensor(value) for name, value in VECTORS.under("raw_dir").items()}
    return normalised(model, raw, config(variant))


@torch.no_grad()
def losses(model: nn.Module) -> tuple[Tensor, list[float]]:
    """Prediction ``(B, 1)`` of the float32 weights in float64, and [total, L_lin, mean |p - y|, mean (p - y)^2]."""
    wide = copy.deepcopy(model).double()
    pred, y = wide(VECTORS.tensor("x", torch.float64)), VECTORS.tensor("y", torch.float64)
    p, mos = pred.squeeze(1), y.squeeze(1)
    values = [fastvqa_loss(p, mos), linearity_loss(p, mos), (p - mos).abs().mean(), (p - mos).square().mean()]
    return pred, [value.item() for value in values]


@pytest.mark.parametrize("variant", VARIANTS)
def test_directions(variant: str) -> None:
    found = direction(net(), variant)
    stored = VECTORS.under(f"{variant}/dir")
    assert set(found) <= set(stored)
    for name, expected in stored.items():
        values = found[name].reshape(expected.shape) if name in found else torch.zeros(expected.shape)
        assert_close(values, expected, 1e-5, what=name)


@pytest.mark.parametrize("variant", VARIANTS)
def test_moved_weights_and_losses(variant: str) -> None:
    model = net()
    d = direction(model, variant)
    for i, alpha in enumerate(ALPHAS):
        point = f"{variant}/alpha_{i}"
        with moved(model, d, alpha):
            for name, expected in VECTORS.under(f"{point}/state").items():
                assert_close(model.state_dict()[name].reshape(expected.shape), expected, 1e-5, what=name)
            pred, values = losses(model)
        assert_close(pred, VECTORS[f"{point}/pred"], 1e-4)
        assert_close(values, VECTORS[f"{point}/losses_total_lin_l1_mse"], 1e-4)


def test_all_states_are_compared() -> None:
    assert any(f"{variant}/alpha_0/state/bn1.running_var" in VECTORS for variant in VARIANTS)


def test_loss_at_the_weights_themselves() -> None:
    pred, values = losses(net())
    assert_close(pred, VECTORS["pred_alpha0"], 1e-10)
    assert_close(values, VECTORS["losses_alpha0_total_lin_l1_mse"], 1e-10)


@pytest.mark.parametrize("variant", VARIANTS)
def test_curve_and_surface(variant: str) -> None:
    model = net()
    d = direction(model, variant)

    def loss(model: nn.Module, x: Tensor, y: Tensor) -> Tensor:
        return fastvqa_loss(model(x).squeeze(1), y.squeeze(1))

    batch = BatchLoss(loss, [(VECTORS.tensor("x"), VECTORS.tensor("y"))])
    expected = [VECTORS[f"{variant}/alpha_{i}/losses_total_lin_l1_mse"][0] for i in range(len(ALPHAS))]
    assert_close(curve(model, [d], ALPHAS, batch), np.array([expected]), 1e-4)
    # Two equal directions add up, so every split of alpha between them gives the same loss.
    found = surface(model, (d, d), ALPHAS - 0.25, [0.25, 0.0], batch)
    assert_close(found[:, 0], np.array(expected), 1e-4)
