"""Landscapes of runs: the fixed batches, the numbers measured on them, and the stage."""

import json
import sys
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import torch
import yaml
from landscape_fixture import bits
from project import ROOT
from report_fixture import contents
from tiny import BLOCKS, CPU, METHODS, make, write_dataset

from stages import initial, landscape, train
from vqa.data.items import Part, PreparedDataset
from vqa.io import InputError
from vqa.landscape.config import Eigenvalue, Measuring, WorstRise, epoch_of, read_blocks
from vqa.landscape.curves import BatchLoss, LandscapeConfig, moved, random_directions
from vqa.landscape.measure import (
    FixedBatches,
    fixed_losses,
    mean_rises,
    measure_curves,
    measure_sharpness,
    measure_surface,
)
from vqa.landscape.sharpness import top_eigenvalue
from vqa.rng import torch_generator
from vqa.settings.common import Perturbing
from vqa.settings.params import load
from vqa.settings.strict import ParamsError
from vqa.training.clips import Loader

CURVE = LandscapeConfig(points=5, directions=2)
SETTINGS = Measuring(CURVE, 2, (0.5, 1.0), 0.05, WorstRise(0.01, 1), Eigenvalue(0.1, 5, 1), 3)
PERTURBING = Perturbing("released", "box", "none")


@pytest.fixture
def parts(data: PreparedDataset) -> list[Part]:
    return [Part(data, "train"), Part(data, "test")]


def measured(name: str, parts: list[Part]) -> tuple[torch.nn.Module, dict[str, BatchLoss]]:
    method = make(name)
    return method.build(torch_generator("init", 3)), fixed_losses(method, parts, 2, 3, Loader(), CPU)


# Fixed batches


@pytest.mark.parametrize("name", METHODS)
def test_fixed_batches_are_those_of_the_training_stream_whole_and_always_the_same(name, parts):
    method = make(name)
    held = FixedBatches(parts[0], method, 3, 0, Loader(), CPU)
    assert len(held) == 10 // 4
    assert all(len(mos) == 4 and mos.dtype == torch.float32 for _, mos in held)
    items = torch.cat([mos for _, mos in held]).tolist()
    assert len(set(items)) == 8, "no item twice"
    again = FixedBatches(parts[0], method, 3, 0, Loader(), CPU)
    for (a, x), (b, y) in zip(held, again, strict=True):
        tensors = (a, b) if not isinstance(a, dict) else (torch.cat([v.flatten() for v in d.values()]) for d in (a, b))
        assert torch.equal(*tensors)
        assert torch.equal(x, y)
    assert len(FixedBatches(parts[0], method, 3, 1, Loader(), CPU)) == 1
    assert len(FixedBatches(parts[0], method, 3, 99, Loader(), CPU)) == 2
    assert FixedBatches(parts[0], method, 4, 0, Loader(), CPU)[0][1].tolist() != held[0][1].tolist()


def test_a_part_smaller_than_a_batch_is_one_batch_of_all_its_items(parts):
    (held,) = FixedBatches(parts[1], make("fastvqa", {"batch_size": 5}), 3, 0, Loader(), CPU)
    assert sorted(held[1].tolist()) == pytest.approx(sorted(parts[1].mos))


# What is measured


@pytest.mark.parametrize("name", METHODS)
def test_curves_surface_and_numbers_agree_with_moving_the_weights_by_hand(name, parts):
    model, losses = measured(name, parts)
    before = bits(model)
    curves = measure_curves(model, losses, CURVE, 3)
    assert len(curves) == 2 * 2 * 5
    first, second = random_directions(model, CURVE, 3)
    for part, loss in losses.items():
        rows = curves[(curves.part == part) & (curves.direction == 1)].set_index("alpha").loss
        assert rows[0.0] == loss(model)
        with moved(model, second, 0.5):
            assert rows[0.5] == loss(model)
    plane = measure_surface(model, losses["tiny/train"], CURVE, 3, 3).set_index(["alpha", "beta"]).loss
    assert plane[0.0, 0.0] == losses["tiny/train"](model)
    with moved(model, first, -1.0, second, 1.0):
        assert plane[-1.0, 1.0] == losses["tiny/train"](model)

    numbers = measure_sharpness(model, losses, curves, SETTINGS, PERTURBING, 3, eigenvalue=True)
    assert bits(model) == before
    train_curve = curves[(curves.part == "tiny/train") & (curves.direction == 0)].set_index("alpha").loss
    rises = mean_rises(curves, SETTINGS.rise_at)
    assert rises[rises.measure == "base_loss"].value.tolist() == [loss(model) for loss in losses.values()]
    rise = rises[(rises.part == "tiny/train") & (rises.measure == "mean_rise") & (rises.direction == 0)]
    np.testing.assert_allclose(
        rise.set_index("at").value[0.5], (train_curve[0.5] + train_curve[-0.5]) / 2 - train_curve[0.0], rtol=1e-12
    )
    with moved(model, first, 0.05):
        high = losses["tiny/train"](model)
    with moved(model, first, -0.05):
        low = losses["tiny/train"](model)
    bend = numbers[(numbers.part == "tiny/train") & (numbers.measure == "curvature") & (numbers.direction == 0)]
    assert bend.value.item() == pytest.approx((high + low - 2 * train_curve[0.0]) / 0.05**2, rel=1e-9)
    assert set(numbers[numbers.measure == "worst_rise"].part) == {"tiny/train", "tiny/test"}
    top = numbers[numbers.measure == "top_eigenvalue"]
    assert top.part.tolist() == ["tiny/train"]
    one = BatchLoss(losses["tiny/train"].function, [losses["tiny/train"].batches[0]])
    assert top.value.item() == top_eigenvalue(model, one, torch_generator("eigenvalue", 3), 0.1, 5).value


def test_a_point_costs_one_pass_over_the_batches_and_nothing_else(parts, monkeypatch):
    model, losses = measured("fastvqa", parts)
    passes = []
    model.register_forward_hook(lambda *_: passes.append(1))
    measure_curves(model, losses, CURVE, 3)
    points = 2 * 4 + 1  # both directions pass through the weights themselves
    assert len(passes) == points * (2 + 1)


# Params


def test_blocks_that_do_not_fit_are_refused_in_one_line():
    params = load(ROOT / "params.yaml")
    settings, rows = read_blocks(params)
    assert set(rows) == set(params.landscapes)
    assert {name[0] for name in rows} == {"A", "B", "C"}
    name = "C02-sama-konvid1k-base"
    for row, message in {
        "method": ({"method": "fastvqa"}, "method and data must be those of its run"),
        "weights": ({"weights": ["last"]}, "weights: name files such as last_ema"),
        "twice": ({"weights": ["last_ema", "last_ema"]}, "each once"),
        "key": ({"surfaces": True}, "unknown key 'surfaces' (did you mean 'surface'?)"),
    }.values():
        wrong = params.__class__(**{**vars(params), "landscapes": {name: {**params.landscapes[name], **row}}})
        with pytest.raises(ParamsError) as error:
            read_blocks(wrong)
        assert message in str(error.value)
        assert name in str(error.value)
        assert "\n" not in str(error.value)
    wrong = params.__class__(**{**vars(params), "landscape": {**params.landscape, "rise_at": [0.33]}})
    with pytest.raises(ParamsError, match=r"landscape: rise_at: 0\.33 and its negative must be alphas"):
        read_blocks(wrong)
    wrong = params.__class__(
        **{**vars(params), "landscape": {**params.landscape, "curve": {"points": 10}, "rise_at": []}}
    )
    with pytest.raises(ParamsError, match=r"landscape: curve: 0 must be an alpha"):
        read_blocks(wrong)
    assert 0 in settings.curve.alphas


def test_epochs_of_weights():
    assert [epoch_of(name, 12) for name in ("last_ema", "last_raw", "epoch_3_ema", "epoch_10_raw")] == [12, 12, 3, 10]


# The stage


@pytest.fixture
def stage(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable:
    """Run a stage in this process, in a folder with the tiny data set alone."""
    write_dataset(tmp_path)
    monkeypatch.chdir(tmp_path)
    raw = yaml.safe_load((ROOT / "params.yaml").read_text())
    row = {"method": "fastvqa", "init": "initial/fastvqa.safetensors", "data": "prepared/tiny", "train": "tiny"}
    row |= {"test": ["tiny/test"]}
    raw |= {"root": str(ROOT), "extractions": {}, "zero_shot": [], "shared": {}, "tables": {}, "figures": {}}
    raw["common"] |= {"device": "cpu", "seed": 3}
    raw["datasets"] = {"tiny": raw["datasets"]["konvid1k"]}
    raw["methods"] = {"fastvqa": {**BLOCKS["fastvqa"], "sampling": BLOCKS["fastvqa"]["sampling"]}}
    cuts = {"partition": {"seeds": [6, 5], "train_share": 0.7}}
    raw["runs"] = {"plain": {**row, "keep_epochs": [1]}, "colours": {**row, "augmentation": "autoaugment"}}
    raw["runs"]["cuts"] = {**row, **cuts}
    own = {"method": "fastvqa", "data": "prepared/tiny"}
    raw["landscapes"] = {
        "plain": {**own, "weights": ["last_ema", "epoch_1_raw"], "surface": True},
        "colours": {**own, "weights": ["epoch_2_ema"]},
        "cuts": {**own, "weights": ["last_raw"]},
    }
    raw["landscape"] |= {"curve": {"points": 3, "directions": 2}, "rise_at": [1.0], "surface_points": 3}
    Path("params.yaml").write_text(yaml.safe_dump(raw, sort_keys=False))

    def call(module: object, argument: str) -> dict[str, bytes]:
        monkeypatch.setattr(sys, "argv", ["stage", argument])
        module.main()
        folder = Path("landscapes") / argument
        return contents(folder) if folder.is_dir() else {}

    return call


def test_the_stage_measures_what_params_name_with_the_same_bytes_again(stage):
    stage(initial, "fastvqa")
    stage(train, "plain")
    found = stage(landscape, "plain")
    assert set(found) == {"curve.csv", "sharpness.csv", "surface.csv", "landscape.json"}
    curves, numbers = (pd.read_csv(f"landscapes/plain/{name}.csv") for name in ("curve", "sharpness"))
    assert curves.groupby(["weights", "epoch", "part"]).size().to_dict() == {
        (weights, epoch, part): 2 * 3
        for weights, epoch in (("last_ema", 2), ("epoch_1_raw", 1))
        for part in ("tiny/train", "tiny/test")
    }
    centres = curves[curves.alpha == 0].groupby("weights").loss.first()
    assert centres.last_ema != centres.epoch_1_raw
    assert numbers[numbers.measure == "top_eigenvalue"].weights.tolist() == ["last_ema"]
    assert not numbers.value.isna().any()
    record = json.loads(found["landscape.json"])
    assert record["parts"]["tiny/train"]["batches"] == 2
    assert record["batch_size"] == 4
    assert stage(landscape, "plain") == found


def test_every_training_has_its_mean_rises_and_the_first_one_all_else(stage):
    stage(initial, "fastvqa")
    stage(train, "cuts")
    stage(landscape, "cuts")
    record = json.loads(Path("landscapes/cuts/landscape.json").read_text())
    assert record["trainings"] == [6, 5]
    numbers = pd.read_csv("landscapes/cuts/sharpness.csv")
    first, second = (numbers[numbers.fold == fold] for fold in (6, 5))
    assert set(first.measure) == {"base_loss", "mean_rise", "curvature", "worst_rise", "top_eigenvalue"}
    assert set(first.part) == {"tiny/train", "tiny/test"}
    assert second[["part", "measure", "direction"]].fillna(-1).to_numpy().tolist() == [
        ["tiny/train", "base_loss", -1],
        *(["tiny/train", "mean_rise", k] for k in (0, 1)),
    ]
    rises = [table[(table.measure == "mean_rise") & (table.part == "tiny/train")].value for table in (first, second)]
    assert len(rises[0]) == len(rises[1])
    assert not np.allclose(*rises), "every training has weights of its own"


def test_weights_that_were_not_kept_are_named(stage):
    stage(initial, "fastvqa")
    stage(train, "colours")
    with pytest.raises(InputError, match=r"epoch_2_ema\.safetensors is missing: runs\.colours\.keep_epochs"):
        stage(landscape, "colours")


def test_augmentation_of_a_run_does_not_reach_its_landscape(stage):
    """Weights of a plain run in the place of an augmented run's give the plain run's landscape (P3)."""
    raw = yaml.safe_load(Path("params.yaml").read_text())
    raw["landscapes"] = {name: {**raw["landscapes"][name], "weights": ["last_ema"]} for name in ("plain", "colours")}
    Path("params.yaml").write_text(yaml.safe_dump(raw, sort_keys=False))
    stage(initial, "fastvqa")
    stage(train, "plain")
    Path("runs/colours").symlink_to("plain")
    assert stage(landscape, "colours")["curve.csv"] == stage(landscape, "plain")["curve.csv"]
