"""DSD-PRO against the released code (section 16.4 of the golden contract): head, training, sampling, features."""

import golden
import numpy as np
import pytest
import torch
from golden import assert_close, assert_summary
from torch import Tensor

from vqa.data.items import Cut
from vqa.extract.dsdpro import segment_row
from vqa.models.dsdpro import ProgressiveResidual
from vqa.models.fast_pathway import FastPathway, FastPathwayConfig
from vqa.models.inception_resnet import InceptionResNet, InceptionResNetConfig
from vqa.models.pooled import mean_and_deviation
from vqa.models.xtemporal import fast_from_xtemporal
from vqa.optim.perturb import build_perturbation
from vqa.sampling.normalise import normalise
from vqa.sampling.segments import segment_starts, used_size

VECTORS = golden.load("dsdpro")
SETS = {"KoNViD": 1200, "LIVE-VQC": 585, "YouTube": 1195}


def rows(dtype: torch.dtype) -> Tensor:
    shape = (*VECTORS["head/batch_segments"].tolist(), int(VECTORS["head/levels"].sum()))
    values = np.abs(golden.normal("input/dsdpro/head", shape, VECTORS.seed, 0.6, 0.0)).astype(np.float32)
    assert_close(golden.check(values), VECTORS["head/input_check"], 1e-6, 1e-9)
    return torch.from_numpy(values).to(dtype)


@pytest.mark.parametrize(("case", "norm"), [("head", True), ("head_v1", False)])
def test_head(case: str, norm: bool) -> None:
    model = golden.filled(ProgressiveResidual(VECTORS["head/levels"].tolist(), 32, norm), VECTORS.seed)
    assert golden.keys(model) == VECTORS.text(f"{case}/keys")
    assert sum(value.numel() for value in model.parameters()) == VECTORS.scalar(f"{case}/n_params")
    segments = rows(torch.float64)
    with torch.no_grad():
        scores = model(segments)
        for number, level in enumerate(model.aggregate(segments), start=1):
            assert_summary(level.flatten(0, 1), VECTORS, f"{case}/level{number}_before_residual", 1e-10)
        single = golden.filled(model, VECTORS.seed, dtype=torch.float32)(rows(torch.float32)).mean(dim=1)
    assert_close(scores, VECTORS[f"{case}/segment_score"], 1e-10)
    assert_close(scores.mean(dim=1), VECTORS[f"{case}/score"], 1e-10)
    assert_close(single, VECTORS[f"{case}/score_f32"], 2e-5)


class Loop:
    """The small head and batches of the training loop."""

    def __init__(self) -> None:
        levels = VECTORS["loop/levels"].tolist()
        hidden, self.size, self.batches, self.segments, self.epochs = VECTORS[
            "loop/hidden_batch_batches_segments_epochs"
        ].tolist()
        model = ProgressiveResidual(levels, hidden, norm=True)
        self.model = golden.filled(model, VECTORS.seed, lambda key: f"loop.{key}").train()
        self.channels = sum(levels)

    def inputs(self, batch: int) -> Tensor:
        shape = (self.size, self.segments, self.channels)
        values = golden.normal(f"dsdpro/loop/x/{batch}", shape, VECTORS.seed).astype(np.float32)
        return torch.from_numpy(values).double()

    def backward(self, batch: int) -> tuple[Tensor, Tensor]:
        self.model.zero_grad()
        scores = self.model(self.inputs(batch)).mean(dim=1)
        loss = (scores - VECTORS.tensor("loop/y")[batch]).abs().mean()
        loss.backward()
        return scores.detach(), loss.detach()


def test_training_loop() -> None:
    loop, losses = Loop(), []
    assert_close(golden.check(loop.inputs(0).numpy()), VECTORS["loop/x0_check"], 1e-5)
    optimizer = torch.optim.Adam(loop.model.parameters(), lr=VECTORS.scalar("loop/lr"))
    for step in range(loop.epochs * loop.batches):
        losses.append(loop.backward(step % loop.batches)[1].item())
        if not step:
            for name, parameter in loop.model.named_parameters():
                assert_close(parameter.grad, VECTORS[f"loop/first_grad/{name}"], 1e-9, what=name)
        optimizer.step()
    assert_close(losses, VECTORS["loop/losses"], 1e-8)
    for name, parameter in loop.model.named_parameters():
        assert_close(parameter, VECTORS[f"loop/w_final/{name}"], 1e-7, what=name)


def test_adversarial_step() -> None:
    loop = Loop()
    found: list[dict[str, Tensor]] = []

    def backward(second_pass: bool) -> tuple[Tensor, Tensor]:
        found.append({name: p.detach().clone() for name, p in loop.model.named_parameters()})
        return loop.backward(0)

    awp = build_perturbation("awp", VECTORS.scalar("awp/gamma"), "released", "box")
    _, loss = awp.gradients(loop.model, backward, torch.Generator())
    assert loss.item() == pytest.approx(VECTORS.scalar("awp/clean_loss"), abs=1e-10)
    moved = [name for name, value in found[1].items() if not torch.equal(value, found[0][name])]
    assert moved == VECTORS.text("awp/perturbed_names")
    for name in moved:
        assert_close(found[1][name], VECTORS[f"awp/w_perturbed/{name}"], 1e-10, what=name)
    for name, parameter in loop.model.named_parameters():
        assert_close(parameter.grad, VECTORS[f"awp/adv_grad/{name}"], 1e-8, what=name)


def test_order_of_the_features() -> None:
    """Columns of the joined row by where they come from: appearance from 0, motion from 10000."""
    still = torch.arange(6272.0)[None, :, None, None]
    moved = 10000 + torch.arange(960.0)[None, :, None, None, None]
    sizes, cuts = (192, 320, 1088, 1536), (32, 64, 128, 256)
    stills, at = [], 0
    for size in sizes:
        stills.append(_map_of(still[0, at : at + 2 * size, 0, 0], size, (2,)))
        at += 2 * size
    moves, at = [], 0
    for size in cuts:
        moves.append(_map_of(moved[0, at : at + 2 * size, 0, 0, 0], size, (1, 2)))
        at += 2 * size
    row = segment_row(lambda _: stills, lambda _: moves, torch.zeros(8, 4, 4, 3, dtype=torch.uint8))  # type: ignore[arg-type]
    np.testing.assert_allclose(row.numpy(), VECTORS["concat/source_index"], rtol=1e-6)


def _map_of(row: Tensor, size: int, tail: tuple[int, ...]) -> Tensor:
    """A map ``(1, size, ..., 2)`` whose means are the first half of ``row`` and unbiased deviations the second."""
    mean, spread = row[:size].double(), row[size:].double() / np.sqrt(2)
    two = torch.stack([mean - spread, mean + spread], dim=1)
    return two.view(1, size, *tail)


def test_sampling() -> None:
    for count in (10, 20):
        for n_frames, expected in zip(VECTORS["sampling/lengths"], VECTORS[f"sampling/start_nt{count}"], strict=True):
            assert segment_starts(int(n_frames), count).tolist() == expected.tolist()
    for (height, width), used in zip(
        VECTORS["sampling/height_width"], VECTORS["sampling/used_height_width_rescaled"], strict=True
    ):
        new_width, new_height = used_size(int(width), int(height))
        assert [new_height, new_width, int((new_width, new_height) != (width, height))] == used.tolist()


@pytest.mark.parametrize("name", SETS)
def test_splits_are_python_shuffles_as_the_suite_cuts_them(name: str) -> None:
    import random

    n = SETS[name]
    for j, repeat in enumerate(VECTORS["split/repeats"].tolist()):
        order = list(range(n))
        random.Random(123 * repeat).shuffle(order)
        train, _, total = VECTORS[f"split/{name}/{j}/bounds"].tolist()
        assert (train, total) == (int((1 - 0.2 - 0.2) * n), n)
        assert order[:10] + order[-10:] == VECTORS[f"split/{name}/{j}/first_last10"].tolist()
        if repeat:
            assert sorted(order[: int(0.6 * n)]) == Cut(123 * repeat, 0.6).parts(n)["train"]


@pytest.mark.slow
def test_appearance() -> None:
    model = golden.filled(InceptionResNet(InceptionResNetConfig()), VECTORS.seed)
    shapes = dict(line.rsplit(" ", 1) for line in VECTORS.text("appearance/keys"))
    ours = {key: "x".join(map(str, value.shape)) or "scalar" for key, value in model.state_dict().items()}
    assert {key: shapes[key] for key in ours} == ours
    assert not [key for key in shapes if key not in ours and not key.startswith("fc.")]
    assert sum(value.numel() for value in model.parameters()) == VECTORS.scalar("appearance/n_params_used")
    frames = torch.from_numpy(golden.u8("input/dsdpro/frame", VECTORS["appearance/input_shape"], VECTORS.seed))
    inputs = normalise(frames, "half")
    assert_close(golden.check(inputs.numpy()), VECTORS["appearance/normalised_check"], 1e-2, 1e-5)
    with torch.no_grad():
        levels = [mean_and_deviation(level) for level in model(inputs.double())]
    found, largest = torch.cat(levels, dim=1), VECTORS.scalar("appearance/max_abs")
    assert_summary(found, VECTORS, "appearance/features", 1e-9 * largest * 10)
    parts = [part.mean(dim=1) for level in levels for part in level.chunk(2, dim=1)]
    assert_close(torch.stack(parts, dim=1), VECTORS["appearance/part_means"], 1e-9)


def test_motion() -> None:
    released = [line.rsplit(" ", 1)[0] for line in VECTORS.text("motion/keys")]
    ours = dict(zip(fast_from_xtemporal(dict.fromkeys(released)), released, strict=True))  # type: ignore[arg-type]
    model = golden.filled(FastPathway(FastPathwayConfig()), VECTORS.seed, ours.__getitem__)
    assert not [name for name in ours if not name.startswith("slow_") and name not in model.state_dict()]
    clip = torch.from_numpy(golden.u8("input/dsdpro/clip", VECTORS["motion/input_shape"], VECTORS.seed))
    inputs = normalise(clip, "imagenet").transpose(0, 1)[None]
    with torch.no_grad():
        found = torch.cat([mean_and_deviation(level)[0] for level in model(inputs.double())])
    assert_close(found, VECTORS["motion/features"], 1e-9 * VECTORS.scalar("motion/max_abs"))
