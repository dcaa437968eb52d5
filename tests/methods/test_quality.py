"""Quality-aware pre-training: pairs of a batch, what the network sees, and when the backbone moves."""

import copy
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
import torch
from tiny import finished, open_dataset, same, write_dataset

from vqa.methods import load_method
from vqa.methods.quality import Quality
from vqa.models.init import initialise
from vqa.models.quality import QualityNetwork, initialise_quality
from vqa.models.resnet import ResNetConfig
from vqa.optim.perturb import WeightPerturbation
from vqa.rng import torch_generator
from vqa.settings.params import Run
from vqa.settings.strict import ParamsError

BLOCK: dict[str, Any] = {
    "backbone": {"width": 2, "depths": [1, 1, 1, 1]},
    "initial": "seed",
    "train": {"short_side": 36, "crop": 34},
    "test": {"short_side": 36, "crop": 36},
    **{"rating_deviation": 0.5, "margin": 0.025, "epochs": 4, "head_epochs": 2, "batch_size": 4, "lr": 0.01},
    **{"decay_epochs": 2, "decay": 0.1, "weight_decay": 0.0005},
    "finetune": {"frozen_epochs": 1, "epochs": 2},
}


def make(changes: dict[str, Any] | None = None, init: str = "initial/quality.safetensors", **run: Any) -> Any:
    row = {"init": init, "data": "prepared/tiny", "train": "tiny", "test": ("tiny/test",)}
    return load_method("quality", {**copy.deepcopy(BLOCK), **(changes or {})}, Run(method="quality", **{**row, **run}))


@pytest.fixture
def data(tmp_path: Path) -> Any:
    write_dataset(tmp_path, train=16, n_frames=1)
    return open_dataset(tmp_path)


def seen(method: Quality, image: np.ndarray, phase: str, seed: int = 0) -> torch.Tensor:
    item: Any = SimpleNamespace(n_frames=1, height=image.shape[0], width=image.shape[1])
    reader: Any = SimpleNamespace(frames=lambda indices: image[None][indices])
    method.check(item)
    return method.sample(item, reader, phase, lambda purpose: torch_generator(purpose, seed))


def test_it_learns_and_the_bits_are_the_same_again(data: Any, tmp_path: Path) -> None:
    method, awp = make({"epochs": 8, "decay_epochs": 8, "head_epochs": 1}), WeightPerturbation(0.001, "gradient")
    trained = finished(data, method, tmp_path / "one", perturbation=awp)
    assert same(trained, finished(data, method, tmp_path / "two", perturbation=awp))
    losses = trained.curve.groupby("epoch").loss.first()
    assert losses.iloc[-2:].mean() < losses.iloc[0] - 0.05


def test_backbone_waits_for_the_first_epochs_and_batch_norms_do_not(data: Any, tmp_path: Path) -> None:
    method = make({"epochs": 2})
    initial = method.build(torch_generator("init", 3)).state_dict()
    moved = finished(data, method, tmp_path, initial=copy.deepcopy(initial)).model.state_dict()
    for name, value in initial.items():
        same_value = torch.equal(value, moved[name])
        assert same_value == (name.startswith("backbone.") and "running" not in name and "num_batches" not in name), (
            name
        )
    rates = np.array([method.learning_rate(epoch * 5, 5) for epoch in range(6)])
    np.testing.assert_allclose(rates[:, 0], [0, 0, 0.1, 0.1, 0.01, 0.01])
    np.testing.assert_allclose(rates[:, 1], [1, 1, 0.1, 0.1, 0.01, 0.01])
    tuned = make(init="runs/parent/weights/last_ema.safetensors")
    assert (tuned.epochs, tuned.frozen_epochs) == (3, 1)
    assert [tuned.learning_rate(epoch, 1)[0] > 0 for epoch in range(3)] == [False, True, True]


def test_loss_is_over_the_pairs_of_both_halves_of_a_batch() -> None:
    method = make()
    scores = torch.rand(7, 2, generator=torch_generator("test", 0), dtype=torch.float64).requires_grad_()
    mos = torch.tensor([3.0, 1.0, 2.5, 2.0, 4.0, 2.5, 9.0])
    loss = method.loss(scores, mos)
    normal = torch.distributions.Normal(0, 1)
    expected = 0.025
    for i in range(3):
        (y1, v1), (y2, v2) = scores[i].tolist(), scores[i + 3].tolist()
        p = normal.cdf(torch.tensor((y1 - y2) / (v1 * v1 + v2 * v2) ** 0.5)).item()
        g = normal.cdf((mos[i] - mos[i + 3]) / (0.5 * 2**0.5)).item()
        expected += (1 - (p * g) ** 0.5 - ((1 - p) * (1 - g)) ** 0.5) / 3
    assert loss.item() == pytest.approx(expected, abs=1e-6)
    loss.backward()
    assert scores.grad is not None
    assert not scores.grad[:, 1].any()  # neither term moves the spreads
    assert not scores.grad[6].any()  # the odd one out
    assert scores.grad[:6, 0].all()
    with pytest.raises(ValueError, match="a batch of one image has no pairs"):
        method.loss(scores[:1], mos[:1])
    assert np.array_equal(method.fuse(scores.detach().numpy(), "clean"), scores.detach().numpy()[:, 0])


def test_squares_of_an_image() -> None:
    method = make()
    image = np.random.default_rng(1).integers(0, 256, (36, 48, 3), dtype=np.uint8)
    centre = torch.from_numpy(image[:, 6:42]).permute(2, 0, 1)
    for phase in ("released", "clean"):
        assert torch.equal(seen(method, image, phase), centre)
    places = {tuple(map(tuple, seen(method, image, "train", seed)[0, :, :2].tolist())) for seed in range(20)}
    assert len(places) > 10
    windows = [torch.from_numpy(image[t : t + 34, x : x + 34]).permute(2, 0, 1) for t in range(3) for x in range(15)]
    kinds = set()
    for seed in range(20):
        square = seen(method, image, "train", seed)
        assert square.dtype == torch.uint8
        plain = any(torch.equal(square, window) for window in windows)
        assert plain or any(torch.equal(square.flip(-1), window) for window in windows)
        kinds.add(plain)
    assert kinds == {False, True}
    large = np.repeat(np.repeat(image, 3, axis=0), 3, axis=1)
    assert seen(method, large, "clean").shape == (3, 36, 36)


def test_what_it_cannot_look_at_is_named() -> None:
    method = make()
    with pytest.raises(ValueError, match="a video of 2 frames"):
        method.check(SimpleNamespace(n_frames=2, width=50, height=50))
    with pytest.raises(ValueError, match="an image of 50x35, smaller than a crop of 36 pixels"):
        method.check(SimpleNamespace(n_frames=1, width=50, height=35))
    wrong = (
        ({"batch_size": 5}, "batch_size: 5 is not a number of pairs"),
        ({"rating_deviation": 0}, "rating_deviation: 0.0 must be positive"),
        ({"train": {"short_side": 36, "crop": 40}}, "crop: 40 must be larger than 32 and at most short_side 36"),
    )
    for changes, message in wrong:
        with pytest.raises(ParamsError, match=message):
            make(changes)
    with pytest.raises(ParamsError, match="augmentation 'randaugment' is not part of"):
        make(augmentation="randaugment")


def test_initial_values_of_the_linear_layer() -> None:
    model = QualityNetwork(ResNetConfig(width=32, depths=(1, 1, 1, 1)))
    state = torch.get_rng_state()
    initialise_quality(model, torch_generator("init", 0))
    assert torch.equal(state, torch.get_rng_state())
    assert not model.fc.bias.any()
    assert model.fc.weight.std().item() == pytest.approx((2 / 1024) ** 0.5, rel=0.05)
    other = QualityNetwork(ResNetConfig(width=32, depths=(1, 1, 1, 1)))
    initialise(other.backbone, torch_generator("init", 0), linear_std=None, convolutions="kaiming")
    assert torch.equal(model.backbone.conv1.weight, other.backbone.conv1.weight)
