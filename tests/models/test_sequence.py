"""The recurrent layer against PyTorch's, and temporal pooling against its definition."""

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import nn

from vqa.models.sequence import GRU, temporal_pooling


def by_definition(q: np.ndarray, tau: int, beta: float) -> np.ndarray:
    """Pooled qualities of one video, frame by frame."""
    pooled = []
    for t in range(len(q)):
        after = q[t : t + tau]
        weights = np.exp(-after)
        pooled.append(
            beta * (after * weights).sum() / weights.sum() + (1 - beta) * q[max(0, t - tau + 1) : t + 1].min()
        )
    return np.array(pooled)


@given(
    lengths=st.lists(st.integers(1, 17), min_size=1, max_size=4),
    tau=st.integers(1, 13),
    beta=st.floats(0, 1),
    seed=st.integers(0, 99),
)
@settings(max_examples=40, deadline=None)
def test_pooling_of_padded_videos(lengths: list[int], tau: int, beta: float, seed: int) -> None:
    frames = np.random.default_rng(seed).normal(size=(len(lengths), max(lengths) + 2), scale=3)
    pooled, scores = temporal_pooling(torch.from_numpy(frames), torch.tensor(lengths), tau, beta)
    for row, length, own, score in zip(frames, lengths, pooled.numpy(), scores.numpy(), strict=True):
        expected = by_definition(row[:length], tau, beta)
        np.testing.assert_allclose(own[:length], expected, atol=1e-10)
        assert (own[length:] == 0).all()
        assert score == pytest.approx(expected.mean(), abs=1e-10)


def test_what_lies_behind_a_video_has_no_gradient() -> None:
    frames = torch.randn(2, 9, generator=torch.Generator().manual_seed(1), dtype=torch.float64, requires_grad=True)
    temporal_pooling(frames, torch.tensor([4, 9]), 3)[1].sum().backward()
    assert frames.grad is not None
    assert (frames.grad[0, 4:] == 0).all()
    assert (frames.grad[0, :4] != 0).any()
    assert torch.isfinite(frames.grad).all()


def test_qualities_far_below_zero_have_a_score() -> None:
    frames = torch.full((1, 5), -200.0)
    assert temporal_pooling(frames, torch.tensor([5]))[1].item() == pytest.approx(-200)


def test_the_layer_is_pytorchs() -> None:
    torch.manual_seed(1)
    library = nn.GRU(5, 4, batch_first=True).double()
    ours = GRU(5, 4).double()
    ours.load_state_dict(library.state_dict())
    rows = torch.randn(3, 7, 5, dtype=torch.float64)
    torch.testing.assert_close(ours(rows), library(rows)[0])
    (mine,) = torch.autograd.grad(ours(rows).square().sum(), ours.weight_hh_l0)
    (theirs,) = torch.autograd.grad(library(rows)[0].square().sum(), library.weight_hh_l0)
    torch.testing.assert_close(mine, theirs)
