"""Statistics of natural scenes and VIDEVAL's pooling, where the answer is known without the public code."""

import ctypes
import ctypes.util

import numpy as np
import pytest

from vqa.handcrafted import flat
from vqa.handcrafted.distributions import fit_aggd, fit_ggd
from vqa.handcrafted.gmlog import gmlog_features
from vqa.handcrafted.natural_scene import ANTIDIAGONAL, difference_of_gaussians, laplacian_band, mscn, pairs
from vqa.handcrafted.videval import (
    FEATURES,
    FRAME_FEATURES,
    frame_features,
    hcf_features,
    pooled,
    samples,
    segments,
    videval,
)
from vqa.handcrafted.videval_chroma import chroma_map

# The vectors of spec 8.0.2 as it writes them: columns first.
VECTORS = (
    "0x1.9b92991f2487ep-7 0x1.42e11ca517a60p-4 0x1.e5fb7c557fad1p-3 0x1.5edacbc602377p-2 "
    "0x1.e5fb7c557fad1p-3 0x1.42e11ca517a60p-4 0x1.9b92991f24881p-7",
    "0x1.9b92991f24880p-7 0x1.42e11ca517a5dp-4 0x1.e5fb7c557fad0p-3 0x1.5edacbc602376p-2 "
    "0x1.e5fb7c557fad0p-3 0x1.42e11ca517a5ep-4 0x1.9b92991f24880p-7",
)


@pytest.fixture
def image() -> np.ndarray:
    return np.random.default_rng(3).integers(0, 256, (40, 51)).astype(np.float64)


def planes(n: int, height: int = 64, width: int = 80) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    rng = np.random.default_rng(n)
    shapes = ((n, height, width), *((n, height // 2, width // 2),) * 2)
    y, u, v = (rng.integers(0, 256, shape, dtype=np.uint8) for shape in shapes)
    return y, u, v


def test_flat_residues_are_those_of_the_machine() -> None:
    library = ctypes.util.find_library("m")
    if library is None:
        pytest.skip("no C library of mathematics by name")
    fma = ctypes.CDLL(library).fma
    fma.argtypes, fma.restype = [ctypes.c_double] * 3, ctypes.c_double
    values = np.concatenate([np.arange(256.0), np.random.default_rng(1).uniform(0, 362, 500)])
    expected = []
    for value in values:
        mean = value
        for vector in VECTORS:
            total = 0.0
            for tap in vector.split():
                total = fma(float.fromhex(tap), mean, total)
            mean = total
        expected.append(value - mean)
    np.testing.assert_array_equal(flat.published(values), expected)
    assert 0 < np.abs(expected).max() < 1e-12


def test_flat_rule_touches_flat_windows_alone(image: np.ndarray) -> None:
    image[10:30, 10:30] = 77
    plain, sigma = mscn(image)
    clean, published = (mscn(image, rule)[0] for rule in (flat.clean, flat.published))
    inner = np.zeros(image.shape, dtype=bool)
    inner[13:27, 13:27] = True
    assert (clean[inner] == 0).all()
    assert (published[inner] == flat.published(np.array([77.0]))).all()
    for replaced in (clean, published):
        np.testing.assert_array_equal(replaced[~inner], plain[~inner])
    assert sigma[inner].max() < 1e-4


def test_normalised_pixels_by_brute_force(image: np.ndarray) -> None:
    x = np.arange(-3, 4)
    window = np.exp(-np.add.outer(x**2, x**2) / (2 * (7 / 6) ** 2))
    window /= window.sum()
    padded = np.pad(image, 3)
    normalised, sigma = mscn(image)
    for y, x in ((0, 0), (17, 30), (39, 50)):
        patch = padded[y : y + 7, x : x + 7]
        mean = (window * patch).sum()
        deviation = np.sqrt(abs((window * patch**2).sum() - mean**2))
        assert sigma[y, x] == pytest.approx(deviation)
        assert normalised[y, x] == pytest.approx((image[y, x] - mean) / (deviation + 1))


def test_maps_without_detail() -> None:
    constant = np.full((21, 30), 5.0)
    np.testing.assert_allclose(laplacian_band(constant), 0, atol=1e-14)
    np.testing.assert_allclose(difference_of_gaussians(constant)[3:-3, 3:-3], 0, atol=1e-14)


def test_pairs_wrap_around() -> None:
    image = np.arange(1.0, 7).reshape(2, 3)
    np.testing.assert_array_equal(pairs(image, ANTIDIAGONAL), image * [[6, 4, 5], [3, 1, 2]])


@pytest.mark.parametrize(("name", "alpha", "sigma"), [("normal", 2.0, 3.0), ("laplace", 1.0, 3 * np.sqrt(2))])
def test_symmetric_fit_finds_the_distribution(name: str, alpha: float, sigma: float) -> None:
    values = getattr(np.random.default_rng(5), name)(0, 3, (400, 500))
    assert fit_ggd(values) == pytest.approx((alpha, sigma), rel=0.02)
    assert fit_ggd(values + 8, centred=True) == pytest.approx((alpha, sigma), rel=0.02)


def test_asymmetric_fit_finds_the_distribution() -> None:
    rng = np.random.default_rng(6)
    values = np.abs(rng.normal(size=200_000)) * np.where(rng.random(200_000) < 2 / 5, -2.0, 3.0)
    fit = fit_aggd(values)
    assert fit == pytest.approx((2.0, 2.0, 3.0), rel=0.02)
    assert fit.mean == pytest.approx(values.mean(), rel=0.05)
    np.testing.assert_allclose(fit_aggd(-values)[:], (fit.alpha, fit.right, fit.left), rtol=1e-12)


def test_fits_of_one_side_and_of_nothing() -> None:
    one_sided = fit_aggd(np.array([0.0, 3, 4]))
    assert np.isnan(one_sided.left)
    assert (one_sided.alpha, one_sided.right) == (0.2, np.sqrt(12.5))
    assert fit_ggd(np.zeros(5)) == (0.2, 0)


def test_gmlog_groups_are_distributions(image: np.ndarray) -> None:
    groups = gmlog_features(image).reshape(4, 10)
    np.testing.assert_allclose(groups.sum(1), 1)
    assert (groups >= 0).all()
    assert gmlog_features(np.full((30, 40), 9.0)).reshape(4, 10)[:2].argmax(1).tolist() == [0, 0]


def test_gray_has_the_chroma_of_the_offset() -> None:
    gray = np.broadcast_to(np.arange(256, dtype=np.uint8), (3, 1, 256))
    np.testing.assert_allclose(chroma_map(gray), 128 * np.sqrt(2))


def test_names_are_in_the_published_order() -> None:
    assert (len(FEATURES), len(FRAME_FEATURES), len(set(FEATURES))) == (60, 50, 60)
    assert FEATURES[0] == "brisque_9_mean"
    assert FEATURES[23] == "friquee_chroma_47_mean"  # position 24 of the matrices
    assert FEATURES[28] == "friquee_chroma_79_mean"
    assert FEATURES[35] == "brisque_5_std"
    assert FEATURES[50] == "friquee_chroma_7_std"
    assert FEATURES[54] == "tlvqm_spatial_mean"


def test_a_clip_is_its_frames_pooled() -> None:
    y, u, v = planes(12)
    frames, hcf = frame_features(y, u, v), hcf_features(y, u, v, 4)
    assert (frames.shape, hcf.shape) == ((5, 50), (2, 6))
    np.testing.assert_array_equal(videval(y, u, v, 3.7), pooled(frames, hcf, 4))


def test_samples_know_their_neighbours_alone() -> None:
    y, u, v = planes(7)
    all_frames = frame_features(y, u, v)
    assert len(all_frames) == len(samples(7)) == 2
    np.testing.assert_array_equal(frame_features(y[2:], u[2:], v[2:])[0], all_frames[1])


def test_pooling_passes_over_what_is_undefined() -> None:
    frames, hcf = np.random.default_rng(2).normal(size=(9, 50)), np.ones((2, 6))
    frames[:, 1] = np.nan
    frames[[0, 2, 3], 2] = np.nan
    frames[[0, 1], 0] = np.nan
    final = pooled(frames, hcf, 8)
    parts = [frames[:5], frames[4:]]
    assert segments(9, 8) == [slice(0, 5), slice(4, 9)]
    assert np.isnan(final[0])
    assert final[1] == pytest.approx(np.mean([parts[0][[1, 4], 2].mean(), parts[1][:, 2].mean()]))
    assert final[35] == pytest.approx(np.mean([parts[0][2:, 0].std(ddof=1), parts[1][:, 0].std(ddof=1)]))
    assert not np.isnan(final[1:]).any()


@pytest.mark.parametrize(
    ("clip", "fps", "message"),
    [
        (planes(8, 66, 78), 30, "too few"),
        (planes(12), 1.2, "two frames per second"),
        (planes(12, 62, 80), 4, "64 pixels"),
        ((planes(12)[0], *planes(12, 64, 82)[1:]), 4, "not half"),
        (planes(12, 65, 81), 4, "even"),
    ],
)
def test_clips_that_have_no_features(clip: tuple[np.ndarray, ...], fps: float, message: str) -> None:
    y, u, v = clip
    with pytest.raises(ValueError, match=message):
        videval(y, u, v, fps)
