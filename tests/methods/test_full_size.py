"""The networks at the paper's sizes: parameters counted, and one training step by each method's own recipe."""

import math
import os
from pathlib import Path

import golden
import pytest
import torch
from project import ROOT
from torch import Tensor

from vqa.methods import load_method
from vqa.optim.perturb import NoPerturbation
from vqa.rng import torch_generator
from vqa.settings.params import load
from vqa.training.train import training_step

UNLESS_GOLDEN = pytest.mark.skipif(
    (Path(os.environ.get("VQA_GOLDEN") or golden.DEFAULT_FOLDER) / "fastvqa_model.npz").is_file(),
    reason="takes half a minute; the golden vectors have an AWP step of this network, which runs in its place",
)
PAPER = load(ROOT / "paper" / "params.yaml")

# What the networks of METHODS 3.3, 5.1 and 6.3 have, heads included. The image network: 27,578,154 in the backbone as
# published, 4,416 key biases that torchvision carries and never reads, 49,281 in the head.
PARAMETERS = {
    "fastvqa": 28_127_901,
    "sama": 28_127_901,
    "sama_iqa": 27_578_154 + 4_416 + 49_281,
    "simplevqa": 24_720_705,
}


def inputs(method: str) -> Tensor | dict[str, Tensor]:
    """Noise for two items, of the shape that the method's sampling makes or half as long."""
    generator = torch_generator("input", 0)
    # Half the frames: a whole window of attention still, in half the time
    shapes = {"fastvqa": (2, 1, 3, 16, 224, 224), "sama_iqa": (2, 3, 256, 256)}
    if method in shapes:
        return torch.randn(shapes[method], generator=generator)
    frames, motion = torch.randn(2, 1, 3, 448, 448, generator=generator), torch.rand(2, 1, 2304, generator=generator)
    return {"frames": frames, "motion": motion}


@pytest.mark.slow
@pytest.mark.usefixtures("two_threads")
# SAMA's network and step are FAST-VQA's but for the sum over time, which the demo's tests cover.
@pytest.mark.parametrize("name", [pytest.param("fastvqa", marks=UNLESS_GOLDEN), "sama_iqa", "simplevqa"])
def test_one_training_step(name: str) -> None:
    run = next(run for run in PAPER.runs.values() if run.method == name)
    method = load_method(name, PAPER.methods[name], run)
    model = method.build(torch_generator("init", 1)).train()
    before = {key: value.detach().clone() for key, value in model.named_parameters()}
    optimizer = method.optimizer(model)
    scores, loss = training_step(
        model, method, optimizer, NoPerturbation(), inputs(name), torch.tensor([2.0, 3.5]), (1, 1, 0)
    )
    assert scores.shape == (2,)
    assert torch.isfinite(scores).all()
    assert math.isfinite(loss)
    names = list(before)
    moved = {key for key, value in model.named_parameters() if not torch.equal(value, before[key])}
    assert {names[0], names[-2]} <= moved, "the gradient reaches from the head to the embedding"


@pytest.mark.parametrize("name", PARAMETERS)
def test_parameter_counts(name: str) -> None:
    run = next(run for run in PAPER.runs.values() if run.method == name)
    model = load_method(name, PAPER.methods[name], run).build(torch_generator("init", 1))
    assert sum(parameter.numel() for parameter in model.parameters()) == PARAMETERS[name]
