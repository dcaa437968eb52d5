"""One split of the UGC-VQA benchmark: cut, scale, choose C and gamma, fit again, score (VIDEVAL_TLVQM 8.3)."""

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np

from vqa.regression.svr import grid_predictions
from vqa.settings.strict import one_of
from vqa.stats.metrics import correlations, logistic_map, mapped_scores, raw_scores

# Random states of split i, from 1, are ceil(8.8 i) and, of the cut inside its training part, ceil(6.6 i); both in
# floating point, where 8.8 * 100 is above 880.
OUTER, INNER = 8.8, 6.6

SPLITS = (
    *("split", "srcc", "plcc", "krcc", "rmse", "plcc_raw", "train_srcc", "train_plcc"),
    *("C", "gamma", "n_train", "n_test"),
)


@dataclass(frozen=True)
class Config:
    """Block ``regressions.KEY`` of params; what is not said is as published.

    Attributes:
        features: name of the features.
        dataset: name of the data set.
        reads: what is read, a dependency of the stage: ``data/published/ENTRY``; ``features/EXTRACTOR/DATASET``, what
            an extractor of the suite made; or ``zero_shot/EXTRACTOR.json``, which stands for several data sets.
        tests: ``dataset/split`` of the parts that one fit on the split ``train`` is tested on, in place of random cuts.
        grid_share: share of the training items on which C and gamma are chosen, in such a fit.
        drop: ``greyscale`` leaves out the greyscale videos of YouTube-UGC, ``none`` nothing.
        splits: random cuts; each is the same however many there are.
        test_share: share of the items that test, rounded up.
        validation_share: share of the other items on which C and gamma are chosen.
        log2_c: first and last exponent of C, both included.
        log2_gamma: the same of gamma.
        epsilon: half width of the tube, in MOS units.
    """

    features: str
    dataset: str
    reads: str
    tests: tuple[str, ...] = ()
    grid_share: float = 1.0
    drop: str = "none"
    splits: int = 100
    test_share: float = 0.2
    validation_share: float = 0.2
    log2_c: tuple[int, int] = (1, 10)
    log2_gamma: tuple[int, int] = (-8, 1)
    epsilon: float = 0.1

    def __post_init__(self) -> None:
        one_of("drop", self.drop, ("none", "greyscale"))
        if self.splits < 1:
            raise ValueError(f"splits: {self.splits} must be positive")
        for name in ("test_share", "validation_share"):
            if not 0 < getattr(self, name) < 1:
                raise ValueError(f"{name}: {getattr(self, name)} is not between 0 and 1")
        if not 0 < self.grid_share <= 1:
            raise ValueError(f"grid_share: {self.grid_share} is not in (0, 1]")
        for name in ("log2_c", "log2_gamma"):
            first, last = getattr(self, name)
            if first > last:
                raise ValueError(f"{name}: the first exponent, {first}, is above the last, {last}")
        if self.epsilon < 0:
            raise ValueError(f"epsilon: {self.epsilon} must not be negative")

    @property
    def extracted(self) -> bool:
        """Whether an extractor of the suite made the features of its random cuts; else they are published."""
        return self.reads.startswith("features/")


def random_cut(rows: np.ndarray, share: float, factor: float, split: int) -> tuple[np.ndarray, np.ndarray]:
    """Cut ``rows`` (n,) by scikit-learn with random state ceil(factor * split): the rest, and ``share`` of them."""
    from sklearn.model_selection import train_test_split  # here: it takes a second to import

    rest, part = train_test_split(rows, test_size=share, random_state=math.ceil(factor * split))
    return rest, part


def mapped_rmse(pred: np.ndarray, mos: np.ndarray) -> float:
    """RMSE in MOS units after the 4-parameter logistic, fitted on these very items; infinite if it cannot be fitted."""
    try:
        error = float(np.sqrt(np.mean((logistic_map(pred, mos) - mos) ** 2)))
    except (ValueError, RuntimeError):
        return math.inf
    return error if math.isfinite(error) else math.inf


def monotone_rmse(pred: np.ndarray, mos: np.ndarray) -> float:
    """RMSE in MOS units of the best monotone function of the predictions, rising or falling; no logistic has less."""
    from scipy.optimize import isotonic_regression  # here, as scikit-learn below

    ordered = mos[np.argsort(pred, kind="stable")]
    fits = (isotonic_regression(ordered, increasing=rising).x for rising in (True, False))
    return math.sqrt(min(float(np.mean((fit - ordered) ** 2)) for fit in fits))


def choose(features: np.ndarray, mos: np.ndarray, split: int, config: Config) -> tuple[float, float]:
    """C and gamma of the smallest :func:`mapped_rmse` on the inner validation part; of equals the smallest C and gamma.

    Args:
        features: ``(n, p)`` of the training part of a split, not scaled.
        mos: ``(n,)``.
        split: its number, which makes the inner cut.
        config: grid and shares.

    Raises:
        ValueError: if no point of the grid can be fitted.
    """
    from sklearn.preprocessing import MinMaxScaler  # here: it takes a second to import

    train, validation = random_cut(np.arange(len(mos)), config.validation_share, INNER, split)
    scaler = MinMaxScaler().fit(features[train])
    held_out = mos[validation]
    points = grid_predictions(
        scaler.transform(features[train]),
        mos[train],
        scaler.transform(features[validation]),
        range(config.log2_c[0], config.log2_c[1] + 1),
        range(config.log2_gamma[0], config.log2_gamma[1] + 1),
        config.epsilon,
    )
    # Fits of the logistic can be slow. From the most promising point on, until the bounds say that none can win.
    bounded = sorted(
        ((monotone_rmse(pred, held_out), c, gamma, pred) for c, gamma, pred in points), key=lambda p: p[:3]
    )
    best = (math.inf, 0, 0)
    for bound, c, gamma, pred in bounded:
        if bound > best[0] * (1 + 1e-9):
            break
        best = min(best, (mapped_rmse(pred, held_out), c, gamma))
    if best[0] == math.inf:
        raise ValueError(f"split {split}: no C and gamma give predictions that the logistic can be fitted to")
    return 2.0 ** best[1], 2.0 ** best[2]


def fitted_model(
    features: np.ndarray, mos: np.ndarray, c: float, gamma: float, epsilon: float
) -> Callable[[np.ndarray], np.ndarray]:
    """Scale and fit: gives predictions ``(m,)`` of unscaled features ``(m, p)``.

    Args:
        features: ``(n, p)`` of the training items, not scaled.
        mos: ``(n,)``.
        c: of the support vector regression.
        gamma: of its kernel.
        epsilon: half width of its tube, in MOS units.
    """
    from sklearn.preprocessing import MinMaxScaler  # here: they take a second to import
    from sklearn.svm import SVR

    scaler = MinMaxScaler().fit(features)
    model = SVR(kernel="rbf", C=c, gamma=gamma, epsilon=epsilon).fit(scaler.transform(features), mos)
    return lambda others: model.predict(scaler.transform(others))


def run_split(features: np.ndarray, mos: np.ndarray, split: int, config: Config) -> dict[str, Any]:
    """One row of ``splits.csv``.

    The final model is scikit-learn's own, on scaled features of the whole training part. SRCC, KRCC and ``plcc_raw``
    are of raw predictions; PLCC and RMSE (MOS units) after the logistic, which is fitted on the part that is scored.

    Args:
        features: ``(n, p)`` float64, finite.
        mos: ``(n,)`` float64.
        split: its number, from 1.
        config: the protocol's settings.

    Returns:
        A value for each of :data:`SPLITS`.

    Raises:
        ValueError: if the split cannot be fitted or scored.
    """
    train, test = random_cut(np.arange(len(mos)), config.test_share, OUTER, split)
    c, gamma = choose(features[train], mos[train], split, config)
    predict = fitted_model(features[train], mos[train], c, gamma, config.epsilon)
    fitted, pred = predict(features[train]), predict(features[test])
    raw, mapped = raw_scores(pred, mos[test]), mapped_scores(pred, mos[test])
    row = {
        **{"split": split, "srcc": raw["srcc"], "plcc": mapped["plcc_mapped"], "krcc": raw["krcc"]},
        **{"rmse": mapped["rmse_mapped"], "plcc_raw": raw["plcc"]},
        **{"train_srcc": correlations(fitted, mos[train])[0]},
        **{"train_plcc": mapped_scores(fitted, mos[train])["plcc_mapped"]},
        **{"C": c, "gamma": gamma, "n_train": len(train), "n_test": len(test)},
    }
    if any(math.isnan(value) for value in row.values()):
        raise ValueError(
            f"split {split}: predictions of {len(test)} test items are constant, or too few for the logistic"
        )
    return row
