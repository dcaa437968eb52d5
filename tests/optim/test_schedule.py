"""Learning-rate multipliers and the moving average of weights."""

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from torch import nn

from vqa.optim.schedule import ExponentialMovingAverage, step_decay, warmup_constant, warmup_cosine


@given(st.integers(1, 50), st.integers(1, 500))
def test_warmup_cosine_rises_to_one_and_falls_but_never_to_zero(warmup: int, after: int) -> None:
    total = warmup + after
    values = [warmup_cosine(k, warmup, total) for k in range(total)]
    assert values[0] == 0
    assert max(values) == values[min(warmup, total - 1)] == 1
    assert values[: warmup + 1] == sorted(values[: warmup + 1])
    assert values[warmup:] == sorted(values[warmup:], reverse=True)
    # The cosine runs over the total, so half way through the total after warm-up it is at one half.
    assert warmup_cosine(warmup + total, warmup, total) == pytest.approx(0)
    assert all(value > 0 for value in values[1:])


def test_warmup_cosine_in_the_paper_ends_at_the_logged_rate() -> None:
    per_epoch = 1754
    warmup, total = int(2.5 * per_epoch), 30 * per_epoch
    assert warmup_cosine(total - 1, warmup, total) == pytest.approx(0.0170, abs=1e-4)
    assert warmup_cosine(warmup + total // 2, warmup, total) == pytest.approx(0.5, abs=1e-4)


def test_warmup_cosine_without_warmup_starts_at_one() -> None:
    assert warmup_cosine(0, 0, 10) == 1


def test_warmup_constant() -> None:
    assert [warmup_constant(k, 4) for k in (0, 1, 2, 4, 5, 1000)] == [0.01, 0.25, 0.5, 1, 1, 1]


def test_step_decay() -> None:
    assert [step_decay(epoch, 2, 0.5) for epoch in range(6)] == [1, 1, 0.5, 0.5, 0.25, 0.25]


def test_the_average_follows_its_formula_and_owns_its_weights() -> None:
    model = nn.BatchNorm1d(2)
    average = ExponentialMovingAverage(model, decay=0.9)
    expected = model.weight.detach().clone()
    for value in (2.0, -1.0, 5.0):
        model.weight.data.fill_(value)
        model.running_mean.fill_(value)
        average.update(model)
        expected = 0.9 * expected + 0.1 * value
    torch.testing.assert_close(average.module.weight.data, expected)
    assert torch.equal(average.module.running_mean, model.running_mean)
    assert model.weight.data.tolist() == [5.0, 5.0]
    assert not average.module.training
    assert not any(parameter.requires_grad for parameter in average.module.parameters())


def test_the_average_refuses_another_model() -> None:
    average = ExponentialMovingAverage(nn.Linear(2, 2))
    with pytest.raises(ValueError, match="zip"):
        average.update(nn.Linear(2, 2, bias=False))
