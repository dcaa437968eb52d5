"""Small data for the tests of the regression protocol."""

from dataclasses import replace

import numpy as np

from vqa.regression.protocol import Config

CONFIG = Config("toy", "toyset", "data/published/toy", splits=3, log2_c=(0, 6), log2_gamma=(-4, 1))
SMALL = replace(CONFIG, log2_c=(0, 2), log2_gamma=(-2, 0))


def toy(n: int = 90, seed: int = 1) -> tuple[np.ndarray, np.ndarray]:
    """Features ``(n, 5)`` of different sizes and MOS of about 1 to 5 that follow two of them, with noise."""
    rng = np.random.default_rng(seed)
    features = rng.normal(size=(n, 5)) * [1, 10, 0.1, 3, 1] + [0, 5, 0, -2, 100]
    mos = 3 + 1.5 * np.tanh(2 * features[:, 0] - 0.2 * (features[:, 1] - 5)) + 0.3 * rng.normal(size=n)
    return features, mos
