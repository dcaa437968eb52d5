"""Temporal and fragment sampling against loops that follow the definition, and against what must hold for any video."""

import itertools
import random

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from torch import Tensor

from vqa.rng import torch_generator
from vqa.sampling.fragments import (
    FragmentSampling,
    cut_fragments,
    enlarge_small,
    fragment_offsets,
    grid_size,
    sample_fragments,
)
from vqa.sampling.temporal import TemporalSampling, clip_offsets, frame_indices, offset_range

TEMPORAL_RULES = [
    TemporalSampling(frames, interval, clips, offset, past_end)
    for frames, interval, clips in ((32, 2, 1), (32, 2, 4), (8, 1, 3), (4, 5, 2))
    for offset, past_end in itertools.product(("random", "centre"), ("wrap", "clamp"))
]
SMALL = FragmentSampling(grid=(2, 3), patch=(8, 6), aligned=4)


def stream(*position: int) -> torch.Generator:
    return torch_generator("crop", 0, *position)


def noise(frames: int, height: int, width: int) -> Tensor:
    return torch.randint(0, 256, (3, frames, height, width), dtype=torch.uint8, generator=stream(frames, height, width))


@pytest.mark.parametrize("rule", TEMPORAL_RULES, ids=str)
def test_frames_of_videos_of_any_length(rule: TemporalSampling) -> None:
    span = rule.frames * rule.interval
    for n_frames in range(1, 401):
        offsets = clip_offsets(n_frames, rule, stream(n_frames))
        segment = n_frames // rule.clips
        expected = []
        for clip in range(rule.clips):
            start = int(offsets[clip])
            assert 0 <= start <= max(0, segment - span - (rule.offset == "random" and segment > span))
            for k in range(rule.frames):
                frame = segment * clip + start + k * rule.interval
                expected.append(frame % n_frames if rule.past_end == "wrap" else min(frame, n_frames - 1))
        indices = frame_indices(n_frames, rule, offsets)
        assert indices.tolist() == expected
        assert min(expected) >= 0
        assert max(expected) < n_frames


def test_random_starts_fill_their_range() -> None:
    rule = TemporalSampling(frames=4, interval=2, clips=2)
    assert offset_range(26, rule) == 5
    starts = torch.stack([clip_offsets(26, rule, stream(i)) for i in range(400)])
    assert starts.unique().tolist() == [0, 1, 2, 3, 4]
    counts = torch.bincount(starts.flatten()).tolist()
    assert min(counts) > 0.7 * 160
    assert not torch.equal(starts[:, 0], starts[:, 1]), "clips of one video must start independently"


def test_the_centre_is_deterministic_and_central() -> None:
    rule = TemporalSampling(clips=4, offset="centre")
    assert clip_offsets(500, rule, stream(1)).tolist() == [30] * 4
    assert clip_offsets(500, rule, stream(2)).tolist() == [30] * 4
    assert clip_offsets(255, rule, stream(1)).tolist() == [0] * 4


def fragments_by_loops(video: np.ndarray, size: tuple[int, int], offsets: tuple[Tensor, Tensor]) -> np.ndarray:
    """Every output pixel looked up on its own, for the rule SMALL."""
    C, T = video.shape[:2]
    (rows, cols), (ph, pw) = SMALL.grid, SMALL.patch
    out = np.zeros((C, T, rows * ph, cols * pw), dtype=video.dtype)
    for t, y, x in itertools.product(range(T), range(rows * ph), range(cols * pw)):
        i, j, block = y // ph, x // pw, t // SMALL.aligned
        top = min(size[0] // rows * i, size[0] - ph) + int(offsets[0][i, j, block])
        left = min(size[1] // cols * j, size[1] - pw) + int(offsets[1][i, j, block])
        out[:, t, y, x] = video[:, t, top + y % ph, left + x % pw]
    return out


@pytest.mark.parametrize(("height", "width"), [(16, 18), (17, 19), (40, 31), (23, 64)])
def test_fragments_are_patches_of_their_cells(height: int, width: int) -> None:
    video = noise(8, height, width)
    offsets = fragment_offsets((height, width), 8, SMALL, stream(1))
    expected = fragments_by_loops(video.numpy(), (height, width), offsets)
    assert np.array_equal(cut_fragments(video, (height, width), offsets, SMALL).numpy(), expected)
    assert np.array_equal(sample_fragments(video, SMALL, stream(1)).numpy(), expected)


def test_patches_stay_where_they_are_within_a_block_only() -> None:
    still = noise(1, 60, 60).repeat(1, 8, 1, 1)
    out = sample_fragments(still, SMALL, stream(0))
    assert torch.equal(out[:, 0], out[:, 3])
    assert torch.equal(out[:, 4], out[:, 7])
    assert not torch.equal(out[:, 3], out[:, 4])


@given(st.integers(1, 100), st.integers(1, 100), st.sampled_from(["random", "centre"]))
def test_offsets_stay_in_their_cells(height: int, width: int, offset: str) -> None:
    rule = FragmentSampling(SMALL.grid, SMALL.patch, SMALL.aligned, offset)
    both = fragment_offsets((height, width), 8, rule, stream(height, width))
    for values, side, cells, patch in zip(both, (height, width), rule.grid, rule.patch, strict=True):
        assert values.shape == (2, 3, 2)
        spare = max(0, side // cells - patch)
        assert int(values.min()) >= 0
        assert int(values.max()) <= (spare // 2 if offset == "centre" else max(0, spare - 1))


def test_random_offsets_fill_their_range_and_axes_are_independent() -> None:
    rule = FragmentSampling(grid=(20, 20), patch=(8, 8), aligned=4)
    heights, widths = fragment_offsets((20 * 12, 20 * 10), 16, rule, stream(3))
    assert torch.bincount(heights.flatten()).tolist() == pytest.approx([400] * 4, rel=0.2)
    assert torch.bincount(widths.flatten()).tolist() == pytest.approx([800] * 2, rel=0.2)
    assert not torch.equal(heights[0], heights[1])
    assert not torch.equal(heights[..., 0], heights[..., 1])
    assert not torch.equal(heights % 2, widths)


def test_central_offsets_are_deterministic() -> None:
    rule = FragmentSampling(SMALL.grid, SMALL.patch, SMALL.aligned, offset="centre")
    heights, widths = fragment_offsets((40, 60), 4, rule, stream(0))
    assert heights.unique().tolist() == [6]
    assert widths.unique().tolist() == [7]


def test_a_single_image_needs_no_alignment() -> None:
    assert sample_fragments(noise(1, 40, 40), SMALL, stream(0)).shape == (3, 1, 16, 18)


def test_a_large_video_passes_unchanged() -> None:
    video = noise(4, 16, 18)
    assert enlarge_small(video, SMALL) is video


def test_small_videos_are_enlarged_and_the_grid_may_stay_behind() -> None:
    video = noise(4, 10, 40)
    large = enlarge_small(video, SMALL)
    assert large.shape == (3, 4, 16, 64)
    assert large.dtype == torch.uint8
    kept = FragmentSampling(SMALL.grid, SMALL.patch, SMALL.aligned, small_grid="updated", small_values="float")
    exact = enlarge_small(video, kept)
    assert exact.dtype == torch.float32
    assert torch.equal(exact.to(torch.uint8), large)
    assert bool((exact.frac() > 0.01).any())
    assert grid_size(video, large, SMALL) == (10, 40)
    assert grid_size(video, large, kept) == (16, 64)


def test_the_stale_grid_cuts_from_the_upper_left_part() -> None:
    rule = FragmentSampling(SMALL.grid, SMALL.patch, SMALL.aligned, offset="centre")
    video = noise(4, 9, 24)
    large = enlarge_small(video, rule)
    # Old size 9x24: rows start at 0 and min(4, 9 - 8) = 1, columns at 0, 8 and 16, plus (8 - 6) // 2.
    out = sample_fragments(video, rule, stream(0))
    assert torch.equal(out[:, :, 8:, 12:], large[:, :, 1:9, 17:23])


def test_bilinear_weights_of_an_enlargement_by_two() -> None:
    rule = FragmentSampling(grid=(1, 1), patch=(4, 4), aligned=1, small_values="float")
    video = torch.tensor([[0, 100], [40, 140]], dtype=torch.uint8).view(1, 1, 2, 2)
    expected = torch.tensor([0.0, 25, 75, 100])[None, :] + torch.tensor([0.0, 10, 30, 40])[:, None]
    torch.testing.assert_close(enlarge_small(video, rule)[0, 0], expected, atol=1e-4, rtol=0)


@pytest.mark.usefixtures("global_rng_untouched")
def test_sampling_depends_on_its_generator_alone() -> None:
    video, temporal = noise(8, 50, 50), TemporalSampling(clips=2)

    def draw(position: int) -> tuple[Tensor, Tensor]:
        return clip_offsets(900, temporal, stream(position)), sample_fragments(video, SMALL, stream(position))

    first = draw(0)
    state = random.getstate()
    with torch.random.fork_rng(devices=[]):
        random.seed(5)
        torch.default_generator.manual_seed(5)
        again, other = draw(0), draw(1)
    random.setstate(state)
    assert all(torch.equal(a, b) for a, b in zip(first, again, strict=True))
    assert not any(torch.equal(a, b) for a, b in zip(first, other, strict=True))


@pytest.mark.parametrize(
    ("kind", "options", "message"),
    [
        (TemporalSampling, {"clips": 0}, "must be positive"),
        (TemporalSampling, {"offset": "end"}, "offset: 'end' is not one of random, centre"),
        (TemporalSampling, {"past_end": "stop"}, "past_end: 'stop' is not one of wrap, clamp"),
        (FragmentSampling, {"grid": (0, 7)}, "must be positive"),
        (FragmentSampling, {"offset": "end"}, "offset: 'end' is not one of random, centre"),
        (FragmentSampling, {"small_grid": "new"}, "small_grid: 'new' is not one of stale, updated"),
        (FragmentSampling, {"small_values": "int"}, "small_values: 'int' is not one of truncated, float"),
    ],
)
def test_unknown_options_are_named(kind: type, options: dict, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        kind(**options)


def test_videos_that_cannot_be_sampled() -> None:
    rule = TemporalSampling()
    with pytest.raises(ValueError, match="without frames"):
        frame_indices(0, rule, torch.zeros(1, dtype=torch.int64))
    with pytest.raises(ValueError, match="6 frames cannot be cut into blocks of 4"):
        sample_fragments(noise(6, 40, 40), SMALL, stream(0))
    with pytest.raises(ValueError, match="frames of 200x7 are smaller than a patch of 6x8"):
        sample_fragments(noise(4, 7, 200), SMALL, stream(0))
