"""Heads of BVQA-2022 and VSFA against the released code (sections 16.1, 16.2 and 16.5 of the golden contract)."""

from collections.abc import Callable

import golden
import numpy as np
import pytest
import torch
from golden import assert_close
from torch import Tensor

from vqa.models.bvqa2022 import BVQA2022Head, initialise_bvqa2022
from vqa.models.sequence import temporal_pooling
from vqa.models.vsfa import VSFAHead
from vqa.optim.correlation_losses import correlation_loss, rank_correlation_loss
from vqa.optim.perturb import build_perturbation
from vqa.optim.schedule import step_decay
from vqa.optim.soft_rank import soft_rank

BVQA, VSFA_VECTORS = golden.load("bvqa2022"), golden.load("vsfa")
POOLED = [(BVQA, "sitp", name) for name in BVQA.text("sitp/names")]
POOLED += [(VSFA_VECTORS, "tp", name) for name in VSFA_VECTORS.text("tp/names")]


def rows(vectors: golden.Vectors, key: str, longest: int, lengths: Tensor, channels: int) -> Tensor:
    """Recipe rows, zeros behind the length of each video."""
    values = golden.normal(key, (len(lengths), longest, channels), vectors.seed, 0.5, 0.5).astype(np.float32)
    for row, length in zip(values, lengths.tolist(), strict=True):
        row[length:] = 0
    return torch.from_numpy(values)


@pytest.mark.parametrize(
    ("vectors", "group", "name"), POOLED, ids=lambda value: value if isinstance(value, str) else ""
)
def test_temporal_pooling(vectors: golden.Vectors, group: str, name: str) -> None:
    stored = vectors.under(f"{group}/{name}")
    frames = torch.tensor(stored["q"])[None].requires_grad_()
    pooled, score = temporal_pooling(frames, torch.tensor([frames.shape[1]]))
    if "pooled" in stored:
        assert_close(pooled[0], stored["pooled"], 1e-10)
    assert_close(score, stored["score"], 1e-10)
    score.sum().backward()
    assert frames.grad is not None
    assert_close(frames.grad[0], stored["grad"], 1e-9)


@pytest.mark.parametrize("name", VSFA_VECTORS.text("head/names"))
def test_vsfa_head(name: str) -> None:
    model = golden.filled(VSFAHead(4096), VSFA_VECTORS.seed)
    assert golden.keys(model) == VSFA_VECTORS.text("head/keys")
    assert sum(value.numel() for value in model.parameters()) == VSFA_VECTORS.scalar("head/n_params")
    place = f"head/{name}"
    lengths, longest = VSFA_VECTORS.tensor(f"{place}/len"), int(VSFA_VECTORS.scalar(f"{place}/max_len"))
    inputs = rows(VSFA_VECTORS, f"input/vsfa/{place}", longest, lengths, 4096)
    assert_close(golden.check(inputs.numpy()), VSFA_VECTORS[f"{place}/input_check"], 1e-6, 1e-9)
    with torch.no_grad():
        assert_close(model.frames(inputs.double()), VSFA_VECTORS[f"{place}/frame_q"], 1e-10)  # type: ignore[operator]
        assert_close(model(inputs.double(), lengths), VSFA_VECTORS[f"{place}/score"], 1e-10)
        assert_close(model.float()(inputs, lengths), VSFA_VECTORS[f"{place}/score_f32"], 2e-5)


BVQA_HEADS = [(case, one) for case in BVQA.text("head/names") for one in BVQA.text(f"head/{case}/datasets")]


@pytest.mark.parametrize(("case", "one"), BVQA_HEADS)
def test_bvqa2022_head(case: str, one: str) -> None:
    model = golden.filled(BVQA2022Head(4608), BVQA.seed)
    released = [line for line in BVQA.text("head/keys") if not line.startswith("lm.")]
    assert golden.keys(model) == released
    place = f"head/{case}/{one}"
    lengths, longest = BVQA.tensor(f"{place}/len"), int(BVQA.scalar(f"{place}/max_len"))
    inputs = rows(BVQA, f"input/bvqa2022/{place}", longest, lengths, 4608)
    assert_close(golden.check(inputs.numpy()), BVQA[f"{place}/input_check"], 1e-6, 1e-9)
    with torch.no_grad():
        assert_close(model.frames(inputs.double()), BVQA[f"{place}/frame_q"], 1e-10)  # type: ignore[operator]
        found, single = model(inputs.double(), lengths), model.float()(inputs, lengths)
    for column, name in enumerate(("relative", "mapped")):
        assert_close(found[:, column], BVQA[f"{place}/{name}"], 1e-10, what=name)
        assert_close(single[:, column], BVQA[f"{place}/{name}_f32"], 2e-5, what=name)


def test_start_of_the_score_map() -> None:
    model = BVQA2022Head(8, 4, 3)
    initialise_bvqa2022(model, torch.Generator().manual_seed(1))
    start = torch.cat([value.flatten() for key, value in model.state_dict().items() if key.startswith("nlm.")])
    assert_close(start, BVQA["init/nlm0_weight_bias_nlm2_weight_bias"], 1e-6)


@pytest.mark.parametrize("name", BVQA.groups("softrank/", "rank"))
def test_soft_rank(name: str) -> None:
    values, cotangent = BVQA.tensor(f"softrank/{name}/v").requires_grad_(), BVQA.tensor(f"softrank/{name}/cotangent")
    ranks = soft_rank(values)
    assert_close(ranks, BVQA[f"softrank/{name}/rank"], 1e-10)
    (found,) = torch.autograd.grad((cotangent * ranks).sum(), values)
    assert_close(found, BVQA[f"softrank/{name}/vjp"], 1e-9)


LOSSES = [(name, number) for name in BVQA.groups("loss/", "scale") for number in range(len(BVQA[f"loss/{name}/scale"]))]
ONE = [name for name in BVQA.groups("loss/", "scale") if len(BVQA[f"loss/{name}/scale"]) == 1]


@pytest.mark.parametrize(("name", "number"), LOSSES)
def test_losses(name: str, number: int) -> None:
    relative, mapped, mos = (BVQA.tensor(f"loss/{name}/{number}/{part}") for part in ("relative", "mapped", "y"))
    for pred, loss, kind in (
        (mapped, correlation_loss, "plcc"),
        (relative, rank_correlation_loss, "srcc"),
    ):
        pred.requires_grad_()
        value = loss(pred, mos)
        many = f"loss/{name}/{kind}_parts"
        expected = BVQA[many][number] if many in BVQA else BVQA.scalar(f"loss/{name}/{kind}")
        assert value.item() == pytest.approx(expected, abs=1e-10)
        if name in ONE:
            (gradient,) = torch.autograd.grad(value, pred)
            part = "mapped" if kind == "plcc" else "relative"
            assert_close(gradient, BVQA[f"loss/{name}/{kind}_grad/{number}/{part}"], 1e-9, what=kind)


def _bvqa_loss(scores: Tensor, mos: Tensor) -> Tensor:
    return correlation_loss(scores[:, 1], mos) + rank_correlation_loss(scores[:, 0], mos)


class Loop:
    """A small head with the batches of its training loop."""

    def __init__(self, name: str) -> None:
        self.vectors = vectors = BVQA if name == "bvqa2022" else VSFA_VECTORS
        self.name = name
        sizes = vectors["loop/sizes_in_reduced_hidden"].tolist()
        made = BVQA2022Head(*sizes) if name == "bvqa2022" else VSFAHead(*sizes)
        if isinstance(made, BVQA2022Head):
            initialise_bvqa2022(made, torch.Generator())
        self.model = golden.filled(
            made, vectors.seed, lambda key: None if key.startswith("nlm.") else f"loop.{key}"
        ).train()
        self.loss: Callable[[Tensor, Tensor], Tensor] = _bvqa_loss
        self.labels = vectors.tensor("loop/y") if name == "bvqa2022" else vectors.tensor("loop/mos")
        if name == "vsfa":
            self.loss = lambda scores, mos: (scores - mos).abs().mean()
            self.labels = self.labels / vectors.scalar("loop/scale")

    def backward(self, batch: int) -> tuple[Tensor, Tensor]:
        self.model.zero_grad()
        lengths, longest = self.vectors.tensor("loop/len")[batch], int(self.vectors.scalar("loop/maxlen"))
        channels = int(self.vectors["loop/sizes_in_reduced_hidden"][0])
        inputs = rows(self.vectors, f"{self.name}/loop/x/{batch}", longest, lengths, channels).double()
        scores = self.model(inputs, lengths)
        loss = self.loss(scores, self.labels[batch].double())
        loss.backward()
        return scores.detach(), loss.detach()


@pytest.mark.parametrize("name", ["vsfa", "bvqa2022"])
def test_training_loop(name: str) -> None:
    loop, losses = Loop(name), []
    if name == "vsfa":
        (rate, epochs), interval, ratio = loop.vectors["loop/lr_epochs"], 1, 1.0
    else:
        rate, epochs, interval, ratio = loop.vectors["loop/lr_epochs_decayinterval_ratio"]
    optimizer = torch.optim.Adam(loop.model.parameters(), lr=rate)
    for epoch in range(int(epochs)):
        optimizer.param_groups[0]["lr"] = rate * step_decay(epoch, int(interval), ratio)
        for batch in range(len(loop.labels)):
            losses.append(loop.backward(batch)[1].item())
            optimizer.step()
    assert_close(losses, loop.vectors["loop/losses"], 1e-8)
    for key, value in loop.model.state_dict().items():
        expected = loop.vectors[f"loop/w_final/{key}"]
        assert_close(value, expected, 1e-7, what=key)


@pytest.mark.parametrize("name", ["vsfa", "bvqa2022"])
def test_adversarial_step(name: str) -> None:
    loop = Loop(name)
    found: list[dict[str, Tensor]] = []

    def backward(second_pass: bool) -> tuple[Tensor, Tensor]:
        found.append({key: value.detach().clone() for key, value in loop.model.named_parameters()})
        return loop.backward(0)

    awp = build_perturbation("awp", loop.vectors.scalar("awp/gamma"), "released", "box")
    _, loss = awp.gradients(loop.model, backward, torch.Generator())
    assert loss.item() == pytest.approx(loop.vectors.scalar("awp/clean_loss"), abs=1e-10)
    moved = [key for key, value in found[1].items() if not torch.equal(value, found[0][key])]
    assert sorted(moved) == sorted(loop.vectors.text("awp/perturbed_names"))
    for key in moved:
        assert_close(found[1][key], loop.vectors[f"awp/w_perturbed/{key}"], 1e-9, what=key)
    for key, parameter in loop.model.named_parameters():
        if f"awp/adv_grad/{key}" in loop.vectors:
            assert_close(parameter.grad, loop.vectors[f"awp/adv_grad/{key}"], 1e-8, what=key)
