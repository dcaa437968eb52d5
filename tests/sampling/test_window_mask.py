"""SAMA sampling of images against loops, Pillow and torchvision, and against what must hold for any image."""

import dataclasses
import itertools

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image
from resampling import bilinear, patches
from torch import Tensor

from vqa.rng import torch_generator
from vqa.sampling.window_mask import (
    WindowMaskSampling,
    augment_image,
    cut_window_mask,
    prepare_image,
    sample_window_mask,
    window_mask_draws,
)

IMAGE_MODES = ("window", "pixel", "fragments")
SMALL = WindowMaskSampling(grid=(2, 3), patch=(8, 6))


def stream(*position: int) -> torch.Generator:
    return torch_generator("crop", 0, *position)


def picture(height: int, width: int) -> Tensor:
    return torch.randn(3, height, width, generator=stream(height, width))


@pytest.mark.parametrize(("height", "width"), [(16, 18), (37, 50), (70, 41)])
@pytest.mark.parametrize("mode", IMAGE_MODES)
def test_images_follow_their_definition(mode: str, height: int, width: int) -> None:
    image, rule = picture(height, width), dataclasses.replace(SMALL, mode=mode)
    if mode == "fragments":
        rule = dataclasses.replace(rule, offset="centre")
    u = tuple(values.numpy() for values in window_mask_draws(rule, stream(2)))
    factor = 1 / min(height / 16, width / 18)
    values = image.double().numpy()
    expected = patches(values, u, SMALL.grid, SMALL.patch)
    scaled = bilinear(values, (round(height * factor), round(width * factor)))
    coarse = patches(scaled, u, SMALL.grid, SMALL.patch)
    ch, cw = {"window": (8, 6), "pixel": (4, 4), "fragments": (16, 18)}[mode]
    for y, x in itertools.product(range(16), range(18)):
        if (y // ch + x // cw) % 2:
            expected[:, y, x] = coarse[:, y, x]
    out = sample_window_mask(image, rule, stream(2))
    assert out.dtype == torch.float32
    np.testing.assert_allclose(out.numpy(), expected, rtol=0, atol=1e-5)


@given(st.integers(2, 80), st.integers(2, 80), st.sampled_from(IMAGE_MODES), st.sampled_from(["random", "centre"]))
def test_images_of_any_size(height: int, width: int, mode: str, offset: str) -> None:
    image, rule = picture(height, width), WindowMaskSampling(mode, (2, 3), (8, 6), offset)
    out = sample_window_mask(image, rule, stream(height))
    assert out.shape == (3, 16, 18)
    assert float(image.min()) - 1e-5 <= float(out.min())
    assert float(out.max()) <= float(image.max()) + 1e-5
    assert torch.equal(out, sample_window_mask(image, rule, stream(height)))


def test_images_that_fit_exactly_or_are_enlarged_have_one_scale() -> None:
    for height, width in ((16, 18), (16, 40), (10, 12)):
        plain, masked = (
            sample_window_mask(picture(height, width), WindowMaskSampling(mode, (2, 3), (8, 6), "centre"), stream(0))
            for mode in ("fragments", "window")
        )
        torch.testing.assert_close(plain, masked, atol=1e-5, rtol=0)


def test_augmentation_is_the_one_of_torchvision() -> None:
    from torchvision import transforms

    reference = transforms.Compose([transforms.RandomHorizontalFlip(0.5), transforms.RandomRotation(45)])
    image = torch.rand(3, 21, 34, generator=stream(0))
    outs = []
    for seed in range(20):
        with torch.random.fork_rng(devices=[]):
            torch.default_generator.manual_seed(seed)
            expected = reference(image)
        out = augment_image(image, torch.Generator().manual_seed(seed))
        assert torch.equal(out, expected)
        outs.append(out)
    # The middle of the picture stays close to the middle, flipped or not; corners are cut off and filled with 0.
    assert np.mean([bool((out[:, 0, 0] == 0).all()) for out in outs]) > 0.5
    assert set(torch.stack(outs).unique().tolist()) <= {0.0, *image.unique().tolist()}


def test_small_images_are_enlarged_by_pillow() -> None:
    array = (torch.rand(30, 47, 3, generator=stream(0)) * 256).to(torch.uint8).numpy()
    expected = np.asarray(Image.fromarray(array).resize((100, 64), Image.Resampling.BILINEAR))
    out = prepare_image(array, 64)
    assert out.dtype == np.uint8
    assert np.array_equal(out, expected)
    assert torch.from_numpy(out).shape == (64, 100, 3)
    assert prepare_image(array, 30) is array


def test_a_short_side_may_end_one_pixel_below() -> None:
    short = [side for side in range(1, 256) if int(side * (256 / side)) == 255]
    assert short
    out = prepare_image(np.zeros((short[-1], 300, 3), np.uint8), 256)
    assert out.shape[0] == 255
    image = torch.from_numpy(out).permute(2, 0, 1) / 255.0
    assert sample_window_mask(image, WindowMaskSampling(), stream(0)).shape == (3, 256, 256)


@pytest.mark.usefixtures("global_rng_untouched")
def test_images_depend_on_their_generator_alone() -> None:
    image = picture(50, 50)

    def draw(position: int) -> list[Tensor]:
        rules = [dataclasses.replace(SMALL, mode=mode) for mode in IMAGE_MODES]
        images = [sample_window_mask(image, rule, stream(position)) for rule in rules]
        return [*images, augment_image(image, stream(position))]

    first, again, other = draw(0), draw(0), draw(1)
    assert all(torch.equal(a, b) for a, b in zip(first, again, strict=True))
    assert not any(torch.equal(a, b) for a, b in zip(first, other, strict=True))


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"patch": (0, 32)}, "must be positive"),
        ({"mode": "sama"}, "mode: 'sama' is not one of window, pixel, fragments"),
        ({"offset": "end"}, "offset: 'end' is not one of random, centre"),
    ],
)
def test_rules_that_cannot_be(options: dict, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        WindowMaskSampling(**options)


def test_inputs_that_do_not_fit() -> None:
    rule = dataclasses.replace(SMALL, mode="fragments")
    draws = window_mask_draws(rule, stream(0))
    with pytest.raises(ValueError, match="'fragments' has no second scale"):
        cut_window_mask(picture(20, 20), draws, rule)
    for shape, dtype in (((20, 20), np.uint8), ((20, 20, 4), np.uint8), ((20, 20, 3), np.float32)):
        with pytest.raises(ValueError, match="an image must be"):
            prepare_image(np.zeros(shape, dtype), 64)
