"""High-complexity features of TLVQM: 30 numbers of one frame (spec 8.1.3)."""

import numpy as np
from scipy import fft, ndimage

from vqa.handcrafted.colours import rgb2lab, ycbcr2rgb
from vqa.handcrafted.matlab import imfilter, imresize
from vqa.handcrafted.tlvqm_numbers import correlation, deviation
from vqa.handcrafted.tlvqm_saturation import saturation
from vqa.handcrafted.tlvqm_sharpness import sharpness
from vqa.handcrafted.tlvqm_temporal import SOBEL

HC_FEATURES = (
    "spatial_mean",
    "spatial_std",
    "spatial_centroid",
    "spatial_spread",
    "bright_area",
    "bright_area_per_part",
    "dark_area",
    "dark_area_per_part",
    "noise_density",
    "noise_mean",
    "noise_std",
    "block_strength",
    "block_lag",
    "block_peaks",
    "contrast_dark",
    "contrast_light",
    "chroma",
    "chroma_std",
    "dct_similarity",
    "dct_high_low",
    "dct_symmetry",
    "sharpness_mean_2_6",
    "sharpness_mean_2_4",
    "sharpness_2",
    "sharpness_maximum",
    "sharpness_minimum",
    "sharp_patches",
    "soft_patches",
    "sharp_patches_std",
    "soft_patches_std",
)

# Weaker edges do not count.
_EDGE = 0.01
# Columns of a 9x9 window around a noise pixel are flatter than this.
_FLAT = 0.05
# Lags of the autocorrelation at which block edges are looked for.
_LAGS = 21


def hc_vector(yuv: np.ndarray) -> np.ndarray:
    """The 30 numbers ``HC_FEATURES`` of one frame, ``(30,)`` float64.

    Args:
        yuv: ``(3, H, W)`` frame in [0, 1] with chroma of full size.
    """
    y = yuv[0]
    lab = rgb2lab(ycbcr2rgb(yuv))
    down, right = edge_energies(lab)
    edges = np.sqrt(down + right)
    saturated, shares = saturation(y)
    return np.concatenate(
        [
            spatial(edges, saturated),
            shares,
            noise(lab, y, saturated),
            blockiness(np.sqrt(down) - np.sqrt(right)),
            contrast(lab, saturated),
            transform(y),
            sharpness(edges),
        ]
    )


def edge_energies(lab: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Squared vertical and horizontal gradients of L/100, a/50 and b/50, summed, 0 at the outermost pixels.

    Args:
        lab: ``(3, H, W)``.
    """
    energies = np.zeros((2, *lab.shape[1:]))
    for plane, scale in zip(lab, (100, 50, 50), strict=True):
        for energy, kernel in zip(energies, (SOBEL, SOBEL.T), strict=True):
            energy[1:-1, 1:-1] += imfilter(plane / scale, kernel)[1:-1, 1:-1] ** 2
    return energies[0], energies[1]


def spatial(edges: np.ndarray, saturated: np.ndarray) -> np.ndarray:
    """Mean, std, off-centre distance and spread of edges, ``(4,)``; zeros if there is none outside saturated areas."""
    strong = ~saturated & (edges >= _EDGE) & (edges > 0)
    if not strong.any():
        return np.zeros(4)
    kept = np.where(saturated | strong, edges, 0.0)  # saturated pixels keep weak ones (8.1.3)
    height, width = edges.shape
    y, x = np.nonzero(strong)
    places = np.stack([(y + 1) / height - 0.5, (x + 1) / width - 0.5])
    weights = edges[strong]
    centroid = places @ weights / weights.sum()
    weighted = np.hypot(*places) * weights
    spread = ((weighted - weighted.mean()) ** 2).sum() / weights.sum()
    return np.array([kept.mean(), deviation(kept), np.hypot(*centroid), np.sqrt(spread)])


def noise(lab: np.ndarray, y: np.ndarray, saturated: np.ndarray) -> np.ndarray:
    """Density of single pixels that stick out of flat surroundings, mean and std of how far, ``(3,)``."""
    footprint = np.ones((5, 5), dtype=bool)
    footprint[2, 2] = False
    extreme = y > ndimage.maximum_filter(y, footprint=footprint)
    extreme |= y < ndimage.minimum_filter(y, footprint=footprint)
    extreme &= ~saturated
    inside = np.zeros_like(extreme)
    inside[4:-4, 4:-4] = True
    rows, columns = np.nonzero(extreme & inside)
    windows = np.lib.stride_tricks.sliding_window_view(y, (9, 9))[rows - 4, columns - 4]
    flat = (windows.std(1, ddof=1) < _FLAT).all(1)
    rows, columns = rows[flat], columns[flat]
    total = (~saturated & inside).sum()
    if not len(rows):
        return np.zeros(3)
    around = np.lib.stride_tricks.sliding_window_view(lab, (7, 7), axis=(1, 2))[:, rows - 3, columns - 3]
    offsets = around.mean(2) - lab[:, rows, columns, None]  # of column means: (3, N, 7)
    distances = np.sqrt((offsets**2).sum(0)) / 100
    return np.array([len(rows) / total, distances.mean(), deviation(distances)])


def blockiness(excess: np.ndarray) -> np.ndarray:
    """Strength, lag and number of peaks in the autocorrelation of edges along lines and columns, ``(3,)``.

    Args:
        excess: ``(H, W)`` vertical minus horizontal gradient magnitude.
    """
    height, width = excess.shape
    profiles = np.zeros(height - 2), np.zeros(width - 2)
    profiles[0][2:] = excess[2 : height - 2].mean(1)
    profiles[1][2:] = -excess[:, 2 : width - 2].mean(0)
    sums = [np.array([p[lag:] @ p[: max(len(p) - lag, 0)] for lag in range(_LAGS + 2)]) for p in profiles]
    lowest, rises, peaks = [s[0] for s in sums], [0.0, 0.0], [0.0, 0.0]
    at, maxima = 0, 0
    for lag in range(1, _LAGS + 1):
        for n, s in enumerate(sums):  # horizontal first: the last accepted peak counts (8.1.3)
            maximum, minimum = s[lag] > max(s[lag - 1], s[lag + 1]), s[lag] < min(s[lag - 1], s[lag + 1])
            maxima += bool(maximum)
            if minimum and s[lag] < lowest[n]:
                lowest[n] = s[lag]
            elif maximum and s[lag] - lowest[n] > rises[n]:
                rises[n], peaks[n], at = s[lag] - lowest[n], s[lag], lag
    strengths = [r / s[0] for r, p, s in zip(rises, peaks, sums, strict=True) if p > 0 and s[0] > 0]
    strength = np.sqrt(max(strengths, default=0.0)) if all(s[0] > 0 for s in sums) else 0.0
    return np.array([strength, at / _LAGS, maxima / (2 * _LAGS)])


def contrast(lab: np.ndarray, saturated: np.ndarray) -> np.ndarray:
    """How dark and how light the frame is outside saturated areas, and chroma's size and std in all of it, ``(4,)``.

    Args:
        lab: ``(3, H, W)``.
        saturated: ``(H, W)`` bool.
    """
    lightness, a, b = lab
    kept = lightness[~saturated]
    dark, light = 1.0, lightness.sum() / 50
    if kept.size:
        counts = np.bincount(np.clip(np.floor(kept), 0, 100).astype(np.int64), minlength=101)
        excess = (counts.cumsum() / kept.size - np.arange(1, 102) / 100).sum() / 100
        dark, light = (1 + excess) / 2, (1 - excess) / 2
    chroma = np.sqrt(((a / 50) ** 2 + (b / 50) ** 2).mean())
    spread = 0.01 * (deviation(a) + deviation(b)) if deviation(lightness) > 0 else 0.0
    return np.array([dark, light, chroma, spread])


def transform(y: np.ndarray) -> np.ndarray:
    """How alike the quarters of the cosine transform are, ``(3,)``.

    Args:
        y: ``(H, W)`` luma.
    """
    magnitudes = np.sqrt(np.abs(fft.dctn(y, norm="ortho")))
    height, width = (size // 2 for size in y.shape)
    sides = magnitudes, magnitudes[:, ::-1], magnitudes[::-1], magnitudes[::-1, ::-1]
    low, low_high, high_low, high = (imresize(side[:height, :width], 0.25) for side in sides)
    similarity = max(0.0, correlation(low, low_high), correlation(low, high_low))
    m1, m2, m3, m4 = (quarter.mean(0) for quarter in (low, low_high, high_low, high))
    pairs = (m4, m1), (np.minimum(m2, m3), np.maximum(m2, m3))
    # MATLAB's row / row is the least-squares scalar, and "if row" asks for all entries (8.0).
    ratios = [float(top @ bottom / (bottom @ bottom)) if (bottom > 0).all() else 0.0 for top, bottom in pairs]
    return np.array([similarity, *ratios])
