"""The regression protocol against plain scikit-learn: choices, scores, and how exact the faster solver is."""

import os
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from project import ROOT
from regression_data import CONFIG, toy
from scipy import io, stats
from sklearn.model_selection import train_test_split
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import MinMaxScaler
from sklearn.svm import SVR

from vqa.regression import protocol, svr
from vqa.regression.interior_point import interior_point
from vqa.regression.protocol import SPLITS, Config, choose, mapped_rmse, monotone_rmse, random_cut, run_split
from vqa.regression.splits import check_table
from vqa.regression.svr import grid_predictions, squared_distances
from vqa.stats.metrics import logistic_map


def plain_rmse(pred: np.ndarray, mos: np.ndarray) -> float:
    return np.sqrt(np.mean((logistic_map(pred, mos) - mos) ** 2))


def plain_split(features: np.ndarray, mos: np.ndarray, i: int, config: Config) -> dict[str, float]:
    """The protocol as one would write it with scikit-learn, point by point."""
    x, x_test, y, y_test = train_test_split(features, mos, test_size=0.2, random_state=int(np.ceil(8.8 * i)))
    x_in, x_out, y_in, y_out = train_test_split(x, y, test_size=0.2, random_state=int(np.ceil(6.6 * i)))
    found = []
    for c in 2.0 ** np.arange(config.log2_c[0], config.log2_c[1] + 1):
        for gamma in 2.0 ** np.arange(config.log2_gamma[0], config.log2_gamma[1] + 1):
            model = make_pipeline(MinMaxScaler(), SVR(C=c, gamma=gamma, epsilon=config.epsilon)).fit(x_in, y_in)
            found.append((plain_rmse(model.predict(x_out), y_out), c, gamma))
    _, c, gamma = min(found)
    model = make_pipeline(MinMaxScaler(), SVR(C=c, gamma=gamma, epsilon=config.epsilon)).fit(x, y)
    pred, fitted = model.predict(x_test), model.predict(x)
    return {
        "split": i,
        "srcc": stats.spearmanr(pred, y_test).statistic,
        "plcc": stats.pearsonr(logistic_map(pred, y_test), y_test).statistic,
        "krcc": stats.kendalltau(pred, y_test).statistic,
        "rmse": plain_rmse(pred, y_test),
        "plcc_raw": stats.pearsonr(pred, y_test).statistic,
        "train_srcc": stats.spearmanr(fitted, y).statistic,
        "train_plcc": stats.pearsonr(logistic_map(fitted, y), y).statistic,
        **{"C": c, "gamma": gamma, "n_train": len(y), "n_test": len(y_test)},
    }


@pytest.mark.parametrize(("n", "seed", "scale"), [(90, 1, 1.0), (61, 2, 1.0), (120, 3, 20.0)])
def test_a_split_is_that_of_plain_scikit_learn(n: int, seed: int, scale: float) -> None:
    features, mos = toy(n, seed)
    for i in (1, 2, 5):
        ours, plain = run_split(features, mos * scale, i, CONFIG), plain_split(features, mos * scale, i, CONFIG)
        assert tuple(ours) == SPLITS
        assert (ours["C"], ours["gamma"]) == (plain["C"], plain["gamma"])
        assert list(ours.values()) == pytest.approx([plain[name] for name in SPLITS], abs=2e-9)


def test_the_choice_varies_so_that_the_comparison_says_something() -> None:
    features, mos = toy()
    assert len({choose(features, mos, i, CONFIG) for i in range(1, 5)}) > 1


def scaled(n: int, seed: int) -> tuple[np.ndarray, np.ndarray]:
    features, mos = toy(n, seed)
    return MinMaxScaler().fit_transform(features), mos


def test_every_point_of_the_grid_is_as_exact_as_libsvm(monkeypatch: pytest.MonkeyPatch) -> None:
    (x, y), (x_out, _) = scaled(100, 4), scaled(40, 5)
    fitted = {"libsvm": 0, "interior": 0}

    def counted(name: str, solve: object) -> object:
        def wrapped(*args: object) -> object:
            fitted[name] += 1
            return solve(*args)

        return wrapped

    monkeypatch.setattr(svr, "_libsvm", counted("libsvm", svr._libsvm))
    monkeypatch.setattr(svr, "interior_point", counted("interior", svr.interior_point))
    order = []
    for c, gamma, pred in grid_predictions(x, y, x_out, range(1, 11), range(-3, 7), 0.1):
        exact = SVR(C=2.0**c, gamma=2.0**gamma, epsilon=0.1, tol=1e-6).fit(x, y).predict(x_out)
        assert np.abs(pred - exact).max() < 0.01, (c, gamma)
        order.append((c, gamma))
    assert sorted(order) == [(c, gamma) for c in range(1, 11) for gamma in range(-3, 7)]
    # Both solvers had their share, and solutions that do not feel the bound were not looked for twice.
    assert fitted["libsvm"] > 10
    assert fitted["interior"] > 10
    assert sum(fitted.values()) < 95


@pytest.mark.parametrize(("c", "gamma", "scale"), [(2.0, 0.5, 1), (64.0, 0.02, 1), (1024.0, 2.0, 1), (1024.0, 0.1, 20)])
def test_interior_point_is_optimal_after_few_factorizations(
    c: float, gamma: float, scale: float, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("vqa.regression.interior_point.LIMIT", 16)
    x, y = scaled(120, 6)
    y, kernel = y * scale, np.exp(-gamma * squared_distances(x, x))
    b, intercept = interior_point(kernel, y, c, 0.1)
    error = y - kernel @ b - intercept
    assert abs(b.sum()) < 1e-6 * c
    assert np.abs(b).max() <= c
    primal = b @ kernel @ b / 2 + c * np.maximum(np.abs(error) - 0.1, 0).sum()
    dual = y @ b - 0.1 * np.abs(b).sum() - b @ kernel @ b / 2
    assert -1e-6 < primal - dual < 1e-3 * max(1.0, abs(dual) * 1e-3)
    libsvm = SVR(C=c, gamma=gamma, epsilon=0.1, tol=1e-8).fit(x, y)
    assert kernel @ b + intercept == pytest.approx(libsvm.predict(x), abs=0.002)


def test_libsvm_takes_over_where_the_interior_point_method_fails(monkeypatch: pytest.MonkeyPatch) -> None:
    mos = np.arange(4.0)
    assert interior_point(np.eye(4), mos, 2.0, 0.1) is not None
    assert interior_point(-1000 * np.eye(4), mos, 2.0, 0.1) is None  # no Cholesky factor
    monkeypatch.setattr("vqa.regression.interior_point.LIMIT", 3)
    assert interior_point(np.eye(4), mos, 2.0, 0.1) is None  # not yet there
    features, mos = toy()
    expected = choose(features, mos, 1, CONFIG)
    monkeypatch.setattr(svr, "interior_point", lambda *args: None)
    assert choose(features, mos, 1, CONFIG) == expected


def test_skipped_logistic_fits_could_not_have_won(monkeypatch: pytest.MonkeyPatch) -> None:
    features, mos = toy(200, 8)
    skipping, calls = choose(features, mos, 3, CONFIG), []
    monkeypatch.setattr(protocol, "mapped_rmse", lambda *args: calls.append(mapped_rmse(*args)) or calls[-1])
    assert choose(features, mos, 3, CONFIG) == skipping
    few, calls[:] = len(calls), []
    monkeypatch.setattr(protocol, "monotone_rmse", lambda *args: 0.0)
    assert choose(features, mos, 3, CONFIG) == skipping
    assert few < len(calls) == 42


@pytest.mark.parametrize("sign", [1, -1])
def test_no_logistic_is_better_than_the_monotone_fit(sign: int) -> None:
    rng = np.random.default_rng(0)
    for noise in (0.01, 0.5, 5.0):
        mos = rng.normal(size=50)
        pred = (sign * mos + noise * rng.normal(size=50)).round(1)  # rounded: with ties
        assert monotone_rmse(pred, mos) <= mapped_rmse(pred, mos) + 1e-12
    assert monotone_rmse(sign * mos, mos) == 0


def test_predictions_without_a_logistic_are_never_chosen() -> None:
    assert mapped_rmse(np.full(9, 2.0), np.arange(9.0)) == np.inf
    assert mapped_rmse(np.arange(3.0), np.arange(3.0)) == np.inf


def test_cuts_are_the_published_ones() -> None:
    rows = np.arange(1200)
    for i, state in ((1, 9), (5, 44), (10, 88), (100, 881)):  # in floating point 8.8 * 100 is above 880
        train, test = random_cut(rows, 0.2, protocol.OUTER, i)
        expected = train_test_split(rows, test_size=0.2, random_state=state)
        assert np.array_equal(train, expected[0])
        assert np.array_equal(test, expected[1])
        assert sorted([*train, *test]) == rows.tolist()
        assert len(test) == 240
    inner = random_cut(rows, 0.2, protocol.INNER, 100)[1]
    assert np.array_equal(inner, train_test_split(rows, test_size=0.2, random_state=660)[1])


# Of plain scikit-learn, point by point, on the published features of VIDEVAL: srcc, plcc, krcc, rmse, C, gamma.
RECORDED = {
    ("LIVE_VQC", "MOS", 1): (0.820415411590, 0.816927953907, 0.634541703507, 11.350464374978, 1024, 0.03125),
    ("LIVE_VQC", "MOS", 2): (0.797479356801, 0.802387380587, 0.610963748895, 10.979876162143, 256, 0.25),
    ("KONVID_1K", "mos", 1): (0.765926020825, 0.754891061155, 0.565327387858, 0.423698124413, 1024, 0.015625),
}


@pytest.mark.slow
@pytest.mark.parametrize(("dataset", "column", "split"), RECORDED)
def test_published_features_give_what_plain_scikit_learn_gave(dataset: str, column: str, split: int) -> None:
    mirror = Path(os.environ.get("VQA_MIRROR", ROOT.parent / "shared" / "mirror"))
    folder = next(mirror.glob("raw.githubusercontent.com/vztu/VIDEVAL/*/features"), None)
    if folder is None:
        pytest.skip(f"VIDEVAL's features are not below {mirror}; set VQA_MIRROR")
    features = io.loadmat(folder / f"{dataset}_VIDEVAL_feats.mat")["feats_mat"]
    mos = pd.read_csv(folder / f"{dataset}_metadata.csv")[column]
    row = run_split(*check_table(features, mos, dataset), split, Config("videval", dataset, "data/published/videval"))
    found = [row[name] for name in ("srcc", "plcc", "krcc", "rmse", "C", "gamma")]
    assert found == pytest.approx(RECORDED[dataset, column, split], rel=1e-9)
