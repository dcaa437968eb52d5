"""Learning rates, EMA and whole training loops against the released trainers (section 11 of the golden contract)."""

from collections.abc import Callable

import golden
import numpy as np
import pytest
import torch
import torch.nn.functional as F
from golden import assert_close
from torch import Tensor, nn

from vqa.optim import perturb, schedule
from vqa.optim.losses import fastvqa_loss, reduce_score_map, smooth_l1_loss
from vqa.optim.perturb import build_perturbation
from vqa.optim.schedule import ExponentialMovingAverage
from vqa.stats import metrics
from vqa.training.train import training_step

VECTORS = golden.load("schedule")
BASE_RATES = np.array([1e-4, 1e-3])  # backbone, head


@pytest.mark.parametrize("key", VECTORS.groups("lr/", "multiplier"))
def test_multiplier_per_step(key: str) -> None:
    prefix = f"lr/{key}"
    epochs, linear, warmup_epochs, per_epoch = VECTORS[f"{prefix}/epochs_linear_warmup_itersperepoch"].tolist()
    warmup, total = int(warmup_epochs * per_epoch), int((epochs + linear) * per_epoch)
    if key.startswith("iqa"):
        multipliers = [schedule.warmup_constant(k, max(1, warmup)) for k in range(total + 1)]
    else:
        multipliers = [schedule.warmup_cosine(k, warmup, total) for k in range(total + 1)]
    assert_close([warmup, total], VECTORS[f"{prefix}/warmup_iter_max_iter"], 0)
    assert_close(multipliers, VECTORS[f"{prefix}/multiplier"], 1e-12)
    used = VECTORS[f"{prefix}/lr_used_backbone_head"]
    assert_close(np.outer(multipliers[: len(used)], BASE_RATES), used, 1e-15)


@pytest.mark.parametrize("key", VECTORS.groups("lr/", "lr_per_epoch"))
def test_step_decay_per_epoch(key: str) -> None:
    step, factor, epochs = VECTORS[f"lr/{key}/step_gamma_epochs"].tolist()
    rates = [1e-5 * schedule.step_decay(epoch, int(step), factor) for epoch in range(int(epochs))]
    assert_close(rates, VECTORS[f"lr/{key}/lr_per_epoch"], 1e-17)


@pytest.mark.parametrize(("trace", "dtype", "atol"), [("f64", torch.float64, 1e-8), ("f32", torch.float32, 1e-6)])
def test_moving_average(trace: str, dtype: torch.dtype, atol: float) -> None:
    theta = VECTORS.tensor("ema/theta", dtype)
    model = nn.ParameterList([nn.Parameter(theta[:1].clone())])
    average = ExponentialMovingAverage(model)
    values = [average.module[0].clone()]
    for value in theta[1:]:
        model[0].data.fill_(value)
        average.update(model)
        values.append(average.module[0].clone())
    assert_close(torch.cat(values), VECTORS[f"ema/trace_{trace}"], atol)


class ToyVideoNet(nn.Module):
    """A backbone and a head with score maps of 2x2x2, under the names that the trainers look for."""

    def __init__(self, shapes: dict[str, tuple[int, ...]]) -> None:
        super().__init__()
        table = shapes["fragments_backbone.relative_position_bias_table"]
        width, inputs = shapes["fragments_backbone.fc1.weight"]
        self.fragments_backbone = nn.Module()
        self.fragments_backbone.relative_position_bias_table = nn.Parameter(torch.empty(table))
        self.fragments_backbone.fc1 = nn.Linear(inputs, width)
        self.fragments_backbone.norm = nn.LayerNorm(width)
        self.fragments_backbone.fc2 = nn.Linear(width, width)
        self.vqa_head = nn.Linear(*reversed(shapes["vqa_head.weight"]))

    def forward(self, x: Tensor) -> Tensor:
        net = self.fragments_backbone
        z = net.norm(F.gelu(net.fc1(x))) + net.relative_position_bias_table.mean(0)
        return self.vqa_head(F.gelu(net.fc2(z))).view(-1, 1, 2, 2, 2)


class ToyImageNet(nn.Module):
    def __init__(self, shapes: dict[str, tuple[int, ...]]) -> None:
        super().__init__()
        self.backbone = nn.Linear(*reversed(shapes["backbone.weight"]))
        self.vqa_head = nn.Linear(*reversed(shapes["vqa_head.weight"]))

    def forward(self, x: Tensor) -> Tensor:
        return self.vqa_head(F.gelu(self.backbone(x))).view(-1, 1, 1, 1, 1)


def build(network: type[nn.Module], prefix: str) -> nn.Module:
    initial = VECTORS.under(f"{prefix}/w0")
    model = network({name: value.shape for name, value in initial.items()}).double()
    model.load_state_dict({name: torch.tensor(value) for name, value in initial.items()})
    return model


def adamw(model: nn.Module, rate: float, weight_decay: float) -> torch.optim.AdamW:
    """The released two groups: modules of the backbone at a tenth of the head's rate."""
    named = list(model.named_parameters())
    groups = [
        {"params": [p for name, p in named if "backbone" in name], "lr": rate * 0.1},
        {"params": [p for name, p in named if "backbone" not in name], "lr": rate},
    ]
    return torch.optim.AdamW(groups, weight_decay=weight_decay)


class Recipe:
    """What the trainer's step asks of a method; records the losses of all passes in call order."""

    def __init__(self, loss: Callable[[Tensor, Tensor], Tensor], clean_time: str = "mean") -> None:
        self.loss_function, self.clean_time = loss, clean_time
        self.losses: list[Tensor] = []

    def scores(self, model: nn.Module, inputs: Tensor, second_pass: bool = False) -> Tensor:
        return reduce_score_map(model(inputs), "mean" if second_pass else self.clean_time)

    def loss(self, scores: Tensor, mos: Tensor) -> Tensor:
        value = self.loss_function(scores, mos)
        self.losses.append(value.detach())
        return value


VARIANTS = {
    "fast_plain": ("none", "mean", 0),
    "fast_awp": ("awp", "mean", 0),
    "fast_rwp": ("rwp", "mean", 0),
    "sama_plain": ("none", "sum", 0),
    "sama_awp": ("awp", "sum", 0),
    "fast_finetune": ("none", "mean", 1),
}


def stored_noise(monkeypatch: pytest.MonkeyPatch, model: nn.Module, step: int) -> None:
    """Gaussian draws of the perturbation in ``step`` replaced by the recipe's, tensor by tensor."""
    names = iter(name for name, _ in model.named_parameters() if "weight" in name)

    def randn(shape: tuple[int, ...], *, dtype: torch.dtype, **_: object) -> Tensor:
        return torch.tensor(golden.normal(f"loop/noise/{step}/{next(names)}", shape, VECTORS.seed), dtype=dtype)

    monkeypatch.setattr(perturb.torch, "randn", randn)


@pytest.mark.parametrize("variant", sorted({name.split("/")[0] for name in VECTORS.under("loop") if "_final" in name}))
def test_video_training_loop(variant: str, monkeypatch: pytest.MonkeyPatch) -> None:
    kind, clean_time, frozen_epochs = VARIANTS[variant]
    epochs, warmup_epochs, gamma, rate, weight_decay = VECTORS["loop/num_epochs_warmup_gamma_lr_wd"].tolist()
    x, y = VECTORS.tensor("loop/x"), VECTORS.tensor("loop/y")
    n, prefix = len(x), f"loop/{variant}"
    model = build(ToyVideoNet, "loop")
    optimizer, average = adamw(model, rate, weight_decay), ExponentialMovingAverage(model)
    multiplier = torch.optim.lr_scheduler.LambdaLR(
        optimizer, lambda k: schedule.warmup_cosine(k, int(warmup_epochs * n), int(epochs) * n)
    )
    perturbation = build_perturbation(kind, gamma if kind != "none" else 0, "released", "box")
    recipe, predictions = Recipe(fastvqa_loss, clean_time), []
    for epoch in range(int(epochs)):
        model.fragments_backbone.requires_grad_(epoch >= frozen_epochs)
        for i in range(n):
            stored_noise(monkeypatch, model, epoch * n + i)
            pred, _ = training_step(model, recipe, optimizer, perturbation, x[i], y[i], (0, epoch, i))
            average.update(model)
            multiplier.step()
            predictions.append(pred)

    assert_final(model, average, prefix)
    if f"{prefix}/losses_in_call_order" in VECTORS:
        assert_close(torch.stack(recipe.losses), VECTORS[f"{prefix}/losses_in_call_order"], 1e-7)
    mos = y.flatten().numpy()
    for epoch, pred in enumerate(torch.cat(predictions).view(int(epochs), -1).numpy()):
        scores = metrics.raw_scores(pred, mos)
        expected = VECTORS[f"{prefix}/train_srcc_plcc_krcc"][epoch]
        assert_close([scores["srcc"], scores["plcc"], scores["krcc"]], expected, 1e-6)
        if f"{prefix}/train_preds" in VECTORS:
            assert_close(pred, VECTORS[f"{prefix}/train_preds"][epoch], 1e-6)
        else:
            rescaled = metrics.rescale(pred, mos)
            assert_close(rescaled, VECTORS[f"{prefix}/train_preds_rescaled"][epoch], 1e-6)


def test_image_training_loop() -> None:
    epochs, warmup_epochs, _, rate, weight_decay = VECTORS["loop/num_epochs_warmup_gamma_lr_wd"].tolist()
    x, y = VECTORS.tensor("loop/x"), VECTORS.tensor("loop/y")
    model = build(ToyImageNet, "loop_iqa")
    optimizer, average = adamw(model, rate, weight_decay), ExponentialMovingAverage(model)
    multiplier = torch.optim.lr_scheduler.LambdaLR(
        optimizer, lambda k: schedule.warmup_constant(k, int(warmup_epochs * len(x)))
    )
    recipe, perturbation = Recipe(smooth_l1_loss), build_perturbation("none", 0, "released", "box")
    for epoch in range(int(epochs)):
        for i in range(len(x)):
            training_step(model, recipe, optimizer, perturbation, x[i], y[i], (0, epoch, i))
            average.update(model)
            multiplier.step()
    assert_final(model, average, "loop_iqa")


def assert_final(model: nn.Module, average: ExponentialMovingAverage, prefix: str) -> None:
    for module, part, atol in ((model, "w_final", 1e-6), (average.module, "ema_final", 1e-8)):
        expected = VECTORS.under(f"{prefix}/{part}")
        actual = module.state_dict()
        assert set(actual) == set(expected)
        for name, value in actual.items():
            assert_close(value, expected[name], atol, what=f"{part} {name}")
