"""PVQ's clips and the windows of its released notebook against their definitions."""

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from vqa.sampling.clips3d import clip_ends, clip_frames, notebook_windows


@given(st.integers(1, 1500), st.sampled_from([2, 4, 40]), st.sampled_from([8, 16]))
def test_clips_are_spread_evenly_as_numpy_rounds(n: int, count: int, length: int) -> None:
    step = (n - length) / (count - 1)
    ends = [int(i * step + length) for i in range(count - 1)] + [n]
    assert clip_ends(n, count, length).tolist() == [end - 1 for end in ends]
    frames = clip_frames(n, count, length)
    assert frames.tolist() == [[min(max(end - length + k, 0), n - 1) for k in range(length)] for end in ends]


@pytest.mark.parametrize(("n", "clip"), [(177, 27), (329, 13), (346, 27)])
def test_rounding_may_lose_a_frame(n: int, clip: int) -> None:
    """As released: some clips would end on a whole number, and double precision is just below it."""
    shorter = [i for i, end in enumerate(clip_ends(n, 40, 8).tolist()) if end + 1 < 8 + i * (n - 8) // 39]
    assert clip in shorter


def test_one_clip_is_the_first() -> None:
    assert clip_frames(30, 1, 8).tolist() == [list(range(8))]


@given(st.integers(1, 400), st.integers(2, 20))
def test_windows_of_the_notebook(n: int, steps: int) -> None:
    windows = notebook_windows(n, steps)
    assert len(windows) == steps
    for i, window in enumerate(windows):
        start = math.ceil(i * (n - steps) / (steps - 1))
        assert window == list(range(n))[start : start + steps]
        assert window, "adaptive pooling has rows to average"
