"""Region pooling and pooling in time against their definitions, cell by cell and row by row."""

from decimal import ROUND_HALF_UP, Decimal
from fractions import Fraction
from math import ceil, floor

import numpy as np
import torch
from hypothesis import given
from hypothesis import strategies as st

from vqa.models.roi_pool import adaptive_average, roi_pool

# Halves of cells among them, and places outside of the frame
CORNERS = st.one_of(st.integers(-3, 12).map(lambda cell: 16.0 * cell), st.floats(-100, 400, width=32))


def cell(pixel: float) -> int:
    """The cell of a corner; Decimal's "half up" is away from 0."""
    return int((Decimal(pixel) / 32).to_integral_value(ROUND_HALF_UP))


@given(st.integers(1, 6), st.integers(1, 6), st.tuples(CORNERS, CORNERS, CORNERS, CORNERS))
def test_a_quarter_is_the_maximum_of_its_cells(height: int, width: int, box: tuple[float, ...]) -> None:
    maps = torch.from_numpy(np.random.default_rng(height * 7 + width).normal(size=(2, 3, height, width)))
    left, top, right, bottom = map(cell, box)
    h, w = max(bottom - top + 1, 1), max(right - left + 1, 1)
    expected = torch.zeros(2, 3, 2, 2, dtype=torch.float64)
    for i in range(2):
        for j in range(2):
            inside = [
                maps[:, :, y, x]
                for y in range(height)
                for x in range(width)
                if floor(Fraction(i * h, 2)) + top <= y < ceil(Fraction((i + 1) * h, 2)) + top
                and floor(Fraction(j * w, 2)) + left <= x < ceil(Fraction((j + 1) * w, 2)) + left
            ]
            if inside:
                expected[:, :, i, j] = torch.stack(inside).amax(dim=0)
    found = roi_pool(maps, [tuple(box), (0.0, 0.0, 32.0, 32.0)])  # type: ignore[list-item]
    assert torch.equal(found[:, 0], expected)


def test_quarters_of_a_whole_frame_share_the_middle_of_an_odd_number_of_cells() -> None:
    """540x960: 17 rows by 30 columns of cells, and the region is one cell larger both ways (PV2)."""
    columns = torch.arange(30.0).expand(1, 1, 17, 30)
    rows = torch.arange(17.0)[:, None].expand(1, 1, 17, 30)
    whole = [(0.0, 0.0, 960.0, 540.0)]
    assert roi_pool(columns, whole).flatten().tolist() == [15, 29, 15, 29]
    assert roi_pool(rows, whole).flatten().tolist() == [8, 8, 16, 16]
    assert roi_pool(-columns, whole).flatten().tolist() == [0, -15, 0, -15]
    assert roi_pool(-rows, whole).flatten().tolist() == [0, 0, -9, -9]


@given(st.integers(1, 70), st.integers(2, 20))
def test_pooling_in_time_is_pytorchs(n: int, steps: int) -> None:
    rows = torch.from_numpy(np.random.default_rng(n).normal(size=(n, 5)))
    expected = torch.nn.functional.adaptive_avg_pool1d(rows.T[None], steps)[0].T
    np.testing.assert_allclose(adaptive_average(rows, steps), expected, rtol=0, atol=1e-14)
