"""Every method through the trainer: the same bits again and after a power cut, fine-tuning, what is its own."""

import copy
from collections.abc import Callable
from itertools import pairwise
from math import cos, pi
from typing import Any

import numpy as np
import pytest
import torch
from scipy import stats
from tiny import (
    METHODS,
    MOTION,
    finished,
    make,
    same,
    same_tensors,
    trainer,
    tuned,
    weights,
)
from torch import nn

from vqa.data.items import Cut, Part
from vqa.methods import simplevqa
from vqa.methods.base import PHASES
from vqa.optim.perturb import WeightPerturbation
from vqa.settings.strict import ParamsError
from vqa.training.clips import ClipDataset
from vqa.training.loader import shuffled
from vqa.training.train import Trainer

STEPS = 3  # of an epoch: 10 items in batches of 4
AWP = WeightPerturbation(0.01, "gradient")
NEUTRAL = {"centre": 0, "scale": 1}  # of a score: the network's output itself
FROZEN = {"finetune": {"frozen_epochs": 1, "epochs": 2}, "head_lr": 0.01, "weight_decay": 0.5}


def state(model: nn.Module) -> dict[str, torch.Tensor]:
    return copy.deepcopy(model.state_dict())


def after_every_epoch(monkeypatch: pytest.MonkeyPatch, work: Callable[[Trainer, int], None]) -> None:
    """Have ``work(trainer, epoch)`` done after the last step of every epoch, before anything is scored or saved."""
    train_epoch = Trainer._train_epoch

    def wrapped(self: Trainer, epoch: int, stream: Any) -> Any:
        result = train_epoch(self, epoch, stream)
        work(self, epoch)
        return result

    monkeypatch.setattr(Trainer, "_train_epoch", wrapped)


@pytest.mark.parametrize("name", METHODS)
def test_the_same_bits_again_and_after_a_power_cut(data, tmp_path, name):
    """Of a fine-tuning, so that a cut in the second epoch also has to find the end of the frozen ones again."""
    method, perturbation = tuned(name), WeightPerturbation(0.01, "random")
    whole = finished(data, method, tmp_path / "whole", perturbation=perturbation)
    torch.manual_seed(99)  # the state of the global generator must not matter
    assert same(whole, finished(data, method, tmp_path / "again", perturbation=perturbation))

    def power_cut(_: Trainer, epoch: int) -> None:
        if epoch == 2:
            raise KeyboardInterrupt

    with pytest.MonkeyPatch.context() as patch:
        after_every_epoch(patch, power_cut)
        with pytest.raises(KeyboardInterrupt):
            finished(data, method, tmp_path / "killed", perturbation=perturbation)
    resumed = trainer(data, method, tmp_path / "killed", perturbation)
    resumed.run((), tmp_path)
    assert resumed.curve.epoch.unique().tolist() == [1, 2, 3]
    assert same(whole, resumed)


@pytest.mark.parametrize("name", METHODS)
def test_training_starts_from_the_initial_weights_and_leaves_them_alone(data, tmp_path, name):
    method = make(name)
    initial = weights(method, 7)
    given = {key: value.clone() for key, value in initial.items()}
    start = trainer(data, method, tmp_path, initial=initial)
    assert same_tensors(start.model.state_dict(), initial)
    assert same_tensors(start.ema.module.state_dict(), initial)
    assert not same_tensors(initial, weights(method, 3)), "the trainer's own seed draws others"
    start.run((), tmp_path)
    assert same_tensors(initial, given)
    assert not any(torch.equal(parameter, initial[key]) for key, parameter in start.model.named_parameters())


@pytest.mark.parametrize("perturbation", [None, AWP])
@pytest.mark.parametrize("name", ["fastvqa", "sama", "sama_iqa"])
def test_frozen_epochs_move_the_head_alone(data, tmp_path, monkeypatch, name, perturbation):
    method, steps = tuned(name, FROZEN), 2 if name == "sama" else STEPS
    run = trainer(data, method, tmp_path, perturbation)
    names = [key for key, _ in run.model.named_parameters()]
    states, counters = [state(run.model)], []

    def look(self: Trainer, _: int) -> None:
        states.append(state(self.model))
        found = {key: self.optimizer.state.get(p, {}) for key, p in self.model.named_parameters()}
        counters.append({key: int(entry["step"]) if entry else None for key, entry in found.items()})

    after_every_epoch(monkeypatch, look)
    run.run((), tmp_path)
    moved = [{key for key in names if not torch.equal(a[key], b[key])} for a, b in pairwise(states)]
    head = {key for key in names if "backbone" not in key}
    assert 0 < len(head) < len(names)
    assert moved == [head, set(names), set(names)]
    for epoch, found in enumerate(counters):
        assert {found[key] for key in head} == {steps * (epoch + 1)}
        assert {found[key] for key in names if key not in head} == {steps * epoch or None}


# Multipliers of every step of three epochs with a warm-up of one and a half (METHODS 3.6, 5.2, 6.4)
RATES = {
    "fastvqa": [k / 4 if k <= 4 else 0.5 * (1 + cos(pi * (k - 4) / 9)) for k in range(9)],
    "sama": [k / 3 if k <= 3 else 0.5 * (1 + cos(pi * (k - 3) / 6)) for k in range(6)],
    "sama_iqa": [max(0.01, k / 4) if k <= 4 else 1 for k in range(9)],
    "simplevqa": [1] * 6 + [0.95] * 3,
}


@pytest.mark.parametrize("name", METHODS)
def test_one_schedule_spans_all_epochs_of_a_fine_tuning(data, tmp_path, monkeypatch, name):
    changes, bases = ({}, [0.003]) if name == "simplevqa" else ({**FROZEN, "warmup_epochs": 1.5}, [0.005, 0.01])
    run = trainer(data, tuned(name, changes), tmp_path)
    seen, step = [], run.optimizer.step
    look = lambda: (seen.append([group["lr"] for group in run.optimizer.param_groups]), step())  # noqa: E731
    monkeypatch.setattr(run.optimizer, "step", look)
    run.run((), tmp_path)
    np.testing.assert_allclose(seen, np.outer(RATES[name], bases), rtol=1e-12)


@pytest.mark.parametrize("drop_last", [True, False])
def test_items_of_a_dropped_batch_have_no_prediction_and_no_part_in_the_train_metrics(data, tmp_path, drop_last):
    run = finished(data, make("sama", {"drop_last": drop_last}), tmp_path)
    assert run.predictions.prediction.notna().all()
    items = [item.name for item in Part(data, "train").items]
    for epoch in (1, 2):
        rows = run.predictions[(run.predictions.epoch == epoch) & (run.predictions.weights == "on-the-fly")]
        left_out = shuffled(10, 3, epoch)[8:] if drop_last else []
        assert rows.item.tolist() == [name for index, name in enumerate(items) if index not in left_out]
        curve = run.curve[run.curve.epoch == epoch]
        assert curve.train_srcc.tolist() == pytest.approx([stats.spearmanr(rows.prediction, rows.mos)[0]] * 2)
        assert curve.train_plcc.tolist() == pytest.approx([stats.pearsonr(rows.prediction, rows.mos)[0]] * 2)
    tested = run.predictions[run.predictions.weights == "raw"]
    assert tested.groupby(["epoch", "split"]).size().unique().tolist() == [14, 4]


def test_the_score_of_images_is_scaled_before_the_loss():
    """The loss is not linear, so where it is scaled makes a difference; labels stay on their own scale."""
    images, mos = torch.ones(2, 3, 32, 32), torch.tensor([3.0, 55.0])
    method, plain = (make("sama_iqa", {"score": score}) for score in ({"centre": 50, "scale": 40}, NEUTRAL))
    outputs = lambda _: torch.tensor([-1.0, 0.125])  # noqa: E731
    assert plain.scores(outputs, images).tolist() == [-1.0, 0.125]
    scores = method.scores(outputs, images)
    assert scores.tolist() == [10.0, 55.0]
    assert method.loss(scores, mos).item() == (7 - 0.5) / 2


def test_a_scale_that_turns_scores_around_is_refused():
    with pytest.raises(ParamsError, match="scale: -1"):
        make("sama_iqa", {"score": {"centre": 0.0, "scale": -1.0}})


class Known(nn.Module):
    """Stands for the network of SAMA: its map of local quality is known."""

    def __init__(self, quality: torch.Tensor) -> None:
        super().__init__()
        self.quality = quality

    def forward(self, clips: torch.Tensor) -> torch.Tensor:
        assert len(clips) == len(self.quality)
        return self.quality


@pytest.mark.parametrize("time", ["sum", "mean"])
def test_sama_sums_over_time_in_the_clean_pass_of_training_alone(time):
    quality = (
        torch.arange(2 * 3 * 4 * 2 * 2, dtype=torch.float64).square().view(6, 1, 4, 2, 2)
    )  # two items, three clips
    model, method, inputs = Known(quality), make("sama", {"time": time}), torch.zeros(2, 3, 3, 8, 32, 32)
    mean = torch.stack([quality[:3].mean(), quality[3:].mean()])
    torch.testing.assert_close(method.scores(model.train(), inputs), 4 * mean if time == "sum" else mean)
    torch.testing.assert_close(method.scores(model.train(), inputs, second_pass=True), mean)
    torch.testing.assert_close(method.scores(model.eval(), inputs), mean)


@pytest.mark.parametrize("name", METHODS)
def test_the_second_pass_is_announced_to_the_method(data, tmp_path, monkeypatch, name):
    method, passes = make(name), []
    scores = method.scores

    def listen(model: nn.Module, inputs: Any, second_pass: bool = False) -> torch.Tensor:
        if model.training:
            passes.append(second_pass)
        return scores(model, inputs, second_pass)

    monkeypatch.setattr(method, "scores", listen)
    finished(data, method, tmp_path, perturbation=AWP)
    assert passes == [False, True] * (2 * (2 if name == "sama" else STEPS))


def test_the_rank_term_of_simplevqa_as_released_trains_nothing(data, tmp_path, monkeypatch):
    released = finished(data, make("simplevqa"), tmp_path / "released")
    swapped = finished(data, make("simplevqa", {"rank": "swapped"}), tmp_path / "swapped")
    monkeypatch.setattr(simplevqa, "simplevqa_loss", lambda pred, mos, rank: (pred - mos).abs().mean())
    plain = finished(data, make("simplevqa"), tmp_path / "plain")
    assert same_tensors(released.model.state_dict(), plain.model.state_dict())
    assert (released.curve.loss > plain.curve.loss).all(), "it shifts the value of the loss"
    assert not same_tensors(swapped.model.state_dict(), plain.model.state_dict())


@pytest.mark.parametrize(("perturbation", "passes"), [(None, 1), (AWP, 2)])
def test_both_passes_update_the_running_statistics(data, tmp_path, perturbation, passes):
    run = finished(data, make("simplevqa"), tmp_path, perturbation=perturbation)
    for model in (run.model, run.ema.module):
        tracked = {int(value) for key, value in model.state_dict().items() if key.endswith("num_batches_tracked")}
        assert tracked == {passes * 2 * STEPS}


@pytest.mark.parametrize("name", ["fastvqa", "simplevqa"])
def test_without_an_average_ema_and_raw_are_the_same(data, tmp_path, name):
    run = finished(data, make(name, {"ema_decay": 0.0} if name == "fastvqa" else None), tmp_path / "none")
    assert same_tensors(run.model.state_dict(), run.ema.module.state_dict())
    for metric in ("srcc", "plcc"):
        assert run.curve[f"test_{metric}_ema"].equals(run.curve[f"test_{metric}_raw"])
    ema, raw = (run.predictions[run.predictions.weights == kind] for kind in ("ema", "raw"))
    assert len(ema) == 2 * (4 + 14)
    assert ema.prediction.tolist() == raw.prediction.tolist()
    averaged = finished(data, make("fastvqa"), tmp_path / "averaged").predictions
    ema, raw = (averaged[averaged.weights == kind].prediction.tolist() for kind in ("ema", "raw"))
    assert ema != raw


def test_a_cut_trains_on_its_items_and_is_named_in_the_results(data, tmp_path):
    cut = Cut(6, 0.5)
    run = finished(data, make("fastvqa"), tmp_path, cut=cut)
    assert set(run.curve.fold) == set(run.predictions.fold) == {6}
    items = run.predictions[run.predictions.weights == "on-the-fly"].item
    assert set(items) == {f"{row:02}.mp4" for row in cut.parts(14)["train"]}


WIDE = {"sampling": {phase: {"grid": [2, 3], "patch": [16, 16]} for phase in PHASES}}


@pytest.mark.parametrize(
    ("name", "changes", "run", "message"),
    [
        ("simplevqa", {}, {"augmentation": "randaugment"}, "augmentation 'randaugment' is not part of SimpleVQA"),
        ("sama_iqa", {}, {"augmentation": "randaugment"}, "augmentation 'randaugment' is not part of SAMA-IQA"),
        ("fastvqa", {}, {"augmentation": "mixup"}, "augmentation 'mixup' is not one of none, .*"),
        ("sama", {}, {"augmentation": "mixup"}, "augmentation 'mixup' is not one of none, .*"),
        ("sama_iqa", WIDE, {}, "grid times patch is not the network's input_size"),
        ("sama", {"time": "max"}, {}, "time: 'max' is not one of sum, mean"),
        *((name, {"sampling": {}}, {}, "needs exactly the phases train, released, clean") for name in METHODS[:3]),
    ],
)
def test_what_does_not_fit_a_method_is_said_in_one_line(name, changes, run, message):
    with pytest.raises(ParamsError, match=rf"^params.yaml: methods.{name}[a-z.]*: {message}$"):
        make(name, changes, **run)


@pytest.mark.parametrize("name", METHODS)
def test_a_run_changes_weight_decay_and_length_of_the_recipe(name):
    method = make(name, weight_decay=0.25)
    model = method.build(torch.Generator().manual_seed(0))
    assert {group["weight_decay"] for group in method.optimizer(model).param_groups} == {0.25}
    assert (method.epochs, method.frozen_epochs) == (2, 0)
    assert (tuned(name).epochs, tuned(name).frozen_epochs) == (3, 1 if name == "fastvqa" else 0)


CENTRE = {"sampling": {phase: {"grid": [2, 2], "patch": [16, 16], "offset": "centre"} for phase in PHASES}}
LOOKS = [*((name, {}) for name in METHODS), ("sama_iqa", {"flip_and_rotate": False}), ("sama_iqa", CENTRE)]
SHAPES = {"fastvqa": (3, 2, 32, 32), "sama": (3, 2, 32, 32), "sama_iqa": (3, 32, 32)}


def parts_of(inputs: Any) -> dict[str, torch.Tensor]:
    return inputs if isinstance(inputs, dict) else {"clips": inputs}


@pytest.mark.parametrize("phase", PHASES)
@pytest.mark.parametrize(("name", "changes"), LOOKS)
def test_samples_have_their_shape_and_are_random_in_training_alone(data, name, changes, phase):
    def sample(epoch: int, seed: int) -> dict[str, torch.Tensor]:
        return parts_of(ClipDataset(Part(data, "train"), make(name, changes), phase, seed)[epoch, 4][0])

    first, again, epoch, seed = (sample(*position) for position in ((1, 3), (1, 3), (2, 3), (1, 4)))
    clips = 2 if phase == "clean" or (name == "sama" and phase == "released") else 1
    if name == "simplevqa":
        expected = {"frames": (2, 3, 40, 40), "motion": (2, MOTION)}
        item = Part(data, "train").items[4]
        np.testing.assert_array_equal(first.pop("motion"), data.features(item, "slowfast"))
        assert expected.pop("motion") == again["motion"].shape
    else:
        expected = {"clips": SHAPES[name] if name == "sama_iqa" else (clips, *SHAPES[name])}
    assert {key: tuple(tensor.shape) for key, tensor in first.items()} == expected
    is_random = phase == "train" or (name == "fastvqa" and phase == "released")
    for key, tensor in first.items():
        assert tensor.dtype == (torch.uint8 if name in ("fastvqa", "simplevqa") else torch.float32)
        assert torch.equal(tensor, again[key])
        assert torch.equal(tensor, epoch[key]) != is_random
        assert torch.equal(tensor, seed[key]) != is_random
