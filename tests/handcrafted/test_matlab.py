"""Functions with MATLAB's conventions against SciPy, brute force and what must hold for any image."""

import numpy as np
import pytest
from scipy import ndimage, signal, stats

from vqa.handcrafted.colours import lab_uint8, rgb2lab, ycbcr2rgb, ycbcr2rgb_uint8
from vqa.handcrafted.matlab import (
    filter2,
    filter2_separable,
    fspecial_gaussian,
    fspecial_log,
    imfilter,
    imgradient,
    imresize,
    kurtosis,
    skewness,
    std,
)


@pytest.fixture
def image() -> np.ndarray:
    return np.random.default_rng(7).uniform(0, 255, (23, 18))


def test_halving_takes_eight_taps(image: np.ndarray) -> None:
    distances = np.abs(np.arange(-3.5, 4)) / 2
    taps = np.where(
        distances <= 1,
        1.5 * distances**3 - 2.5 * distances**2 + 1,
        -0.5 * distances**3 + 2.5 * distances**2 - 4 * distances + 2,
    )
    even = image[:22]
    padded = np.pad(even, 3, mode="symmetric")
    expected = [[taps / 2 @ padded[i : i + 8, j : j + 8] @ taps / 2 for j in range(0, 18, 2)] for i in range(0, 22, 2)]
    np.testing.assert_allclose(imresize(even, 0.5), expected, rtol=1e-13)


@pytest.mark.parametrize("scale", [0.25, 0.3, 0.5, 0.75, 2])
def test_resizing_keeps_constants(scale: float) -> None:
    resized = imresize(np.full((5, 7), 9.0), scale)
    assert resized.shape == (np.ceil(5 * scale), np.ceil(7 * scale))
    assert resized == pytest.approx(9)


@pytest.mark.parametrize("scale", [0.25, 0.5, 2])
def test_resizing_keeps_ramps_inside(scale: float) -> None:
    ramp = np.add.outer(3.0 * np.arange(40), np.arange(48))
    centres = [(np.arange(1, int(np.ceil(n * scale)) + 1) / scale + 0.5 * (1 - 1 / scale)) - 1 for n in ramp.shape]
    inner = slice(int(9 * scale), -int(9 * scale))
    expected = np.add.outer(3 * centres[0], centres[1])
    np.testing.assert_allclose(imresize(ramp, scale)[inner, inner], expected[inner, inner], atol=1e-10)


def test_no_scale_refused() -> None:
    with pytest.raises(ValueError, match="positive"):
        imresize(np.zeros((4, 4)), 0)


def test_imfilter_adds_last_column_first(image: np.ndarray) -> None:
    kernel = np.random.default_rng(8).normal(size=(5, 5))
    kernel[1, 3] = 0
    padded = np.pad(image, 2)
    expected = np.zeros(image.shape)
    for y, x in np.ndindex(image.shape):
        total = 0.0
        for column in (4, 3, 2, 1, 0):
            for row in (4, 3, 2, 1, 0):
                total += kernel[row, column] * padded[y + row, x + column]
        expected[y, x] = total
    np.testing.assert_array_equal(imfilter(image, kernel), expected)


def test_filters_agree_but_for_rounding(image: np.ndarray) -> None:
    column, row = np.array([1.0, 2, 5]), np.array([3.0, -1, 0, 2, 4])
    kernel = np.outer(column, row)
    expected = signal.correlate2d(image, kernel, mode="same")
    np.testing.assert_allclose(imfilter(image, kernel), expected, atol=1e-9)
    np.testing.assert_allclose(filter2(kernel, image), expected, atol=1e-9)
    np.testing.assert_allclose(filter2_separable(column, row, image), expected, atol=1e-9)


def test_windows() -> None:
    impulse = np.zeros((7, 7))
    impulse[3, 3] = 1
    gaussian = ndimage.gaussian_filter(impulse, 0.9, radius=3)
    np.testing.assert_allclose(fspecial_gaussian(7, 0.9), gaussian, atol=1e-15)
    laplacian = fspecial_log(5, 0.5)
    assert laplacian.sum() == pytest.approx(0, abs=1e-15)
    np.testing.assert_array_equal(laplacian, laplacian.T)
    assert laplacian[2, 2] == laplacian.min()


def test_gradient_replicates_the_border(image: np.ndarray) -> None:
    padded = np.pad(image, 1, mode="edge")
    sobel = np.array([[1, 2, 1], [0, 0, 0], [-1, -2, -1]])
    gy, gx = (signal.correlate2d(padded, kernel, mode="valid") for kernel in (sobel, sobel.T))
    np.testing.assert_allclose(imgradient(image), np.hypot(gx, gy), rtol=1e-12)


def test_moments(image: np.ndarray) -> None:
    assert std(image) == pytest.approx(stats.tstd(image, axis=None))
    np.testing.assert_allclose(std(image, axis=0), stats.tstd(image, axis=0))
    assert std(np.array([4.0])) == 0
    assert skewness(image) == pytest.approx(stats.skew(image, axis=None))
    assert kurtosis(image) == pytest.approx(stats.kurtosis(image, axis=None, fisher=False))
    assert np.isnan([skewness(np.ones(5)), kurtosis(np.ones(5))]).all()


def test_studio_range_of_luma() -> None:
    gray = np.stack([np.array([[0, 16, 126, 235, 255]]), *np.full((2, 1, 5), 128)]).astype(np.uint8)
    np.testing.assert_array_equal(ycbcr2rgb_uint8(gray), np.broadcast_to([[0, 0, 128, 255, 255]], (3, 1, 5)))
    np.testing.assert_allclose(ycbcr2rgb(gray / 255)[0], [[0, 0, 110 / 219, 1, 1]], atol=1e-12)


def test_8_bit_colours_are_the_double_ones_rounded() -> None:
    planes = np.random.default_rng(9).integers(0, 256, (3, 30, 30), dtype=np.uint8)
    np.testing.assert_allclose(ycbcr2rgb_uint8(planes), 255 * ycbcr2rgb(planes / 255), atol=0.5 + 1e-9)


def test_lab() -> None:
    gray = np.broadcast_to(np.array([0.0, 0.5, 1.0]), (3, 1, 3))
    lightness, a, b = rgb2lab(gray)
    assert lightness[0] == pytest.approx([0, 53.389, 100], abs=1e-3)
    np.testing.assert_allclose([a, b], 0, atol=1e-10)
    codes = lab_uint8(np.broadcast_to(np.array([0, 128, 255], dtype=np.uint8), (3, 1, 3)))
    np.testing.assert_array_equal(codes[:, 0], [[0, 137, 255], [128] * 3, [128] * 3])
    primaries = lab_uint8(np.diag(np.full(3, 255, dtype=np.uint8))[:, None])
    # CIE Lab of sRGB's primaries at D50, from the profile: 54.3 81 70, 87.8 -79 81, 29.6 68 -112.
    np.testing.assert_allclose(primaries[:, 0].T, [[138, 209, 198], [224, 49, 209], [75, 196, 16]], atol=1)
