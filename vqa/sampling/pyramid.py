"""SAMA for video: fragments of a pyramid of scales that runs along time, or is masked over the frame (METHODS 5.1)."""

from dataclasses import dataclass

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor

from vqa.sampling.fragments import FragmentSampling, cut_fragments, fragment_offsets
from vqa.settings.strict import one_of

MODES = ("sama", "sama-c", "sama-mix", "sama-spm", "sama-swm", "fragments")
# Side of a cell of the fine checkerboard: one spatial patch of the network's embedding.
MASK_PIXELS = 4


@dataclass(frozen=True)
class PyramidSampling:
    """Rule for cutting fragments out of several scales of a clip.

    The frames of a block share the draws of their patches, so that a patch shows the same place at every scale. The
    block is cut into ``levels`` runs of ``aligned / levels`` frames (2 in the paper: one temporal token); run k is
    resized by factor f_k before its patches are cut. With r = min(H / h, W / w) for a spliced frame of (h, w), the
    factors go from 1 (full resolution) to 1 / r (the tighter side just fits). Every block repeats the same factors.

    Attributes:
        mode: the factors of a block and what is made of them (mode strings: discrepancy S4):
            ``sama``: evenly spaced from 1 to 1 / r; ``sama-c``: alternating 1 and 1 / r; ``sama-mix``: half as many
            evenly spaced ones, twice; ``sama-swm``, ``sama-spm``: the frames of ``sama``, but cells of a checkerboard
            show full resolution instead: of whole patches, or of 4x4 pixels; ``fragments``: one scale, no pyramid.
        levels: factors per block (16 in the paper); unused by ``fragments``.
        grid: rows and columns of cells (7, 7 in the paper).
        patch: height and width of a patch in pixels (32, 32 in the paper).
        aligned: frames of a block (32 in the paper: one clip).
        offset: place of a patch in its cell: ``random``: u uniform in [0, 1) per cell and block (training);
            ``centre``: u = 0.5, deterministic (test).

    Raises:
        ValueError: if a number is not positive, the levels do not fit the frames of a block, or an option is unknown.
    """

    mode: str = "sama"
    levels: int = 16
    grid: tuple[int, int] = (7, 7)
    patch: tuple[int, int] = (32, 32)
    aligned: int = 32
    offset: str = "random"

    def __post_init__(self) -> None:
        if min(self.levels, *self.grid, *self.patch, self.aligned) < 1:
            raise ValueError(f"levels, grid, patch and aligned must be positive, got {self}")
        one_of("mode", self.mode, MODES)
        one_of("offset", self.offset, ("random", "centre"))
        if self.mode == "fragments":
            return
        # A pyramid of one level, or a mix of twice one, would have nothing but full resolution.
        if self.levels < 2 or (self.mode == "sama-mix" and (self.levels < 4 or self.levels % 2)):
            need = "an even number from 4 on" if self.mode == "sama-mix" else "2 or more"
            raise ValueError(f"levels: {self.mode} needs {need}, got {self.levels}")
        if self.aligned % self.levels:
            raise ValueError(f"aligned: {self.aligned} frames cannot be shared evenly by {self.levels} levels")

    @property
    def fragments(self) -> FragmentSampling:
        """The rule by which patches are cut out of one scale."""
        return FragmentSampling(self.grid, self.patch, self.aligned, self.offset, small_grid="updated")


def fit_ratio(size: tuple[int, int], target: tuple[int, int]) -> float:
    """How much larger ``size`` is than ``target`` on the tighter of the two sides; below 1 it does not fit."""
    return min(n / wanted for n, wanted in zip(size, target, strict=True))


def enlarged_size(size: tuple[int, int], target: tuple[int, int]) -> tuple[int, int]:
    """``size`` itself, or, if a side is below ``target``, the rounded size at which the tighter side just fits."""
    ratio = fit_ratio(size, target)
    return size if ratio >= 1 else (round(size[0] / ratio), round(size[1] / ratio))


def level_sizes(size: tuple[int, int], rule: PyramidSampling) -> list[tuple[int, int]]:
    """Height and width of every level of a block, in order: ``levels`` of them, none for ``fragments``.

    Args:
        size: height and width of the frames, after :func:`enlarged_size`; for an enlarged video all levels are equal.
        rule: the sampling rule.
    """
    last = 1 / fit_ratio(size, rule.fragments.size)
    if rule.mode == "fragments":
        factors = []
    elif rule.mode == "sama-c":
        factors = [1.0 if k % 2 == 0 else last for k in range(rule.levels)]
    elif rule.mode == "sama-mix":
        factors = np.linspace(1, last, rule.levels // 2).tolist() * 2
    else:
        factors = np.linspace(1, last, rule.levels).tolist()
    return [(round(size[0] * factor), round(size[1] * factor)) for factor in factors]


def checkerboard(size: tuple[int, int], cell: tuple[int, int]) -> Tensor:
    """Boolean ``size``: true in every second cell, the upper left one included."""
    rows, cols = torch.arange(size[0]) // cell[0], torch.arange(size[1]) // cell[1]
    return (rows[:, None] + cols) % 2 == 0


def uniform_draws(shape: tuple[int, ...], offset: str, generator: torch.Generator) -> tuple[Tensor, Tensor]:
    """Places in [0, 1) of patches in their cells, heights drawn before widths: two float32 tensors of ``shape``.

    All are 0.5, and ``generator`` is unused, if ``offset`` is ``centre``.
    """
    if offset == "centre":
        return torch.full(shape, 0.5), torch.full(shape, 0.5)
    heights = torch.rand(shape, generator=generator)
    return heights, torch.rand(shape, generator=generator)


def scaled_offsets(
    size: tuple[int, int], draws: tuple[Tensor, Tensor], grid: tuple[int, int], patch: tuple[int, int]
) -> tuple[Tensor, Tensor]:
    """Offsets in whole pixels, truncated, of draws in [0, 1) for a frame of ``size``: two int64 tensors."""
    spare = [max(0, side // cells - length) for side, cells, length in zip(size, grid, patch, strict=True)]
    return (draws[0] * spare[0]).long(), (draws[1] * spare[1]).long()


def resize(video: Tensor, size: tuple[int, int]) -> Tensor:
    """Resize ``(C, T, H, W)`` in [0, 255] bilinearly, without antialiasing, to float32 ``(C, T, *size)``."""
    # On values in [0, 1] and back: the rounding of this detour is the released one.
    scaled = video / 255.0
    if tuple(video.shape[2:]) != tuple(size):  # else the filter is the identity
        scaled = F.interpolate(scaled, size=size, mode="bilinear", align_corners=False)
    return scaled * 255.0


def pyramid_draws(n_frames: int, rule: PyramidSampling, generator: torch.Generator) -> tuple[Tensor, Tensor]:
    """Places of the patches in their cells, shared by all levels of a block: two float32 ``(rows, cols, blocks)``.

    Args:
        n_frames: frames of the clip or clips, a multiple of ``aligned``.
        rule: the sampling rule.
        generator: stream of the draws, heights first, then widths; unused if ``offset`` is ``centre``.

    Raises:
        ValueError: if ``n_frames`` is not a multiple of ``aligned``.
    """
    if n_frames < 1 or n_frames % rule.aligned:
        raise ValueError(f"{n_frames} frames cannot be cut into blocks of {rule.aligned} aligned frames")
    return uniform_draws((*rule.grid, n_frames // rule.aligned), rule.offset, generator)


def cut_pyramid(video: Tensor, draws: tuple[Tensor, Tensor], rule: PyramidSampling) -> Tensor:
    """Splice the patches of all levels, and mask in full resolution if the mode says so.

    Released code with as many blocks as its phase does not expect leaves frames black or crashes (golden contract
    12.5); here any number of blocks repeats the factors. The full-resolution part of the masked modes takes the
    places of block 0 for all blocks, as released.

    Args:
        video: ``(C, T, H, W)`` uint8 or float in [0, 255], no side below the spliced frame.
        draws: from :func:`pyramid_draws`.
        rule: the sampling rule, of any mode but ``fragments``.

    Returns:
        ``(C, T, rows*ph, cols*pw)`` float32 in [0, 255].

    Raises:
        ValueError: in mode ``fragments``, or if the draws are not those of as many blocks as the video has.
    """
    if rule.mode == "fragments":
        raise ValueError("mode 'fragments' has no pyramid: use sample_pyramid")
    C, T, height, width = video.shape
    size = height, width
    blocks = draws[0].shape[2]
    if blocks * rule.aligned != T:
        raise ValueError(f"draws for {blocks} blocks of {rule.aligned} frames do not fit {T} frames")
    fragments, sizes, run = rule.fragments, level_sizes(size, rule), rule.aligned // rule.levels
    out = torch.empty(C, T, *fragments.size)
    for block in range(blocks):
        shared = draws[0][..., block : block + 1], draws[1][..., block : block + 1]
        for level, scaled in enumerate(sizes):
            start = block * rule.aligned + level * run
            frames = slice(start, start + run)
            offsets = scaled_offsets(scaled, shared, rule.grid, rule.patch)
            out[:, frames] = cut_fragments(resize(video[:, frames], scaled), scaled, offsets, fragments)
    if rule.mode in ("sama-swm", "sama-spm"):
        first = draws[0][..., :1], draws[1][..., :1]
        offsets = scaled_offsets(size, first, rule.grid, rule.patch)
        cell = rule.patch if rule.mode == "sama-swm" else (MASK_PIXELS, MASK_PIXELS)
        full = cut_fragments(video, size, offsets, fragments).float()
        out = torch.where(checkerboard(fragments.size, cell), full, out)
    return out


def sample_pyramid(video: Tensor, rule: PyramidSampling, generator: torch.Generator) -> Tensor:
    """Enlarge if needed, draw and cut.

    A video with a side below the spliced frame is enlarged first, values kept as floats, and the grid is laid over
    the enlarged frame (unlike discrepancy F2); all of its levels then have one size. In mode ``fragments`` values are
    truncated to whole numbers after enlarging, and offsets are drawn as whole numbers.

    Args:
        video: ``(3, T, H, W)`` uint8 in [0, 255], the frames of all clips in order, T a multiple of ``aligned``.
        rule: the sampling rule.
        generator: stream of the draws; unused if ``offset`` is ``centre``.

    Returns:
        ``(3, T, rows*ph, cols*pw)`` float32 in [0, 255].

    Raises:
        ValueError: if T is not a multiple of ``aligned``.
    """
    given, fragments = (video.shape[2], video.shape[3]), rule.fragments
    size = enlarged_size(given, fragments.size)
    enlarged = video if size == given else resize(video, size)
    if rule.mode == "fragments":
        offsets = fragment_offsets(size, video.shape[1], fragments, generator)
        return cut_fragments(enlarged.to(torch.uint8), size, offsets, fragments).float()
    return cut_pyramid(enlarged, pyramid_draws(video.shape[1], rule, generator), rule)
