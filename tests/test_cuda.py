"""On a GPU: the full-size network trains one step, the same bits twice, close to the CPU."""

import pytest
import torch

from vqa.device import set_up
from vqa.models.dropout import random_masks
from vqa.models.heads import FragmentVQA, VQAHead
from vqa.models.init import initialise
from vqa.models.swin3d import SwinConfig, SwinTransformer3D
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
