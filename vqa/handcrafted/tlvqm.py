"""TLVQM (Korhonen, IEEE TIP 2019): 75 features of a clip, as the public MATLAB code computes them (spec 8.1).

Every other frame gives a vector of 28 low-complexity numbers (LC), about one frame per second one of 30
high-complexity numbers (HC). What is kept are the means over segments of about a second of 22 LC numbers, the means
of their deviations within a segment, and the means of the HC numbers.
"""

import numpy as np

from vqa.handcrafted import clips
from vqa.handcrafted.clips import check_planes, half_second
from vqa.handcrafted.matlab import imresize
from vqa.handcrafted.tlvqm_numbers import correlation
from vqa.handcrafted.tlvqm_spatial import HC_FEATURES, hc_vector
from vqa.handcrafted.tlvqm_temporal import LC_FEATURES, lc_vector, neighbourhoods

# Below this width the radius of the motion search is 0.
_SMALLEST = 40
# Distances of LC vectors that differ by less are equal but for rounding.
_TIE = 1e-10
# LC numbers that are pooled; the others only help to pick frames.
_POOLED = 22
_MOTION, _BLUR = LC_FEATURES.index("motion_intensity"), LC_FEATURES.index("blur")

FEATURES = (
    *(f"{name}_mean" for name in LC_FEATURES[:_POOLED]),
    *(f"{name}_dev" for name in LC_FEATURES[:_POOLED]),
    "motion_blur_correlation",
    *HC_FEATURES,
)


def tlvqm(y: np.ndarray, u: np.ndarray, v: np.ndarray, fps: float) -> np.ndarray:
    """The 75 ``FEATURES`` of a clip, ``(75,)`` float64.

    Args:
        y: ``(T, H, W)`` uint8 luma of yuv420p as decoded, H and W even, no frame dropped or repeated.
        u: ``(T, H / 2, W / 2)`` uint8 chroma.
        v: the same.
        fps: frame rate in 1/s.

    Raises:
        ValueError: if the planes do not belong together or are too small, the clip is too short, or its frame rate too
            low.
    """
    parts = segments(max((len(y) - 4) // 2, 0), fps)  # before what takes long
    vectors = lc_vectors(y, u, v)
    frames = [2 * pick + 1 for pick in picks(vectors, fps)]
    return pooled(vectors, np.array([hc_vector(frame_yuv(y[t], u[t], v[t])) for t in frames]), parts)


def frame_yuv(y: np.ndarray, u: np.ndarray, v: np.ndarray) -> np.ndarray:
    """One frame in [0, 1], ``(3, H, W)``, chroma enlarged by MATLAB's bicubic filter without clipping (8.0).

    Args:
        y: ``(H, W)`` uint8 luma.
        u: ``(H / 2, W / 2)`` uint8 chroma.
        v: the same.
    """
    return np.stack([y / 255, imresize(u / 255, 2), imresize(v / 255, 2)])


def lc_vectors(y: np.ndarray, u: np.ndarray, v: np.ndarray) -> np.ndarray:
    """LC numbers of frames 1, 3, 5, ... <= T - 5, ``(M, 28)`` float64.

    Args:
        y: ``(T, H, W)`` uint8 luma.
        u: ``(T, H / 2, W / 2)`` uint8 chroma.
        v: the same.

    Raises:
        ValueError: if the planes do not belong together, or are too small.
    """
    check_planes(y, u, v, _SMALLEST, "TLVQM")
    sampled = neighbourhoods(y, range(1, len(y) - 4, 2))
    vectors = [lc_vector(y[t] / 255, u[t] / 255, v[t] / 255, frames) for t, frames in sampled]
    return np.array(vectors).reshape(-1, len(LC_FEATURES))


def segments(count: int, fps: float) -> list[slice]:
    """Ranges of LC vectors of about a second each, one vector of overlap.

    Args:
        count: number of LC vectors.
        fps: frame rate in 1/s.

    Raises:
        ValueError: if the clip is too short for a segment and a picked frame. The public code then returns NaN (8.1.1);
            its own condition, T - 6 > rounded frame rate, holds where this does not raise.
    """
    half = half_second(fps, "TLVQM")
    if count - half < 2:
        raise ValueError(f"{count} pairs of frames at {fps} frames/s: TLVQM needs a longer clip, of more than a second")
    return clips.segments(count, half)


def picks(vectors: np.ndarray, fps: float) -> list[int]:
    """0-based numbers of the LC vectors most like the mean of their surroundings; vector m is of frame 2 m + 1.

    Two vectors are equally far from their mean, and below 14 frames per second that may be all there are to choose
    from. The public code then follows the last bit of its sums, here the first one is taken on every machine.

    Args:
        vectors: ``(M, 28)``.
        fps: frame rate in 1/s.

    Raises:
        ValueError: if the frame rate is below two.
    """
    half = half_second(fps, "TLVQM")
    chosen: list[int] = []
    for start in range(0, len(vectors) - half - 1, half):
        # At least five vectors, or nearly half a second, after the one before.
        begin = max(start, chosen[-1] + min(5, half - 1)) if chosen else start
        span = vectors[begin : start + half + 1]
        distances = np.abs(span - span.mean(0)).sum(1)
        chosen.append(begin + int(np.argmax(distances <= distances.min() + _TIE)))
    return chosen


def pooled(vectors: np.ndarray, frames: np.ndarray, parts: list[slice]) -> np.ndarray:
    """The 75 numbers from those of frames.

    Averages over segments and over frames are taken even where there is only one: the public code collapses that row
    to a scalar and returns too few numbers (8.1.1).

    Args:
        vectors: ``(M, 28)`` LC.
        frames: ``(K, 30)`` HC of picked frames.
        parts: of :func:`segments`.
    """
    means, deviations = [], []
    for part in parts:
        kept = vectors[part, :_POOLED]
        means.append(kept.mean(0))
        related = correlation(kept[:, _MOTION], kept[:, _BLUR])
        deviations.append([*kept.std(0, ddof=1), related])
    return np.concatenate([np.mean(means, axis=0), np.mean(deviations, axis=0), frames.mean(0)])
