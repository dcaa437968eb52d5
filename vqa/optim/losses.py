"""Training losses of the three methods, as the released code computes them (METHODS 1).

All functions take predictions and MOS as 1-D tensors of one mini-batch, ``(B,)``, and return a scalar tensor.
MOS is used on its data set's own scale.
"""

import torch
import torch.nn.functional as F
from torch import Tensor

from vqa.settings.strict import one_of

EPS = 1e-8


def _standardise(values: Tensor) -> Tensor:
    """Zero mean and unit population standard deviation over the batch; the derivative of the std at 0 is 0."""
    return (values - values.mean()) / (values.std(unbiased=False) + EPS)


def linearity_loss(pred: Tensor, mos: Tensor) -> Tensor:
    """L_lin of FAST-VQA and SAMA, in [0, 1/2]: equal to (1 - rho)(3 + rho) / 8 up to eps (METHODS 1.1).

    The gradient flows through rho and through the batch statistics. A batch of one gives 0.
    """
    p, y = _standardise(pred), _standardise(mos)
    rho = (p * y).mean()
    return ((p - y).square().mean() / 4 + (rho * p - y).square().mean() / 4) / 2


def monotonicity_loss(pred: Tensor, mos: Tensor) -> Tensor:
    """L_mono of FAST-VQA and SAMA, >= 0: pairwise hinge, normalised by B (B - 1) (1 + max) (METHODS 1.1).

    Shift invariant, not scale invariant. Every unordered pair counts twice; ties in MOS count nothing. The gradient
    flows through the maximum too, shared evenly between pairs that attain it. NaN for a batch of one.
    """
    wrong_order = F.relu((pred[:, None] - pred[None, :]) * torch.sign(mos[None, :] - mos[:, None]))
    n = len(pred)
    return wrong_order.sum() / (n * (n - 1)) / (1 + wrong_order.max())


def fastvqa_loss(pred: Tensor, mos: Tensor, rank_weight: float = 0.3) -> Tensor:
    """L = L_lin + 0.3 L_mono, the loss of FAST-VQA and SAMA-VQA (paper eq. 2, METHODS 1.1)."""
    return linearity_loss(pred, mos) + rank_weight * monotonicity_loss(pred, mos)


def _pair_rank(a: Tensor, b: Tensor, margin: bool) -> Tensor:
    """SimpleVQA's rank term: pairs whose ``b`` differ by less than 1 and that ``a`` orders the other way."""
    diff_a, diff_b = a[None, :] - a[:, None], b[None, :] - b[:, None]
    close = (diff_b.abs() > 0) & (diff_b.abs() < 1)
    hinge = F.relu((diff_b.abs() if margin else 0) - torch.sign(diff_b) * diff_a)
    # The released code adds 1e-8 to the count in float32, which only matters (as 0/0 -> 0) when no pair qualifies.
    return (hinge * close).sum() / close.sum().clamp(min=1)


def simplevqa_loss(pred: Tensor, mos: Tensor, rank: str = "as_released") -> Tensor:
    """L1 + rank loss of SimpleVQA (paper eq. 13-14, METHODS 1.2, discrepancy L1).

    Args:
        pred: ``(B,)`` network outputs.
        mos: ``(B,)`` labels.
        rank: ``as_released`` swaps the arguments as every released caller does, so that the rank term shifts the
            value but has no gradient; ``swapped`` is the term with its arguments the right way round;
            ``as_published`` adds the margin |y_i - y_j| of the paper's equation.

    Raises:
        ValueError: for any other ``rank``.
    """
    l1 = (pred - mos).abs().mean()
    one_of("rank", rank, ("as_released", "swapped", "as_published"))
    if rank == "as_released":
        return l1 + _pair_rank(mos, pred, margin=False).detach()
    return l1 + _pair_rank(pred, mos, margin=rank == "as_published")


def smooth_l1_loss(pred: Tensor, mos: Tensor) -> Tensor:
    """Smooth L1 with beta 1 in MOS units, mean over the batch: the loss of SAMA-IQA (METHODS 1.3)."""
    return F.smooth_l1_loss(pred, mos, beta=1.0)


def reduce_score_map(score_map: Tensor, time: str = "mean") -> Tensor:
    """Reduce head maps ``(B, 1, T, H, W)`` to scores ``(B,)``: mean over space, mean or sum over time.

    ``time="sum"`` is the clean pass of the released SAMA training (METHODS 1.1, discrepancy S3); all else is "mean".

    Raises:
        ValueError: if ``time`` is neither "mean" nor "sum".
    """
    one_of("time", time, ("mean", "sum"))
    per_time = score_map.mean(dim=(-2, -1)).squeeze(1)
    return per_time.mean(dim=1) if time == "mean" else per_time.sum(dim=1)
