"""Key frames, motion clips and crops of SimpleVQA against loops that follow the definition and against torchvision."""

import pytest
import torch
from hypothesis import example, given
from hypothesis import strategies as st
from torch import Tensor

from vqa.rng import torch_generator
from vqa.sampling.keyframes import (
    crop,
    key_frame_indices,
    motion_clip_indices,
    resize_short_side,
    resized,
    rounded_fps,
)

FPS = st.floats(0.51, 120)
LENGTH = st.integers(1, 300)


def video(frames: int, height: int, width: int) -> Tensor:
    return torch.randint(0, 256, (frames, 3, height, width), dtype=torch.uint8, generator=torch_generator("test", 0))


@pytest.mark.parametrize(
    ("fps", "expected"), [(25, 25), (29.97, 30), (14.5, 14), (15.5, 16), (12.5, 12), (0.6, 1), (23.976, 24)]
)
def test_rounded_fps(fps: float, expected: int) -> None:
    assert rounded_fps(fps) == expected


@pytest.mark.parametrize("fps", [0, 0.5, -25, float("nan"), float("inf")])
def test_a_video_without_frame_rate_is_refused(fps: float) -> None:
    for use in (
        lambda: rounded_fps(fps),
        lambda: key_frame_indices(100, fps, 8),
        lambda: motion_clip_indices(100, 100, fps, 8),
    ):
        with pytest.raises(ValueError, match="must be at least one frame per second"):
            use()


@given(LENGTH, FPS, st.integers(0, 20))
def test_key_frames(n_frames: int, fps: float, minimum: int) -> None:
    expected = [frame for frame in range(n_frames) if frame % round(fps) == 0]
    expected += [expected[-1]] * (minimum - len(expected))
    assert key_frame_indices(n_frames, fps, minimum).tolist() == expected


@given(LENGTH, LENGTH, FPS, st.integers(0, 20), st.integers(1, 40))
@example(100, 30, 25, 8, 32)  # whole clips beyond the last frame that decodes
@example(20, 20, 25, 8, 32)  # shorter than a second
def test_motion_clips(promised: int, decodable: int, fps: float, minimum: int, clip_length: int) -> None:
    last, clips, second = min(promised, decodable) - 1, [], 0
    while second == 0 or (second + 1) * round(fps) <= promised:
        clips.append([min(second * round(fps) + k, last) for k in range(clip_length)])
        second += 1
    clips += [clips[-1]] * (minimum - len(clips))
    assert motion_clip_indices(promised, decodable, fps, minimum, clip_length).tolist() == clips


def test_a_video_shorter_than_a_second_gives_one_clip() -> None:
    clips = motion_clip_indices(5, 5, fps=30, minimum=1, clip_length=8)
    assert clips.tolist() == [[0, 1, 2, 3, 4, 4, 4, 4]]
    assert key_frame_indices(5, fps=30, minimum=2).tolist() == [0, 0]


def test_videos_and_clips_without_frames_are_refused() -> None:
    for use in (
        lambda: key_frame_indices(0, 25, 8),
        lambda: motion_clip_indices(0, 5, 25, 8),
        lambda: motion_clip_indices(5, 0, 25, 8),
    ):
        with pytest.raises(ValueError, match="a video without frames cannot be sampled"):
            use()
    with pytest.raises(ValueError, match="clip_length must be positive, got 0"):
        motion_clip_indices(5, 5, 25, 8, 0)


@given(st.integers(1, 5000), st.integers(1, 5000), st.integers(1, 600))
@example(4105, 4105, 520)  # in floating point, 520 / 4105 * 4105 is below 520
def test_resized_keeps_the_short_side_and_the_aspect_ratio(width: int, height: int, short_side: int) -> None:
    new_width, new_height = resized(width, height, short_side)
    assert min(new_width, new_height) == short_side
    exact = short_side * max(width, height) / min(width, height)
    assert exact - 1 - 1e-6 < max(new_width, new_height) <= exact + 1e-6
    assert (new_width > new_height) <= (width > height)
    assert (new_height, new_width) == resized(height, width, short_side)


def test_resized_rounds_as_released() -> None:
    assert resized(240, 426, 520) == (520, 922)
    assert resized(1920, 1080, 520) == (924, 520)
    with pytest.raises(ValueError, match="cannot scale 0x10 to a short side of 5"):
        resized(0, 10, 5)


@pytest.mark.parametrize(("height", "width", "short_side"), [(40, 60, 52), (60, 33, 52), (90, 130, 40), (31, 31, 8)])
def test_resize_is_bilinear_without_antialiasing(height: int, width: int, short_side: int) -> None:
    from torchvision.transforms import v2

    frames = video(3, height, width)
    ours = resize_short_side(frames, short_side)
    new_width, new_height = resized(width, height, short_side)
    assert (ours.dtype, ours.shape) == (torch.uint8, (3, 3, new_height, new_width))
    expected = v2.functional.resize(frames.double(), [new_height, new_width], antialias=False)
    assert (ours.double() - expected).abs().max() <= 0.5 + 0.01  # float32 positions


def test_resize_leaves_frames_of_the_right_size_alone() -> None:
    frames = video(2, 52, 70)
    assert torch.equal(resize_short_side(frames, 52), frames)


@pytest.mark.parametrize(("height", "width"), [(20, 20), (20, 33), (31, 24), (23, 21)])
def test_the_centre_crop_is_torchvisions(height: int, width: int) -> None:
    from torchvision.transforms import v2

    frames = video(2, height, width)
    assert torch.equal(crop(frames, 20, None), v2.functional.center_crop(frames, [20, 20]))


@pytest.mark.usefixtures("global_rng_untouched")
def test_random_crops_are_drawn_for_every_frame_and_fill_their_range() -> None:
    height, width, size, n_frames = 8, 7, 5, 400
    rows, cols = torch.meshgrid(torch.arange(height), torch.arange(width), indexing="ij")
    frames = torch.stack([rows, cols]).expand(n_frames, 2, height, width)
    crops = crop(frames, size, torch_generator("crop", 0))
    corners = crops[:, :, 0, 0]
    assert crops.shape == (n_frames, 2, size, size)
    inside = torch.stack(torch.meshgrid(torch.arange(size), torch.arange(size), indexing="ij"))
    assert torch.equal(crops, corners[:, :, None, None] + inside)
    counts = torch.zeros(height - size + 1, width - size + 1)
    for top, left in corners.tolist():
        counts[top, left] += 1
    assert counts.min() > n_frames / counts.numel() / 2
    assert torch.equal(crops, crop(frames, size, torch_generator("crop", 0)))
    assert not torch.equal(crops, crop(frames, size, torch_generator("crop", 1)))


def test_frames_smaller_than_the_crop_are_refused() -> None:
    for generator in (None, torch_generator("crop", 0)):
        with pytest.raises(ValueError, match="frames of 20x30 are smaller than a crop of 21x21"):
            crop(video(1, 30, 20), 21, generator)
