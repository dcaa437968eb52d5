"""Soft ranks against the projection that they are, and their derivatives."""

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.optimize import minimize
from scipy.stats import rankdata

from vqa.optim.correlation_losses import correlation_loss, rank_correlation_loss
from vqa.optim.soft_rank import soft_rank


@given(st.lists(st.floats(-50, 50), min_size=2, max_size=9, unique=True))
@settings(max_examples=60, deadline=None)
def test_scores_far_from_each_other_have_their_ranks(values: list[float]) -> None:
    scores = np.array(values)
    far = 2.0 * rankdata(scores)
    np.testing.assert_allclose(soft_rank(torch.from_numpy(far)).numpy(), rankdata(scores))


def test_scores_within_one_of_each_other_are_not_ranked() -> None:
    scores = torch.rand(8, generator=torch.Generator().manual_seed(1), dtype=torch.float64)
    ranks = soft_rank(scores)
    torch.testing.assert_close(ranks, scores - scores.mean() + 4.5)
    assert soft_rank(scores, 1e-6).numpy() == pytest.approx(rankdata(scores.numpy()))


@pytest.mark.parametrize("seed", range(4))
def test_they_are_the_nearest_point_of_the_permutahedron(seed: int) -> None:
    """Found by a general solver: sums of the k largest are at most those of n, n - 1, ..."""
    scores = np.random.default_rng(seed).normal(size=4, scale=1.5)
    total, n = 10.0, len(scores)
    masks = np.array([[bool(s >> i & 1) for i in range(n)] for s in range(1, 2**n - 1)], float)
    most = np.array([sum(range(n, n - int(m.sum()), -1)) for m in masks])
    limits = [
        {"type": "eq", "fun": lambda r: r.sum() - total},
        {"type": "ineq", "fun": lambda r: most - masks @ r},
    ]
    found = minimize(lambda r: ((r - scores) ** 2).sum(), np.full(n, total / n), constraints=limits, tol=1e-12)
    np.testing.assert_allclose(soft_rank(torch.from_numpy(scores)).numpy(), found.x, atol=1e-4)


def test_derivatives() -> None:
    scores = torch.tensor([0.1, 3.0, 2.4, -1.0, 2.9], dtype=torch.float64, requires_grad=True)
    assert torch.autograd.gradcheck(soft_rank, (scores,))


def test_losses_are_zero_for_what_they_ask_and_largest_for_its_contrary() -> None:
    mos = torch.tensor([10.0, 25.0, 47.0, 80.0], dtype=torch.float64)
    assert correlation_loss(3 * mos + 1, mos).item() == pytest.approx(0, abs=1e-12)
    assert correlation_loss(-mos, mos).item() == pytest.approx(1)
    assert rank_correlation_loss(mos**2, mos).item() == pytest.approx(0, abs=1e-12)
    assert rank_correlation_loss(-mos, mos).item() == pytest.approx(2)
    assert torch.isnan(correlation_loss(torch.ones(4), mos.float()))
