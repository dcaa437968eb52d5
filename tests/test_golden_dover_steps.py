"""DOVER's training against the released code (section 13 of the golden contract): a perturbed step, the transfer loop.

Of the small networks the aesthetic branch alone is ours: the technical one has windows that shrink below the trained
size, by a rule that the suite leaves out (discrepancy DO4). Branches share neither weights nor loss, so what the
aesthetic one does can be held against the vectors by itself.
"""

import random

import golden
import numpy as np
import pytest
import torch
from golden import assert_close, assert_summary
from torch import Tensor

from vqa.data.items import Cut
from vqa.methods.base import two_rates
from vqa.models.convnext3d import ConvNeXtConfig
from vqa.models.dover import Dover
from vqa.models.swin3d import SwinConfig
from vqa.optim.losses import fastvqa_loss, reduce_score_map
from vqa.optim.perturb import build_perturbation
from vqa.optim.schedule import ExponentialMovingAverage, warmup_cosine

VECTORS = golden.load("dover")
TECHNICAL = SwinConfig(8, (2, 2, 2, 2), (1, 2, 2, 4), (2, 4, 4), (2, 4, 4), (8, 64, 64), 2.0, 0.0)
AESTHETIC = ConvNeXtConfig((8, 16, 32, 64), (1, 2, 4, 1))
BRANCHES = ("aesthetic", "technical")


def small() -> Dover:
    model: Dover = golden.filled(Dover(TECHNICAL, AESTHETIC, 16, 0.0), VECTORS.seed)
    return model


def clip(place: str, shape: str) -> Tensor:
    sizes = (VECTORS[f"{shape}/input_shape"].tolist(), VECTORS[f"{shape}/input_block"].tolist())
    return torch.from_numpy(golden.structured(f"{place}", *sizes, VECTORS.seed)).double()


def scores(model: Dover, aesthetic: Tensor, technical: Tensor) -> list[Tensor]:
    return [reduce_score_map(model.aesthetic(aesthetic)), reduce_score_map(model.technical(technical))]


def ours(name: str) -> bool:
    """Whether a tensor is of the aesthetic branch, and has a gradient: only differences of scores count."""
    return name.startswith("aesthetic") and not name.endswith("fc_last.bias")


def dover_loss(branches: list[Tensor], mos: Tensor) -> Tensor:
    return torch.stack([fastvqa_loss(branch, mos) for branch in branches]).sum()


def test_small_aesthetic_branch() -> None:
    model = small()
    assert sum(value.numel() for value in model.parameters()) == VECTORS.scalar("small/n_params")
    inputs = clip("input/dover/small_aesthetic", "small_aesthetic")
    with torch.no_grad():
        found, features = model.aesthetic(inputs), model.aesthetic_backbone(inputs)
    assert_summary(features.permute(0, 4, 1, 2, 3), VECTORS, "small_aesthetic/features", 1e-8)
    assert_close(found, VECTORS["small_aesthetic/head_map"], 1e-8)
    assert_close(reduce_score_map(found), VECTORS["small_aesthetic/score"], 1e-9)
    assert_close(found[:1].mean(), np.array(VECTORS.scalar("small_eval/aesthetic_mean")), 1e-9)


def test_adversarial_step() -> None:
    model, mos = small(), VECTORS.tensor("awp/mos")
    inputs = [clip(f"input/dover/small_{branch}", f"small_{branch}") for branch in BRANCHES]
    names = VECTORS.text("awp/param_names")
    parameters = dict(model.named_parameters())
    start = {name: parameters[name].detach().clone() for name in names}
    found: list[dict[str, list[float]]] = []
    seen: list[Tensor] = []

    def backward(second_pass: bool) -> tuple[Tensor, Tensor]:
        model.zero_grad()
        deltas = [(parameters[name].detach() - start[name]).norm().item() for name in names]
        branches = scores(model, *inputs)
        loss = dover_loss(branches, mos)
        loss.backward()
        gradients = [parameters[name].grad for name in names]
        norms = [0.0 if gradient is None else gradient.norm().item() for gradient in gradients]
        found.append({"grad": norms, "delta": deltas})
        seen.append(branches[0].detach())
        return seen[-1], loss.detach()

    perturbation = build_perturbation("awp", VECTORS.scalar("awp/gamma"), "released", "box")
    perturbation.gradients(model, backward, torch.Generator())
    kept = [i for i, name in enumerate(names) if ours(name)]
    assert len(kept) > 60
    for place, (numbers, out) in zip(("clean", "adv"), zip(found, seen, strict=True), strict=True):
        assert_close(out, VECTORS[f"awp/{place}_scores"][0], 1e-8)
        expected = VECTORS[f"awp/{place}_grad_norm"]
        np.testing.assert_allclose(np.array(numbers["grad"])[kept], expected[kept], rtol=1e-7, atol=1e-12)
    assert_close(np.array(found[1]["delta"])[kept], VECTORS["awp/delta_norm"][kept], 1e-8)


def test_transfer_loop() -> None:
    """One epoch of the heads, then two of everything, with one optimizer and one schedule."""
    model = small().train()
    shape = "loop"
    inputs = [clip(f"dover/loop/{branch}", shape) for branch in BRANCHES]
    mos, ema = VECTORS.tensor("loop/y").double(), ExponentialMovingAverage(model, 0.999)
    heads, full, warmup, rate, factor, decay = VECTORS["loop/linear_full_warmup_lr_mult_wd"].tolist()
    groups = two_rates(model, rate * factor, rate)
    optimizer = torch.optim.AdamW(groups, betas=(0.9, 0.999), eps=1e-8, weight_decay=decay)
    base = [group["lr"] for group in optimizer.param_groups]
    steps = len(mos) // 4
    for step in range(int(heads + full) * steps):
        for name, parameter in model.named_parameters():
            parameter.requires_grad_("backbone" not in name or step >= heads * steps)
        for group, lr in zip(optimizer.param_groups, base, strict=True):
            group["lr"] = lr * warmup_cosine(step, int(warmup * steps), int(heads + full) * steps)
        some = slice(step % steps * 4, step % steps * 4 + 4)
        optimizer.zero_grad()
        loss = dover_loss(scores(model, *(clips[some] for clips in inputs)), mos[some])
        loss.backward()
        optimizer.step()
        ema.update(model)
        if step + 1 == heads * steps:
            parts = [value.detach().flatten()[::7] for value in model.aesthetic_head.parameters()][:-1]
            expected = VECTORS["loop/head_after_linear"][len(VECTORS["loop/head_after_linear"]) // 2 :]
            assert_close(torch.cat(parts), expected[:-1], 1e-5)
    keys = VECTORS.text("loop/keys")
    kept = [i for i, key in enumerate(keys) if ours(key)]
    for place, module, atol in (("final", model, 1e-5), ("ema", ema.module, 1e-7)):
        state = dict(module.named_parameters())
        norms = np.array([state[key.split(" ")[0]].norm().item() for key in keys])
        assert_close(norms[kept], VECTORS[f"loop/{place}_norm"][kept], atol, what=place)


@pytest.mark.parametrize("case", VECTORS.groups("loss/", "plusplus"))
def test_loss_with_opinions_on_each_branch(case: str) -> None:
    """DOVER++: half of the same terms again, with each branch's own opinions. No data set of the suite has them."""
    stored = {key: torch.tensor(value) for key, value in VECTORS.under(f"loss/{case}").items()}
    branches = [stored[branch] for branch in BRANCHES]
    own = sum(fastvqa_loss(stored[branch], stored[f"y_{branch}"]) for branch in BRANCHES)
    total = dover_loss(branches, stored["y"]) + 0.5 * own
    assert total.item() == pytest.approx(stored["plusplus"].item(), abs=1e-10)


def test_splits_of_the_transfer() -> None:
    """Ten random cuts, whose training parts are those of a cut of ours."""
    n_train = int(VECTORS.scalar("split/n_train"))
    for number, order in enumerate(VECTORS["split/order"], start=1):
        cut = Cut(42 * number, 0.8).parts(len(order))
        assert cut["train"] == sorted(order[:n_train].tolist())
        shuffled = list(range(len(order)))
        random.Random(42 * number).shuffle(shuffled)
        assert shuffled == order.tolist()
