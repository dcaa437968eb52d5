"""From degradations to opinions: a full-reference measure, the true quality, and simulated raters.

**True quality.** Every degradation contributes an impairment in [0, 1]. Blur, noise, scaling and compression are what
viewers object to most (and what pixels show), tone, shake and frozen frames weigh less. Impairments add up as a
Minkowski sum of exponent 2, so that the worst one dominates:

    D = sqrt( sum_k (w_k m_k s_k)^2 + (0.6 (1 - FR) / 0.35)^2 ),        quality = exp(-(D / 0.62)^1.5)

``s_k`` is the strength of degradation k (squared for compression: coding at high rates is invisible), ``w_k`` its
weight in :data:`WEIGHTS`, ``FR`` the full-reference measure between what the camera should have seen and the decoded
file, which carries the real effect of the encoder. ``m_k`` is masking by content: noise hides in texture, loss of
detail hides in flat regions. The constants spread the qualities of the six data sets over all of [0, 1].

**Opinions.** A rater's opinion is the quality plus the rater's own bias plus noise, cut to [0, 1]; MOS is the mean
over raters, on the data set's scale.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np

from vqa import rng
from vqa.data.synthetic.spec import Raters

WEIGHTS: Mapping[str, float] = {
    "defocus": 0.9, "motion_blur": 0.8, "downscale": 0.85, "noise": 0.8, "compression": 0.5,
    "exposure": 0.35, "contrast": 0.3, "shake": 0.25, "drops": 0.25,
}  # fmt: skip
FULL_REFERENCE_WEIGHT = 0.6
FULL_REFERENCE_RANGE = 0.35
IMPAIRMENT_SCALE = 0.62
IMPAIRMENT_SHAPE = 1.5
POOL = 60
_DETAIL_LOSS = ("defocus", "motion_blur", "downscale", "compression")


def true_quality(strengths: Mapping[str, float], full_reference: float, texture_: float) -> float:
    """Return the quality in [0, 1], higher is better; the formula is in the module's docstring.

    Args:
        strengths: strength in [0, 1] by degradation.
        full_reference: mean :func:`gradient_similarity` of a few frames.
        texture_: mean :func:`texture` of the pristine frames.
    """
    total = (FULL_REFERENCE_WEIGHT * (1 - full_reference) / FULL_REFERENCE_RANGE) ** 2
    for name, strength in strengths.items():
        mask = 1.0
        if name == "noise":
            mask = 1.15 - 0.4 * texture_
        elif name in _DETAIL_LOSS:
            mask = 0.75 + 0.35 * texture_
        visible = strength**2 if name == "compression" else strength
        total += (WEIGHTS[name] * mask * visible) ** 2
    return float(np.exp(-((np.sqrt(total) / IMPAIRMENT_SCALE) ** IMPAIRMENT_SHAPE)))


def rate(
    quality: float, raters: Raters, scale: Sequence[float], seed: int, dataset: str, item: str
) -> tuple[float, float]:
    """Return the mean opinion score and the deviation of single opinions, both on the data set's scale.

    Raters come from a pool of :data:`POOL` people per data set, each with a fixed bias.

    Args:
        quality: true quality in [0, 1].
        raters: how many opinions, and how they scatter.
        scale: lowest and highest opinion.
        seed: seed of the streams.
        dataset: data set's name, which picks the pool.
        item: item's name, which picks the raters and their noise.
    """
    pool = rng.numpy_generator("synthetic-raters", seed, dataset).normal(0, raters.bias_sd, POOL)
    generator = rng.numpy_generator("synthetic-opinions", seed, dataset, item)
    people = generator.choice(POOL, raters.number, replace=raters.number > POOL)
    opinions = np.clip(quality + pool[people] + generator.normal(0, raters.noise_sd, raters.number), 0, 1)
    low, high = scale
    return float(low + (high - low) * opinions.mean()), float((high - low) * opinions.std())
