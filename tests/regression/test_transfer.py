"""Features that the suite extracted: their tables, random splits of them, and one fit that is tested on other data."""

import sys
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pandas as pd
import pytest
from project import ROOT
from regression_data import toy

import stages.regression
from vqa.io import InputError
from vqa.regression.protocol import Config
from vqa.regression.table import load_part, load_table
from vqa.regression.transfer import fit_and_test
from vqa.settings.params import Dataset
from vqa.stats.metrics import correlations, logistic_map

SHORT = {"log2_c": (0, 4), "log2_gamma": (-3, 0)}
FIT = Config("toy", "home", "zero_shot/toy.json", ("home/test", "home/other", "away/all"), **SHORT)
DATASETS = {name: Dataset(title, "synthetic", "stop", False) for name, title in (("home", "HOME"), ("away", "Away"))}


@pytest.fixture
def extracted(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> np.ndarray:
    """Two data sets in the working folder, of one rule, the second on another scale of MOS; NaN among the features."""
    monkeypatch.chdir(tmp_path)
    features, mos = toy()
    features = features.astype(np.float32)
    for name, slope in (("home", 1.0), ("away", 20.0)):
        folder = tmp_path / "features" / "toy" / name
        folder.mkdir(parents=True)
        splits = np.resize(["train", "train", "test", "other"], len(mos))
        table = {"name": [f"{n}.mp4" for n in range(len(mos))], "mos": slope * mos, "split": splits}
        pd.DataFrame(table).to_csv(folder / "items.csv", index=False)
        rows = features + 0.05 * np.random.default_rng(len(name) + int(slope)).normal(size=features.shape)
        rows[2, 0] = np.nan
        np.save(folder / "features.npy", rows[:, None].astype(np.float32))
    return mos


def test_parts_are_those_of_the_item_list(extracted: np.ndarray) -> None:
    items, features = load_part("toy", "home/test")
    assert items.name.tolist() == [f"{n}.mp4" for n in range(2, len(extracted), 4)]
    np.testing.assert_array_equal(features, np.load("features/toy/home/features.npy")[2::4, 0])
    names, mos, table = load_table(Config("toy", "away", "features/toy/away"))
    assert (len(names), table.shape) == (len(extracted), (len(extracted), features.shape[1]))
    np.testing.assert_allclose(mos, 20 * extracted)
    with pytest.raises(InputError, match="no items of the split 'val'"):
        load_part("toy", "home/val")
    with pytest.raises(InputError, match="no features; `dvc repro extract` makes them"):
        load_part("other", "home/test")


def test_one_fit_is_tested_on_every_part(extracted: np.ndarray) -> None:
    fit = fit_and_test(FIT, DATASETS, (50, 1), "k")
    assert fit.n_train == 46
    table = fit.results.set_index(["protocol", "dataset", "metric"])
    assert set(fit.results.dataset) == {"HOME_test", "HOME_other", "Away"}, "of several splits, each has its own name"
    assert set(fit.results.source) == {"regressed"}
    assert table.loc[("clean", "Away", "SRCC"), "value"] > 0.5, "the order is learned, whatever the scale"
    assert table.loc[("released", "Away", "PLCC"), "mapping"] == "logistic"
    assert table.loc[("clean", "Away", "PLCC"), "mapping"] == ""
    assert table.value.between(table.ci_low, table.ci_high).all()


def test_the_fit_is_scikit_learns(extracted: np.ndarray) -> None:
    from sklearn.pipeline import make_pipeline
    from sklearn.preprocessing import MinMaxScaler
    from sklearn.svm import SVR

    fit = fit_and_test(FIT, DATASETS, (5, 1), "k")
    model = make_pipeline(MinMaxScaler(), SVR(C=fit.c, gamma=fit.gamma))
    (items, rows), (tested, others) = load_part("toy", "home/train"), load_part("toy", "home/other")
    pred = model.fit(np.nan_to_num(rows.astype(float)), items.mos).predict(np.nan_to_num(others.astype(float)))
    found = fit.results[fit.results.dataset == "HOME_other"].set_index(["protocol", "metric"]).value
    assert (found["clean", "SRCC"], found["clean", "PLCC"]) == pytest.approx(correlations(pred, tested.mos.to_numpy()))
    mapped = correlations(logistic_map(pred, tested.mos.to_numpy()), tested.mos.to_numpy())[1]
    assert found["released", "PLCC"] == pytest.approx(mapped)


def test_c_and_gamma_can_be_chosen_on_a_share(extracted: np.ndarray) -> None:
    shared = fit_and_test(Config(**{**vars(FIT), "grid_share": 0.4}), DATASETS, (5, 1), "k")
    assert shared.n_train == 46, "the fit itself is on all"
    assert 2.0**0 <= shared.c <= 2.0**4


@pytest.mark.parametrize("tests", [(), ("home/test", "away/all")])
def test_the_stage_writes_what_the_tables_read(
    extracted: np.ndarray, monkeypatch: pytest.MonkeyPatch, tests: tuple[str, ...]
) -> None:
    block = {"features": "toy", "dataset": "home", "reads": "features/toy/home", "tests": list(tests), "splits": 2}
    block |= {"log2_c": [0, 2], "log2_gamma": [-2, 0]}
    common = SimpleNamespace(bootstrap=20, seed=1)
    params = SimpleNamespace(root=str(ROOT), common=common, datasets=DATASETS, regressions={"k": block})
    monkeypatch.setattr(stages.regression, "load", lambda: params)
    monkeypatch.setattr(sys, "argv", ["regression", "k"])
    stages.regression.main()
    results = pd.read_csv("runs/k/results.csv")
    assert set(results.source) == {"regressed"}
    assert set(results.dataset) == ({"HOME", "Away"} if tests else {"HOME"})
    assert Path("runs/k/splits.csv").is_file()
    assert Path("runs/k/regression.json").is_file()
