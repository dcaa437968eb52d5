"""SAMA sampling of videos against loops that follow the definition, and against what must hold for any video."""

import dataclasses
import itertools

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from resampling import bilinear, patches
from torch import Tensor

from vqa.rng import torch_generator
from vqa.sampling.pyramid import (
    MODES,
    PyramidSampling,
    checkerboard,
    cut_pyramid,
    enlarged_size,
    level_sizes,
    pyramid_draws,
    sample_pyramid,
)
from vqa.settings.strict import build

PYRAMIDS = [mode for mode in MODES if mode != "fragments"]
# Two frames per level, not square in any respect, cells of the fine checkerboard straddle patches.
SMALL = PyramidSampling(levels=4, grid=(2, 3), patch=(8, 6), aligned=8)
DEMO = {"mode": "sama", "levels": 2, "grid": [4, 4], "patch": [16, 16], "aligned": 2, "offset": "random"}


def stream(*position: int) -> torch.Generator:
    return torch_generator("crop", 0, *position)


def noise(frames: int, height: int, width: int) -> Tensor:
    return torch.randint(0, 256, (3, frames, height, width), dtype=torch.uint8, generator=stream(frames, height, width))


def small(mode: str, offset: str = "random") -> PyramidSampling:
    return dataclasses.replace(SMALL, mode=mode, offset=offset)


def pyramid_by_loops(video: np.ndarray, draws: tuple[Tensor, Tensor], mode: str) -> np.ndarray:
    """Frame after frame of a video that needs no enlarging, for SMALL in another mode."""
    T, H, W = video.shape[1:]
    last = 1 / min(H / 16, W / 18)
    factors = [1, last, 1, last] if mode in ("sama-c", "sama-mix") else [1 + k / 3 * (last - 1) for k in range(4)]
    heights, widths = (values.numpy() for values in draws)
    frames = []
    for t in range(T):
        factor, block = factors[t % 8 // 2], t // 8
        scaled = bilinear(video[:, t].astype(np.float64), (round(H * factor), round(W * factor)))
        out = patches(scaled, (heights[..., block], widths[..., block]), SMALL.grid, SMALL.patch)
        if mode in ("sama-swm", "sama-spm"):
            first = heights[..., 0], widths[..., 0]
            full = patches(video[:, t].astype(np.float64), first, SMALL.grid, SMALL.patch)
            ch, cw = (8, 6) if mode == "sama-swm" else (4, 4)
            for y, x in itertools.product(range(16), range(18)):
                if (y // ch + x // cw) % 2 == 0:
                    out[:, y, x] = full[:, y, x]
        frames.append(out)
    return np.stack(frames, axis=1)


@pytest.mark.parametrize(("height", "width"), [(16, 18), (37, 50), (70, 41)])
@pytest.mark.parametrize("mode", PYRAMIDS)
def test_modes_follow_their_definition(mode: str, height: int, width: int) -> None:
    video, rule = noise(16, height, width), small(mode)
    draws = pyramid_draws(16, rule, stream(1))
    expected = pyramid_by_loops(video.numpy(), draws, mode)
    out = sample_pyramid(video, rule, stream(1))
    assert out.dtype == torch.float32
    np.testing.assert_allclose(out.numpy(), expected, rtol=0, atol=1e-3)


def test_a_mix_runs_through_its_factors_twice() -> None:
    rule = dataclasses.replace(SMALL, mode="sama-mix", levels=8)
    sizes = level_sizes((32, 48), rule)
    assert sizes == [(32, 48), (27, 40), (21, 32), (16, 24)] * 2


def test_levels_of_the_paper() -> None:
    sizes = level_sizes((540, 960), PyramidSampling())
    assert len(sizes) == 16
    assert sizes[:2] == [(540, 960), (519, 923)]
    assert sizes[-1] == (224, 398)
    assert level_sizes((540, 960), PyramidSampling(mode="sama-c"))[:3] == [(540, 960), (224, 398), (540, 960)]
    assert level_sizes((540, 960), PyramidSampling(mode="fragments")) == []


@given(st.integers(1, 300), st.integers(1, 300))
def test_enlarged_sizes_just_fit(height: int, width: int) -> None:
    size, rule = enlarged_size((height, width), (224, 224)), PyramidSampling()
    if min(height, width) >= 224:
        assert size == (height, width)
    else:
        assert min(size) == 224
        assert level_sizes(size, rule) == [size] * 16
        assert max(size) == pytest.approx(224 * max(height, width) / min(height, width), abs=0.5 + 1e-9)


@given(st.integers(2, 80), st.integers(2, 80), st.sampled_from(MODES), st.sampled_from(["random", "centre"]))
def test_videos_of_any_size(height: int, width: int, mode: str, offset: str) -> None:
    video, rule = noise(8, height, width), small(mode, offset)
    out = sample_pyramid(video, rule, stream(height))
    assert out.shape == (3, 8, 16, 18)
    assert out.dtype == torch.float32
    assert float(out.min()) >= 0
    assert float(out.max()) <= 255.001
    assert torch.equal(out, sample_pyramid(video, rule, stream(height)))


def test_small_videos_are_enlarged_first_and_kept_as_floats() -> None:
    video, rule = noise(8, 9, 30), small("sama", "centre")
    large = bilinear(video[:, 5].numpy().astype(np.float64), (16, 53))
    centre = np.full((2, 3), np.float32(0.5))
    expected = patches(large, (centre, centre), SMALL.grid, SMALL.patch)
    out = sample_pyramid(video, rule, stream(0))[:, 5].numpy()
    np.testing.assert_allclose(out, expected, rtol=0, atol=1e-3)
    whole = sample_pyramid(video, small("fragments", "centre"), stream(0))[:, 5].numpy()
    assert np.array_equal(whole, whole.round())
    assert np.abs(whole - expected).max() < 1.001
    assert (whole <= expected + 1e-3).all()


@pytest.mark.parametrize("mode", ["sama", "sama-c", "sama-mix"])
def test_coarser_patches_show_the_surroundings_of_finer_ones(mode: str) -> None:
    """On a ramp, values are places: a patch at a smaller scale must cover the patch at a larger one."""
    H, W = 80, 120
    down = torch.linspace(0, 255, H)[:, None].expand(H, W).round().to(torch.uint8)
    right = torch.linspace(0, 255, W)[None, :].expand(H, W).round().to(torch.uint8)
    video = torch.stack([down, right, right]).unsqueeze(1).repeat(1, 8, 1, 1)
    out = sample_pyramid(video, small(mode), stream(4))
    cells = out.view(3, 8, 2, 8, 3, 6)
    for channel, step in ((0, 255 / H), (1, 255 / W)):
        low, high = (values[channel] for values in (cells.amin(dim=(3, 5)), cells.amax(dim=(3, 5))))
        # Offsets and sizes are whole pixels of a scale, up to five times as coarse as the original.
        assert bool((low[-1] <= low[0] + 6 * step).all())
        assert bool((high[-1] >= high[0] - 6 * step).all())
        assert bool((high[-1] - low[-1] > high[0] - low[0]).all())


@pytest.mark.parametrize("mode", MODES)
def test_four_clips_are_sampled_like_one(mode: str) -> None:
    video, rule = noise(32, 40, 50), small(mode, "centre")
    out = sample_pyramid(video, rule, stream(0))
    alone = [sample_pyramid(clip, rule, stream(0)) for clip in video.split(8, dim=1)]
    assert torch.equal(out, torch.cat(alone, dim=1))


def test_blocks_have_places_of_their_own_except_in_masked_full_resolution() -> None:
    still = noise(1, 60, 60).repeat(1, 16, 1, 1)
    out = sample_pyramid(still, small("sama"), stream(0))
    assert torch.equal(out[:, 0], out[:, 1])
    assert not torch.equal(out[:, 0], out[:, 8])
    masked = sample_pyramid(still, small("sama-swm"), stream(0))
    full = checkerboard((16, 18), (8, 6))
    assert torch.equal(masked[..., full], masked[:, :1, full].expand(3, 16, -1))
    assert torch.equal(masked[..., ~full], out[..., ~full])


def test_draws_are_uniform_and_independent() -> None:
    rule = dataclasses.replace(SMALL, grid=(20, 20))
    generator = stream(3)
    heights, widths = pyramid_draws(32, rule, generator)
    again = stream(3)
    assert torch.equal(heights, torch.rand(20, 20, 4, generator=again)), "heights are drawn first"
    assert torch.equal(widths, torch.rand(20, 20, 4, generator=again))
    assert torch.histc(heights, 4, 0, 1).tolist() == pytest.approx([400] * 4, rel=0.2)
    assert heights.dtype == torch.float32
    assert pyramid_draws(8, small("sama", "centre"), generator)[0].unique().tolist() == [0.5]


def test_a_demo_of_two_frames() -> None:
    rule = build(PyramidSampling, DEMO, "params.yaml: demo")
    video = noise(2, 96, 128)
    out = sample_pyramid(video, rule, stream(0))
    assert out.shape == (3, 2, 64, 64)
    assert level_sizes((96, 128), rule) == [(96, 128), (64, 85)]
    patch = out[:, 0, :16, :16]
    heights, widths = pyramid_draws(2, rule, stream(0))
    top, left = int(heights[0, 0, 0] * 8), int(widths[0, 0, 0] * 16)
    torch.testing.assert_close(patch, video[:, 0, top : top + 16, left : left + 16].float(), atol=1e-3, rtol=0)
    assert sample_pyramid(noise(8, 96, 128), rule, stream(0)).shape == (3, 8, 64, 64)


@pytest.mark.usefixtures("global_rng_untouched")
def test_sampling_depends_on_its_generator_alone() -> None:
    video = noise(8, 50, 50)

    def draw(position: int) -> list[Tensor]:
        return [sample_pyramid(video, small(mode), stream(position)) for mode in MODES]

    first, again, other = draw(0), draw(0), draw(1)
    assert all(torch.equal(a, b) for a, b in zip(first, again, strict=True))
    assert not any(torch.equal(a, b) for a, b in zip(first, other, strict=True))
    fixed = small("sama", "centre")
    assert torch.equal(sample_pyramid(video, fixed, stream(0)), sample_pyramid(video, fixed, stream(1)))


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"levels": 0}, "must be positive"),
        ({"grid": (7, 0)}, "must be positive"),
        ({"mode": "sama+swm"}, "mode: 'sama\\+swm' is not one of sama, "),
        ({"offset": "end"}, "offset: 'end' is not one of random, centre"),
        ({"levels": 1}, "levels: sama needs 2 or more, got 1"),
        ({"mode": "sama-mix", "levels": 2}, "levels: sama-mix needs an even number from 4 on, got 2"),
        ({"mode": "sama-mix", "levels": 5, "aligned": 5}, "an even number from 4 on, got 5"),
        ({"aligned": 40}, "aligned: 40 frames cannot be shared evenly by 16 levels"),
    ],
)
def test_rules_that_cannot_be(options: dict, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        PyramidSampling(**options)


def test_one_level_is_enough_for_plain_fragments() -> None:
    assert PyramidSampling(mode="fragments", levels=1, aligned=3).fragments.aligned == 3


@pytest.mark.parametrize("frames", [1, 7, 12])
@pytest.mark.parametrize("mode", ["sama", "sama-spm"])
def test_frames_that_make_no_whole_blocks(frames: int, mode: str) -> None:
    with pytest.raises(ValueError, match=f"{frames} frames cannot be cut into blocks of 8 aligned frames"):
        sample_pyramid(noise(frames, 20, 20), small(mode), stream(0))


def test_inputs_that_do_not_fit() -> None:
    with pytest.raises(ValueError, match="draws for 2 blocks of 8 frames do not fit 8 frames"):
        cut_pyramid(noise(8, 20, 20), pyramid_draws(16, SMALL, stream(0)), SMALL)
    with pytest.raises(ValueError, match="'fragments' has no pyramid"):
        cut_pyramid(noise(8, 20, 20), pyramid_draws(8, SMALL, stream(0)), small("fragments"))
