"""Compiled blocks and 16-bit products, as far as a CPU can show them."""

from functools import partial
from typing import Any

import pytest
import torch
from torch import Tensor

from vqa.models.dropout import random_masks
from vqa.models.heads import FragmentVQA, VQAHead
from vqa.models.init import initialise
from vqa.models.precision import computing, widened
from vqa.models.swin3d import SwinConfig, SwinTransformer3D, compile_backbone
from vqa.optim.losses import fastvqa_loss, reduce_score_map
from vqa.optim.perturb import build_perturbation
from vqa.rng import torch_generator

CPU = torch.device("cpu")
# Shifted, padded and gated windows, stochastic depth, and a last stage without a gate
CONFIG = SwinConfig(
    width=16, depths=(2, 2), heads=(1, 2), window=(2, 3, 3), patch=(2, 4, 4), input_size=(8, 56, 56), drop_path=0.3
)
MOS = torch.tensor([1.0, 4.0, 2.5, 3.0])


def network(config: SwinConfig = CONFIG) -> FragmentVQA:
    backbone = SwinTransformer3D(config)
    model = FragmentVQA(backbone, VQAHead(backbone.out_channels))
    initialise(model, torch_generator("init", 1))
    tables = [module for name, module in model.named_modules() if name.endswith("attn")]
    for attention in tables:
        for name, parameter in attention.named_parameters():
            if "bias_table" in name:
                parameter.data = 0.3 * torch.randn(parameter.shape, generator=torch_generator("table", 1))
    return model.train()


def step(model: FragmentVQA, kind: str = "none", precision: str = "fp32") -> tuple[float, dict[str, Tensor]]:
    """Loss at the clean weights and gradients of one step, from fixed clips and streams."""
    clips = torch.randn(4, 3, *CONFIG.input_size, generator=torch_generator("clips", 1))
    losses = []

    def backward(second_pass: bool) -> None:
        model.zero_grad(set_to_none=True)
        with random_masks(model, torch_generator("dropout", 1, int(second_pass))), computing(precision, CPU):
            maps = model(clips)
        loss = fastvqa_loss(reduce_score_map(widened(maps)), MOS)
        loss.backward()
        losses.append(loss.item())

    perturbation = build_perturbation(kind, 0.0 if kind == "none" else 0.01, "released", "box")
    perturbation.gradients(model, backward, torch_generator("perturb", 1))
    return losses[0], {name: parameter.grad for name, parameter in model.named_parameters()}  # type: ignore[misc]


def cosine(found: dict[str, Tensor], expected: dict[str, Tensor]) -> float:
    one, other = (torch.cat([g.double().flatten() for g in gradients.values()]) for gradients in (found, expected))
    return float(torch.nn.functional.cosine_similarity(one, other, dim=0))


@pytest.fixture
def captured(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Whole graphs are captured, forwards and backwards, and run by PyTorch itself: what a compiler is given."""
    torch.compiler.reset()
    seen: list[str] = []
    compile_, backend = torch.compile, torch._dynamo.lookup_backend("aot_eager")

    def counted(graph: Any, inputs: Any) -> Any:
        seen.append("graph")
        return backend(graph, inputs)

    monkeypatch.setattr(torch, "compile", partial(compile_, backend=counted))
    return seen


@pytest.mark.parametrize("kind", ["none", "awp"])
def test_blocks_are_one_graph_without_a_break_and_the_same_bits(captured, kind):
    expected = step(network(), kind)
    model = network()
    compile_backbone(model)
    loss, gradients = step(model, kind)
    assert captured == ["graph"], "one graph serves both passes; fullgraph lets no other code in between"
    assert loss == expected[0]
    assert all(torch.equal(gradients[name], expected[1][name]) for name in gradients)


def test_scores_and_training_have_a_graph_each(captured):
    model = network()
    compile_backbone(model)
    clips = torch.randn(2, 3, *CONFIG.input_size, generator=torch_generator("clips", 2))
    step(model)
    with torch.inference_mode():
        found = model.eval()(clips)
        assert torch.equal(found, network().eval()(clips))
    assert len(captured) == 2
    model(clips)  # with gradients in evaluation mode: a measure of sharpness, which differentiates twice
    assert len(captured) == 2


@pytest.mark.parametrize("kind", ["none", "awp"])
def test_products_in_16_bits_have_the_gradient_of_32(kind):
    (loss, gradients), (expected, exact) = (step(network(), kind, precision) for precision in ("bf16", "fp32"))
    assert loss != expected, "something is computed in another way"
    assert abs(loss - expected) <= 1e-2 * abs(expected)
    assert cosine(gradients, exact) >= 0.999
    assert all(gradient.dtype == torch.float32 for gradient in gradients.values())
    again, repeated = step(network(), kind, "bf16")
    assert loss == again
    assert all(torch.equal(gradients[name], repeated[name]) for name in gradients)
