"""The whitened patch embedding: an orthonormal basis, outputs of unit variance, and who gets it."""

import math

import pytest
import torch
from tiny import METHODS, make, same_tensors, trainer, tuned, weights
from torch import nn

from vqa.models.patches import COLOURS, FLOOR, directions, whiten
from vqa.settings.strict import ParamsError

WHITENED = {"patch_embedding": "whitened"}
EMBEDDINGS = {
    "fastvqa": "fragments_backbone.patch_embed.proj",
    "sama": "fragments_backbone.patch_embed.proj",
    "sama_iqa": "backbone.features.0.0",
}


@pytest.mark.parametrize("patch", [(4, 4), (1, 4, 4), (2, 4, 4), (3, 2)])
def test_directions_are_an_orthonormal_basis_that_begins_with_brightness(patch):
    number = len(COLOURS) * math.prod(patch)
    basis = directions(patch, number).flatten(1)
    assert torch.allclose(basis @ basis.T, torch.eye(number, dtype=torch.float64), atol=1e-12)
    assert torch.allclose(basis[0], torch.full_like(basis[0], number**-0.5))
    assert torch.equal(directions(patch, 4).flatten(1), basis[:4])


def smooth_images(n: int) -> torch.Tensor:
    """``(n, 3, 32, 32)``: random walks along both axes, so that detail is weak, in colours that go together."""
    generator = torch.Generator().manual_seed(5)
    grey = torch.randn(n, 1, 32, 32, generator=generator).cumsum(2).cumsum(3) / 8
    return grey + 0.1 * torch.randn(n, 3, 32, 32, generator=generator) + 0.7


def test_outputs_on_the_training_patches_have_mean_0_and_nearly_unit_covariance():
    images = smooth_images(40)
    layer = nn.Conv2d(3, 24, 4, 4)
    whiten(layer, images.split(7))
    found = layer(images).double().transpose(0, 1).flatten(1)
    plain = nn.functional.conv2d(images.double(), directions((4, 4), 48), stride=4).transpose(0, 1).flatten(1)
    variance = plain.var(dim=1, unbiased=False)
    expected = (variance / (variance + FLOOR * variance.mean()))[:24]
    assert found.mean(dim=1).abs().max() < 1e-4
    assert torch.allclose(found.var(dim=1, unbiased=False), expected, rtol=1e-4)
    covariance = found.cov()
    assert expected[0] > 0.99
    assert (covariance - covariance.diag().diag()).abs().max() < 0.3


def test_batches_and_clips_of_one_frame_change_nothing():
    images = smooth_images(12)
    flat, whole, clips = nn.Conv2d(3, 8, 4, 4), nn.Conv2d(3, 8, 4, 4), nn.Conv3d(3, 8, (1, 4, 4), (1, 4, 4))
    whiten(flat, images.split(5))
    whiten(whole, [images])
    whiten(clips, images[:, :, None].split(5))
    assert torch.equal(flat.weight, whole.weight)
    assert torch.equal(flat.weight, clips.weight[:, :, 0])
    assert torch.equal(flat.bias, clips.bias)


def test_images_of_one_colour_leave_finite_weights():
    layer = nn.Conv2d(3, 8, 4, 4)
    whiten(layer, [torch.full((2, 3, 8, 8), 0.25)])
    assert torch.isfinite(layer.weight).all()


@pytest.mark.parametrize("name", EMBEDDINGS)
def test_a_run_from_the_seed_fits_the_embedding_alone(data, tmp_path, name):
    method = make(name, WHITENED)
    initial, model = weights(method), trainer(data, method, tmp_path).model.state_dict()
    changed = {key for key in initial if not torch.equal(initial[key], model[key])}
    assert changed == {f"{EMBEDDINGS[name]}.{kind}" for kind in ("weight", "bias")}


@pytest.mark.parametrize("name", EMBEDDINGS)
@pytest.mark.parametrize(
    ("method", "changes"), [(tuned, WHITENED), (make, {**WHITENED, "initial": "swin3d_t"}), (make, {})]
)
def test_fine_tunings_and_published_weights_keep_what_they_were_given(data, tmp_path, name, method, changes):
    start = trainer(data, method(name, changes), tmp_path)
    assert same_tensors(start.model.state_dict(), weights(make(name)))


def test_simplevqa_has_no_patches():
    assert set(METHODS) - set(EMBEDDINGS) == {"simplevqa"}


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"patch_embedding": "random"}, "patch_embedding"),
        (
            {**WHITENED, "backbone": {"width": 50, "depths": [1, 1], "heads": [2, 2], "patch": [1, 4, 4]}},
            "48 directions",
        ),
    ],
)
def test_what_does_not_fit_is_refused(changes, message):
    with pytest.raises(ParamsError, match=message):
        make("fastvqa", changes)
