"""Parts of TLVQM against brute force and known pictures; no golden files (spec 8.1)."""

import numpy as np
import pytest
from handcrafted_clips import drawn, smooth
from scipy import fft, ndimage

from vqa.handcrafted import tlvqm, tlvqm_temporal
from vqa.handcrafted.matlab import imresize
from vqa.handcrafted.tlvqm_saturation import saturation
from vqa.handcrafted.tlvqm_sharpness import sharpness
from vqa.handcrafted.tlvqm_spatial import blockiness, contrast, noise, spatial, transform
from vqa.handcrafted.tlvqm_temporal import blur, interlace


def test_blur_is_the_ratio_of_twice_and_once_filtered_energy() -> None:
    image = drawn(30, 44)
    kernel = np.array([[-1, -2, -1], [1, 2, 1], [0, 0, 0]]) / 8
    means = []
    first = [image, image]
    for crop in (3, 2):
        first = [ndimage.correlate(f, k, mode="constant") for f, k in zip(first, (kernel, kernel.T), strict=True)]
        energy = np.sort(sum(f[crop:-crop, crop:-crop] ** 2 for f in first).ravel())
        means.append(energy[len(energy) - len(energy) // 10 :].mean())
    assert blur(image) == pytest.approx(means[1] / means[0], rel=1e-12)
    assert blur(np.full((30, 44), 0.3)) == 0


def test_interlaced_lines_are_unlike_columns() -> None:
    image = smooth(60, 60)
    even = interlace(np.maximum(image, image.T))
    assert even == 1
    image[::2] += 0.5
    assert 0 < interlace(image) < 0.5
    assert interlace(drawn(40, 40)) == 0  # too few pixels
    assert interlace(np.zeros((60, 60))) == 0


@pytest.mark.parametrize("shape", [(20, 24), (21, 33)])
def test_chroma_is_filtered_as_if_enlarged_and_halved(shape: tuple[int, int]) -> None:
    plane, kernel = drawn(*shape), tlvqm_temporal._there_and_back()
    filtered = ndimage.correlate1d(ndimage.correlate1d(plane, kernel, 0), kernel, 1)
    np.testing.assert_allclose(filtered, imresize(imresize(plane, 2), 0.5), atol=1e-14)


def test_saturated_areas_are_windows_that_share_pixels() -> None:
    bright = ndimage.gaussian_filter(drawn(70, 80, seed=3), 2) > 0.53
    y = np.where(bright, 0.98, 0.5) - 0.02 * drawn(70, 80, seed=4)
    y[5, 5] = 1.0
    marks = [(i, j) for i in range(68) for j in range(78) if y[i : i + 3, j : j + 3].min() > y.max() - 0.05]
    expected, count, left = np.zeros(y.shape, dtype=bool), 0, set(marks)
    while left:
        front = part = {left.pop()}
        while front:
            near = {(i + di, j + dj) for i, j in front for di in range(-2, 3) for dj in range(-2, 3)}
            front = near & left
            left -= front
            part = part | front
        area = np.zeros_like(expected)
        for i, j in part:
            area[i : i + 3, j : j + 3] = True
        if area.sum() >= 50:
            expected |= area
            count += 1
    mask, shares = saturation(y)
    assert count > 1
    np.testing.assert_array_equal(mask, expected)
    np.testing.assert_allclose(shares, [expected.mean(), expected.mean() / count, 0, 0])
    dark, swapped = saturation(1 - y)
    np.testing.assert_array_equal(dark, expected)
    np.testing.assert_allclose(swapped, shares[[2, 3, 0, 1]])


def test_noise_is_counted_in_flat_surroundings() -> None:
    y = np.full((40, 40), 0.5)
    y[10, 10], y[20, 30], y[2, 20] = 0.52, 0.47, 0.6  # the last one is at the border
    y[30, 10] = 0.9  # not flat
    lab = np.stack([100 * y, np.zeros_like(y), np.zeros_like(y)])
    nothing = np.zeros(y.shape, dtype=bool)
    density, mean, _ = noise(lab, y, nothing)
    assert density == pytest.approx(2 / 32**2)
    # Six column means of a 7x7 window are off by all of the step, that of its own column by 6/7 of it.
    assert mean == pytest.approx((6 + 6 / 7) / 7 * (0.02 + 0.03) / 2)
    assert not noise(lab, np.full_like(y, 0.5), nothing).any()
    saturated = nothing.copy()
    saturated[10, 10] = True
    assert noise(lab, y, saturated)[0] == pytest.approx(1 / (32**2 - 1))


def test_edges_of_blocks_repeat_at_the_size_of_blocks() -> None:
    excess = np.zeros((80, 96))
    excess[::8], excess[:, ::8] = 1, -1
    excess[::8, ::8] = 0
    strength, lag, peaks = blockiness(excess)
    assert lag * 21 == pytest.approx(8)  # higher than at 16, for sums get shorter
    assert strength > 0.7
    assert peaks == pytest.approx(4 / 42)
    assert not blockiness(np.zeros((40, 40))).any()


def test_spatial_features_of_one_edge_pixel() -> None:
    edges, nothing = np.full((40, 60), 0.005), np.zeros((40, 60), dtype=bool)
    assert not spatial(edges, nothing).any()  # too weak
    edges[9, 29] = 0.6
    mean, _, distance, spread = spatial(edges, nothing)
    assert mean == pytest.approx(0.6 / 2400)
    assert distance == pytest.approx(0.25)  # row 10 of 40, column 30 of 60, counted from 1
    assert spread == 0
    saturated = nothing.copy()
    saturated[0, 0] = True
    assert spatial(edges, saturated)[0] == pytest.approx(0.605 / 2400)  # weak edges count in saturated areas


def test_contrast_of_flat_frames() -> None:
    lab, nothing = np.zeros((3, 10, 10)), np.zeros((10, 10), dtype=bool)
    lab[0], lab[1] = 30.5, 25
    dark, light, chroma, spread = contrast(lab, nothing)
    assert dark + light == pytest.approx(1)
    lab[0] = 70.5
    brighter = contrast(lab, nothing)
    assert brighter[1] - light == pytest.approx(0.2)
    assert (chroma, spread) == (0.5, 0)


def test_quarters_of_a_transform_by_matrices() -> None:
    y = smooth(64, 96)
    rows, columns = (fft.dct(np.eye(n), axis=0, norm="ortho") for n in y.shape)
    magnitudes = np.sqrt(np.abs(rows @ y @ columns.T))
    top, bottom = magnitudes[:32], magnitudes[:31:-1]
    quarters = [imresize(q, 0.25) for half in (top, bottom) for q in (half[:, :48], half[:, :47:-1])]
    similar = [np.corrcoef(quarters[0].ravel(), q.ravel())[0, 1] for q in quarters[1:3]]
    m1, m2, m3, m4 = (q.mean(0) for q in quarters)
    solved = [
        np.linalg.lstsq(right[:, None], left)[0].item()
        for left, right in ((m4, m1), (np.minimum(m2, m3), np.maximum(m2, m3)))
    ]
    np.testing.assert_allclose(transform(y), [max(0, *similar), *solved], rtol=1e-9)


def test_sharpness_of_nothing_and_of_less_than_a_patch() -> None:
    assert not sharpness(np.zeros((64, 64))).any()
    assert not sharpness(drawn(30, 64)).any()


def test_sharpness_of_one_patch_by_the_letter() -> None:
    edges = drawn(40, 40)
    kernel = np.array([[-1, -2, -1], [0, 0, 0], [1, 2, 1]]) / 8
    v, h = (ndimage.correlate(edges, k, mode="constant") for k in (kernel, kernel.T))
    patch = np.s_[7:24, 7:24]
    rings = np.zeros(7)
    for i in range(7):
        for j in range(7):
            if i == 0 or j == 0 or i == j:
                weights = (i / (i + j), j / (i + j)) if i + j else (1, 1)
                moved = np.s_[7 + i : 24 + i, 7 + j : 24 + j]
                rings[max(i, j)] += sum(w * (g[moved] * g[patch]).mean() for w, g in zip(weights, (h, v), strict=True))
    rings /= rings[0]
    rings = rings[1:] / rings[1] if rings[1] > 0 else rings[1:]
    features = sharpness(edges)
    np.testing.assert_allclose(features[:3], [rings[1:].mean(), rings[1:4].mean(), rings[1]])
    # One patch is not above the mean of patches.
    np.testing.assert_allclose(features[5:], [0, 1, 0, np.hypot(v, h)[patch].std(ddof=1)])


def test_the_first_of_equal_vectors_is_picked() -> None:
    vectors = np.random.default_rng(0).random((40, 28))
    vectors[8] = vectors[7] + 0.1 * np.random.default_rng(1).random(28)
    fps, half = 8, 4
    picks = tlvqm.picks(vectors, fps)
    assert len(picks) == len(range(0, 40 - half - 1, half))
    for start, before, pick in zip(range(half, 40, half), picks, picks[1:], strict=False):
        begin = max(start, before + 3)
        if begin == start + half - 1:  # two vectors are left
            assert pick == begin
    assert tlvqm.picks(np.ones((10, 28)), fps) == [0, 4]


def test_segments_share_one_vector() -> None:
    parts = tlvqm.segments(93, 24)
    assert [part.start for part in parts] == list(range(0, 81, 12))
    assert all(part.stop - part.start == 13 for part in parts)
    assert tlvqm.segments(93, 23.976) == parts
    assert len(tlvqm.segments(5, 6)) == 1


def clip(n: int, height: int = 48, width: int = 64) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    rng = np.random.default_rng(5)
    return tuple(
        rng.integers(0, 256, (n, h, w), dtype=np.uint8) for h, w in ((height, width), *[(height // 2, width // 2)] * 2)
    )


def test_a_clip_gives_75_finite_numbers() -> None:
    features = tlvqm.tlvqm(*clip(14), fps=4)
    assert features.shape == (75,)
    assert len(set(tlvqm.FEATURES)) == 75
    assert np.isfinite(features).all()
    assert np.isfinite(tlvqm.tlvqm(*clip(14, 40, 40), fps=4)).all()


def test_what_is_no_clip_is_refused() -> None:
    y, u, v = clip(14)
    with pytest.raises(ValueError, match="even"):
        tlvqm.tlvqm(y[:, :-1], u, v, 4)
    with pytest.raises(ValueError, match="chroma"):
        tlvqm.tlvqm(y, u[:, 1:], v, 4)
    with pytest.raises(ValueError, match="40 pixels"):
        tlvqm.tlvqm(*clip(14, 38, 64), 4)
    with pytest.raises(ValueError, match="longer clip"):
        tlvqm.tlvqm(y, u, v, 25)
    with pytest.raises(ValueError, match="longer clip"):
        tlvqm.tlvqm(y[:0], u[:0], v[:0], 4)
    with pytest.raises(ValueError, match="frame rate"):
        tlvqm.tlvqm(y, u, v, 1.2)
