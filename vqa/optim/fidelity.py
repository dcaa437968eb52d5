"""Losses of pairs of images in quality-aware pre-training (MULTIBRANCH_B 14.1.1).

All functions take one-dimensional tensors, one number for every pair, ``(P,)``. They compute in double precision: the
derivative of erf takes an exponential, and rounded to single precision it is the same on every processor.
"""

import math

import torch
from torch import Tensor

EPS = 1e-8
# What the released sampling of pairs adds to the deviation of a difference: 2^-52
SMALLEST = 2.0**-52


def preference(mos1: Tensor, mos2: Tensor, deviation1: Tensor, deviation2: Tensor) -> Tensor:
    """Target in [0, 1]: how likely raters place the first image above the second, by Thurstone's model.

    Args:
        mos1: MOS of the first images.
        mos2: MOS of the second ones, of the same data set.
        deviation1: standard deviations of the ratings of the first ones, >= 0, on the scale of the MOS.
        deviation2: of the second ones.
    """
    scale = (deviation1.double().square() + deviation2.double().square()).sqrt() + SMALLEST
    return _normal_cdf((mos1.double() - mos2.double()) / scale)


def fidelity_loss(quality1: Tensor, quality2: Tensor, spread1: Tensor, spread2: Tensor, target: Tensor) -> Tensor:
    """Mean of 1 - sqrt(p g) - sqrt((1 - p)(1 - g)), a scalar in [0, 1] of the dtype of ``quality1``.

    p is the probability by the network's outputs, g the target. The spreads are used as standard deviations, and no
    gradient goes to them, as released (discrepancy B3).

    Args:
        quality1: outputs for the first images, any number.
        quality2: for the second ones.
        spread1: outputs for the first images, positive.
        spread2: for the second ones.
        target: :func:`preference`.
    """
    v1, v2, g = (values.detach().double() for values in (spread1, spread2, target))
    p = _normal_cdf((quality1.double() - quality2.double()) / (v1.square() + v2.square() + EPS).sqrt())
    loss = 1 - (p * g + EPS).sqrt() - ((1 - p) * (1 - g) + EPS).sqrt()
    return loss.mean().to(quality1.dtype)


def spread_ranking_loss(
    spread1: Tensor, spread2: Tensor, deviation1: Tensor, deviation2: Tensor, margin: float
) -> Tensor:
    """Mean hinge, a scalar >= 0: the image with the larger deviation of ratings should have the larger spread.

    A pair of equal deviations costs the margin and has no gradient.

    Args:
        spread1: outputs for the first images.
        spread2: for the second ones.
        deviation1: standard deviations of the ratings of the first ones.
        deviation2: of the second ones.
        margin: by which the spreads should differ, 0.025 as released.
    """
    order = torch.sign(deviation1 - deviation2)
    return (margin - order * (spread1 - spread2)).clamp(min=0).mean()


def _normal_cdf(x: Tensor) -> Tensor:
    return (1 + torch.erf(x / math.sqrt(2))) / 2
