"""A grid of support vector regressions that share their distances: the part of the protocol that takes the time."""

from collections.abc import Iterator, Sequence

import numpy as np

from vqa.regression.interior_point import interior_point

# Above n^2 / EASY iterations of LIBSVM, the next C, which needs twice as many, is faster by the interior-point method.
EASY = 80
# Share of C that no dual coefficient reaches where the bound is not felt; the rest is room for inexact solutions.
ROOM = 0.9


def squared_distances(a: np.ndarray, b: np.ndarray) -> np.ndarray:
    """Squared Euclidean distances of rows of ``a`` (n, p) to rows of ``b`` (m, p): ``(n, m)``, never below 0."""
    return np.maximum((a * a).sum(1)[:, None] + (b * b).sum(1)[None] - 2 * (a @ b.T), 0.0)


def grid_predictions(
    train: np.ndarray,
    mos: np.ndarray,
    validation: np.ndarray,
    log2_c: Sequence[int],
    log2_gamma: Sequence[int],
    epsilon: float,
) -> Iterator[tuple[int, int, np.ndarray]]:
    """Predictions of an RBF epsilon-SVR at every point of a grid.

    The regressions of ``SVR(C=..., gamma=...)``, as exact as LIBSVM's own, which stops at 0.001 MOS and keeps kernels
    in single precision. They are faster because distances are taken once and kernels once for every gamma, because
    the hard ones go to :func:`interior_point`, and because a solution that does not feel the bound C is that of every
    larger C too.

    Args:
        train: ``(n, p)`` scaled features.
        mos: ``(n,)`` labels of these, not constant.
        validation: ``(m, p)`` features, scaled alike.
        log2_c: exponents of C, ascending.
        log2_gamma: exponents of gamma.
        epsilon: half width of the tube, in MOS units.

    Yields:
        The exponents of C and of gamma, and the predictions ``(m,)``.
    """
    within, across = squared_distances(train, train), squared_distances(validation, train)
    for gamma in log2_gamma:
        kernel, kernel_validation = np.exp(-(2.0**gamma) * within), np.exp(-(2.0**gamma) * across)
        predictions, felt, iterations = np.empty(0), True, 0
        for c in log2_c:
            if felt:
                found = None
                if iterations > len(mos) ** 2 / EASY:
                    found = interior_point(kernel, mos, 2.0**c, epsilon)
                if found is None:
                    coefficients, intercept, iterations = _libsvm(kernel, mos, 2.0**c, epsilon)
                else:
                    coefficients, intercept = found
                predictions = kernel_validation @ coefficients + intercept
                felt = bool(np.abs(coefficients).max() > ROOM * 2.0**c)
            yield c, gamma, predictions


def _libsvm(kernel: np.ndarray, mos: np.ndarray, c: float, epsilon: float) -> tuple[np.ndarray, float, int]:
    """Dual coefficients ``(n,)``, intercept and number of iterations."""
    from sklearn.svm import SVR  # here: it takes a second to import, and most stages do not need it

    model = SVR(kernel="precomputed", C=c, epsilon=epsilon).fit(kernel, mos)
    coefficients = np.zeros(len(mos))
    coefficients[model.support_] = model.dual_coef_[0]
    return coefficients, float(model.intercept_[0]), int(model.n_iter_)
