"""VIDEVAL (Tu et al., IEEE TIP 2021): 60 features of a clip, as the public MATLAB code computes them (spec 8.2).

Every other frame gives 50 numbers, about one frame per second gives 6 costlier ones of TLVQM (HCF). What is kept are
means or deviations of the 50 within segments of about a second, averaged over segments, and the means of the 6.
"""

import warnings
from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from vqa.handcrafted import clips, flat
from vqa.handcrafted.clips import SMALLEST, check_planes, even_sides, half_second, rounded_rate
from vqa.handcrafted.colours import rgb2lab, to_uint8, ycbcr2rgb, ycbcr2rgb_uint8
from vqa.handcrafted.matlab import imresize
from vqa.handcrafted.tlvqm import frame_yuv
from vqa.handcrafted.tlvqm_numbers import deviation
from vqa.handcrafted.tlvqm_sharpness import sharpness
from vqa.handcrafted.tlvqm_spatial import edge_energies
from vqa.handcrafted.tlvqm_temporal import half_size_features, neighbourhoods
from vqa.handcrafted.videval_chroma import chroma_features, chroma_map, cone_feature
from vqa.handcrafted.videval_luma import luma_features

_MOTION = (
    "motion_intensity",
    "std_egomot_intensity",
    "si",
    "jerkiness",
    "ti_mean",
    "mot_y",
    "static_area_flicker_std",
)

# Names of the 50 numbers of a frame: the family, and the number within it or what TLVQM calls it.
FRAME_FEATURES = (
    *(f"brisque_{n}" for n in (5, 9, 23, 29)),
    *(f"gmlog_{n}" for n in (2, 4, 8, 18, 20, 23, 34, 40)),
    *(f"higrade_{n}" for n in (3, 13, 14, 16, 21, 28, 30, 33)),
    *(f"friquee_luma_{n}" for n in (5, 8, 27, 32, 58, 62, 66, 68, 70, 71, 72)),
    *(f"friquee_chroma_{n}" for n in (4, 7, 15, 24, 26, 47, 60, 62, 72, 73, 79)),
    "friquee_lms_52",
    *(f"tlvqm_{name}" for name in _MOTION),
)
HCF_FEATURES = tuple(
    f"tlvqm_{name}"
    for name in ("spatial_mean", "spatial_std", "chroma", "sharpness_mean_2_6", "sharpness_2", "soft_patches_std")
)
# Which of the 50 are pooled by their mean and which by their deviation, from 1; four are by both.
_MEANS = np.array([2, 3, 4, 7, 9, 10, 12, *range(13, 21), 25, 27, 29, 30, 32, *range(34, 49)]) - 1
_DEVIATIONS = np.array([1, 5, 6, 8, 11, 12, 17, 21, 22, 23, 24, 26, 28, 29, 31, 33, 45, 49, 50]) - 1

FEATURES = (
    *(f"{FRAME_FEATURES[n]}_mean" for n in _MEANS),
    *(f"{FRAME_FEATURES[n]}_std" for n in _DEVIATIONS),
    *HCF_FEATURES,
)


@dataclass(frozen=True)
class Light:
    """The authors' light version: fewer frames, and larger ones scaled down.

    The published light matrices take another frame for the one before each sample (8.2); this is the released rule.

    Attributes:
        rate: sampled frames per second, and samples from one segment to the next; 3 or 6 as published.
        cap: largest short side in pixels; 720 or 480 as published.
    """

    rate: int
    cap: int

    def __post_init__(self) -> None:
        if self.rate < 1 or self.cap < SMALLEST:
            raise ValueError(f"rate {self.rate} must be positive and cap {self.cap} at least {SMALLEST}")

    def capped(self, plane: np.ndarray, short_side: int) -> np.ndarray:
        """Planes ``(T, H, W)`` uint8 of a video with that short side, scaled so that it is no larger than the cap."""
        if short_side <= self.cap:
            return plane
        return np.stack([to_uint8(imresize(frame, self.cap / short_side)) for frame in plane])


def videval(y: np.ndarray, u: np.ndarray, v: np.ndarray, fps: float, light: Light | None = None) -> np.ndarray:
    """The 60 ``FEATURES`` of a clip, ``(60,)`` float64, comparable to the published matrices.

    Args:
        y: ``(T, H, W)`` uint8 luma of yuv420p as decoded, H and W even, no frame dropped or repeated.
        u: ``(T, H / 2, W / 2)`` uint8 chroma.
        v: the same.
        fps: frame rate in 1/s.
        light: the light version; None: the whole one, whose samples are every other frame.

    Returns:
        The numbers; NaN where a constant clip leaves one undefined.

    Raises:
        ValueError: if the planes do not belong together, are too small, or the clip is too short for one segment.
    """
    step, half = _pace(fps, light)
    segments(len(samples(len(y), step)), fps, half)  # before what takes long
    if light is not None:
        short_side = min(y.shape[1:])
        y, u, v = even_sides(*(light.capped(plane, short_side) for plane in (y, u, v)))
    return pooled(frame_features(y, u, v, step=step), hcf_features(y, u, v, fps), fps, half)


def _pace(fps: float, light: Light | None) -> tuple[int, int]:
    """Frames from one sample to the next, and samples from one segment to the next."""
    half = half_second(fps, "VIDEVAL")
    return (2, half) if light is None else (max(rounded_rate(fps) // light.rate, 1), light.rate)


def samples(n_frames: int, step: int = 2) -> range:
    """Which frames are sampled: 1, 1 + step, ... <= T - 3."""
    return range(1, max(n_frames - 2, 1), step)


def frame_features(
    y: np.ndarray, u: np.ndarray, v: np.ndarray, rule: flat.Rule = flat.published, pair_scale: int = 1, step: int = 2
) -> np.ndarray:
    """The 50 ``FRAME_FEATURES`` of the sampled frames, ``(M, 50)`` float64.

    Args:
        y: planes of the clip, as u and v those of :func:`videval`.
        u: chroma.
        v: chroma.
        rule: what stands for normalised pixels of flat windows (8.0.2).
        pair_scale: scale of "friquee_chroma_47": 1 in the published matrices, 2 in the released code (8.2, row 37).
        step: frames from one sample to the next.

    Raises:
        ValueError: if the planes do not belong together, or are too small.
    """
    check_planes(y, u, v, SMALLEST, "VIDEVAL")
    return np.array(list(_frames(y, u, v, rule, pair_scale, step))).reshape(-1, len(FRAME_FEATURES))


def _frames(
    y: np.ndarray, u: np.ndarray, v: np.ndarray, rule: flat.Rule, pair_scale: int, step: int
) -> Iterator[np.ndarray]:
    for t, frames in neighbourhoods(y, samples(len(y), step)):
        motion = half_size_features(frames)
        rgb = ycbcr2rgb_uint8(np.stack([y[t], *(to_uint8(imresize(plane[t], 2)) for plane in (u, v))]))
        of_luma = luma_features(y[t].astype(np.float64), rule)
        of_chroma = chroma_features(chroma_map(rgb), rule, pair_scale)
        yield np.concatenate([of_luma, of_chroma, [cone_feature(rgb)], [motion[name] for name in _MOTION]])


def hcf_features(y: np.ndarray, u: np.ndarray, v: np.ndarray, fps: float) -> np.ndarray:
    """The 6 ``HCF_FEATURES`` of frames floor(b / 2) - 1, then every b frames, <= T - 4, ``(K, 6)``; b the rounded fps.

    Args:
        y: planes of the clip, as u and v those of :func:`videval`.
        u: chroma.
        v: chroma.
        fps: frame rate in 1/s.

    Raises:
        ValueError: if the planes do not belong together or are too small, or the rate is under two per second.
    """
    check_planes(y, u, v, SMALLEST, "VIDEVAL")
    # The public code counts the frames of this loop from 1 (8.2).
    chosen = range(half_second(fps, "VIDEVAL") - 1, len(y) - 3, rounded_rate(fps))
    return np.array([_hcf(y[t], u[t], v[t]) for t in chosen]).reshape(-1, len(HCF_FEATURES))


def _hcf(y: np.ndarray, u: np.ndarray, v: np.ndarray) -> np.ndarray:
    """As TLVQM's numbers of the same names, but weak edges and saturated areas count (8.2, HCF)."""
    lab = rgb2lab(ycbcr2rgb(frame_yuv(y, u, v)))
    edges = np.sqrt(np.sum(edge_energies(lab), axis=0))
    chroma = np.sqrt(((lab[1:] / 50) ** 2).sum(0).mean())
    rings = sharpness(edges)
    return np.array([edges.mean(), deviation(edges), chroma, rings[0], rings[2], rings[8]])


def segments(count: int, fps: float, half: int | None = None) -> list[slice]:
    """Ranges of samples of about a second each, one sample of overlap.

    Args:
        count: samples of the clip.
        fps: frame rate in 1/s.
        half: samples from one segment to the next; None: half the rounded rate, as of the whole version.

    Raises:
        ValueError: if there is none (the public code then returns too few numbers), or the rate is under two per
            second.
    """
    half = half_second(fps, "VIDEVAL") if half is None else half
    found = clips.segments(count, half)
    if not found:
        raise ValueError(f"{count} sampled frames at {fps} per second are too few for VIDEVAL: it needs {half + 1}")
    return found


def pooled(frames: np.ndarray, hcf: np.ndarray, fps: float, half: int | None = None) -> np.ndarray:
    """The 60 numbers from those of frames; NaN does not count where there are others.

    Args:
        frames: ``(M, 50)``.
        hcf: ``(K, 6)``.
        fps: frame rate in 1/s.
        half: of :func:`segments`.

    Raises:
        ValueError: if the frames make no segment.
    """
    parts = [frames[part] for part in segments(len(frames), fps, half)]
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", RuntimeWarning)  # columns of nothing but NaN stay NaN
        means = np.nanmean([np.nanmean(part[:, _MEANS], axis=0) for part in parts], axis=0)
        deviations = np.nanmean([_deviation(part[:, _DEVIATIONS]) for part in parts], axis=0)
        return np.concatenate([means, deviations, np.nanmean(hcf, axis=0)])


def _deviation(columns: np.ndarray) -> np.ndarray:
    """Standard deviation (N - 1) down each column without its NaN: 0 of one number, NaN of none."""
    counts = (~np.isnan(columns)).sum(0)
    return np.nanstd(columns, axis=0) * np.sqrt(counts / np.maximum(counts - 1, 1))
