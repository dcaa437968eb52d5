"""Several training seeds: each training is the run of its seed alone, results are means, pairs keep seed and cut."""

import copy
import dataclasses
import json
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any
from unittest import mock

import numpy as np
import pandas as pd
import pytest
import torch
import yaml
from project import ROOT
from report_fixture import contents
from safetensors.torch import load_file
from tiny import BLOCKS, make, same_tensors, weights, write_dataset

from stages import evaluate, initial, landscape, train
from vqa.report.figures.curves import curve_numbers
from vqa.report.tables.bonus import repeated_trainings, selection_bonus
from vqa.report.tables.compare import comparisons
from vqa.report.tables.results import TrainedRun
from vqa.settings.params import load
from vqa.stats.config import Statistics
from vqa.stats.correlation import ROW_METRICS
from vqa.stats.influence import influence
from vqa.stats.trainings import Sample, correlation_interval
from vqa.training.protocol import starting_weights, trainings
from vqa.training.train import Trainer, initial_weights

SEEDS, CUTS = [3, 8, 5], [6, 4]
TEST = "tiny/test"
ROW = {"method": "features", "init": "initial/features.safetensors", "data": "prepared/tiny", "train": "tiny"}
CUT = {"partition": {"seeds": CUTS, "train_share": 0.7}}
AWP = {"perturbation": "awp", "gamma": 0.05}
RUNS = {
    "plain": {},
    "seeds": {"seeds": SEEDS, "keep_epochs": [1]},
    "awp": {"seeds": SEEDS, **AWP},
    "others": {"seeds": [3, 8, 6]},
    "single": {"seeds": [8]},
    "both": {"seeds": SEEDS[:2], **CUT},
    "tuned": {"seeds": SEEDS[:2], "init": "runs/seeds/weights/5-0/last_ema.safetensors"},
    "by_seed": {"seeds": SEEDS[:2], "init": "runs/seeds/weights"},
}
SETTINGS = Statistics(level=0.05, power=0.8, margin=0.02, agreement=0.02, sharpness_margin=0.05, rise_at=0.5)


def write_params(folder: Path, seed: int = 3) -> None:
    raw = yaml.safe_load((ROOT / "params.yaml").read_text())
    raw |= {"root": str(ROOT), "extractions": {}, "zero_shot": [], "shared": {}, "tables": {}, "figures": {}}
    raw["common"] |= {"device": "cpu", "bootstrap": 50, "seed": seed}
    raw["datasets"] = {"tiny": raw["datasets"]["konvid1k"]}
    raw["methods"] = {"features": copy.deepcopy(BLOCKS["features"])}
    raw["runs"] = {name: {**ROW, "test": [TEST], **row} for name, row in RUNS.items()}
    raw["landscape"] |= {"batches": 1, "surface_points": 2}
    raw["landscapes"] = {"seeds": {"method": "features", "data": "prepared/tiny", "weights": ["last_ema"]}}
    (folder / "params.yaml").write_text(yaml.safe_dump(raw, sort_keys=False))


def call(folder: Path, module: object, argument: str) -> None:
    with pytest.MonkeyPatch.context() as patch, mock.patch.object(sys, "argv", ["stage", argument]):
        patch.chdir(folder)
        module.main()


@pytest.fixture(scope="module")
def project(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """All runs, trained and evaluated."""
    folder = tmp_path_factory.mktemp("seeds")
    write_dataset(folder, train=24, test=12, n_frames=1)
    write_params(folder)
    call(folder, initial, "features")
    for name in RUNS:
        call(folder, train, name)
        call(folder, evaluate, name)
    return folder


@pytest.fixture(scope="module")
def results(project: Path) -> Callable[[str], TrainedRun]:
    params = load(project / "params.yaml")
    return lambda name: TrainedRun(name, params.runs[name], project / "runs" / name, params.common)


def read(project: Path, run: str) -> dict:
    return json.loads((project / "runs" / run / "metrics.json").read_text())


# --- training


def test_every_training_is_that_of_a_run_with_its_seed_alone(project, tmp_path):
    """With the common seed, of a run that lists none; with another, of that run under another common seed."""
    for seed in SEEDS:
        write_dataset(tmp_path / str(seed), train=24, test=12, n_frames=1)
        write_params(tmp_path / str(seed), seed)
        call(tmp_path / str(seed), initial, "features")
        call(tmp_path / str(seed), train, "plain")
        alone, among = tmp_path / str(seed) / "runs" / "plain", project / "runs" / "seeds"
        for kind in ("ema", "raw"):
            file = f"last_{kind}.safetensors"
            assert (alone / "weights" / file).read_bytes() == (among / "weights" / f"{seed}-0" / file).read_bytes()
        for name in ("curve.csv", "epoch_predictions.csv"):
            every, own = pd.read_csv(among / name), pd.read_csv(alone / name)
            mine = every[every.fold == f"{seed}-0"].drop(columns="fold").reset_index(drop=True)
            pd.testing.assert_frame_equal(mine, own.drop(columns="fold"))


def test_folders_and_records_name_seed_and_cut_only_where_seeds_are_listed(project):
    kinds = ("ema", "raw")
    kept = {f"{seed}-0/{file}_{k}.safetensors" for seed in SEEDS for file in ("epoch_1", "last") for k in kinds}
    assert set(contents(project / "runs" / "seeds" / "weights")) == kept
    both = {f"{seed}-{cut}/last_{k}.safetensors" for seed in SEEDS[:2] for cut in CUTS for k in kinds}
    assert set(contents(project / "runs" / "both" / "weights")) == both
    one = {f"last_{k}.safetensors" for k in kinds}
    assert set(contents(project / "runs" / "single" / "weights")) == one
    assert set(contents(project / "runs" / "plain" / "weights")) == one
    record = {name: json.loads((project / "runs" / name / "run.json").read_text()) for name in RUNS}
    assert "seeds" not in record["plain"]["config"]["run"]
    assert record["seeds"]["config"]["run"]["seeds"] == SEEDS
    assert (record["seeds"]["seed"], record["single"]["seed"]) == (3, 8)
    assert set(record["seeds"]["data"]) == {"tiny/train", TEST}
    assert set(record["both"]["data"]) == {f"{key}@{cut}" for key in ("tiny/train", TEST) for cut in CUTS}


def test_what_is_drawn_is_drawn_anew_for_every_seed_and_nothing_else_is(project, monkeypatch):
    monkeypatch.chdir(project)
    params = load(project / "params.yaml")
    method, file = make("features"), load_file("initial/features.safetensors")

    def start(run: str, seed: int) -> dict[str, torch.Tensor]:
        row = params.runs[run]
        own = next(one for one in trainings(row, params.common.seed) if seed == one.seed or not row.seeds)
        return initial_weights(starting_weights(row, own, params), row, method, seed, params.common)

    assert same_tensors(start("seeds", 3), file)
    assert same_tensors(start("seeds", 8), weights(method, 8))
    assert not same_tensors(start("seeds", 8), file)
    assert same_tensors(start("tuned", 8), load_file("runs/seeds/weights/5-0/last_ema.safetensors"))
    assert same_tensors(start("by_seed", 8), load_file("runs/seeds/weights/8-0/last_ema.safetensors"))
    method.initial = "published"
    assert same_tensors(start("seeds", 8), file)


def test_a_power_cut_in_the_second_seed_changes_nothing(project, monkeypatch):
    def trained() -> dict[str, bytes]:
        found = contents(project / "runs" / "both")
        return {name: data for name, data in found.items() if name not in ("predictions.csv", "metrics.json")}

    before, train_epoch, seen = trained(), Trainer._train_epoch, []

    def counted(self: Trainer, epoch: int, stream: Any) -> tuple:
        seen.append((self.seed, self.train_clips.part.cut.seed, epoch))
        if len(seen) == 6:
            raise KeyboardInterrupt
        return train_epoch(self, epoch, stream)

    monkeypatch.setattr(Trainer, "_train_epoch", counted)
    with pytest.raises(KeyboardInterrupt):
        call(project, train, "both")
    call(project, train, "both")
    assert trained() == before
    order = [(seed, cut, epoch) for seed in SEEDS[:2] for cut in CUTS for epoch in (1, 2)]
    assert seen == [*order[:6], *order[5:]], "only the epoch that was cut off is run again"


# --- evaluation


def test_results_are_means_over_all_trainings(project):
    metrics = read(project, "both")
    assert list(metrics["folds"]) == ["3-6", "3-4", "8-6", "8-4"]
    assert [content["seed"] for content in metrics["folds"].values()] == [3, 3, 8, 8]
    for protocol in ("released", "clean"):
        values = [content[protocol]["scores"][TEST]["srcc"] for content in metrics["folds"].values()]
        assert metrics[protocol]["scores"][TEST]["srcc"] == pytest.approx(np.mean(values), abs=1e-15)
    predictions = pd.read_csv(project / "runs" / "both" / "predictions.csv")
    assert list(dict.fromkeys(predictions.fold)) == list(metrics["folds"])
    assert "folds" not in read(project, "single")
    assert read(project, "single")["seed"] == 8


def test_several_seeds_on_one_list_have_the_digest_of_that_list(project):
    assert read(project, "seeds")["items_digest"] == read(project, "plain")["items_digest"]
    assert read(project, "both")["items_digest"] != read(project, "plain")["items_digest"]


def test_a_landscape_is_that_of_the_first_training(project):
    call(project, landscape, "seeds")
    measured = (project / "landscapes" / "seeds" / "curve.csv").read_text()
    record = json.loads((project / "landscapes" / "seeds" / "landscape.json").read_text())
    assert (record["seed"], record["trainings"]) == (3, [f"{seed}-0" for seed in SEEDS])
    folder = project / "runs" / "seeds" / "weights"
    first, second = (load_file(folder / f"{seed}-0" / "last_ema.safetensors") for seed in SEEDS[:2])
    assert not same_tensors(first, second)
    content = (folder / "3-0" / "last_ema.safetensors").read_bytes()
    try:
        (folder / "3-0" / "last_ema.safetensors").write_bytes((folder / "8-0" / "last_ema.safetensors").read_bytes())
        call(project, landscape, "seeds")
        assert (project / "landscapes" / "seeds" / "curve.csv").read_text() != measured
    finally:
        (folder / "3-0" / "last_ema.safetensors").write_bytes(content)


# --- report


def scored(project: Path, run: str, fold: str) -> tuple[np.ndarray, np.ndarray]:
    table = pd.read_csv(project / "runs" / run / "predictions.csv")
    rows = table[(table.split == "test") & (table.fold == fold)]
    return rows.prediction.to_numpy(), rows.mos.to_numpy()


def clean_srcc(project: Path, run: str, seeds: list[int] = SEEDS) -> Sample:
    """Test SRCC of the trainings of a run, and how every item moves it."""
    pairs = [scored(project, run, f"{seed}-0") for seed in seeds]
    values = [ROW_METRICS["srcc"](pred[None], mos[None])[0] for pred, mos in pairs]
    return Sample(np.array(values), {TEST: np.array([influence(*pair, "srcc") / 12 for pair in pairs])})


def test_a_cell_is_the_mean_over_seeds_and_its_interval_covers_seeds_and_items(project, results):
    found = results("seeds").result("clean", TEST, "srcc", "test")
    expected = clean_srcc(project, "seeds").estimate()
    assert found.value == pytest.approx(expected.value, abs=1e-12)
    assert (found.seeds, found.folds, found.n) == ("3 8 5", 3, 12)
    assert (found.error, found.freedom) == pytest.approx((expected.error, expected.freedom))
    assert (found.ci_low, found.ci_high) == pytest.approx(correlation_interval(expected))
    both = results("both").result("released", TEST, "plcc", "gap")
    assert (both.seeds, both.folds, both.covers) == ("3 8", 4, "trainings and items")
    single = results("single").result("clean", TEST, "srcc", "test")
    assert (single.seeds, single.folds, single.covers) == ("8", 1, "items")


def test_seeds_and_cuts_have_a_column_for_every_item_of_the_data_set(results):
    (moved,) = results("both").sample("clean", TEST, "srcc", "test").items.values()
    assert moved.shape == (4, 36)
    assert ((moved != 0).sum(axis=1) <= 12).all()
    apart = [set(np.flatnonzero(row)) for row in moved]
    assert apart[0] | apart[2] != apart[1] | apart[3], "trainings of one cut have its items"


def pair(results: Callable, a: str, b: str) -> pd.DataFrame:
    """Comparison of two runs as the rows gamma=0.05 and gamma=0 of a table."""
    rows = []
    for name, setting in ((a, "gamma=0.05"), (b, "gamma=0")):
        cell = dataclasses.asdict(results(name).result("clean", TEST, "srcc", "test"))
        place = {"table": "Table 5", "method": "FAST-VQA", "setting": setting, "dataset": "Tiny", "paper": 0.8}
        rows.append({**place, "protocol": "clean", "split": "test", "metric": "SRCC", **cell})
    datasets = {"tiny": mock.Mock(title="Tiny")}
    return comparisons({"table05": pd.DataFrame(rows)}, {n: results(n) for n in (a, b)}, datasets, SETTINGS)


@pytest.mark.parametrize(("run", "common"), [("awp", SEEDS), ("others", [3, 8]), ("single", [8]), ("plain", [3])])
def test_runs_are_compared_over_their_common_trainings(project, results, run, common):
    """The lists of seeds may differ; a run that lists none has the common one, here 3."""
    (row,) = pair(results, run, "seeds").itertuples()
    if run in ("single", "plain"):
        pred, mos = scored(project, run, {"single": "8-0", "plain": 0}[run])
        value = ROW_METRICS["srcc"](pred[None], mos[None])
        own = Sample(value, {TEST: influence(pred, mos, "srcc")[None] / 12})
    else:
        own = clean_srcc(project, run, common)
    expected = (own - clean_srcc(project, "seeds", common)).estimate()
    assert (row.difference, row.standard_error) == pytest.approx((expected.value, expected.error), abs=1e-12)
    assert (row.freedom, row.p) == pytest.approx((expected.freedom, expected.two_sided()))
    assert (row.trainings, row.n, row.reference) == (len(common), 12, True)


def test_runs_of_other_seeds_or_cuts_are_not_compared(results):
    assert pair(results, "both", "seeds").empty
    assert pair(results, "single", "plain").empty


def test_spread_keeps_seeds_and_splits_apart(project, results):
    table = repeated_trainings([results("both"), results("plain")]).query("protocol == 'clean' and metric == 'PLCC'")
    both, plain = table.itertuples()
    pairs = [scored(project, "both", f"{seed}-{cut}") for seed in SEEDS[:2] for cut in CUTS]
    values = np.array([ROW_METRICS["plcc"](p[None], m[None])[0] for p, m in pairs]).reshape(2, 2)
    assert (both.seeds, both.splits) == (2, 2)
    assert both.std_over_seeds == pytest.approx(np.sqrt(values.var(axis=0, ddof=1).mean()))
    assert both.std_over_splits == pytest.approx(np.sqrt(values.var(axis=1, ddof=1).mean()))
    assert (plain.seeds, plain.splits) == (1, 1)
    assert np.isnan([plain.std_over_seeds, plain.std_over_splits]).all()


def test_the_selection_bonus_is_the_mean_over_trainings(project, results):
    row = selection_bonus([results("seeds")]).query("level == 'run' and metric == 'SRCC'").iloc[0]
    contents_ = read(project, "seeds")["folds"].values()
    assert row.bonus == pytest.approx(np.mean([c["selection_bonus"][TEST]["srcc"] for c in contents_]), abs=1e-12)


def test_a_panel_of_curves_shows_the_first_training(project):
    folder = project / "runs" / "seeds"
    curve, predictions = (pd.read_csv(folder / f"{name}.csv") for name in ("curve", "epoch_predictions"))
    numbers = curve_numbers(curve, predictions, TEST, "srcc", 20, 3)
    assert numbers.test_ema.tolist() == curve[curve.fold == "3-0"].test_srcc_ema.tolist()
    backwards = curve.iloc[::-1].sort_values("epoch", kind="stable"), predictions.iloc[::-1]
    assert curve_numbers(*backwards, TEST, "srcc", 20, 3).test_ema.tolist() != numbers.test_ema.tolist()
