"""How the scores of several branches become one: DOVER's (MULTIBRANCH_A 13.1.6) and Zoom-VQA's (13.2.5)."""

import numpy as np

# Of the released script for single videos: weight of the technical branch, then mean and deviation of each branch. They
# stand with the wrong branch (discrepancy DO3).
RELEASED_WEIGHT = 0.6104
RELEASED_CONSTANTS = {"technical": (0.1107, 0.07355), "aesthetic": (-0.08285, 0.03774)}


def standard(scores: np.ndarray) -> np.ndarray:
    """Zero mean and unit population deviation over ``(n,)`` items; zeros where they do not vary."""
    deviation = scores.std()
    return (scores - scores.mean()) / deviation if deviation > 0 else np.zeros_like(scores)


def weighted(aesthetic: np.ndarray, technical: np.ndarray, weight: float) -> np.ndarray:
    """Z-scores over the items, ``weight`` of the technical branch and the rest of the aesthetic one: ``(n,)``.

    A video's score depends on the others that it is tested with (discrepancy DO2).
    """
    return weight * standard(technical) + (1 - weight) * standard(aesthetic)


def single(aesthetic: np.ndarray, technical: np.ndarray, exchanged: bool = False) -> np.ndarray:
    """The released score in (0, 1) of videos one by one, from constants of another network.

    Args:
        aesthetic: ``(n,)``.
        technical: ``(n,)``.
        exchanged: give each branch the constants that belong to it.
    """
    names = ("technical", "aesthetic")
    (t_mean, t_std), (a_mean, a_std) = (RELEASED_CONSTANTS[name] for name in (names[::-1] if exchanged else names))
    t, a = (technical - t_mean) / t_std, (aesthetic - a_mean) / a_std
    return 1 / (1 + np.exp(-(RELEASED_WEIGHT * t + (1 - RELEASED_WEIGHT) * a)))


def logistic_mean(first: np.ndarray, second: np.ndarray) -> np.ndarray:
    """Zoom-VQA's fusion: the mean of both branches' z-scores over the items, each through a logistic to (0, 100).

    MULTIBRANCH_A 13.2.5; a video's score depends on the others that it is tested with.
    """
    one, two = (50 / (1 + np.exp(-standard(scores))) for scores in (first, second))
    return one + two
