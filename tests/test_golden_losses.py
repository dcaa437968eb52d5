"""Losses against the released code: values and gradients in both precisions (section 2 of the golden contract)."""

from collections.abc import Callable

import golden
import numpy as np
import pytest
import torch
from golden import assert_close
from torch import Tensor

from vqa.optim import losses

VECTORS = golden.load("losses")
FAST = {
    "lin": losses.linearity_loss,
    "rank": losses.monotonicity_loss,
    "total": losses.fastvqa_loss,
}
SIMPLEVQA = {"as_released": "as_released", "swapped": "swapped", "margin_swapped": "as_published"}


def value_and_gradient(loss: Callable[[Tensor, Tensor], Tensor], pred: Tensor, mos: Tensor) -> tuple[Tensor, Tensor]:
    pred = pred.clone().requires_grad_()
    value = loss(pred, mos)
    (gradient,) = torch.autograd.grad(value, pred)
    return value.reshape(1), gradient


@pytest.mark.parametrize("part", FAST)
@pytest.mark.parametrize("case", VECTORS.text("fast/names"))
def test_fastvqa_loss_in_float64(case: str, part: str) -> None:
    pred, mos = VECTORS.tensor(f"fast/{case}/p"), VECTORS.tensor(f"fast/{case}/y")
    value, gradient = value_and_gradient(FAST[part], pred, mos)
    assert_close(value, VECTORS[f"fast/{case}/{part}"], 1e-10)
    constant = np.ptp(pred.numpy()) == 0
    tolerance = {"atol": 1e-10, "rtol": 1e-6} if constant else {"atol": 1e-10}
    assert_close(gradient, VECTORS[f"fast/{case}/{part}_grad"], **tolerance)


@pytest.mark.parametrize("part", FAST)
@pytest.mark.parametrize("case", VECTORS.text("fast/names"))
def test_fastvqa_loss_in_float32(case: str, part: str) -> None:
    pred, mos = (VECTORS.tensor(f"fast/{case}/{side}", torch.float32) for side in "py")
    value, gradient = value_and_gradient(FAST[part], pred, mos)
    assert_close(value, VECTORS[f"fast/{case}/{part}_f32"], 5e-6)
    if np.ptp(pred.numpy()) > 0:
        assert_close(gradient, VECTORS[f"fast/{case}/{part}_grad_f32"], 5e-6, 1e-4)


def test_batch_of_one_is_undefined_as_released() -> None:
    one = torch.tensor([1.0], dtype=torch.float64)
    values = torch.stack([FAST[part](one, one + 1) for part in ("lin", "rank", "total")])
    assert_close(values, VECTORS["fast/B1_lin_rank_total"], 1e-10)


@pytest.mark.parametrize("variant", SIMPLEVQA)
@pytest.mark.parametrize("case", VECTORS.text("simplevqa/names"))
def test_simplevqa_loss(case: str, variant: str) -> None:
    pred, mos = VECTORS.tensor(f"simplevqa/{case}/outputs"), VECTORS.tensor(f"simplevqa/{case}/labels")
    prefix = f"simplevqa/{case}/{variant}"
    value, gradient = value_and_gradient(lambda p, y: losses.simplevqa_loss(p, y, SIMPLEVQA[variant]), pred, mos)
    assert_close(value, VECTORS[prefix], 1e-10)
    assert_close(gradient, VECTORS[f"{prefix}_grad"], 1e-10)
    if f"{prefix}_rankpart" in VECTORS:
        assert_close(value - (pred - mos).abs().mean(), VECTORS[f"{prefix}_rankpart"], 1e-10)


@pytest.mark.parametrize("case", VECTORS.groups("iqa/", "smoothl1"))
def test_smooth_l1_loss(case: str) -> None:
    pred, mos = VECTORS.tensor(f"iqa/{case}/p"), VECTORS.tensor(f"iqa/{case}/y")
    value, gradient = value_and_gradient(losses.smooth_l1_loss, pred, mos)
    assert_close(value, VECTORS[f"iqa/{case}/smoothl1"], 1e-10)
    assert_close(gradient, VECTORS[f"iqa/{case}/smoothl1_grad"], 1e-10)


@pytest.mark.parametrize(("name", "time"), [("fast_train", "mean"), ("sama_awp", "mean"), ("sama_clean", "sum")])
def test_reduction_of_score_maps(name: str, time: str) -> None:
    scores = losses.reduce_score_map(VECTORS.tensor("reduce/map"), time)
    assert_close(scores[:, None], VECTORS[f"reduce/{name}"], 1e-10)
