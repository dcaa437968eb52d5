"""How the scores of several branches become one: DOVER's (MULTIBRANCH_A 13.1.6) and Zoom-VQA's (13.2.5)."""

import numpy as np

from vqa.stats.metrics import correlations

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


def best_weight(aesthetic: np.ndarray, technical: np.ndarray, mos: np.ndarray, steps: int = 200) -> float:
    """The weight in [0, 1] of the highest SRCC + PLCC on these very items; of equals the smallest (discrepancy DO1)."""
    weights = np.linspace(0, 1, steps + 1)
    return float(max(weights, key=lambda weight: sum(correlations(weighted(aesthetic, technical, weight), mos))))


def rules(aesthetic: np.ndarray, technical: np.ndarray, mos: np.ndarray, weight: float) -> dict[str, np.ndarray]:
    """The fused scores ``(n,)`` of one test set by every rule.

    Args:
        aesthetic: ``(n,)``.
        technical: ``(n,)``.
        mos: ``(n,)``, for the weight that is tuned on them.
        weight: the one for all sets.
    """
    t, a = standard(technical), standard(aesthetic)
    (t_mean, t_std), (a_mean, a_std) = ((scores.mean(), scores.std()) for scores in (technical, aesthetic))
    swapped_t, swapped_a = (technical - a_mean) / (a_std or 1.0), (aesthetic - t_mean) / (t_std or 1.0)
    return {
        "technical alone": technical,
        "aesthetic alone": aesthetic,
        "sum of both": aesthetic + technical,
        "equal weights": (t + a) / 2,
        "one weight": weighted(aesthetic, technical, weight),
        "weight tuned on the test set": weighted(aesthetic, technical, best_weight(aesthetic, technical, mos)),
        "one weight, constants exchanged": weight * swapped_t + (1 - weight) * swapped_a,
    }


def logistic_mean(first: np.ndarray, second: np.ndarray) -> np.ndarray:
    """Zoom-VQA's fusion: the mean of both branches' z-scores over the items, each through a logistic to (0, 100).

    MULTIBRANCH_A 13.2.5; a video's score depends on the others that it is tested with.
    """
    one, two = (50 / (1 + np.exp(-standard(scores))) for scores in (first, second))
    return one + two
