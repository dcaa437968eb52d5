"""Dropout and stochastic depth: masks come from the stream that is handed over, and from nothing else."""

import pytest
import torch
from torch import Tensor, nn

from vqa.models.dropout import Dropout, DropPath, random_masks
from vqa.rng import torch_generator

LAYERS = [Dropout, DropPath]


def masked(layer: nn.Module, x: Tensor, *position: int) -> Tensor:
    with random_masks(layer, torch_generator("dropout", *position)):
        return layer(x)


@pytest.mark.parametrize("kind", LAYERS)
@pytest.mark.usefixtures("global_rng_untouched")
def test_the_stream_alone_decides_the_mask(kind: type[nn.Module]) -> None:
    layer, x = kind(0.5).train(), torch.ones(64, 3, 4)
    first = masked(layer, x, 1, 0)
    assert torch.equal(first, masked(layer, x, 1, 0))
    assert not torch.equal(first, masked(layer, x, 1, 1))


@pytest.mark.parametrize("kind", LAYERS)
def test_training_without_a_stream_is_an_error(kind: type[nn.Module]) -> None:
    layer, x = kind(0.5).train(), torch.ones(2, 3)
    message = r"needs its stream: run the pass inside random_masks\(model, generator\)"
    with pytest.raises(RuntimeError, match=message):
        layer(x)
    masked(layer, x, 0)
    with pytest.raises(RuntimeError, match=message):
        layer(x)


def test_the_stream_is_taken_away_after_an_error_too() -> None:
    layer = Dropout(0.5).train()
    with pytest.raises(ZeroDivisionError), random_masks(layer, torch_generator("dropout", 0)):
        raise ZeroDivisionError
    assert layer.generator is None


@pytest.mark.parametrize("kind", LAYERS)
def test_identity_in_evaluation_and_at_probability_zero(kind: type[nn.Module]) -> None:
    x = torch.ones(2, 3)
    assert kind(0.5).eval()(x) is x
    assert kind(0.0).train()(x) is x


@pytest.mark.parametrize("p", [0.1, 0.5])
@pytest.mark.parametrize("kind", LAYERS)
def test_the_expectation_is_kept(kind: type[nn.Module], p: float) -> None:
    out = masked(kind(p).train(), torch.full((20_000, 1), 3.0), 5)
    assert sorted(set(out.flatten().tolist())) == pytest.approx([0, 3 / (1 - p)])
    assert out.mean().item() == pytest.approx(3, rel=0.03)
    assert (out == 0).double().mean().item() == pytest.approx(p, abs=0.02)


def test_what_is_dropped_together() -> None:
    x = torch.ones(200, 3, 4)
    per_sample = masked(DropPath(0.5).train(), x, 1).flatten(1)
    assert bool((per_sample == per_sample[:, :1]).all())
    assert len(per_sample[:, 0].unique()) == 2
    per_element = masked(Dropout(0.5).train(), x, 1).flatten(1)
    assert not bool((per_element == per_element[:, :1]).all(dim=1).any())


def test_layers_draw_one_after_the_other() -> None:
    layers = nn.Sequential(Dropout(0.5), nn.Sequential(Dropout(0.5))).train()
    x = torch.ones(1000)
    both = masked(layers, x, 3)
    assert (both == 0).double().mean().item() == pytest.approx(0.75, abs=0.05), "two layers used one mask"


@pytest.mark.parametrize("p", [-0.1, 1.0, 1.5])
def test_impossible_probabilities_are_refused(p: float) -> None:
    with pytest.raises(ValueError, match="drop probability"):
        Dropout(p)
