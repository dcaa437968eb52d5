"""The systems of Tables 6 and 7: each trains on its views or rows, perturbed or not, and gives one score per item."""

import copy
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import tiny
import torch
import yaml
from operations import Seen
from project import ROOT
from tiny import CPU, finished, open_dataset, same, write_dataset

from vqa.data.items import Part, PreparedDataset
from vqa.data.patches import Patch, write_patches
from vqa.device import set_up
from vqa.extract import load_extractor
from vqa.extract.base import describe
from vqa.extract.networks import load_networks
from vqa.methods import load_method
from vqa.methods.base import Branched, Method, one_score, training_loss
from vqa.optim.perturb import WeightPerturbation, build_perturbation
from vqa.rng import torch_generator
from vqa.settings.params import Run, load
from vqa.training.branches import branch_scores
from vqa.training.clips import ClipDataset, Loader
from vqa.training.loader import batches
from vqa.training.predict import predict
from vqa.training.train import training_step

BLOCKS = yaml.safe_load((ROOT / "params.yaml").read_text())
ROWS = {"vsfa": "vsfa", "bvqa2022": "bvqa2022", "pvq": "pvq", "pvq_whole": "pvq", "dsdpro": "dsdpro"}
PIXELS = ("dover", "zoomvqa")
NAMES = (*ROWS, *PIXELS)


@pytest.fixture(scope="module")
def data(tmp_path_factory: pytest.TempPathFactory) -> PreparedDataset:
    """The tiny data set with patches, and what the extractors of the systems make of it."""
    folder = tmp_path_factory.mktemp("systems")
    write_dataset(folder)
    opened = open_dataset(folder)
    items = Part(opened, "all").items
    boxes = ((0, 0, 20, 18, 0, 12), (0, 0, 40, 36, 3, 8), (10, 8, 30, 26, 2, 7))
    patches = {item.name: [Patch(*box, mos=item.mos + shift) for shift, box in enumerate(boxes)] for item in items}
    write_patches(folder / "prepared" / "tiny" / "patches.csv", patches)
    for name in set(ROWS.values()):
        block = copy.deepcopy(BLOCKS["extractors"][name])
        extractor = load_extractor(name, {**block, **({"spatial_initial": "seed"} if name == "bvqa2022" else {})})
        load_networks(extractor, name, 1, {}, CPU)
        features, lengths = describe(Part(open_dataset(folder), "all"), extractor, name)
        out = folder / "features" / name / "tiny"
        out.mkdir(parents=True)
        np.save(out / "features.npy", features)
        np.save(out / "lengths.npy", lengths)
    return open_dataset(folder)


def method(name: str, **run: Any) -> Method:
    """A system for a run of one epoch, or two."""
    row = {"init": f"initial/{name}.safetensors", "data": "prepared/tiny", "train": "tiny", "test": ("tiny/test",)}
    block = {**copy.deepcopy(BLOCKS["methods"][name]), "epochs": 2, "batch_size": 4}
    return load_method(name, block, Run(method=name, **{**row, **run}))


def batch(data: PreparedDataset, made: Method, phase: str) -> tuple[Any, torch.Tensor]:
    """Inputs and MOS of the first four training items."""
    clips = ClipDataset(Part(data, "train"), made, phase, 3)
    inputs, mos, _ = next(batches(clips, [0, 1, 2, 3], 1, 4, 0))
    return inputs, mos.float()


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("kind", ["none", "awp"])
def test_a_training_ends_the_same_twice_and_scores_every_item(
    data: PreparedDataset, tmp_path: Path, name: str, kind: str
) -> None:
    perturbation = build_perturbation(kind, 0.01 if kind == "awp" else 0.0, "released", "box")
    first, again = (finished(data, method(name), tmp_path / str(k), perturbation=perturbation) for k in range(2))
    assert same(first, again)
    assert np.isfinite(first.predictions.prediction).all()
    assert first.predictions.groupby(["epoch", "weights", "split"]).size().min() == 4
    start = tiny.weights(method(name))
    moved = [key for key, value in first.model.named_parameters() if not torch.equal(value, start[key])]
    still = {key for key, _ in first.model.named_parameters()} - set(moved)
    assert still <= {"ann.fc.weight", "ann.fc.bias"}, "everything learns but what is declared and never used"


@pytest.mark.parametrize("name", NAMES)
def test_perturbation_changes_what_is_learned(data: PreparedDataset, tmp_path: Path, name: str) -> None:
    plain = finished(data, method(name), tmp_path / "plain")
    awp = finished(
        data, method(name), tmp_path / "awp", perturbation=build_perturbation("awp", 0.05, "released", "box")
    )
    assert not same(plain, awp)


@pytest.mark.parametrize("name", NAMES)
def test_phases_look_as_they_say(data: PreparedDataset, name: str) -> None:
    made = method(name)
    model = made.build(torch_generator("init", 1)).eval()
    clean, again = (batch(data, made, "clean")[0] for _ in range(2))
    assert clean.keys() == again.keys()
    assert all(torch.equal(clean[key], again[key]) for key in clean)
    with torch.no_grad():
        outputs = made.scores(model, clean).double().numpy()
    assert len(outputs) == 4
    fused = one_score(made, outputs, "clean")
    assert fused.shape == (4,)
    if isinstance(made, Branched):
        assert one_score(made, outputs[:1], "clean").shape == (1,), "a file that is scored alone"


@pytest.mark.parametrize("name", NAMES)
def test_losses_fall_along_their_gradients(data: PreparedDataset, name: str) -> None:
    made = method(name)
    model = made.build(torch_generator("init", 1)).train()
    inputs, mos = batch(data, made, "train")

    def loss() -> torch.Tensor:
        with torch.random.fork_rng():
            torch.manual_seed(0)
            for module in model.modules():
                if hasattr(module, "p"):
                    module.p = 0.0
            return training_loss(made, made.scores(model, inputs), inputs, mos)

    before = loss()
    before.backward()
    with torch.no_grad():
        for parameter in model.parameters():
            if parameter.grad is not None:
                parameter -= 1e-3 * parameter.grad / (parameter.grad.norm() + 1e-12)
    assert loss() < before


@pytest.mark.parametrize("name", PIXELS)
def test_scores_of_branches_are_fused_to_those_of_the_method(data: PreparedDataset, name: str) -> None:
    made, part = method(name), Part(data, "test")
    model = made.build(torch_generator("init", 1))
    outputs = branch_scores(model, made, part, 3, Loader(), CPU)
    assert outputs.shape == (4, 2)
    assert not np.allclose(outputs[:, 0], outputs[:, 1])
    (scores,) = predict([model], made, ClipDataset(part, made, "clean", 3), 0, 0, CPU)
    np.testing.assert_array_equal(one_score(made, outputs, "clean"), scores)


def test_patches_are_learned_in_training_alone(data: PreparedDataset) -> None:
    made = method("pvq")
    inputs, mos = batch(data, made, "train")
    low, high = data.mos_range
    assert inputs["labels"].shape == (4, 3)
    expected = torch.cat([mos[:, None], inputs["labels"]], dim=1)
    torch.testing.assert_close(made.labels(inputs, mos), (expected - low) / (high - low))  # type: ignore[attr-defined]
    assert batch(data, made, "clean")[0]["labels"].shape == (4, 0)
    assert batch(data, method("pvq_whole"), "train")[0]["labels"].shape == (4, 0)


def test_both_views_of_dover_are_of_the_same_video(data: PreparedDataset) -> None:
    inputs, _ = batch(data, method("dover"), "clean")
    assert inputs["technical"].shape == (4, 1, 3, 2, 64, 64)
    assert inputs["aesthetic"].shape == (4, 3, 2, 48, 48)
    levels = [inputs[view].float().flatten(1).mean(dim=1) for view in ("technical", "aesthetic")]
    assert torch.corrcoef(torch.stack(levels))[0, 1] > 0.95, "bright videos are bright in both"


def test_pictures_of_zoom_are_two_per_second_and_filled_up(data: PreparedDataset) -> None:
    inputs, _ = batch(data, method("zoomvqa"), "clean")
    assert inputs["count"].tolist() == [6] * 4, "of 12 frames at 5 per second"
    shown = inputs["pictures"].abs().flatten(2).amax(dim=2) > 0
    assert shown.sum(dim=1).tolist() == [6] * 4
    assert shown[:, :6].all()


@pytest.mark.parametrize("name", NAMES)
def test_nothing_goes_where_pins_of_instructions_do_not_reach(data: PreparedDataset, name: str) -> None:
    device = set_up(replace(load(ROOT / "params.yaml").common, device="cpu"))
    with Seen() as seen:
        made = method(name)
        model = made.build(torch_generator("init", 1)).train().to(device)
        inputs, mos = batch(data, made, "train")
        training_step(model, made, made.optimizer(model), WeightPerturbation(0.01, "gradient"), inputs, mos, (1, 1, 0))
    assert len(seen.names) > 20
    assert not seen.wrong
