"""One RWP or AWP step against the released classes, on two toy networks (section 3 of the golden contract)."""

from collections.abc import Iterator

import golden
import numpy as np
import pytest
import torch
import torch.nn.functional as F
from golden import assert_close
from torch import Tensor, nn

from vqa.optim import perturb
from vqa.optim.losses import fastvqa_loss, simplevqa_loss
from vqa.optim.perturb import WeightPerturbation

VECTORS = golden.load("perturb")
STEPS = sorted({tuple(name.split("/")[1:3]) for name in VECTORS.arrays if name.endswith("/adv_loss") and "/g" in name})
DTYPES = {"f64": torch.float64, "f32": torch.float32}
DEVICES = ("cpu", "cuda") if torch.cuda.is_available() else ("cpu",)


class ToyBackbone(nn.Module):
    def __init__(self, table: tuple[int, int], inputs: int) -> None:
        super().__init__()
        width = table[1]
        self.relative_position_bias_table = nn.Parameter(torch.empty(table))
        self.fc1, self.norm, self.fc2 = nn.Linear(inputs, width), nn.LayerNorm(width), nn.Linear(width, width)


class ToyNet(nn.Module):
    """One parameter of every kind that the choice of tensors must tell apart."""

    def __init__(self, shapes: dict[str, tuple[int, ...]]) -> None:
        super().__init__()
        width = shapes["gate_weighting"][0]
        self.gate_weighting = nn.Parameter(torch.empty(width))
        self.backbone = ToyBackbone(shapes["backbone.relative_position_bias_table"], shapes["backbone.fc1.weight"][1])
        self.dead = nn.Linear(width, shapes["dead.weight"][0], bias=False)
        self.unused = nn.Linear(*reversed(shapes["unused.weight"]), bias=False)
        self.frozen = nn.Linear(width, width).requires_grad_(False)
        self.head = nn.Linear(width, shapes["head.weight"][0])

    def forward(self, x: Tensor) -> Tensor:
        z = self.backbone.norm(F.gelu(self.backbone.fc1(x))) + self.backbone.relative_position_bias_table.mean(0)
        z = (F.gelu(self.backbone.fc2(z)) + self.frozen(z)) * self.gate_weighting
        return self.head(z).mean(1) + 0 * self.dead(z).sum()


def toy_net(dtype: torch.dtype) -> ToyNet:
    net = ToyNet({name: value.shape for name, value in VECTORS.under("w0").items()}).to(dtype)
    net.load_state_dict({name: torch.tensor(value, dtype=dtype) for name, value in VECTORS.under("w0").items()})
    assert [name for name, _ in net.named_parameters()] == VECTORS.text("param_names")
    return net


@pytest.fixture
def stored_noise(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Gaussian draws of the perturbation replaced by the stored ones, in the stored drawing order."""
    names = iter(VECTORS.text("perturbed_names"))

    def randn(shape: tuple[int, ...], *, dtype: torch.dtype, device: torch.device, **_: object) -> Tensor:
        noise = VECTORS.tensor(f"rwp_noise/{next(names)}", dtype)
        assert noise.shape == shape
        return noise.to(device)

    monkeypatch.setattr(perturb.torch, "randn", randn)
    yield
    assert next(names, None) is None, "fewer draws than the released code makes"


def test_recipe_of_the_toy_weights() -> None:
    assert_close(VECTORS["x"].ravel(), golden.normal("perturb/x", VECTORS["x"].shape, VECTORS.seed).ravel(), 1e-6)
    recipe = golden.weight("toy.head.weight", VECTORS["w0/head.weight"].shape, VECTORS.seed)
    assert np.array_equal(VECTORS["w0/head.weight"], recipe)


@pytest.mark.parametrize("device", DEVICES)
@pytest.mark.parametrize("precision", DTYPES)
@pytest.mark.parametrize(("mode", "size"), STEPS)
def test_step(mode: str, size: str, precision: str, device: str, request: pytest.FixtureRequest) -> None:
    if mode == "rwp":
        request.getfixturevalue("stored_noise")
    exact = precision == "f64"
    dtype, weight_tol, gradient_tol = DTYPES[precision], 1e-12 if exact else 1e-6, 1e-12 if exact else 5e-5
    net = toy_net(dtype).to(device)
    clean_weights = {name: value.clone() for name, value in net.state_dict().items()}
    x, y = VECTORS.tensor("x", dtype).to(device), VECTORS.tensor("y", dtype)[:, 0].to(device)
    prefix = f"{precision}/{mode}/{size}"

    def backward(second_pass: bool) -> tuple[Tensor, Tensor]:
        net.zero_grad(set_to_none=True)
        pred = net(x)
        loss = fastvqa_loss(pred, y)
        loss.backward()
        if second_pass:
            assert_close(loss[None], VECTORS[f"{prefix}/adv_loss"], gradient_tol)
            for name, expected in VECTORS.under(f"{prefix}/w_perturbed").items():
                assert_close(net.state_dict()[name], expected, weight_tol, what=name)
        else:
            assert_close(loss[None], VECTORS[f"{precision}/clean_loss"], gradient_tol)
            assert_close(pred[:, None], VECTORS[f"{precision}/clean_pred"], gradient_tol)
            compare_gradients(net, VECTORS.under(f"{precision}/clean_grad"), gradient_tol)
        return pred.detach(), loss.detach()

    direction = {"awp": "gradient", "rwp": "random"}[mode]
    gamma = float(size.removeprefix("g"))
    _, loss = WeightPerturbation(gamma, direction).gradients(net, backward, torch.Generator(device))
    assert_close(loss[None], VECTORS[f"{precision}/clean_loss"], gradient_tol)
    compare_gradients(net, VECTORS.under(f"{prefix}/adv_grad"), gradient_tol)
    assert VECTORS.scalar(f"{prefix}/restore_maxdiff") == 0
    assert all(torch.equal(value, clean_weights[name]) for name, value in net.state_dict().items())

    torch.optim.AdamW(net.parameters(), lr=1e-3, weight_decay=0.05, betas=(0.9, 0.999), eps=1e-8).step()
    for name, expected in VECTORS.under(f"{prefix}/w_after_step").items():
        stepped = net.state_dict()[name]
        if exact:
            assert_close(stepped, expected, 1e-9, what=name)
        elif name != "head.bias":  # its gradient is rounding noise, which Adam scales up to the learning rate
            assert np.mean(np.abs(stepped.cpu().numpy() - expected) <= 5e-5) >= 0.95, name


def compare_gradients(net: nn.Module, expected: dict[str, np.ndarray], atol: float) -> None:
    actual = {name: parameter.grad for name, parameter in net.named_parameters() if parameter.grad is not None}
    assert set(actual) == set(expected)
    for name, gradient in actual.items():
        assert_close(gradient, expected[name], atol, what=name)


class BatchNormNet(nn.Module):
    """SimpleVQA in small: features with batch statistics, motion features, two affine layers."""

    def __init__(self, shapes: dict[str, tuple[int, ...]]) -> None:
        super().__init__()
        self.conv1 = nn.Linear(*reversed(shapes["conv1.weight"]), bias=False)
        self.bn1 = nn.BatchNorm1d(shapes["bn1.weight"][0])
        hidden, inputs = shapes["quality.0.weight"]
        self.quality = nn.Sequential(nn.Linear(inputs, hidden), nn.Linear(hidden, 1))

    def forward(self, x: Tensor, motion: Tensor) -> Tensor:
        return self.quality(torch.cat([F.relu(self.bn1(self.conv1(x))), motion], dim=1)).squeeze(1)


def test_step_with_batch_norm() -> None:
    initial = VECTORS.under("bn/w0")
    net = BatchNormNet({name: value.shape for name, value in initial.items()}).double().train()
    state = {name: torch.tensor(value) for name, value in initial.items()}
    net.load_state_dict({name: value.reshape(net.state_dict()[name].shape) for name, value in state.items()})
    x, motion, y = (VECTORS.tensor(f"bn/{name}", torch.float64) for name in "xfy")

    def backward(second_pass: bool) -> Tensor:
        net.zero_grad(set_to_none=True)
        pred = net(x, motion)
        loss = simplevqa_loss(pred, y)
        loss.backward()
        assert_close(loss[None], VECTORS["bn/adv_loss" if second_pass else "bn/clean_loss"], 1e-12)
        for name in ("running_mean", "running_var"):
            expected = VECTORS[f"bn/{name}_after_pass{2 if second_pass else 1}"]
            assert_close(getattr(net.bn1, name), expected, 1e-12, what=name)
        if second_pass:
            for name, expected in VECTORS.under("bn/w_perturbed").items():
                assert_close(net.state_dict()[name], expected, 1e-12, what=name)
        return pred

    pred = WeightPerturbation(1e-2, "gradient").gradients(net, backward, torch.Generator())
    assert_close(pred, VECTORS["bn/clean_out"], 1e-12)
    torch.optim.Adam(net.parameters(), lr=1e-3, weight_decay=1e-7).step()
    for name, expected in VECTORS.under("bn/w_after_step").items():
        assert_close(net.state_dict()[name].reshape(expected.shape), expected, 1e-9, what=name)
