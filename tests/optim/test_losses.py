"""Losses against their definitions, written out as loops, and against what they must be invariant to."""

import numpy as np
import pytest
import torch
from hypothesis import assume, given
from hypothesis import strategies as st
from torch import Tensor

from vqa.optim.losses import (
    fastvqa_loss,
    linearity_loss,
    monotonicity_loss,
    reduce_score_map,
    simplevqa_loss,
    smooth_l1_loss,
)

numbers = st.floats(-100, 100, allow_nan=False).map(lambda value: round(value, 3))


@st.composite
def batches(draw: st.DrawFn) -> tuple[Tensor, Tensor]:
    """Predictions and MOS of one batch, ties allowed, neither of them constant."""
    n = draw(st.integers(3, 12))
    pred, mos = (draw(st.lists(numbers, min_size=n, max_size=n)) for _ in range(2))
    assume(np.std(pred) > 1e-2)
    assume(np.std(mos) > 1e-2)
    return torch.tensor(pred, dtype=torch.float64), torch.tensor(mos, dtype=torch.float64)


def monotonicity_by_loops(pred: list[float], mos: list[float]) -> float:
    n = len(pred)
    total, largest = 0.0, 0.0
    for i in range(n):
        for j in range(n):
            if mos[i] < mos[j]:
                wrong = max(0.0, pred[i] - pred[j])
            elif mos[i] > mos[j]:
                wrong = max(0.0, pred[j] - pred[i])
            else:
                wrong = 0.0
            total, largest = total + wrong, max(largest, wrong)
    return total / (n * (n - 1)) / (1 + largest)


def simplevqa_rank_by_loops(a: list[float], b: list[float], margin: bool) -> float:
    total, count = 0.0, 0
    for i in range(len(a)):
        for j in range(len(a)):
            distance = abs(b[i] - b[j])
            if 0 < distance < 1:
                better_minus_worse = a[j] - a[i] if b[j] > b[i] else a[i] - a[j]
                total += max(0.0, (distance if margin else 0.0) - better_minus_worse)
                count += 1
    return total / count if count else 0.0


@given(batches())
def test_linearity_loss_has_its_closed_form(batch: tuple[Tensor, Tensor]) -> None:
    rho = np.corrcoef(batch[0].numpy(), batch[1].numpy())[0, 1]
    assert linearity_loss(*batch).item() == pytest.approx((1 - rho) * (3 + rho) / 8, abs=1e-5)


@given(batches(), st.floats(0.1, 50), st.floats(-50, 50))
def test_linearity_loss_ignores_shift_and_scale(batch: tuple[Tensor, Tensor], scale: float, shift: float) -> None:
    pred, mos = batch
    value = linearity_loss(pred, mos).item()
    assert linearity_loss(pred * scale + shift, mos).item() == pytest.approx(value, abs=1e-5)
    assert linearity_loss(pred, mos * scale + shift).item() == pytest.approx(value, abs=1e-5)


def test_linearity_loss_at_its_ends() -> None:
    mos = torch.tensor([1.0, 2.0, 4.0], dtype=torch.float64)
    assert linearity_loss(3 * mos - 7, mos).item() == pytest.approx(0, abs=1e-7)
    assert linearity_loss(-mos, mos).item() == pytest.approx(0.5, abs=1e-7)


@given(batches())
def test_monotonicity_loss_counts_wrong_pairs(batch: tuple[Tensor, Tensor]) -> None:
    expected = monotonicity_by_loops(*(side.tolist() for side in batch))
    assert monotonicity_loss(*batch).item() == pytest.approx(expected, abs=1e-12)


@given(batches(), st.integers(-50, 50))
def test_monotonicity_loss_ignores_shift_and_spacing_of_mos(batch: tuple[Tensor, Tensor], shift: int) -> None:
    pred, mos = batch
    value = monotonicity_loss(pred, mos).item()
    assert monotonicity_loss(pred + shift, mos).item() == pytest.approx(value, abs=1e-9)
    assert monotonicity_loss(pred, mos**3).item() == value


def test_monotonicity_loss_is_zero_in_perfect_order_and_grows_with_scale() -> None:
    mos = torch.tensor([1.0, 2.0, 3.0])
    assert monotonicity_loss(mos.exp(), mos) == 0
    assert 0 < monotonicity_loss(-0.1 * mos, mos) < monotonicity_loss(-mos, mos)


def test_fastvqa_loss_is_the_weighted_sum() -> None:
    pred, mos = torch.tensor([1.0, 3.0, 2.0]), torch.tensor([1.0, 2.0, 3.0])
    lin, mono = linearity_loss(pred, mos), monotonicity_loss(pred, mos)
    assert mono > 0
    torch.testing.assert_close(fastvqa_loss(pred, mos), lin + 0.3 * mono)
    torch.testing.assert_close(fastvqa_loss(pred, mos, rank_weight=2), lin + 2 * mono)


def test_gradients_flow_through_rho_the_statistics_and_the_maximum() -> None:
    generator = torch.Generator().manual_seed(1)
    pred, mos = (torch.randn(6, dtype=torch.float64, generator=generator) for _ in range(2))
    pred.requires_grad_()
    assert monotonicity_loss(pred, mos) > 0
    assert torch.autograd.gradcheck(lambda p: fastvqa_loss(p, mos), pred)


@given(batches())
def test_simplevqa_loss(batch: tuple[Tensor, Tensor]) -> None:
    pred, mos = batch
    l1 = np.abs(pred.numpy() - mos.numpy()).mean()
    p, y = pred.tolist(), mos.tolist()
    for rank, expected in (
        ("as_released", simplevqa_rank_by_loops(y, p, margin=False)),
        ("swapped", simplevqa_rank_by_loops(p, y, margin=False)),
        ("as_published", simplevqa_rank_by_loops(p, y, margin=True)),
    ):
        assert simplevqa_loss(pred, mos, rank).item() == pytest.approx(l1 + expected, abs=1e-9), rank


def test_only_the_released_rank_term_has_no_gradient() -> None:
    mos = torch.tensor([3.0, 3.4, 3.9], dtype=torch.float64)
    gradients = {}
    for rank in ("as_released", "swapped", "as_published"):
        pred = torch.tensor([3.5, 3.2, 3.1], dtype=torch.float64, requires_grad=True)
        simplevqa_loss(pred, mos, rank).backward()
        gradients[rank] = pred.grad
    l1 = torch.tensor([1.0, -1.0, -1.0], dtype=torch.float64) / 3
    assert torch.equal(gradients["as_released"], l1)
    assert not torch.allclose(gradients["swapped"], l1)
    assert not torch.allclose(gradients["as_published"], l1)


def test_unknown_options_are_named() -> None:
    values = torch.zeros(2)
    with pytest.raises(ValueError, match="rank: 'paper' is not one of as_released, swapped, as_published"):
        simplevqa_loss(values, values, rank="paper")
    with pytest.raises(ValueError, match="time: 'max' is not one of mean, sum"):
        reduce_score_map(torch.zeros(1, 1, 2, 2, 2), time="max")


def test_smooth_l1_is_quadratic_below_one_mos_unit_and_linear_above() -> None:
    mos = torch.tensor([50.0, 50.0, 50.0, 50.0])
    pred = mos + torch.tensor([0.5, -1.0, 3.0, 0.0])
    assert smooth_l1_loss(pred, mos).item() == pytest.approx((0.125 + 0.5 + 2.5 + 0) / 4)


def test_score_maps_reduce_to_one_score_per_item() -> None:
    maps = torch.arange(2 * 3 * 2 * 2, dtype=torch.float64).view(2, 1, 3, 2, 2)
    means = reduce_score_map(maps)
    assert means.tolist() == [5.5, 17.5]
    assert torch.equal(reduce_score_map(maps, "sum"), 3 * means)
