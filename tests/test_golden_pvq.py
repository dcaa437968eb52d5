"""PVQ against the released code (section 16.3 of the golden contract): regressor, training, pooling, clips."""

import golden
import numpy as np
import pytest
import torch
from golden import assert_close, assert_summary
from torch import Tensor

from vqa.methods.pvq import PVQ
from vqa.models.inception_time import InceptionTime, InceptionTimeConfig
from vqa.models.roi_pool import adaptive_average, roi_pool
from vqa.optim.fastai_adam import FastaiAdam, one_cycle
from vqa.optim.perturb import build_perturbation
from vqa.sampling.clips3d import clip_ends, notebook_windows

VECTORS = golden.load("pvq")


@pytest.fixture(scope="module")
def regressor() -> InceptionTime:
    return golden.filled(InceptionTime(InceptionTimeConfig()), VECTORS.seed)


def test_names_of_the_regressor(regressor: InceptionTime) -> None:
    assert sorted(golden.keys(regressor)) == sorted(VECTORS.text("inception/keys"))
    assert sum(value.numel() for value in regressor.parameters()) == VECTORS.scalar("inception/n_params")


@pytest.mark.parametrize("case", VECTORS.text("inception/names"))
def test_regressor(case: str, regressor: InceptionTime) -> None:
    batch, length, regions = VECTORS[f"inception/{case}/batch_length_nout"].tolist()
    parts = []
    for kind in ("2d", "3d"):
        part = np.abs(golden.normal(f"input/pvq/{case}/{kind}", (batch, length, 2048), VECTORS.seed, 0.8, 0.0))
        parts.append(part.astype(np.float32))
        assert_close(golden.check(parts[-1]), VECTORS[f"inception/{case}/input{kind}_check"], 1e-6, 1e-9)
    rows = torch.from_numpy(np.concatenate(parts, axis=2))
    seen: dict[str, Tensor] = {}
    block = regressor.inception_time.block
    hooks = [
        m.register_forward_hook(lambda *a, d=d: seen.update({f"module{d}": a[2]})) for d, m in enumerate(block.inc_mods)
    ]
    hooks.append(block.register_forward_hook(lambda *a: seen.update({"block": a[2]})))
    with torch.no_grad():
        scores = regressor(rows.double(), regions)
    for hook in hooks:
        hook.remove()
    assert_close(scores, VECTORS[f"inception/{case}/score"], 1e-10)
    for name, value in seen.items():
        assert_summary(value, VECTORS, f"inception/{case}/{name}", 1e-10)


@pytest.mark.parametrize("name", VECTORS.text("roipool/names"))
def test_region_pooling(name: str) -> None:
    shape = VECTORS[f"roipool/{name}/shape"].tolist()
    maps = torch.from_numpy(golden.normal(f"pvq/roipool/{name}", shape, VECTORS.seed))
    boxes = [tuple(box) for box in VECTORS[f"roipool/{name}/boxes"].tolist()]
    assert_close(roi_pool(maps, boxes), VECTORS[f"roipool/{name}/out"], 0)


def test_pooling_in_time() -> None:
    for i, (n, regions, channels) in enumerate(VECTORS["soi/cases_frames_rois_features"].tolist()):
        rows = torch.from_numpy(
            golden.normal(f"pvq/soi/{i}", (n, regions, channels, 1, 1), VECTORS.seed).astype(np.float32)
        )
        flat = rows.flatten(2)
        assert_close(adaptive_average(flat, 16).transpose(0, 1), VECTORS[f"soi/{i}/adaptive16"], 2e-6)
        windows = notebook_windows(n, 16)
        assert [window[0] for window in windows] == VECTORS[f"soi/{i}/starts"].tolist()
        pooled = torch.stack([adaptive_average(flat[window], 16).transpose(0, 1) for window in windows])
        assert_close(pooled.flatten(0, 2), VECTORS[f"soi/{i}/notebook"], 2e-6)


def test_pooling_in_time_of_short_videos() -> None:
    for i in range(len(VECTORS.groups("soi_short/", "starts"))):
        n, total = VECTORS[f"soi_short/{i}/rows"].tolist()
        rows = golden.normal(f"pvq/soi_short/{i}", (n, 1, 2, 1, 1), VECTORS.seed).astype(np.float32)
        flat = torch.from_numpy(rows).flatten(2)
        pooled = torch.cat([adaptive_average(flat[window], 16)[:, 0] for window in notebook_windows(n, 16)])
        assert len(pooled) == total
        assert_close(pooled, VECTORS[f"soi_short/{i}/notebook"], 2e-6)


def test_clips() -> None:
    for i, n in enumerate(VECTORS["frames/lengths"].tolist()):
        assert (clip_ends(n, 40, 8) + 1).tolist() == VECTORS[f"frames/{i}/clip40x8_last_1based"].tolist()


def test_cycle() -> None:
    highest = VECTORS["onecycle/epochs_iters_lrmax_div_divfinal_pct"][2]
    for position, rate, momentum in zip(
        VECTORS["onecycle/pct"], VECTORS["onecycle/lr"], VECTORS["onecycle/mom"], strict=True
    ):
        found = one_cycle(position)
        assert (found[0] * highest, found[1]) == pytest.approx((rate, momentum), abs=1e-15)


def test_loss() -> None:
    scores = VECTORS.tensor("loss/p").requires_grad_()
    loss = PVQ.loss(None, scores, VECTORS.tensor("loss/y"))  # type: ignore[arg-type]  # has no parameters
    loss.backward()
    assert_close(loss[None], VECTORS["loss/l1flat"], 1e-5)
    assert_close(scores.grad, VECTORS["loss/grad"], 1e-9)


class Loop:
    """The small regressor and its batches."""

    def __init__(self) -> None:
        channels, bottleneck, kernel, filters, depth, self.regions, self.length, self.size, self.batches = VECTORS[
            "loop/sizes_cin_bottleneck_ks_filters_depth_nout_len_batch_nbatches"
        ].tolist()
        config = InceptionTimeConfig(channels, filters, bottleneck, kernel, depth)
        self.model = golden.filled(InceptionTime(config), VECTORS.seed, lambda key: f"loop.{key}").train()
        self.channels = channels

    def inputs(self, batch: int) -> Tensor:
        shape = (self.size, self.regions * self.length, self.channels)
        return torch.from_numpy(golden.normal(f"pvq/loop/x/{batch}", shape, VECTORS.seed).astype(np.float32)).double()

    def backward(self, batch: int) -> tuple[Tensor, Tensor]:
        self.model.zero_grad()
        scores = self.model(self.inputs(batch), self.regions)
        loss = (scores - VECTORS.tensor("loop/y", torch.float64)[batch]).abs().mean()
        loss.backward()
        return scores.detach(), loss.detach()


def test_training_loop() -> None:
    loop, losses = Loop(), []
    assert_close(golden.check(loop.inputs(0).numpy()), VECTORS["loop/x0_check"], 1e-5)
    epochs, highest = int(VECTORS["loop/epochs_lrmax"][0]), VECTORS["loop/epochs_lrmax"][1]
    decay, eps, squares = VECTORS["loop/wd_eps_sqrmom"]
    matrices = [p for p in loop.model.parameters() if p.ndim > 1]
    others = [name for name, p in loop.model.named_parameters() if p.ndim == 1]
    assert sorted(others) == sorted(VECTORS.text("loop/no_decay_names"))
    groups = [
        {"params": matrices, "weight_decay": decay},
        {"params": [p for p in loop.model.parameters() if p.ndim == 1]},
    ]
    optimizer = FastaiAdam(groups, highest, squares=squares, eps=eps)
    for step in range(epochs * loop.batches):
        rate, momentum = one_cycle(step / (epochs * loop.batches))
        assert (rate * highest, momentum) == pytest.approx(
            (VECTORS["loop/lr_used"][step], VECTORS["loop/mom_used"][step]), abs=1e-15
        )
        for group in optimizer.param_groups:
            group["lr"], group["momentum"] = rate * highest, momentum
        losses.append(loop.backward(step % loop.batches)[1].item())
        optimizer.step()
    assert_close(losses, VECTORS["loop/losses"], 1e-8)
    for key, value in loop.model.state_dict().items():
        assert_close(
            value.reshape(VECTORS[f"loop/w_final/{key}"].shape), VECTORS[f"loop/w_final/{key}"], 1e-7, what=key
        )
    with torch.no_grad():
        assert_close(loop.model.eval()(loop.inputs(0), loop.regions), VECTORS["loop/eval_scores_batch0"], 1e-7)


def test_adversarial_step() -> None:
    loop = Loop()
    found: list[dict[str, Tensor]] = []

    def backward(second_pass: bool) -> tuple[Tensor, Tensor]:
        found.append({key: value.detach().clone() for key, value in loop.model.named_parameters()})
        return loop.backward(0)

    awp = build_perturbation("awp", VECTORS.scalar("awp/gamma"), "released", "box")
    _, loss = awp.gradients(loop.model, backward, torch.Generator())
    assert loss.item() == pytest.approx(VECTORS.scalar("awp/clean_loss"), abs=1e-9)
    moved = [key for key, value in found[1].items() if not torch.equal(value, found[0][key])]
    assert sorted(moved) == sorted(VECTORS.text("awp/perturbed_names"))
    for key in moved:
        assert_close(found[1][key], VECTORS[f"awp/w_perturbed/{key}"], 1e-9, what=key)
    for key, parameter in loop.model.named_parameters():
        assert_close(parameter.grad, VECTORS[f"awp/adv_grad/{key}"], 1e-8, what=key)
    for key, value in loop.model.named_buffers():
        if f"awp/buffers_after/{key}" in VECTORS:
            assert_close(value, VECTORS[f"awp/buffers_after/{key}"], 1e-9, what=key)
