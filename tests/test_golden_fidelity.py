"""Losses of quality-aware pre-training against the released step (section 16.1 of the golden contract)."""

import golden
import torch
from golden import assert_close

from vqa.optim.fidelity import fidelity_loss, preference, spread_ranking_loss

VECTORS = golden.load("bvqa2022")


def test_losses_and_gradients() -> None:
    names = ("y1", "y2", "v1", "v2")
    y1, y2, v1, v2 = outputs = [VECTORS.tensor(f"fidelity/{name}", torch.float64).requires_grad_() for name in names]
    std1, std2 = VECTORS.tensor("fidelity/std1"), VECTORS.tensor("fidelity/std2")
    ranking = spread_ranking_loss(v1, v2, std1, std2, VECTORS.scalar("fidelity/margin"))
    total = fidelity_loss(y1, y2, v1, v2, VECTORS.tensor("fidelity/g")) + ranking
    total.backward()
    assert_close(ranking[None], VECTORS["fidelity/std_loss"], 1e-10)
    assert_close(total[None], VECTORS["fidelity/total"], 1e-10)
    for name, output in zip(names, outputs, strict=True):
        assert_close(output.grad, VECTORS[f"fidelity/{name}_grad"], 1e-9, what=name)


def test_target() -> None:
    columns = VECTORS.tensor("fidelity/thurstone_in").unbind(dim=1)
    assert_close(preference(*columns), VECTORS["fidelity/thurstone_p"], 1e-10)
