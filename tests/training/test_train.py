"""The trainer end to end on real small videos: determinism, resuming, common random numbers, learning."""

from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
import torch
from clips import write_video
from safetensors.torch import load_file

from vqa.data.items import Part, PreparedDataset
from vqa.data.prepare import prepare
from vqa.io import InputError
from vqa.methods.base import FineTuning
from vqa.methods.fastvqa import Config, FastVQA, Sampling
from vqa.models.swin3d import SwinConfig
from vqa.optim.perturb import NoPerturbation, WeightPerturbation, build_perturbation
from vqa.rng import torch_generator
from vqa.sampling.fragments import FragmentSampling
from vqa.sampling.temporal import TemporalSampling
from vqa.settings.params import Run
from vqa.training.clips import ClipDataset, Loader
from vqa.training.evaluate import clean_scores, released_scores
from vqa.training.loader import batches
from vqa.training.predict import clean_predictions
from vqa.training.train import CURVE, Trainer

CPU = torch.device("cpu")


def tiny(epochs: int = 3, augmentation: str = "none") -> FastVQA:
    """FAST-VQA of a few thousand parameters that looks at 32x32 pixels of 2 frames."""
    temporal = TemporalSampling(frames=2, interval=4, clips=1)
    fragments = FragmentSampling(grid=(2, 2), patch=(16, 16), aligned=2)
    random = Sampling(temporal, fragments)
    clean = Sampling(replace(temporal, clips=2, offset="centre"), replace(fragments, offset="centre"))
    config = Config(
        backbone=SwinConfig(12, (1, 1), (2, 2), (2, 2, 2), (1, 4, 4), (2, 32, 32), mlp_ratio=2.0, drop_path=0.1),
        head_hidden=8,
        head_dropout=0.2,
        init_std=0.1,
        initial="seed",
        patch_embedding="whitened",
        sampling={"train": random, "released": replace(random, temporal=replace(temporal, clips=2)), "clean": clean},
        epochs=epochs,
        finetune=FineTuning(1, 2),
        batch_size=8,
        backbone_lr=0.005,
        head_lr=0.005,
        weight_decay=0.05,
        warmup_epochs=0.5,
        rank_weight=0.3,
        ema_decay=0.8,
    )
    row = {"init": "initial/fastvqa.safetensors", "data": "", "train": "", "test": ()}
    return FastVQA(config, Run("fastvqa", **row, augmentation=augmentation))


@pytest.fixture(scope="session")
def dataset(tmp_path_factory: pytest.TempPathFactory) -> PreparedDataset:
    """44 videos whose MOS is how sharp their texture is: noise, smoothed more and more."""
    folder = tmp_path_factory.mktemp("train") / "sharpness"
    generator = np.random.default_rng(5)
    rows = []
    for number in range(44):
        blur = number % 11
        texture = generator.integers(0, 256, (48, 64, 3)).astype(float)
        for _ in range(blur):
            texture = (texture + np.roll(texture, 1, 0) + np.roll(texture, 1, 1) + np.roll(texture, -1, 1)) / 4
        frames = np.stack([np.roll(texture, shift, 1) for shift in range(14)]).astype(np.uint8)
        write_video(folder / "videos" / f"{number:02}.mp4", frames, options={"crf": "12"})
        rows.append((f"videos/{number:02}.mp4", 5 - 0.4 * blur, "test" if number >= 33 else "train"))
    pd.DataFrame(rows, columns=["name", "mos", "split"]).to_csv(folder / "labels.csv", index=False)
    prepare(folder, folder.parent / "prepared" / "sharpness", "stop", frame_store=True)
    return PreparedDataset(folder.parent / "prepared" / "sharpness", folder)


def trainer(dataset: PreparedDataset, state: Path, method=None, perturbation=None, workers=0, seed=3) -> Trainer:
    """A trainer of :func:`tiny` on the sharpness data."""
    method, perturbation = method or tiny(), perturbation or NoPerturbation()
    train, test = Part(dataset, "train"), Part(dataset, "test")
    initial = method.build(torch_generator("init", seed)).state_dict()
    return Trainer(method, initial, perturbation, train, [test], seed, Loader(workers), CPU, state / "last.pt")


def same(a: Trainer, b: Trainer) -> bool:
    """Whether two trainers ended with the same bits, in weights, curve and predictions."""
    states = [(x.model.state_dict(), x.ema.module.state_dict()) for x in (a, b)]
    tensors = all(torch.equal(x[k], y[k]) for x, y in zip(*states, strict=True) for k in x)
    return tensors and a.curve.equals(b.curve) and a.predictions.equals(b.predictions)


@pytest.mark.parametrize("kind", ["none", "rwp", "awp"])
def test_a_second_run_and_any_number_of_loader_workers_give_the_same_bits(dataset, tmp_path, kind):
    def run(workers: int) -> Trainer:
        torch.manual_seed(workers)  # the state of the global generator must not matter
        perturbation = build_perturbation(kind, 0.0 if kind == "none" else 0.01, "released", "box")
        result = trainer(dataset, tmp_path / f"{kind}{workers}", tiny(2, "trivialaugment"), perturbation, workers)
        result.run((), tmp_path)
        return result

    alone = run(0)
    assert same(alone, run(2))


def test_a_killed_run_goes_on_to_the_same_bits(dataset, tmp_path, monkeypatch):
    perturbation = WeightPerturbation(0.01, "random")
    whole = trainer(dataset, tmp_path / "whole", perturbation=perturbation)
    whole.run((1,), tmp_path / "kept")

    killed = trainer(dataset, tmp_path / "killed", perturbation=perturbation)
    train_epoch = Trainer._train_epoch

    def power_cut(self: Trainer, epoch: int, stream: Any):
        result = train_epoch(self, epoch, stream)
        if epoch == 2:
            raise KeyboardInterrupt
        return result

    monkeypatch.setattr(Trainer, "_train_epoch", power_cut)
    with pytest.raises(KeyboardInterrupt):
        killed.run((), tmp_path)
    monkeypatch.setattr(Trainer, "_train_epoch", train_epoch)
    resumed = trainer(dataset, tmp_path / "killed", perturbation=perturbation)
    resumed.run((), tmp_path)
    assert resumed.curve.epoch.tolist() == [1, 2, 3]
    assert same(whole, resumed)
    kept = load_file(tmp_path / "kept" / "epoch_1_ema.safetensors")
    assert set(kept) == set(whole.model.state_dict())


def test_twins_share_initialisation_order_and_crops(dataset, tmp_path):
    """Up to the first perturbed gradient everything is common: the clean scores of the first batch are equal."""
    plain, twin = (trainer(dataset, tmp_path / k, perturbation=p) for k, p in _twins().items())
    assert all(torch.equal(a, b) for a, b in zip(plain.model.parameters(), twin.model.parameters(), strict=True))
    for each in (plain, twin):
        each.method.epochs = 1
        each.run((), tmp_path)
    first_loss = [t.curve.loss[0] for t in (plain, twin)]
    assert first_loss[0] != first_loss[1], "the perturbation must change the training"
    inputs = [next(batches(t.train_clips, [5, 6], 1, 2, 0))[0] for t in (plain, twin)]
    assert torch.equal(*inputs)


def _twins():
    return {"plain": NoPerturbation(), "awp": WeightPerturbation(0.01, "gradient")}


def test_streams_differ_between_epochs_phases_and_items(dataset):
    method = tiny()
    part = Part(dataset, "train")
    train = ClipDataset(part, method, "train", seed=1)
    assert not torch.equal(train[1, 0][0], train[2, 0][0])
    assert torch.equal(train[1, 0][0], train[1, 0][0])
    assert not torch.equal(train[1, 0][0], ClipDataset(part, method, "train", seed=2)[1, 0][0])
    clean = ClipDataset(part, method, "clean", seed=1)
    assert torch.equal(clean[0, 0][0], clean[7, 0][0]), "the clean protocol is deterministic"
    released = ClipDataset(part, method, "released", seed=1)
    assert not torch.equal(released[1, 0][0], released[2, 0][0]), "the released protocol samples at random"


@pytest.mark.parametrize("augmentation", ["autoaugment", "randaugment", "trivialaugment"])
def test_augmented_clips_are_others_in_every_epoch(dataset, augmentation):
    method = tiny(augmentation=augmentation)
    rule = method.config.sampling["train"]
    fixed = Sampling(replace(rule.temporal, offset="centre"), replace(rule.fragments, offset="centre"))
    method.config.sampling["train"] = fixed  # so that nothing else is drawn
    train = ClipDataset(Part(dataset, "train"), method, "train", seed=1)
    epochs = [torch.stack([train[epoch, index][0] for index in range(8)]) for epoch in (1, 2, 1)]
    assert not torch.equal(epochs[0], epochs[1])
    assert torch.equal(epochs[0], epochs[2])


def test_training_learns_and_both_protocols_are_computed_from_the_predictions(dataset, tmp_path):
    method = tiny(epochs=14)
    run = trainer(dataset, tmp_path, method)
    run.run((), tmp_path)
    parts = [Part(dataset, split) for split in ("train", "test")]
    clean = clean_predictions(run.ema.module, method, parts, 14, 3, Loader(), CPU)
    predictions = pd.concat([run.predictions, clean], ignore_index=True)
    scores = {"released": released_scores(predictions, "ema", "last"), "clean": clean_scores(predictions)}
    assert scores["clean"]["sharpness/test"]["srcc"] > 0.8
    assert scores["clean"]["sharpness/test"]["n"] == 11
    released = scores["released"]["sharpness/test"]
    test_curve = run.curve.test_srcc_ema
    assert released["srcc"] == pytest.approx(test_curve.max())
    assert released["best_epoch"]["srcc"] == run.curve.epoch[test_curve.idxmax()]
    assert released["plcc"] == pytest.approx(run.curve.test_plcc_ema.max())
    assert scores["released"]["sharpness/train"]["srcc"] == pytest.approx(run.curve.train_srcc.iloc[-1])
    assert list(run.curve.columns) == CURVE
    assert set(predictions.weights) == {"ema", "raw", "on-the-fly"}


def test_the_learning_rate_of_every_step_is_the_schedule(dataset, tmp_path, monkeypatch):
    run = trainer(dataset, tmp_path)
    seen = []
    step = run.optimizer.step
    monkeypatch.setattr(run.optimizer, "step", lambda: (seen.append(run.optimizer.param_groups[0]["lr"]), step()))
    run.run((), tmp_path)
    steps = -(-33 // 8)
    expected = [0.005 * run.method.learning_rate(k, steps) for k in range(3 * steps)]
    assert seen == pytest.approx(expected)
    assert seen[0] == 0


def test_a_training_set_smaller_than_the_only_batch_is_refused_in_one_line(dataset, tmp_path):
    run = trainer(dataset, tmp_path)
    run.method.drop_last, run.method.batch_size = True, 64
    with pytest.raises(InputError, match="sharpness/train: 33 items make no batch of 64; lower batch_size"):
        run.run((), tmp_path)


def test_a_last_batch_of_one_item_has_no_loss_and_the_epoch_still_has_one(dataset, tmp_path):
    method = tiny(epochs=2)
    one = Part(dataset, "train", None)
    method.batch_size = len(one.items) - 1
    found = trainer(dataset, tmp_path / "state.pt", method)
    found.run((), tmp_path)
    assert np.isfinite(found.curve.loss.astype(float)).all()
