"""Geometry of shifted windows against its definition, token by token."""

import itertools

import pytest
import torch

from vqa.models import windows


def test_partition_keeps_the_token_order_and_merge_undoes_it() -> None:
    size, window = (4, 6, 9), (2, 3, 3)
    x = torch.arange(2 * 4 * 6 * 9 * 5).view(2, *size, 5)
    cut = windows.partition(x, window)
    assert cut.shape == (2, 2 * 2 * 3, 18, 5)
    assert torch.equal(cut[1, -1, -1], x[1, 3, 5, 8])
    assert torch.equal(cut[0, 1, 1], x[0, 0, 0, 4])
    assert torch.equal(windows.merge(cut, window, size), x)


@pytest.mark.parametrize("window", [(8, 7, 7), (2, 3, 4), (1, 1, 2)])
def test_relative_position_index_by_brute_force(window: tuple[int, int, int]) -> None:
    d, h, w = window
    index = windows.relative_position_index(window)
    tokens = list(itertools.product(range(d), range(h), range(w)))
    expected = torch.empty(len(tokens), len(tokens), dtype=torch.int64)
    for a, (ta, ha, wa) in enumerate(tokens):
        for b, (tb, hb, wb) in enumerate(tokens):
            dt, dh, dw = ta - tb + d - 1, ha - hb + h - 1, wa - wb + w - 1
            expected[a, b] = dt * (2 * h - 1) * (2 * w - 1) + dh * (2 * w - 1) + dw
    assert torch.equal(index, expected)
    assert int(index.max()) == (2 * d - 1) * (2 * h - 1) * (2 * w - 1) - 1


@pytest.mark.parametrize(
    ("size", "window", "shift"),
    [
        ((4, 6, 6), (2, 3, 3), (1, 1, 1)),
        ((2, 6, 9), (2, 3, 3), (0, 1, 2)),
        ((8, 4, 4), (4, 4, 4), (2, 0, 0)),
        ((4, 4, 4), (2, 2, 2), (2, 1, 2)),
    ],
)
def test_shift_mask_by_brute_force(size: tuple, window: tuple, shift: tuple) -> None:
    """Two tokens of a window see each other unless the roll brought them together around the edge."""
    rolled = itertools.product(*(range(n) for n in size))
    wrapped = torch.tensor([[position >= n - s for position, n, s in zip(p, size, shift, strict=True)] for p in rolled])
    tokens = windows.partition(wrapped.view(1, *size, 3), window)[0]
    apart = (tokens[:, :, None] != tokens[:, None, :]).any(-1)
    mask = windows.shift_mask(size, window, shift)
    assert torch.equal(mask == -100, apart)
    assert torch.equal(mask == 0, ~apart)


def test_fragment_distance_of_a_worked_example() -> None:
    """4x4 tokens over 2x2 fragments in windows of 2x2: one per window; shifted by 1, four."""
    plain = windows.fragment_distance((2, 2), (1, 4, 4), (1, 2, 2), (0, 0, 0))
    assert plain.shape == (4, 4, 4)
    assert not plain.any()
    corners = torch.tensor([[0.0, 1, 1, 2], [1, 0, 2, 1], [1, 2, 0, 1], [2, 1, 1, 0]])
    shifted = windows.fragment_distance((2, 2), (1, 4, 4), (1, 2, 2), (0, 1, 1))
    assert torch.equal(shifted, corners.expand(4, 4, 4))


def test_fragment_distance_counts_rows_and_columns_and_not_time() -> None:
    distance = windows.fragment_distance((3, 3), (2, 3, 3), (2, 3, 3), (0, 0, 0))[0]
    tokens = list(itertools.product(range(2), range(3), range(3)))
    expected = [[abs(ya - yb) + abs(xa - xb) for _, yb, xb in tokens] for _, ya, xa in tokens]
    assert distance.tolist() == expected
    assert distance.max() == 4, "a distance, not a 0/1 gate"


@pytest.mark.parametrize("shift", [(0, 0, 0), (0, 1, 1), (1, 1, 2)])
def test_fragment_distance_by_brute_force(shift: tuple[int, int, int]) -> None:
    lattice, size, window = (2, 4), (2, 6, 8), (2, 3, 4)
    distance = windows.fragment_distance(lattice, size, window, shift)
    # Position p of the rolled map holds the token that was at p + shift.
    rows = [(y + shift[1]) % size[1] * lattice[0] // size[1] for y in range(size[1])]
    cols = [(x + shift[2]) % size[2] * lattice[1] // size[2] for x in range(size[2])]
    for m, (i, j) in enumerate(itertools.product(range(2), range(2))):
        tokens = [(rows[3 * i + y], cols[4 * j + x]) for _, y, x in itertools.product(range(2), range(3), range(4))]
        expected = [[abs(a[0] - b[0]) + abs(a[1] - b[1]) for b in tokens] for a in tokens]
        assert distance[m].tolist() == expected


def test_window_shrinks_to_the_feature_map() -> None:
    assert windows.effective_window((16, 7, 7), (8, 7, 7), (4, 3, 3)) == ((8, 7, 7), (4, 0, 0))
    assert windows.effective_window((4, 14, 5), (8, 7, 7), (4, 3, 3)) == ((4, 7, 5), (0, 3, 0))
