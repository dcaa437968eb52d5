"""TLVQM against the public code's numbers (golden README for handcrafted features; spec 8.1)."""

from functools import cache

import golden
import numpy as np
import pytest
from handcrafted_clips import bytes_check, clip, real_clip

from vqa.handcrafted import tlvqm
from vqa.handcrafted.colours import rgb2lab, ycbcr2rgb
from vqa.handcrafted.matlab import imresize
from vqa.handcrafted.tlvqm_motion import corners, key_pixels, motion
from vqa.handcrafted.tlvqm_saturation import saturation
from vqa.handcrafted.tlvqm_sharpness import sharpness
from vqa.handcrafted.tlvqm_spatial import blockiness, contrast, edge_energies, noise, spatial, transform
from vqa.handcrafted.tlvqm_temporal import half_frame, lc_vector, without_border

VECTORS = golden.load("tlvqm")
CLIPS = VECTORS.text("clips/names")
TRACED = VECTORS.groups("clips/", "frame3/lc")
# Ratios of rounding residue in a constant frame.
RESIDUE = {"gray": [11, 12, 13, 18, 19, 20]}


def assert_near(actual: np.ndarray, expected: np.ndarray, what: str = "") -> None:
    """Relative to max(0.001, |expected|), 1e-9."""
    actual = np.asarray(actual)
    assert actual.shape == expected.shape, what
    off = np.abs(actual - expected) / np.maximum(1e-3, np.abs(expected))
    assert off.max(initial=0) <= 1e-9, f"{what}: {off.max()} at {np.unravel_index(off.argmax(), off.shape)}"


@cache
def planes(name: str) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    return clip(VECTORS, name)


@cache
def lc(name: str) -> np.ndarray:
    return tlvqm.lc_vectors(*planes(name))


@cache
def hc(name: str) -> np.ndarray:
    """Of the frames that the public code picked."""
    y, u, v = planes(name)
    frames = [2 * pick - 1 for pick in VECTORS[f"clips/{name}/picks"]]
    vectors = [tlvqm.hc_vector(tlvqm.frame_yuv(y[t], u[t], v[t])) for t in frames]
    return np.array(vectors).reshape(-1, 30)


def rate(name: str) -> int:
    return int(VECTORS[f"clips/{name}/param"][3])


def assert_same_picks(picks: list[int], expected: np.ndarray, vectors: np.ndarray, fps: int) -> None:
    """Equal, but for vectors that are alone with one other and so equally far from their mean."""
    assert len(picks) == len(expected)
    half, last = fps // 2, None
    for n, (pick, other) in enumerate(zip(picks, expected - 1, strict=True)):
        begin = n * half if last is None else max(n * half, last + min(5, half - 1))
        span = vectors[begin : n * half + half + 1]
        assert pick == other or len(span) == 2, n
        last = pick
        if pick != other:  # what follows may differ as well
            return


def summary(actual: np.ndarray, prefix: str) -> None:
    """Compare with the stored shape, mean, std, min, max and strided sample of a big array."""
    assert actual.shape == tuple(VECTORS[f"{prefix}.shape"])
    assert_near([actual.mean(), actual.std(), actual.min(), actual.max()], VECTORS[f"{prefix}.stat"], prefix)
    assert_near(actual.ravel()[:: int(VECTORS.scalar(f"{prefix}.stride"))], VECTORS[f"{prefix}.sub"], prefix)


@pytest.mark.parametrize("name", CLIPS)
def test_vectors_and_picks_of_whole_clips(name: str) -> None:
    assert (bytes_check(planes(name)) == VECTORS[f"clips/{name}/bytes_check"]).all()
    assert_near(lc(name), VECTORS[f"clips/{name}/lc"], "lc")
    for vectors in (lc(name), VECTORS[f"clips/{name}/lc"]):
        assert_same_picks(tlvqm.picks(vectors, rate(name)), VECTORS[f"clips/{name}/picks"], vectors, rate(name))
    skipped = RESIDUE.get(name, [])
    assert_near(*(np.delete(v, skipped, axis=1) for v in (hc(name), VECTORS[f"clips/{name}/hc"])), "hc")


@pytest.mark.parametrize("name", CLIPS)
def test_pooled_vectors(name: str) -> None:
    final, count = VECTORS[f"clips/{name}/final"], len(lc(name))
    if np.isnan(final).any():
        with pytest.raises(ValueError, match="longer clip"):
            tlvqm.tlvqm(*planes(name), rate(name))
        return
    features = tlvqm.pooled(lc(name), hc(name), tlvqm.segments(count, rate(name)))
    assert features.shape == (len(tlvqm.FEATURES),) == (75,)
    if tlvqm.picks(lc(name), rate(name)) == (VECTORS[f"clips/{name}/picks"] - 1).tolist():
        np.testing.assert_array_equal(tlvqm.tlvqm(*planes(name), rate(name)), features)
    if len(final) == 75:
        assert_near(features, final)
    else:  # one segment and one pick: the public code averages over features where it means segments
        assert_near([features[:22].mean(), features[22:45].mean()], final[:2])


@pytest.mark.parametrize("name", TRACED)
def test_motion_of_a_traced_frame(name: str) -> None:
    y, u, v = (plane[2:5] / 255 for plane in planes(name))
    frames = tuple(half_frame(frame) for frame in y)
    stored = VECTORS.under(f"clips/{name}/frame3")
    radius = y.shape[2] // 40
    keys = key_pixels(corners(frames[1].y)[1], radius)
    np.testing.assert_array_equal(keys + 1, stored["key_pixels"])
    inner = without_border(frames[1].gradients)
    found = motion(keys, inner, frames[0].gradients, frames[2].gradients, radius)
    assert_near(found.rows, stored["motion_rows"], "rows")
    np.testing.assert_array_equal(found.static, stored["static_mask"] == 1)
    summary(frames[1].y, f"clips/{name}/frame3/halfY")
    assert_near(lc_vector(y[1], u[1], v[1], frames), stored["lc"], "lc")


@pytest.mark.parametrize("name", TRACED)
def test_groups_of_spatial_features_of_a_traced_frame(name: str) -> None:
    yuv = tlvqm.frame_yuv(*(plane[3] for plane in planes(name)))
    lab = rgb2lab(ycbcr2rgb(yuv))
    down, right = edge_energies(lab)
    edges = np.sqrt(down + right)
    for array, what in ((yuv.transpose(1, 2, 0), "yuv"), (lab.transpose(1, 2, 0), "lab"), (edges, "edge")):
        summary(array, f"clips/{name}/frame3/{what}")
    stored = VECTORS.under(f"clips/{name}/frame3")
    mask, shares = saturation(yuv[0])
    np.testing.assert_array_equal(mask, stored["sat_mask"] == 1)
    assert_near(shares, stored["hc_saturation"], "saturation")
    assert_near(spatial(edges, mask), stored["hc_spatial"], "spatial")
    assert_near(noise(lab, yuv[0], mask), stored["hc_noise"], "noise")
    assert_near(blockiness(np.sqrt(down) - np.sqrt(right)), stored["hc_block"], "blockiness")
    assert_near(contrast(lab, mask), stored["hc_contrast"], "contrast")
    assert_near(transform(yuv[0]), stored["hc_dct"], "transform")
    assert_near(sharpness(edges), stored["hc_sharp"], "sharpness")


def test_a_frame_that_is_wide_enough_to_be_halved_for_sharpness() -> None:
    y, u, v = planes("wide")
    assert y.shape[2] > 1280
    assert_near(tlvqm.hc_vector(tlvqm.frame_yuv(y[0], u[0], v[0])), VECTORS["clips/wide/hc"].ravel())


def test_resizing_by_a_quarter() -> None:
    for name in ("img7x9", "img16x10"):
        assert_near(imresize(VECTORS[f"helpers/{name}"], 0.25), VECTORS[f"helpers/imresize_{name}_25"])


@pytest.mark.parametrize("name", VECTORS.text("real/names"))
def test_the_beginning_of_a_real_clip(name: str) -> None:
    """Many corners of real video are equal: the order of additions decides which are key pixels (spec 8.0.1)."""
    first = int(VECTORS[f"real/{name}/picks"][0])
    count = max(2 * first, 22)
    y, u, v = real_clip(name, count)
    width, height, _, _ = VECTORS[f"real/{name}/width_height_frames_b"]
    assert y.shape == (count, height, width)
    vectors = tlvqm.lc_vectors(y, u, v)
    assert_near(vectors, VECTORS[f"real/{name}/lc"][: len(vectors)], "lc")
    frame = 2 * first - 1
    assert_near(tlvqm.hc_vector(tlvqm.frame_yuv(y[frame], u[frame], v[frame])), VECTORS[f"real/{name}/hc"][0], "hc")


@pytest.mark.parametrize("name", VECTORS.text("real/names"))
def test_picks_and_pooling_of_real_clips(name: str) -> None:
    stored = VECTORS.under(f"real/{name}")
    fps = int(stored["width_height_frames_b"][3])
    assert tlvqm.picks(stored["lc"], fps) == (stored["picks"] - 1).tolist()
    assert_near(tlvqm.pooled(stored["lc"], stored["hc"], tlvqm.segments(len(stored["lc"]), fps)), stored["final"])
