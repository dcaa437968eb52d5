"""On a GPU: the full-size network trains one step, the same bits twice, close to the CPU."""

import pytest
import torch

from vqa.device import set_up
from vqa.models import swin3d
from vqa.models.dropout import random_masks
from vqa.models.heads import FragmentVQA, VQAHead
from vqa.models.init import initialise
from vqa.models.precision import computing
from vqa.models.swin3d import SwinConfig, SwinTransformer3D, compile_backbone
from vqa.optim.losses import fastvqa_loss, reduce_score_map
from vqa.optim.perturb import build_perturbation
from vqa.rng import torch_generator
from vqa.settings.common import Common, Perturbing, Released

pytestmark = pytest.mark.skipif(not torch.cuda.is_available(), reason="no CUDA device")

PERTURBING = Perturbing("released", "box", "none")
COMMON = Common("test", 42, "cuda", 1, 0, True, Released("ema", "last"), PERTURBING, 100)


def _step(device: torch.device, batch: int, config: SwinConfig, kind: str) -> tuple[float, dict[str, torch.Tensor]]:
    """Loss and gradients of one AWP or RWP step on ``device``, from fixed streams and inputs."""
    backbone = SwinTransformer3D(config)
    model = FragmentVQA(backbone, VQAHead(backbone.out_channels))
    initialise(model, torch_generator("init", 1))
    model.to(device).train()
    inputs = torch.randn(batch, 3, *config.input_size, generator=torch_generator("input", 1)).to(device)
    mos = torch.arange(batch, dtype=torch.float32, device=device)

    def backward(second_pass: bool) -> float:
        model.zero_grad(set_to_none=True)
        with random_masks(model, torch_generator("dropout", 1, int(second_pass), device=str(device))):
            loss = fastvqa_loss(reduce_score_map(model(inputs)), mos)
        loss.backward()
        return loss.item()

    perturbation = build_perturbation(kind, 0.01, "released", "box")
    loss = perturbation.gradients(model, backward, torch_generator("perturb", 1, device=str(device)))
    return loss, {name: parameter.grad.cpu() for name, parameter in model.named_parameters()}


@pytest.mark.parametrize("kind", ["rwp", "awp"])
def test_a_full_size_step_is_repeatable(kind):
    device = set_up(COMMON)
    loss, gradients = _step(device, 4, SwinConfig(), kind)
    again, repeated = _step(device, 4, SwinConfig(), kind)
    assert loss == again
    assert all(torch.equal(gradients[name], repeated[name]) for name in gradients)


def _gradients(precision: str, fast: bool) -> tuple[float, dict[str, torch.Tensor]]:
    """Loss and gradients of a full-size pass; ``fast``: compiled, with our kernels, and else window by window."""
    device = set_up(COMMON)
    backbone = SwinTransformer3D(SwinConfig())
    model = FragmentVQA(backbone, VQAHead(backbone.out_channels))
    initialise(model, torch_generator("init", 1))
    with torch.no_grad():
        for name, parameter in model.named_parameters():
            if "bias_table" in name:
                parameter.copy_(0.3 * torch.randn(parameter.shape, generator=torch_generator("table", 1, name)))
    model.to(device).train()
    if fast:
        compile_backbone(model)
    inputs = torch.randn(4, 3, 32, 224, 224, generator=torch_generator("input", 3)).to(device)
    with random_masks(model, torch_generator("dropout", 1, device="cuda")), computing(precision, device):
        maps = model(inputs)
    loss = fastvqa_loss(reduce_score_map(maps.float()), torch.arange(4.0, device=device))
    loss.backward()
    return loss.item(), {name: parameter.grad.double().flatten() for name, parameter in model.named_parameters()}


def test_half_precision_compiled_with_kernels_has_the_gradient_of_fp32(monkeypatch):
    loss, gradients = _gradients("bf16", True)
    again, repeated = _gradients("bf16", True)
    assert loss == again
    assert all(torch.equal(gradients[name], repeated[name]) for name in gradients)
    monkeypatch.setattr(swin3d, "HEAD_SIZES", ())
    expected, reference = _gradients("fp32", False)
    assert abs(loss - expected) <= 1e-2 * abs(expected)
    ours, theirs = (torch.cat([of[name] for name in gradients]) for of in (gradients, reference))
    assert torch.dot(ours, theirs) / ours.norm() / theirs.norm() >= 0.999


def test_cuda_and_cpu_predict_the_same():
    device = set_up(COMMON)
    config = SwinConfig(24, (1, 1), (2, 4), (2, 4, 4), (1, 4, 4), (2, 64, 64), mlp_ratio=2.0, drop_path=0.0)
    backbone = SwinTransformer3D(config)
    model = FragmentVQA(backbone, VQAHead(backbone.out_channels)).eval()
    initialise(model, torch_generator("init", 1), 0.1)
    inputs = torch.randn(8, 3, 2, 64, 64, generator=torch_generator("input", 2))
    with torch.inference_mode():
        on_cpu = reduce_score_map(model(inputs))
        on_cuda = reduce_score_map(model.to(device)(inputs.to(device))).cpu()
    torch.testing.assert_close(on_cpu, on_cuda, rtol=1e-4, atol=1e-5)
