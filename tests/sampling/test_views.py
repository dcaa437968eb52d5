"""Views of the multi-branch systems: pictures, scaled frames, small whole frames and segments, by their definitions."""

from itertools import pairwise

import numpy as np
import pytest
import torch

from vqa.extract.dsdpro import resized
from vqa.models.convnext3d import inflated
from vqa.sampling.aesthetic import AestheticSampling, shrink_view, view_indices
from vqa.sampling.segments import clip_frames, segment_starts, used_size
from vqa.sampling.zoom import cropped, picture_frames, scaled, scaled_size, short_side


@pytest.mark.parametrize(("n_frames", "fps"), [(300, 30.0), (240, 24.0), (9, 25.0), (50, 10.0), (300, 29.97)])
def test_pictures_are_about_two_per_second(n_frames: int, fps: float) -> None:
    chosen = picture_frames(n_frames, fps).tolist()
    assert chosen[:2] == [0, 1]
    assert chosen == sorted(set(chosen))
    assert chosen[-1] < n_frames
    assert abs(len(chosen) - (2 * n_frames / fps + 1)) <= 1.2
    assert all(fps / 2 - 1 <= b - a <= fps / 2 + 1 for a, b in pairwise(chosen[2:]))


def test_pictures_are_scaled_by_their_short_side_and_cropped() -> None:
    frames = torch.rand(2, 3, 30, 50, generator=torch.Generator().manual_seed(1))
    assert short_side(frames, 20, antialias=False).shape == (2, 3, 20, 33)
    assert not torch.equal(short_side(frames, 20, True), short_side(frames, 20, False))
    middle = cropped(frames, 21, None)
    assert torch.equal(middle, frames[:, :, 4:25, 14:35])
    places = {tuple(cropped(frames, 21, torch.Generator().manual_seed(n))[0, 0, 0, :2].tolist()) for n in range(20)}
    assert len(places) > 10


def test_scaled_frames_lose_a_pixel_where_a_product_is_a_little_less() -> None:
    assert scaled_size(540, 960, 480) == (480, 853)
    assert scaled_size(124, 124, 480) == (480, 479)
    frames = torch.randint(0, 256, (3, 2, 12, 20), dtype=torch.uint8, generator=torch.Generator().manual_seed(1))
    assert scaled(frames, 0) is frames
    larger = scaled(frames, 24)
    assert larger.shape == (3, 2, 24, 40)
    assert larger.dtype == torch.uint8


@pytest.mark.parametrize("offset", ["random", "centre"])
@pytest.mark.parametrize("n_frames", [1, 5, 8, 16, 17, 24, 25, 80])
def test_every_segment_gives_a_frame_of_the_aesthetic_view(n_frames: int, offset: str) -> None:
    rule = AestheticSampling(8, (4, 6), offset, antialias=True)
    chosen = view_indices(n_frames, rule, torch.Generator().manual_seed(n_frames))
    length = n_frames // 8
    inside = chosen - length * torch.arange(8)
    if length:
        assert inside.min() >= 0
        assert inside.max() <= max(length - 3, 0)
    else:
        assert (chosen == 0).all()
    assert (chosen == view_indices(n_frames, rule, torch.Generator().manual_seed(n_frames))).all()


def test_the_aesthetic_view_is_small_and_of_any_shape() -> None:
    frames = torch.randint(0, 256, (3, 20, 30, 3), dtype=torch.uint8, generator=torch.Generator().manual_seed(1))
    view = shrink_view(frames, AestheticSampling(3, (4, 6), "centre", antialias=True))
    assert view.shape == (3, 3, 4, 6)
    assert view.dtype == torch.uint8
    blocks = frames.float().view(3, 4, 5, 6, 5, 3).mean(dim=(2, 4)).permute(3, 0, 1, 2)
    assert (view.float() - blocks).abs().mean() < 12, "about the mean of each block"


def test_bad_views_are_refused() -> None:
    with pytest.raises(ValueError, match="positive"):
        AestheticSampling(0, (4, 4), "centre", antialias=False)
    with pytest.raises(ValueError, match="offset"):
        AestheticSampling(4, (4, 4), "left", antialias=False)


@pytest.mark.parametrize("n_frames", [1, 9, 13, 18, 60, 300])
def test_segments_lie_inside_of_the_video(n_frames: int) -> None:
    starts, clips = segment_starts(n_frames, 20), clip_frames(n_frames, 20)
    assert clips.shape == (20, 8)
    assert clips.min() >= 0
    assert clips.max() <= n_frames - 1
    if n_frames >= 18:
        assert (starts[0], starts[-1]) == (5, n_frames - 13)
        assert torch.equal(clips[:, 0], starts)


def test_only_what_is_larger_both_ways_is_scaled_down() -> None:
    assert used_size(3840, 2160) == (1920, 1080)
    assert used_size(2160, 3840) == (1080, 1920)
    assert used_size(1920, 1440) == (1920, 1440)
    assert used_size(2000, 2000) == (2000, 2000)
    frames = np.random.default_rng(1).integers(0, 256, (2, 8, 12, 3), dtype=np.uint8)
    np.testing.assert_array_equal(resized(frames, (12, 8)).numpy(), frames)
    assert resized(frames, (6, 4)).shape == (2, 4, 6, 3)


def test_an_inflated_kernel_answers_a_still_clip_as_before() -> None:
    kernel = torch.randn(4, 3, 5, 5, generator=torch.Generator().manual_seed(1), dtype=torch.float64)
    picture = torch.randn(1, 3, 9, 9, generator=torch.Generator().manual_seed(2), dtype=torch.float64)
    still = picture[:, :, None].repeat(1, 1, 3, 1, 1)
    both = torch.nn.functional.conv3d(still, inflated(kernel, 3))[:, :, 0]
    torch.testing.assert_close(both, torch.nn.functional.conv2d(picture, kernel))
