"""BVQA-2022's losses of a mini-batch: correlation of mapped qualities, and of soft ranks (MULTIBRANCH_B 14.1.5)."""

import torch.nn.functional as F
from torch import Tensor

from vqa.optim.soft_rank import soft_rank


def correlation_loss(pred: Tensor, mos: Tensor) -> Tensor:
    """(1 - PLCC) / 2, in [0, 1], of ``(B,)`` predictions and labels; NaN where one of them does not vary."""
    return (1 - _correlation(pred, mos)) / 2


def rank_correlation_loss(pred: Tensor, mos: Tensor) -> Tensor:
    """1 - PLCC of the soft ranks, in [0, 2], of ``(B,)`` predictions and labels."""
    return 1 - _correlation(soft_rank(pred), soft_rank(mos))


def _correlation(a: Tensor, b: Tensor) -> Tensor:
    a, b = a - a.mean(), b - b.mean()
    return (F.normalize(a, dim=0, eps=0.0) * F.normalize(b, dim=0, eps=0.0)).sum()
