"""What every rule of fusing two branches is worth on a test set (discrepancies DO1, DO3, DO10)."""

from typing import Any

import numpy as np

from vqa.rng import numpy_generator
from vqa.stats.correlation import percentile_interval, resampled_correlation
from vqa.stats.fusion import weighted
from vqa.stats.metrics import correlations

# A table of what rules are worth: the gain is in SRCC, over another rule on the same items
GAINS = ("dataset", "rule", "weight", "srcc", "plcc", "gain", "ci_low", "ci_high", "n", "fold")
ONE_WEIGHT = "one weight"

# By rule, the weight of the technical branch, NaN where there is none, and the fused scores ``(n,)``
Fused = dict[str, tuple[float, np.ndarray]]


def best_weight(aesthetic: np.ndarray, technical: np.ndarray, mos: np.ndarray, steps: int = 200) -> float:
    """The weight in [0, 1] of the highest SRCC + PLCC on these very items; of equals the smallest (discrepancy DO1)."""
    weights = np.linspace(0, 1, steps + 1)
    return float(max(weights, key=lambda weight: sum(correlations(weighted(aesthetic, technical, weight), mos))))


def rules(aesthetic: np.ndarray, technical: np.ndarray, mos: np.ndarray, weight: float) -> Fused:
    """The fused scores of one test set by every rule.

    Args:
        aesthetic: ``(n,)``.
        technical: ``(n,)``.
        mos: ``(n,)``, for the weight that is tuned on them.
        weight: the one for all sets.
    """
    (t_mean, t_std), (a_mean, a_std) = ((scores.mean(), scores.std()) for scores in (technical, aesthetic))
    swapped_t, swapped_a = (technical - a_mean) / (a_std or 1.0), (aesthetic - t_mean) / (t_std or 1.0)
    tuned, none = best_weight(aesthetic, technical, mos), float("nan")
    return {
        "technical alone": (1.0, technical),
        "aesthetic alone": (0.0, aesthetic),
        "sum of both": (none, aesthetic + technical),
        "equal weights": (0.5, weighted(aesthetic, technical, 0.5)),
        ONE_WEIGHT: (weight, weighted(aesthetic, technical, weight)),
        "tuned on the test set": (tuned, weighted(aesthetic, technical, tuned)),
        "constants exchanged": (weight, weight * swapped_t + (1 - weight) * swapped_a),
    }


def gains(fused: Fused, reference: str, mos: np.ndarray, title: str, draw: tuple[int, int]) -> list[dict[str, Any]]:
    """Rows with :data:`GAINS`: what every rule is worth on ``n`` items, and beyond the rule ``reference``.

    Args:
        fused: by rule.
        reference: one of the rules.
        mos: ``(n,)``.
        title: of the test set; names the stream of the resamples, which are the same for all rules.
        draw: resamples of the intervals, and the seed of their stream.
    """

    def resampled(scores: np.ndarray) -> np.ndarray:
        return resampled_correlation(
            scores, mos, "srcc", draw[0], numpy_generator("bootstrap", draw[1], "fusion", title)
        )

    values = {rule: correlations(scores, mos) for rule, (_, scores) in fused.items()}
    base, (known, _) = resampled(fused[reference][1]), values[reference]
    rows = []
    for rule, (weight, scores) in fused.items():
        low, high = percentile_interval(resampled(scores) - base)
        numbers = {"weight": weight, "srcc": values[rule][0], "plcc": values[rule][1], "gain": values[rule][0] - known}
        rows.append(
            {"dataset": title, "rule": rule, **numbers, "ci_low": low, "ci_high": high, "n": len(mos), "fold": 0}
        )
    return rows
