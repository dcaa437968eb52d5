"""Key pixels and motion of TLVQM against brute force (spec 8.1.2)."""

import numpy as np
import pytest
from handcrafted_clips import drawn, smooth
from scipy import ndimage

from vqa.handcrafted.tlvqm_motion import Gradients, corners, key_pixels, motion

RADIUS = 3


def test_corners_are_those_of_a_correlation() -> None:
    image = drawn(20, 31)
    quarter = np.array([[1] * 5, [1] * 5, [-2, -2, 0, 1, 1], [-2, -2, -2, 1, 1], [-2, -2, -2, 1, 1]]) / 32
    kernels = (quarter, quarter[::-1], quarter[:, ::-1], quarter[::-1, ::-1])
    responses = np.abs([ndimage.correlate(image, kernel, mode="constant") for kernel in kernels])
    largest, corner = corners(image)
    np.testing.assert_allclose(largest, responses.max(0), atol=1e-15)
    np.testing.assert_allclose(corner, responses.max(0) - responses.min(0), atol=1e-15)


@pytest.mark.parametrize("levels", [3, 1000])
def test_key_pixels_are_those_of_a_greedy_search(levels: int) -> None:
    corner = drawn(40, 33, levels=levels)
    left = corner.copy()
    border = RADIUS + 3
    for edge in (np.s_[:border], np.s_[-border:], np.s_[:, :border], np.s_[:, -border:]):
        left[edge] = 0
    expected = []
    while left.max() > 0.01:
        x, y = np.unravel_index(left.T.argmax(), left.T.shape)  # the first one, column after column
        expected.append((y, x))
        left[y - RADIUS : y + RADIUS + 1, x - RADIUS : x + RADIUS + 1] = 0
    assert key_pixels(corner, RADIUS).tolist() == [list(map(int, key)) for key in expected]


def test_a_map_without_corners_or_without_room_has_no_key_pixels() -> None:
    assert key_pixels(np.zeros((40, 40)), RADIUS).shape == (0, 2)
    assert key_pixels(np.ones((11, 40)), RADIUS).shape == (0, 2)


def searched(key: np.ndarray, current: Gradients, previous: Gradients, following: Gradients) -> tuple[np.ndarray, int]:
    """One row of motion by the letter of the specification: sorted lists of all displacements, loops."""
    y, x = key
    taps = [(0, 0), *((i, j) for i in (-1, 0, 1) for j in (-1, 0, 1) if (i, j) != (0, 0))]
    moves = [(u, v) for v in range(-RADIUS, RADIUS + 1) for u in range(-RADIUS, RADIUS + 1)]
    maps = []
    for other in (previous, following):
        sums = []
        for u, v in moves:
            total = 0.0
            for i, j in taps:
                for here, there in zip(current, other, strict=True):
                    total += (there[y + u + i, x + v + j] - here[y + i, x + j]) ** 2
            sums.append(total)
        maps.append(sums)
    row, uncertain = [0.0, 0.0, 0.0, 0.0, y + 1, x + 1], 0
    for backward, sums in zip((True, False), maps, strict=True):
        still = residual = sums[len(sums) // 2]
        if still > 0.005:
            order = sorted(range(len(sums)), key=sums.__getitem__)
            low, second = sums[order[0]], sums[order[1]]
            far = [np.hypot(*move) for move in moves]
            clear = low <= 0.8 * second if backward else low < 0.8 * second
            value = low
            if not (clear or far[order[0]] < far[order[1]]):
                nearest = min((k for k in range(len(sums)) if 0.8 * sums[k] <= low), key=far.__getitem__)
                if maps[1][nearest] < 1.1 * low:
                    value = sums[nearest]
                elif not low < 0.9 * still:
                    value = still
                uncertain += 1
            if 1.01 * value < still:
                residual = value
                u, v = moves[sums.index(value)]
                row = [-u, -v, *row[2:]] if backward else [*row[:2], u, v, *row[4:]]
        row += [still, residual]
    return np.array(row), uncertain


@pytest.mark.parametrize("levels", [2, 4, 64])
def test_motion_is_that_of_a_search_by_the_letter(levels: int) -> None:
    frames = [(drawn(30, 30, levels=levels, seed=s), drawn(30, 30, levels=levels, seed=s + 9)) for s in range(3)]
    frames[1] = tuple(np.roll(gradient, (1, -2), (0, 1)) for gradient in frames[0])
    for gradient in frames[1]:
        gradient[10:20] = drawn(10, 30, levels=levels, seed=5)
    frames[2][0][:] = np.roll(frames[1][0], (2, 1), (0, 1)) * drawn(30, 30, levels=2, seed=6)
    keys = np.array([(y, x) for x in range(6, 24, 3) for y in range(6, 24, 3)])
    found = motion(keys, frames[1], frames[0], frames[2], RADIUS)
    rows, uncertain = zip(*(searched(key, frames[1], frames[0], frames[2]) for key in keys), strict=True)
    np.testing.assert_array_equal(found.rows, rows)
    assert found.uncertain == sum(uncertain) > 0
    assert (found.rows[:, :4] != 0).any()


def test_a_shifted_picture_moves_everywhere_alike() -> None:
    frames = [tuple(np.roll(smooth(40, 48, seed=s), (2 * t, -t), (0, 1)) for s in (1, 2)) for t in range(3)]
    keys = np.array([(12, 12), (20, 30)])
    found = motion(keys, frames[1], frames[0], frames[2], RADIUS)
    assert found.rows[:, :4].tolist() == [[2, -1, 2, -1]] * 2
    assert found.rows[:, [7, 9]].max() == 0
    expected = np.ones((40, 48), dtype=bool)
    for y, x in keys:
        for t in (-1, 0, 1):
            top, left = y + 2 * t - RADIUS, x - t - RADIUS
            expected[top : top + 7, left : left + 7] = False
    np.testing.assert_array_equal(found.static, expected)
