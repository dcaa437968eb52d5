"""Low-complexity features of TLVQM: 28 numbers of a frame and its two neighbours (spec 8.1.2)."""

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache

import numpy as np
from scipy import ndimage

from vqa.handcrafted.colours import ycbcr2rgb
from vqa.handcrafted.matlab import imfilter, imresize
from vqa.handcrafted.tlvqm_motion import Gradients, Motion, corners, key_pixels, motion
from vqa.handcrafted.tlvqm_numbers import deviation, mean_of_largest

LC_FEATURES = (
    "motion_intensity",
    "egomotion_density",
    "egomotion_intensity",
    "std_mot_intensity",
    "std_egomot_intensity",
    "avg_mot_pos",
    "avg_mot_sprd",
    "avg_egomot_pos",
    "avg_egomot_sprd",
    "mot_pred_acc",
    "blur",
    "si",
    "interlace",
    "motion_uncertainty",
    "glob_blockiness",
    "jerkiness",
    "jerk_cons",
    "ti_mean",
    "mot_y",
    "mot_x",
    "static_area_flicker",
    "static_area_flicker_std",
    # These only help to pick frames.
    "mot_y_bg",
    "mot_x_bg",
    "colorfulness",
    "egomot_pred_acc",
    "motion_density",
    "mot_size",
)

SOBEL = np.array([[-1, -2, -1], [0, 0, 0], [1, 2, 1]]) / 8
# Pixels at the border of the current frame whose gradients do not count.
_BORDER = 4
# Search radius: this part of the full width, in pixels of half the size.
_RADIUS = 40
# Lines that are worked on at once, for they stay in a core's own cache.
_STRIP = 32


@dataclass(frozen=True)
class HalfFrame:
    """What the frames before and after must know of a frame.

    Attributes:
        y: ``(H, W)`` luma of half the size, about [0, 1].
        gradients: vertical and horizontal Sobel responses of it.
    """

    y: np.ndarray
    gradients: Gradients


def half_frame(y: np.ndarray) -> HalfFrame:
    """Half size and gradients of a luma plane ``(H, W)`` in [0, 1], H and W even."""
    half = imresize(y, 0.5)
    return HalfFrame(half, (imfilter(half, SOBEL), imfilter(half, SOBEL.T)))


Neighbours = tuple[HalfFrame, HalfFrame, HalfFrame]


def neighbourhoods(y: np.ndarray, sampled: range) -> Iterator[tuple[int, Neighbours]]:
    """Every sampled frame's number with the frame before, this one and the frame after, of half the size.

    Args:
        y: ``(T, H, W)`` uint8 luma, H and W even.
        sampled: numbers of frames; of every other one, the frame after t is the one before t + 2, and halved once.
    """
    following: HalfFrame | None = None
    for t in sampled:
        shared = following if sampled.step == 2 else None
        previous = shared or half_frame(y[t - 1] / 255)
        current, following = half_frame(y[t] / 255), half_frame(y[t + 1] / 255)
        yield t, (previous, current, following)


def lc_vector(y: np.ndarray, u: np.ndarray, v: np.ndarray, frames: Neighbours) -> np.ndarray:
    """The 28 numbers ``LC_FEATURES`` of one frame, ``(28,)`` float64.

    Args:
        y: ``(H, W)`` luma in [0, 1].
        u: ``(H / 2, W / 2)`` chroma in [0, 1].
        v: the same.
        frames: the frame before, this one and the frame after, of half the size.
    """
    features = half_size_features(frames)
    features["blur"] = blur(y)
    features["interlace"] = interlace(y)
    features["colorfulness"] = _colorfulness(frames[1].y, u, v)
    return np.array(list(features.values()))


def half_size_features(frames: Neighbours) -> dict[str, float]:
    """``LC_FEATURES`` by name and in order; those that need the full size or colours (three) are 0.

    Args:
        frames: the frame before, this one and the frame after.
    """
    previous, current, following = frames
    height, width = current.y.shape
    radius = 2 * width // _RADIUS
    gradients = without_border(current.gradients)
    largest, corner = corners(current.y)
    keys = key_pixels(corner, radius)
    found = motion(keys, gradients, previous.gradients, following.gradients, radius)
    differences = [np.abs(current.y - other.y) for other in (previous, following)]
    features = dict.fromkeys(LC_FEATURES, 0.0)
    features |= _of_motion(found, height, width, radius) | _flicker(differences, found.static)
    features["si"] = deviation(np.sqrt(gradients[0] ** 2 + gradients[1] ** 2)) ** 0.25
    features["glob_blockiness"] = _blockiness(largest)
    features["ti_mean"] = float(np.mean([difference.mean() for difference in differences])) ** 0.25
    return features


def interlace(y: np.ndarray) -> float:
    """How unlike lines and columns are in their largest steps between neighbours, 1 if they are alike, else below.

    Args:
        y: ``(H, W)`` luma, H and W even.
    """
    steps = y[::2] - y[1::2], y[:, ::2] - y[:, 1::2]
    # Below 2000 pixels the largest 0.1 % are none at all, and the feature is 0 (8.1.2).
    lines, columns = (mean_of_largest(step**2, 0.001) for step in steps)
    return min(lines, columns) / max(lines, columns) if max(lines, columns) > 0 else 0.0


def blur(y: np.ndarray) -> float:
    """Energy of second derivatives over that of first ones, each where it is largest; 0 for a constant ``(H, W)``."""
    height, width = y.shape
    once, twice = np.empty((2, height - 4, width - 4))  # without pixels that a border would have a part in
    for top in range(0, height - 4, _STRIP):
        strip, rows = y[top : top + _STRIP + 4], slice(top, top + _STRIP)
        first = _down(strip), _down(strip.T).T
        second = _down(first[0]), _down(first[1].T).T
        once[rows] = first[0][1:-1, 1:-1] ** 2 + first[1][1:-1, 1:-1] ** 2
        twice[rows] = second[0] ** 2 + second[1] ** 2
    # First derivatives lose 3 pixels on each side, second ones 2 (8.1.2).
    energies = mean_of_largest(once[1:-1, 1:-1], 0.1), mean_of_largest(twice, 0.1)
    return energies[1] / energies[0] if energies[0] > 0 else 0.0


def _down(image: np.ndarray) -> np.ndarray:
    """Correlation with [-1 -2 -1; 1 2 1; 0 0 0] / 8 where all of the kernel lies inside, ``(H - 2, W - 2)``."""
    steps = image[1:-1] - image[:-2]
    sums = 2 * steps[:, 1:-1]
    sums += steps[:, :-2]
    sums += steps[:, 2:]
    sums /= 8
    return sums


def without_border(gradients: Gradients) -> Gradients:
    """Copies of gradients with a border of zeros."""
    vertical, horizontal = (np.zeros_like(gradient) for gradient in gradients)
    inner = slice(_BORDER, -_BORDER), slice(_BORDER, -_BORDER)
    vertical[inner], horizontal[inner] = (gradient[inner] for gradient in gradients)
    return vertical, horizontal


def _of_motion(found: Motion, height: int, width: int, radius: int) -> dict[str, float]:
    """Features of the displacements of key pixels, by name; what is left out is 0."""
    rows = found.rows
    y_before, x_before, y_after, x_after = rows[:, :4].T
    intensity = np.sqrt((y_before**2 + x_before**2 + y_after**2 + x_after**2) / 4) / radius
    mean_moves = (rows[:, :2] + rows[:, 2:4]) / 2
    ego = np.zeros(len(rows), dtype=bool)
    if len(rows) > 1:
        # One std around the mean on both axes. One key pixel has a std of 0, and the subset is empty (8.1.2).
        ego = (np.abs(mean_moves - mean_moves.mean(0)) < mean_moves.std(0, ddof=1)).all(1)
    most = (height / radius) * (width / radius)
    features = {
        "motion_intensity": (float(intensity.sum()) / most) ** 0.25,
        "egomotion_density": int(ego.sum()) / most,
        "egomotion_intensity": (float(intensity[ego].sum()) / most) ** 0.25,
        "std_mot_intensity": deviation(intensity),
        "std_egomot_intensity": deviation(intensity[ego]),
        "motion_uncertainty": 0.5 * found.uncertain / most,
        "motion_density": len(rows) / most,
        "mot_size": float(1 - found.static.mean()),
    }
    names = ("mot_pos", "mot_sprd", "mot_pred_acc", "mot_y", "mot_x")
    for subset, own in (
        (slice(None), ("avg_mot_pos", "avg_mot_sprd", "mot_pred_acc", "mot_y", "mot_x")),
        (ego, ("avg_egomot_pos", "avg_egomot_sprd", "egomot_pred_acc", "mot_y_bg", "mot_x_bg")),
    ):
        values = _of_subset(rows[subset], intensity[subset], height, width, radius)
        features |= {mine: values[name] for mine, name in zip(own, names, strict=True)}
    if intensity.sum() > 0:
        moves = rows[:, :2] - rows[:, 2:4]
        jerks = np.sqrt(np.hypot(moves[:, 0] / 2, moves[:, 1] / 2) / radius)
        features |= {"jerkiness": float(jerks.mean()), "jerk_cons": deviation(jerks)}
    return features


def _of_subset(rows: np.ndarray, intensity: np.ndarray, height: int, width: int, radius: int) -> dict[str, float]:
    """Place, spread, accuracy and mean displacement of key pixels; what they are without motion if none moves."""
    if not intensity.sum() > 0:
        return {"mot_pos": 0.0, "mot_sprd": 0.0, "mot_pred_acc": 0.0, "mot_y": 0.5, "mot_x": 0.5}
    share = intensity / intensity.sum()
    size = np.array([height, width])
    centre = share @ rows[:, 4:6]  # 1-based, as the place of the middle below takes it (8.1.2)
    spread = np.sqrt(share @ (rows[:, 4:6] - centre) ** 2)
    gains = (rows[:, 6] - rows[:, 7]).mean() + (rows[:, 8] - rows[:, 9]).mean()
    y, x = (0.25 * (rows[:, :2] + rows[:, 2:4]) / radius + 0.5).mean(0)
    return {
        "mot_pos": float(np.linalg.norm((centre - size / 2) / (size / 2))),
        "mot_sprd": float(np.linalg.norm(spread / size)),
        "mot_pred_acc": 0.5 * float(gains) ** 0.5,
        "mot_y": float(y),
        "mot_x": float(x),
    }


def _flicker(differences: list[np.ndarray], static: np.ndarray) -> dict[str, float]:
    """How much the static area changes, by feature name; nothing if there is none."""
    if not static.any():
        return {}
    before, after = (difference[static] for difference in differences)
    mean = (before.mean() + after.mean()) / 2
    spread = np.abs(np.maximum(before, after) - mean).mean()
    return {"static_area_flicker": float(mean), "static_area_flicker_std": float(spread)}


def _blockiness(largest: np.ndarray) -> float:
    """Squared mean over variance, halved, of the 99 % lowest of the corner filters' largest responses."""
    count = int(0.99 * largest.size)
    lowest = np.partition(largest, count, axis=None)[:count]
    spread = deviation(lowest)
    return 0.5 * float(lowest.mean() / spread) ** 2 if spread > 0 else 0.0


def _colorfulness(half_y: np.ndarray, u: np.ndarray, v: np.ndarray) -> float:
    """Mean of the 10 % largest differences between the largest and the smallest of R, G and B, at half size.

    Chroma, enlarged to the size of the frame and made half of it again (8.1.2), is chroma filtered, since borders are
    mirrored both times.
    """
    kernel = _there_and_back()
    chroma = [ndimage.correlate1d(ndimage.correlate1d(plane, kernel, 0), kernel, 1) for plane in (u, v)]  # mirrored
    rgb = ycbcr2rgb(np.stack([half_y, *chroma]))
    return mean_of_largest(rgb.max(0) - rgb.min(0), 0.1)


@cache
def _there_and_back() -> np.ndarray:
    """Response along one axis of ``imresize`` by 2 and then by 0.5 to an impulse."""
    impulse = np.zeros((15, 1))
    impulse[7] = 1
    response = imresize(imresize(impulse, 2), 0.5)[:, 0]
    return np.trim_zeros(response)
