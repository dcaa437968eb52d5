"""Soft ranks: the projection of scores onto the permutahedron, with its derivative (MULTIBRANCH_B 14.1.5)."""

from typing import Any

import numpy as np
import torch
from torch import Tensor


class _SoftRank(torch.autograd.Function):
    @staticmethod
    def forward(ctx: Any, scores: Tensor) -> Tensor:
        from scipy.optimize import isotonic_regression  # here: most methods do without

        values = scores.detach().double().cpu().numpy()
        order = np.argsort(-values, kind="stable")
        falling = values[order]
        pooled = isotonic_regression(falling - np.arange(len(values), 0, -1), increasing=False)
        ranks = np.empty_like(falling)
        ranks[order] = falling - pooled.x
        ctx.order, ctx.blocks = order, pooled.blocks
        return torch.from_numpy(ranks).to(scores)

    @staticmethod
    @torch.autograd.function.once_differentiable
    def backward(ctx: Any, gradient: Tensor) -> Tensor:
        """Inside each block of pooled scores, the block's mean is taken off."""
        given = gradient.double().cpu().numpy()[ctx.order]
        starts, sizes = ctx.blocks[:-1], np.diff(ctx.blocks)
        centred = given - np.repeat(np.add.reduceat(given, starts) / sizes, sizes)
        out = np.empty_like(centred)
        out[ctx.order] = centred
        return torch.from_numpy(out).to(gradient)


def soft_rank(scores: Tensor, strength: float = 1.0) -> Tensor:
    """Ranks of ``(n,)`` scores from 1 to n, the largest score highest; scores closer than ``strength`` share theirs.

    Scores that all lie within ``strength`` of their neighbours get ranks that are the scores themselves, shifted: with
    the released strength of 1 and scores in (0, 1) this is no ranking at all (discrepancy B1).
    """
    return _SoftRank.apply(scores / strength)
