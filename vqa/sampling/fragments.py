"""Grid mini-patch sampling: fragments of a clip at full resolution, spliced into a small one (METHODS 3.2)."""

from dataclasses import dataclass

import torch
import torch.nn.functional as F
from torch import Tensor

from vqa.settings.strict import one_of


@dataclass(frozen=True)
class FragmentSampling:
    """Rule for cutting one patch out of every cell of a grid.

    Attributes:
        grid: rows and columns of cells (7, 7 in the paper).
        patch: height and width of a patch in pixels (32, 32 in the paper).
        aligned: frames that share the offsets of their patches (32 in the paper: a whole clip).
        offset: ``random``: uniform in the cell, per cell and block of frames, at test time too in the released code
            (discrepancy F1); ``centre``: the middle of the cell, deterministic.
        small_grid: the grid of a video that had to be enlarged: ``stale`` keeps the size from before, so that patches
            come from its upper left part, as released (discrepancy F2); ``updated`` uses the new size.
        small_values: values after enlarging: ``truncated`` to whole numbers as released, or kept as ``float``.

    Raises:
        ValueError: if a number is not positive or an option is unknown.
    """

    grid: tuple[int, int] = (7, 7)
    patch: tuple[int, int] = (32, 32)
    aligned: int = 32
    offset: str = "random"
    small_grid: str = "stale"
    small_values: str = "truncated"

    def __post_init__(self) -> None:
        if min(*self.grid, *self.patch, self.aligned) < 1:
            raise ValueError(f"grid, patch and aligned must be positive, got {self}")
        one_of("offset", self.offset, ("random", "centre"))
        one_of("small_grid", self.small_grid, ("stale", "updated"))
        one_of("small_values", self.small_values, ("truncated", "float"))

    @property
    def size(self) -> tuple[int, int]:
        """Height and width of the spliced frame."""
        return self.grid[0] * self.patch[0], self.grid[1] * self.patch[1]


def enlarge_small(video: Tensor, rule: FragmentSampling) -> Tensor:
    """Enlarge ``(C, T, H, W)`` uint8 bilinearly so that no side is below the spliced frame; others pass unchanged.

    The scale factor itself maps coordinates, so that for some sizes the short side becomes one pixel too short (223
    instead of 224), as released.
    """
    ratio = min(n / target for n, target in zip(video.shape[2:], rule.size, strict=True))
    if ratio >= 1:
        return video
    # On float32 values in [0, 1] and back: truncation makes the rounding of this detour visible, so it is kept.
    large = F.interpolate(video / 255.0, scale_factor=1 / ratio, mode="bilinear", align_corners=False) * 255.0
    return large.to(torch.uint8) if rule.small_values == "truncated" else large


def grid_size(video: Tensor, enlarged: Tensor, rule: FragmentSampling) -> tuple[int, int]:
    """Height and width that the grid is laid over: of ``enlarged``, or of ``video`` if ``small_grid`` is stale."""
    source = video if rule.small_grid == "stale" else enlarged
    return source.shape[2], source.shape[3]


def fragment_offsets(
    size: tuple[int, int], n_frames: int, rule: FragmentSampling, generator: torch.Generator
) -> tuple[Tensor, Tensor]:
    """Offsets of the patches in their cells: two int64 tensors ``(rows, cols, blocks)``, heights drawn before widths.

    Args:
        size: height and width that the grid is laid over.
        n_frames: frames of the clip or clips, a multiple of ``aligned`` (or 1, an image).
        rule: the sampling rule.
        generator: stream of the random offsets; unused where nothing is random.

    Raises:
        ValueError: if ``n_frames`` is not a multiple of ``aligned``.
    """
    aligned = 1 if n_frames == 1 else rule.aligned
    if n_frames % aligned:
        raise ValueError(f"{n_frames} frames cannot be cut into blocks of {aligned} aligned frames")
    shape = (*rule.grid, n_frames // aligned)
    offsets = []
    for side, cells, patch in zip(size, rule.grid, rule.patch, strict=True):
        spare = max(0, side // cells - patch)
        if rule.offset == "centre":
            offsets.append(torch.full(shape, spare // 2))
        else:
            offsets.append(torch.randint(max(1, spare), shape, generator=generator))
    return offsets[0], offsets[1]


def check_grid(size: tuple[int, int], rule: FragmentSampling) -> None:
    """Raise ValueError if the height or width that the grid is laid over is below the patch."""
    (height, width), (ph, pw) = size, rule.patch
    if height < ph or width < pw:
        raise ValueError(f"frames of {width}x{height} are smaller than a patch of {pw}x{ph}")


def cut_fragments(
    video: Tensor, size: tuple[int, int], offsets: tuple[Tensor, Tensor], rule: FragmentSampling
) -> Tensor:
    """Splice the patches: ``(C, T, H, W)`` to ``(C, T, rows*ph, cols*pw)`` of the same dtype, values unchanged.

    Args:
        video: the clip, after :func:`enlarge_small`.
        size: height and width that the grid is laid over.
        offsets: from :func:`fragment_offsets`.
        rule: the sampling rule.

    Raises:
        ValueError: if the grid's height or width is below the patch.
    """
    (rows, cols), (ph, pw) = rule.grid, rule.patch
    check_grid(size, rule)
    C, T = video.shape[:2]
    out = video.new_empty(C, T, rows * ph, cols * pw)
    tops = (torch.arange(rows) * (size[0] // rows)).clamp(max=size[0] - ph)[:, None, None] + offsets[0]
    lefts = (torch.arange(cols) * (size[1] // cols)).clamp(max=size[1] - pw)[None, :, None] + offsets[1]
    blocks = offsets[0].shape[2]
    # Whole numbers and arrays, whose slices cost a tenth of a tensor's: this loop runs for every clip of every epoch.
    source, target = video.numpy(), out.numpy()
    corners = torch.stack([tops, lefts], dim=-1).permute(2, 0, 1, 3).reshape(-1, 2).tolist()
    cells = [(b, i, j) for b in range(blocks) for i in range(rows) for j in range(cols)]
    for (b, i, j), (top, left) in zip(cells, corners, strict=True):
        frames = slice(b * T // blocks, (b + 1) * T // blocks)
        patch = source[:, frames, top : top + ph, left : left + pw]
        target[:, frames, i * ph : (i + 1) * ph, j * pw : (j + 1) * pw] = patch
    return out


def sample_fragments(video: Tensor, rule: FragmentSampling, generator: torch.Generator) -> Tensor:
    """Enlarge if needed, draw offsets and cut: ``(C, T, H, W)`` uint8 in [0, 255] to ``(C, T, rows*ph, cols*pw)``."""
    enlarged = enlarge_small(video, rule)
    size = grid_size(video, enlarged, rule)
    return cut_fragments(enlarged, size, fragment_offsets(size, video.shape[1], rule, generator), rule)
