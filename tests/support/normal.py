"""Predictions of two models and MOS, drawn with known correlations: what tests of models are tried on."""

import numpy as np


def two_models(
    generator: np.random.Generator, n: int, r_a: float, r_b: float, r_ab: float, samples: int = 1
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """``(samples, n)`` normal values of ``a``, ``b`` and MOS with Pearson correlations ``r_a``, ``r_b``, ``r_ab``."""
    factor = np.linalg.cholesky([[1, r_ab, r_a], [r_ab, 1, r_b], [r_a, r_b, 1]])
    return tuple(np.moveaxis(generator.normal(size=(samples, n, 3)) @ factor.T, -1, 0))


def spearman_of(pearson: float) -> float:
    """Rank correlation of normal values with a given Pearson correlation."""
    return 6 / np.pi * np.arcsin(pearson / 2)
