"""Blocks of frames against a loop that follows the definition; frames that are scaled down, and normalised."""

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image

from vqa.sampling.blocks import evenly_spaced, frame_blocks
from vqa.sampling.normalise import STATISTICS, normalise
from vqa.sampling.shrink import shrink, shrunk_size


def by_definition(n: int, block: int, kept: int) -> list[tuple[int, int]]:
    """(number of the block, frame) of every row."""
    if n <= block:
        return [(0, frame) for frame in evenly_spaced(n, kept).tolist()]
    rows, number = [], 0
    while block * (number + 1) < n:
        rows += [(number, block * number + frame) for frame in evenly_spaced(block, kept).tolist()]
        number += 1
    final = [n - block + frame for frame in evenly_spaced(block, kept).tolist()]
    return rows + [(number, frame) for frame in final if frame >= block * number]


@given(st.integers(1, 400), st.integers(1, 70), st.integers(1, 40))
def test_rows_are_those_of_the_definition(n: int, block: int, kept: int) -> None:
    blocks = frame_blocks(n, block, kept)
    rows = [(number, frame) for number, each in enumerate(blocks) for frame in each.rows.tolist()]
    assert rows == by_definition(n, block, kept)
    frames = [frame for _, frame in rows]
    assert frames == sorted(frames)
    assert all(0 <= frame < n for each in blocks for frame in each.frames.tolist())
    assert all(each.frames.shape == (kept,) for each in blocks)
    if kept > 1:
        assert frames[-1] == n - 1


@given(st.integers(1, 400), st.integers(2, 64))
def test_frames_are_spread_from_the_first_to_the_last(n: int, kept: int) -> None:
    frames = evenly_spaced(n, kept)
    assert (frames[0], frames[-1]) == (0, n - 1)
    exact = np.arange(kept) * (n - 1) / (kept - 1)
    assert np.all((frames.numpy() <= exact + 1e-4) & (frames.numpy() > exact - 1 - 1e-4))


@pytest.mark.parametrize("sizes", [(0, 64, 32), (5, 0, 32), (5, 64, 0)])
def test_sizes_that_are_not_positive_are_refused(sizes: tuple[int, int, int]) -> None:
    with pytest.raises(ValueError, match="all must be positive"):
        frame_blocks(*sizes)


@given(st.integers(1, 3000), st.integers(1, 3000), st.integers(0, 800))
def test_short_side_of_large_frames(width: int, height: int, short_side: int) -> None:
    new = shrunk_size(width, height, short_side)
    if not short_side or min(width, height) <= short_side:
        assert new == (width, height)
    else:
        assert min(new) == short_side
        assert abs(new[0] / new[1] - width / height) <= max(width, height) / min(width, height) / short_side


def test_frames_are_scaled_as_pillow_scales_them() -> None:
    frames = np.random.default_rng(0).integers(0, 256, (2, 60, 85, 3), dtype=np.uint8)
    small = shrink(torch.from_numpy(frames), 36)
    assert small.dtype == torch.uint8
    assert small.shape == (2, 36, 51, 3)
    for frame, result in zip(frames, small, strict=True):
        expected = np.array(Image.fromarray(frame).resize((51, 36), Image.Resampling.BILINEAR)).astype(int)
        assert np.abs(result.numpy() - expected).max() <= 1  # it rounds between its two passes
    assert torch.equal(shrink(torch.from_numpy(frames), 60), torch.from_numpy(frames))


@pytest.mark.parametrize("name", STATISTICS)
def test_normalised_values(name: str) -> None:
    mean, std = STATISTICS[name]
    frames = torch.arange(256, dtype=torch.uint8).view(1, 16, 16, 1).expand(1, 16, 16, 3)
    values = normalise(frames, name)
    assert values.shape == (1, 3, 16, 16)
    for channel in range(3):
        expected = (np.arange(256) / 255 - mean[channel]) / std[channel]
        np.testing.assert_allclose(values[0, channel].flatten(), expected, atol=1e-6)
