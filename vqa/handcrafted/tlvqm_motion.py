"""Key pixels of a half-size frame and where they are in its neighbours (TLVQM, spec 8.1.2).

Maps are ``(H, W)`` float64 of half the size of the video. Whatever is "first" is so in MATLAB's order, column after
column: maps of a search are therefore held transposed, ``(columns, rows)``, and their flat order is that one.
"""

from dataclasses import dataclass

import numpy as np

from vqa.handcrafted.matlab import imfilter

# A corner in one of the four quarters, times 32: every product is then exact, and so is the division.
_QUARTER = np.array(
    [[1, 1, 1, 1, 1], [1, 1, 1, 1, 1], [-2, -2, 0, 1, 1], [-2, -2, -2, 1, 1], [-2, -2, -2, 1, 1]], dtype=np.float64
)
# Corners weaker than this are no key pixels; what differs less from its neighbour frame is not searched for.
_CORNER, _STILL = 0.01, 0.005
# A match must be better than no displacement by this factor.
_BETTER = 1.01
# Of two minima one is clear if it is this much lower; positions this close to the minimum are its rivals.
_CLEAR = 0.8
# Bytes of difference maps that are worked on at once: about what stays in a core's own cache.
_BATCH = 1 << 20

Gradients = tuple[np.ndarray, np.ndarray]


@dataclass(frozen=True)
class Motion:
    """What became of the key pixels of a frame.

    Attributes:
        rows: ``(P, 10)``, one per key pixel in order of selection: y and x displacement since the previous frame, to
            the next frame (pixels), 1-based y and x, squared difference to the previous frame without and with
            displacement, the same two to the next frame.
        uncertain: how many searches had no clear minimum.
        static: ``(H, W)`` bool, False around key pixels that move and around their matches.
    """

    rows: np.ndarray
    uncertain: int
    static: np.ndarray


def corners(y: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Largest response of the four corner filters, and largest minus smallest, both ``(H, W)``.

    The order of additions inside ``imfilter`` decides which of many equal corners becomes a key pixel (8.0.1).
    """
    kernels = (_QUARTER, _QUARTER[::-1], _QUARTER[:, ::-1], _QUARTER[::-1, ::-1])
    responses = [np.abs(imfilter(y, kernel)) for kernel in kernels]
    largest, smallest = responses[0].copy(), responses[0]
    for response in responses[1:]:
        np.maximum(largest, response, out=largest)
        np.minimum(smallest, response, out=smallest)
    return largest / 32, (largest - smallest) / 32


def key_pixels(corner: np.ndarray, radius: int) -> np.ndarray:
    """Strongest corners that are more than ``radius`` apart (Chebyshev), strongest first.

    Args:
        corner: ``(H, W)`` strength.
        radius: of the search, and of the square that a key pixel keeps free of others.

    Returns:
        ``(P, 2)`` int64, 0-based y and x.
    """
    height, width = corner.shape
    border = radius + 3
    inner = corner[border : height - border, border : width - border].T
    flat = inner.ravel()  # column after column
    candidates = np.flatnonzero(flat > _CORNER)
    candidates = candidates[np.argsort(-flat[candidates], kind="stable")]  # equal ones: first column first
    free = np.ones(inner.shape, dtype=bool)
    chosen = []
    while candidates.size:
        x, y = divmod(int(candidates[0]), inner.shape[1])
        chosen.append((y, x))
        free[max(x - radius, 0) : x + radius + 1, max(y - radius, 0) : y + radius + 1] = False
        candidates = candidates[free.ravel()[candidates]]
    return np.array(chosen, dtype=np.int64).reshape(-1, 2) + border


def motion(keys: np.ndarray, current: Gradients, previous: Gradients, following: Gradients, radius: int) -> Motion:
    """Search every key pixel in the frame before and in the frame after.

    Args:
        keys: ``(P, 2)`` of :func:`key_pixels`.
        current: vertical and horizontal gradients ``(H, W)`` of this frame, with a border of zeros.
        previous: of the frame before, without.
        following: of the frame after, without.
        radius: how far to search, in pixels.
    """
    rows = np.zeros((len(keys), 10))
    rows[:, 4:6] = keys + 1
    for column, other in ((6, previous), (8, following)):
        rows[:, column : column + 2] = _differences(keys, current, other, 0)
    searched = np.flatnonzero(rows[:, [6, 8]].max(1) > _STILL)
    uncertain = 0
    step = max(_BATCH // (16 * (2 * radius + 1) ** 2), 1)
    for start in range(0, len(searched), step):
        some = searched[start : start + step]
        backward = _differences(keys[some], current, previous, radius)
        forward = _differences(keys[some], current, following, radius)
        for columns, maps, sign, clear in (
            ([0, 1, 7], backward, -1, np.less_equal),
            ([2, 3, 9], forward, 1, np.less),  # spec 8.1.2: strict for the next frame alone
        ):
            places, unclear = _matches(maps, forward, radius, clear)
            uncertain += unclear
            x, y = np.divmod(places, 2 * radius + 1)
            found = sign * (y - radius), sign * (x - radius), maps[np.arange(len(some)), places]
            rows[some[:, None], columns] = np.stack(found, axis=1)
    return Motion(rows, uncertain, _static(rows, current[0].shape, radius))


def _differences(keys: np.ndarray, current: Gradients, other: Gradients, radius: int) -> np.ndarray:
    """Summed squared differences of 3x3 gradients, ``(P, (2 radius + 1)^2)``, in column-major order of displacements.

    Squares are added one by one, the centre's first, vertical before horizontal: sums that tie depend on it.
    """
    size = 2 * radius + 1
    total = np.zeros((len(keys), size, size))
    buffer = np.empty_like(total)
    y, x = keys.T
    windows = [np.lib.stride_tricks.sliding_window_view(gradient.T, (size, size)) for gradient in other]
    taps = [(0, 0), *((i, j) for i in (-1, 0, 1) for j in (-1, 0, 1) if (i, j) != (0, 0))]
    for i, j in taps:
        for gradient, window in zip(current, windows, strict=True):
            here = gradient[y + i, x + j]
            np.subtract(window[x + j - radius, y + i - radius], here[:, None, None], out=buffer)
            total += np.multiply(buffer, buffer, out=buffer)
    return total.reshape(len(keys), size**2)


def _matches(maps: np.ndarray, forward: np.ndarray, radius: int, clear: np.ufunc) -> tuple[np.ndarray, int]:
    """Place of each key pixel in a flat difference map, the centre where it is no better elsewhere; unclear searches.

    Args:
        maps: ``(P, K)`` differences to the frame that is searched.
        forward: ``(P, K)`` differences to the next frame.
        radius: of the maps.
        clear: comparison of the minimum with a part of the second one.
    """
    pixels, centre = np.arange(len(maps)), maps.shape[1] // 2
    offsets = np.arange(-radius, radius + 1) ** 2
    distance = np.add.outer(offsets, offsets).ravel()
    still = maps[:, centre]
    searched = still > _STILL
    first = maps.argmin(1)
    low = maps[pixels, first]
    maps[pixels, first] = np.inf
    second = maps.argmin(1)
    next_low = maps[pixels, second]
    maps[pixels, first] = low
    unclear = searched & ~(clear(low, _CLEAR * next_low) | (distance[first] < distance[second]))
    places = first.copy()
    for n in np.flatnonzero(unclear):
        rivals = np.flatnonzero(_CLEAR * maps[n] <= low[n])
        nearest = rivals[distance[rivals].argmin()]
        # Spec 8.1.2: the next frame is asked whichever frame is searched.
        if forward[n, nearest] < 1.1 * low[n]:
            places[n] = np.argmax(maps[n] == maps[n, nearest])  # the first of equal ones, not the nearest
        elif not low[n] < 0.9 * still[n]:
            places[n] = centre
    better = searched & (_BETTER * maps[pixels, places] < still)
    return np.where(better, places, centre), int(unclear.sum())


def _static(rows: np.ndarray, shape: tuple[int, ...], radius: int) -> np.ndarray:
    """``(H, W)`` bool: False in squares around key pixels that are better elsewhere, and around their matches."""
    static = np.ones(shape, dtype=bool)
    to_previous, to_following = (rows[:, a] > _BETTER * rows[:, b] for a, b in ((6, 7), (8, 9)))
    for row in rows[to_previous | to_following].astype(np.int64):
        y, x = row[4:6] - 1
        for centre_y, centre_x in ((y, x), (y - row[0], x - row[1]), (y + row[2], x + row[3])):
            top, left = max(centre_y - radius, 0), max(centre_x - radius, 0)
            static[top : centre_y + radius + 1, left : centre_x + radius + 1] = False
    return static
