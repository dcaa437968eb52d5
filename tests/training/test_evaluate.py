"""From predictions to metrics.json: which epoch counts, what is mapped, the selection bonus, means over cuts."""

import hashlib
import json
from typing import Any

import numpy as np
import pandas as pd
import pytest
from scipy import stats

from vqa.methods.base import Reporting
from vqa.settings.common import Common, Perturbing, Released
from vqa.settings.params import Partition, Run
from vqa.stats.metrics import METRICS, logistic_map
from vqa.training.evaluate import clean_scores, metrics, over_folds, released_scores
from vqa.training.predict import PREDICTIONS

EPOCHS = 8
FIRST, SECOND, OTHER = "a/test", "a/val", "b/test"
TESTS = (FIRST, SECOND, OTHER)
RUN = Run(method="fastvqa", init="initial/fastvqa.safetensors", data="prepared/a", train="a", test=TESTS)
BEST, MAPPED = Reporting("best_srcc"), Reporting("best_srcc", "mapped")


def common(weights: str = "ema", train_epoch: str = "last") -> Common:
    released, perturbing = Released(weights, train_epoch), Perturbing("released", "box", "none")
    return Common("demo", 5, "cpu", 1, 0, True, released, perturbing, 10)


def table(seed: int = 2, fold: int = 0) -> pd.DataFrame:
    """Predictions of one run, bent and noisy: both models in every epoch, on-the-fly, and the clean protocol."""
    generator = np.random.default_rng(seed)
    sizes = {"a/train": 20, FIRST: 12, SECOND: 15, OTHER: 10}
    labels = {key: generator.uniform(1, 5, n) for key, n in sizes.items()}
    parts = []

    def add(key: str, epoch: int, weights: str, protocol: str) -> None:
        dataset, split = key.split("/")
        mos = labels[key]
        prediction = np.exp(mos / 2) + generator.normal(0, 4, len(mos))
        items = [f"{number}.mp4" for number in range(len(mos))]
        columns = (dataset, items, mos, prediction, epoch, weights, split, protocol, fold)
        parts.append(pd.DataFrame(dict(zip(PREDICTIONS, columns, strict=True))))

    for epoch in range(1, EPOCHS + 1):
        add("a/train", epoch, "on-the-fly", "released")
        for key in TESTS:
            for weights in ("ema", "raw"):
                add(key, epoch, weights, "released")
    for key in sizes:
        add(key, EPOCHS, "ema", "clean")
    return pd.concat(parts, ignore_index=True)


def pairs(predictions: pd.DataFrame, key: str, weights: str, epoch: int) -> tuple[np.ndarray, np.ndarray]:
    """Released predictions and MOS of one part in one epoch."""
    dataset, split = key.split("/")
    released = predictions[predictions.protocol == "released"]
    rows = released[(released.dataset == dataset) & (released.split == split) & (released.epoch == epoch)]
    rows = rows[rows.weights == weights]
    return rows.prediction.to_numpy(), rows.mos.to_numpy()


def raw(pred: np.ndarray, mos: np.ndarray) -> dict[str, float]:
    """All metrics without a mapping, by SciPy."""
    scaled = (pred - pred.mean()) / pred.std() * mos.std() + mos.mean()
    return {
        "srcc": stats.spearmanr(pred, mos)[0],
        "plcc": stats.pearsonr(pred, mos)[0],
        "krcc": stats.kendalltau(pred, mos)[0],
        "rmse": np.sqrt(((scaled - mos) ** 2).mean()),
    }


def by_epoch(predictions: pd.DataFrame, key: str, weights: str = "ema") -> dict[int, dict[str, float]]:
    return {epoch: raw(*pairs(predictions, key, weights, epoch)) for epoch in range(1, EPOCHS + 1)}


def best(predictions: pd.DataFrame, key: str, metric: str = "srcc", weights: str = "ema") -> int:
    """Epoch of the best value, found one after the other."""
    found, sign = 1, -1 if metric == "rmse" else 1
    values = by_epoch(predictions, key, weights)
    for epoch in values:
        if sign * values[epoch][metric] > sign * values[found][metric]:
            found = epoch
    return found


@pytest.mark.parametrize("weights", ["ema", "raw"])
def test_every_metric_of_every_part_picks_its_own_epoch(weights: str) -> None:
    predictions = table()
    scores = released_scores(predictions, weights, "last")
    assert set(scores) == {"a/train", *TESTS}
    for key in TESTS:
        values = by_epoch(predictions, key, weights)
        for metric in METRICS:
            epoch = best(predictions, key, metric, weights)
            assert scores[key]["best_epoch"][metric] == epoch
            assert scores[key][metric] == pytest.approx(values[epoch][metric])
    assert [scores[key]["n"] for key in TESTS] == [12, 15, 10]
    picked = [tuple(scores[key]["best_epoch"].values()) for key in TESTS]
    assert len(set(picked)) == 3, "this table has other best epochs in every part"
    assert any(len(set(epochs)) > 1 for epochs in picked), "and for the metrics of one part"


def test_best_srcc_takes_all_metrics_of_one_epoch_that_the_first_split_of_a_data_set_decides() -> None:
    predictions = table()
    scores = released_scores(predictions, "ema", "last", BEST)
    chosen = {FIRST: best(predictions, FIRST), SECOND: best(predictions, FIRST), OTHER: best(predictions, OTHER)}
    assert chosen[SECOND] != best(predictions, SECOND)
    assert chosen[OTHER] != chosen[FIRST]
    for key, epoch in chosen.items():
        assert scores[key]["best_epoch"] == dict.fromkeys(METRICS, epoch)
        for metric, value in by_epoch(predictions, key)[epoch].items():
            assert scores[key][metric] == pytest.approx(value)


@pytest.mark.parametrize("selection", ["per_metric", "best_srcc"])
def test_mapped_is_pearson_after_the_logistic_mapping_and_train_stays_raw(selection: str) -> None:
    predictions = table()
    mapped = released_scores(predictions, "ema", "last", Reporting(selection, "mapped"))
    plain = released_scores(predictions, "ema", "last", Reporting(selection))
    for key in TESTS:
        assert mapped[key]["best_epoch"] == plain[key]["best_epoch"], "the mapping does not choose"
        epochs = plain[key]["best_epoch"]
        pred, mos = pairs(predictions, key, "ema", epochs["plcc"])
        assert mapped[key]["plcc"] == pytest.approx(stats.pearsonr(logistic_map(pred, mos), mos)[0])
        assert mapped[key]["plcc"] != pytest.approx(plain[key]["plcc"], abs=1e-4)
        pred, mos = pairs(predictions, key, "ema", epochs["rmse"])
        assert mapped[key]["rmse"] == pytest.approx(np.sqrt(np.mean((logistic_map(pred, mos) - mos) ** 2)))
        assert {m: mapped[key][m] for m in ("srcc", "krcc")} == {m: plain[key][m] for m in ("srcc", "krcc")}
    assert mapped["a/train"] == plain["a/train"]


@pytest.mark.parametrize("reporting", [None, MAPPED])
def test_train_is_read_on_the_fly_at_the_last_epoch_or_at_the_best_of_the_first_test_set(reporting) -> None:
    predictions = table()
    epochs = {"last": EPOCHS, "best": best(predictions, FIRST)}
    assert epochs["best"] != EPOCHS
    for rule, epoch in epochs.items():
        train = released_scores(predictions, "ema", rule, reporting)["a/train"]
        assert (train["epoch"], train["n"]) == (epoch, 20)
        for metric, value in raw(*pairs(predictions, "a/train", "on-the-fly", epoch)).items():
            assert train[metric] == pytest.approx(value)


def content(predictions: pd.DataFrame, reporting: Reporting | None = None, run: Run = RUN, **options: str) -> dict:
    digests = {key: key.replace("/", "-") + str(predictions.fold[0]) for key in ("a/train", *TESTS)}
    return metrics(predictions, run, common(**options), digests, reporting)


@pytest.mark.parametrize("selection", ["per_metric", "best_srcc"])
@pytest.mark.parametrize("plcc", ["raw", "mapped"])
def test_the_selection_bonus_is_raw_minus_raw(selection: str, plcc: str) -> None:
    predictions = table()
    found = content(predictions, Reporting(selection, plcc))
    unmapped = released_scores(predictions, "ema", "last", Reporting(selection))
    clean = predictions[predictions.protocol == "clean"]
    for key in TESTS:
        dataset, split = key.split("/")
        rows = clean[(clean.dataset == dataset) & (clean.split == split)]
        one = raw(rows.prediction.to_numpy(), rows.mos.to_numpy())
        for metric in ("srcc", "plcc"):
            assert found["selection_bonus"][key][metric] == pytest.approx(unmapped[key][metric] - one[metric])
    assert found["reporting"] == {"selection": selection, "plcc": plcc}


def test_gaps_are_train_minus_test_of_the_same_protocol() -> None:
    predictions = table()
    found = content(predictions, MAPPED, weights="raw", train_epoch="best")
    assert found["released"]["scores"] == released_scores(predictions, "raw", "best", MAPPED)
    assert found["clean"]["scores"] == clean_scores(predictions)
    for protocol in ("released", "clean"):
        scores, gap = found[protocol]["scores"], found[protocol]["gap"]
        assert set(gap) == set(TESTS)
        for key in TESTS:
            for metric in ("srcc", "plcc"):
                assert gap[key][metric] == pytest.approx(scores["a/train"][metric] - scores[key][metric])
    assert found["seed"] == 5
    assert found["cuts"] == []


def numbers(tree: Any, path: tuple[str, ...] = ()) -> dict[tuple[str, ...], float]:
    """Numbers of a nest of dictionaries by their path."""
    if not isinstance(tree, dict):
        return {path: tree}
    return {where: value for key, entry in tree.items() for where, value in numbers(entry, (*path, key)).items()}


@pytest.mark.parametrize("seeds", [(4, 9, 2), (4, 9, 2, 6)])
def test_over_folds_every_number_is_the_mean(seeds: tuple[int, ...]) -> None:
    run = Run(**{**RUN.__dict__, "partition": Partition(seeds, 0.8)})
    folds = {seed: content(table(seed, seed), MAPPED, run) for seed in seeds}
    total = over_folds(folds)
    for part in ("released", "clean", "selection_bonus"):
        lists = [numbers(fold[part]) for fold in folds.values()]
        wanted = {path for path in lists[0] if "best_epoch" not in path and path[-1] != "epoch"}
        found = numbers(total[part])
        assert set(found) == wanted
        for path, value in found.items():
            assert value == pytest.approx(np.mean([numbers_of[path] for numbers_of in lists])), path
    assert "epoch" not in json.dumps({part: total[part] for part in ("released", "clean", "selection_bonus")})
    assert total["released"]["scores"][FIRST]["n"] == 12
    assert total["cuts"] == list(seeds)
    assert (total["seed"], total["reporting"]) == (5, {"selection": "best_srcc", "plcc": "mapped"})
    assert total["folds"] == {str(seed): folds[seed] for seed in seeds}


def test_digests_of_all_cuts_are_combined() -> None:
    folds = {seed: content(table(2, seed)) for seed in (4, 9)}
    combined = over_folds(folds)["items_digest"]
    assert set(combined) == {"a/train", *TESTS}
    for key, found in combined.items():
        lists = "+".join(folds[seed]["items_digest"][key] for seed in (4, 9))
        assert found == hashlib.sha256(lists.encode()).hexdigest()[:12]


def test_one_training_is_left_as_it_is() -> None:
    one = content(table())
    assert over_folds({0: one}) is one
    assert "folds" not in one
    assert one["released"]["scores"][FIRST]["best_epoch"]
