"""Agreement of predictions with MOS: SRCC, KRCC, PLCC, RMSE, raw and after a logistic mapping (METHODS 3.7, 6.5)."""

import warnings
from dataclasses import asdict, dataclass
from functools import partial

import numpy as np
from scipy import optimize, stats

METRICS = ("srcc", "plcc", "krcc", "rmse")

# Decimals of what follows from the logistic fit: where it is ill-conditioned, its last digits are not repeatable.
MAPPED_DECIMALS = 9


@dataclass(frozen=True)
class Scores:
    """Metrics of one model on one item list.

    Attributes:
        srcc: Spearman's rank correlation, in [-1, 1], on raw predictions.
        plcc: Pearson's correlation of raw predictions, in [-1, 1].
        krcc: Kendall's tau-b of raw predictions, in [-1, 1].
        rmse: root mean squared error in MOS units, predictions rescaled to mean and std of the MOS.
        plcc_mapped: Pearson's correlation after the 4-parameter logistic mapping; NaN if it cannot be fitted.
        rmse_mapped: RMSE in MOS units after the same mapping; NaN if it cannot be fitted.
        n: number of items.
    """

    srcc: float
    plcc: float
    krcc: float
    rmse: float
    plcc_mapped: float
    rmse_mapped: float
    n: int

    def as_dict(self) -> dict[str, float | int]:
        """Plain dictionary, in the order of the attributes."""
        return asdict(self)


def rescale(pred: np.ndarray, mos: np.ndarray) -> np.ndarray:
    """Affine rescaling of ``pred`` (n,) to mean and population std of ``mos`` (n,), as FAST-VQA does (METHODS 3.7)."""
    return (pred - pred.mean()) / pred.std() * mos.std() + mos.mean()


def _logistic(x: np.ndarray, top: float, bottom: float, centre: float, slope: float) -> np.ndarray:
    return bottom + (top - bottom) / (1 + np.exp(-(x - centre) / np.abs(slope)))


def logistic_map(pred: np.ndarray, mos: np.ndarray) -> np.ndarray:
    """Map predictions to MOS by the 4-parameter logistic of METHODS 6.5, fitted on these very items.

    f(x) = b2 + (b1 - b2) / (1 + exp(-(x - b3) / |b4|)), least squares from (max MOS, min MOS, mean prediction, 0.5).

    The start is the released one, from which the fit may end in a local minimum (spec of the golden vectors, 9).

    Args:
        pred: ``(n,)`` predictions on any scale.
        mos: ``(n,)`` labels.

    Returns:
        ``(n,)`` mapped predictions on the scale of the MOS.

    Raises:
        ValueError: with fewer than four items or constant predictions, for which the fit is not defined.
        RuntimeError: if the optimizer does not converge.
    """
    if len(pred) < 4:
        raise ValueError(f"the logistic mapping has 4 parameters and needs at least 4 items, got {len(pred)}")
    if np.ptp(pred) == 0:
        raise ValueError("the logistic mapping is not defined for constant predictions")
    start = [mos.max(), mos.min(), pred.mean(), 0.5]
    with np.errstate(all="ignore"), warnings.catch_warnings():
        warnings.simplefilter("ignore", optimize.OptimizeWarning)  # about the covariance, which is not used
        parameters, _ = optimize.curve_fit(_logistic, pred, mos, p0=start, maxfev=100_000_000)
        return _logistic(pred, *parameters)


def correlations(pred: np.ndarray, mos: np.ndarray) -> tuple[float, float]:
    """SRCC and raw PLCC of ``(n,)`` predictions; NaN where a side is constant. The per-epoch metrics."""
    if np.ptp(pred) == 0 or np.ptp(mos) == 0:
        return float("nan"), float("nan")
    return float(stats.spearmanr(pred, mos).statistic), float(stats.pearsonr(pred, mos).statistic)


def raw_scores(pred: np.ndarray, mos: np.ndarray) -> dict[str, float]:
    """SRCC, PLCC, KRCC and RMSE as FAST-VQA reports them: no mapping, RMSE after :func:`rescale` (METHODS 3.7)."""
    if np.ptp(pred) == 0 or np.ptp(mos) == 0:
        return dict.fromkeys(METRICS, float("nan"))
    scaled = rescale(pred, mos)
    return {
        "srcc": float(stats.spearmanr(scaled, mos).statistic),
        "plcc": float(stats.pearsonr(scaled, mos).statistic),
        "krcc": float(stats.kendalltau(scaled, mos).statistic),
        "rmse": float(np.sqrt(np.mean((scaled - mos) ** 2))),
    }


def mapped_scores(pred: np.ndarray, mos: np.ndarray) -> dict[str, float]:
    """PLCC and RMSE after :func:`logistic_map`; NaN if the mapping is not defined on these items."""
    try:
        mapped = logistic_map(pred, mos)
    except (ValueError, RuntimeError):
        return {"plcc_mapped": float("nan"), "rmse_mapped": float("nan")}
    plcc = float("nan") if np.ptp(mapped) == 0 else float(stats.pearsonr(mapped, mos).statistic)
    values = {"plcc_mapped": plcc, "rmse_mapped": float(np.sqrt(np.mean((mapped - mos) ** 2)))}
    return {name: round(value, MAPPED_DECIMALS) for name, value in values.items()}


def score(pred: np.ndarray, mos: np.ndarray) -> Scores:
    """All metrics of ``(n,)`` predictions against ``(n,)`` MOS.

    Raises:
        ValueError: if the lengths differ or a value is not finite.
    """
    pred, mos = np.asarray(pred, dtype=np.float64), np.asarray(mos, dtype=np.float64)
    if pred.shape != mos.shape or pred.ndim != 1:
        raise ValueError(f"predictions {pred.shape} and MOS {mos.shape} must be 1-D and of equal length")
    if not (np.isfinite(pred).all() and np.isfinite(mos).all()):
        raise ValueError("predictions and MOS must be finite")
    return Scores(**raw_scores(pred, mos), **mapped_scores(pred, mos), n=len(pred))


def best_epochs(by_epoch: dict[int, dict[str, float]]) -> dict[str, int]:
    """Epoch of the best value of each metric, each on its own: the maximum, of RMSE the minimum (discrepancy P1).

    The first of equal epochs wins, as in the released code. Epochs with NaN (constant predictions) never do, unless
    there is no other.
    """

    def loss(metric: str, epoch: int) -> float:
        value = by_epoch[epoch][metric]
        return np.inf if np.isnan(value) else value if metric == "rmse" else -value

    return {metric: min(by_epoch, key=partial(loss, metric)) for metric in METRICS}
