"""SAMA for images: full resolution and the downscaled image, interleaved by a checkerboard (METHODS 5.2)."""

from dataclasses import dataclass

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor

from vqa.sampling.fragments import FragmentSampling, cut_fragments, fragment_offsets
from vqa.sampling.pyramid import MASK_PIXELS, checkerboard, enlarged_size, fit_ratio, scaled_offsets, uniform_draws
from vqa.settings.strict import one_of

# Largest rotation of the training augmentation, in degrees, to either side.
MAX_ROTATION = 45.0


@dataclass(frozen=True)
class WindowMaskSampling:
    """Rule for one spliced image out of two scales of an image.

    The image is cut into fragments twice, at full resolution and downscaled so that its tighter side just fits the
    grid, with the same places of the patches in their cells. A checkerboard chooses between the two; the upper left
    cell shows full resolution.

    Attributes:
        mode: ``window``: cells of one patch, what the released code calls "sama" (discrepancy S11); ``pixel``: cells
            of 4x4 pixels, "sama-spm"; ``fragments``: full resolution everywhere.
        grid: rows and columns of cells (8, 8 in the released code).
        patch: height and width of a patch in pixels (32, 32).
        offset: place of a patch in its cell: ``random``: u uniform in [0, 1) per cell (training), whole numbers below
            cell - patch for ``fragments``; ``centre``: u = 0.5, deterministic (test).

    Raises:
        ValueError: if a number is not positive or an option is unknown.
    """

    mode: str = "window"
    grid: tuple[int, int] = (8, 8)
    patch: tuple[int, int] = (32, 32)
    offset: str = "random"

    def __post_init__(self) -> None:
        if min(*self.grid, *self.patch) < 1:
            raise ValueError(f"grid and patch must be positive, got {self}")
        one_of("mode", self.mode, ("window", "pixel", "fragments"))
        one_of("offset", self.offset, ("random", "centre"))

    @property
    def fragments(self) -> FragmentSampling:
        """The rule by which patches are cut out of one scale."""
        return FragmentSampling(self.grid, self.patch, 1, self.offset, small_grid="updated")


def prepare_image(image: np.ndarray, size: int) -> np.ndarray:
    """Enlarge ``(H, W, 3)`` uint8 RGB so that its short side is ``size``; larger images pass unchanged.

    Pillow's bilinear filter, 8-bit result. Sides are truncated to whole pixels, so that for some sizes the short side
    becomes one pixel too short, as released; :func:`sample_window_mask` makes up for it.

    Args:
        image: values in [0, 255].
        size: wanted short side in pixels (256 in the released code).

    Raises:
        ValueError: for an array of another kind.
    """
    if image.dtype != np.uint8 or image.ndim != 3 or image.shape[2] != 3:
        raise ValueError(f"an image must be (H, W, 3) uint8, got {image.shape} {image.dtype}")
    height, width = image.shape[:2]
    if min(height, width) >= size:
        return image
    from PIL import Image  # here: only small images need it

    factor = size / min(height, width)
    target = int(width * factor), int(height * factor)
    return np.array(Image.fromarray(image).resize(target, Image.Resampling.BILINEAR))


def augment_image(image: Tensor, generator: torch.Generator) -> Tensor:
    """Training augmentation: a horizontal flip with probability 0.5, then a rotation uniform within +-45 degrees.

    Args:
        image: ``(3, H, W)`` float in [0, 1], before normalisation.
        generator: stream of the flip and the angle, in this order.

    Returns:
        ``(3, H, W)``: nearest neighbours of the rotated image, 0 outside of it.
    """
    from torchvision.transforms import functional  # here: it takes over a second to import and only training needs it

    if torch.rand(1, generator=generator).item() < 0.5:
        image = image.flip(-1)
    angle = torch.empty(1).uniform_(-MAX_ROTATION, MAX_ROTATION, generator=generator).item()
    return functional.rotate(image, angle, functional.InterpolationMode.NEAREST, fill=0)


def window_mask_draws(rule: WindowMaskSampling, generator: torch.Generator) -> tuple[Tensor, Tensor]:
    """Places in [0, 1) of the patches in their cells, heights drawn before widths: two float32 ``(rows, cols)``."""
    return uniform_draws(rule.grid, rule.offset, generator)


def _resize(image: Tensor, size: tuple[int, int]) -> Tensor:
    return F.interpolate(image[None], size=size, mode="bilinear", align_corners=False)[0]


def cut_window_mask(image: Tensor, draws: tuple[Tensor, Tensor], rule: WindowMaskSampling) -> Tensor:
    """Splice the patches of both scales and interleave them: ``(3, H, W)`` to ``(3, rows*ph, cols*pw)``.

    Args:
        image: float of any range, no side below the spliced image.
        draws: from :func:`window_mask_draws`.
        rule: the sampling rule, of mode ``window`` or ``pixel``.

    Raises:
        ValueError: in mode ``fragments``.
    """
    if rule.mode == "fragments":
        raise ValueError("mode 'fragments' has no second scale: use sample_window_mask")
    full, fragments = (image.shape[1], image.shape[2]), rule.fragments
    factor = 1 / fit_ratio(full, fragments.size)
    small = round(full[0] * factor), round(full[1] * factor)
    versions = []
    for version, size in ((image, full), (_resize(image, small), small)):
        offsets = scaled_offsets(size, (draws[0][..., None], draws[1][..., None]), rule.grid, rule.patch)
        versions.append(cut_fragments(version[:, None], size, offsets, fragments)[:, 0])
    cell = rule.patch if rule.mode == "window" else (MASK_PIXELS, MASK_PIXELS)
    whole, reduced = versions
    return torch.where(checkerboard(fragments.size, cell), whole, reduced)


def sample_window_mask(image: Tensor, rule: WindowMaskSampling, generator: torch.Generator) -> Tensor:
    """Enlarge if needed, draw, cut and interleave.

    An image with a side below the spliced one is enlarged bilinearly first; both scales are then the same.

    Args:
        image: ``(3, H, W)`` float, normalised.
        rule: the sampling rule.
        generator: stream of the draws; unused if ``offset`` is ``centre``.

    Returns:
        ``(3, rows*ph, cols*pw)`` of the same dtype.
    """
    given, fragments = (image.shape[1], image.shape[2]), rule.fragments
    size = enlarged_size(given, fragments.size)
    enlarged = image if size == given else _resize(image, size)
    if rule.mode == "fragments":
        return cut_fragments(enlarged[:, None], size, fragment_offsets(size, 1, fragments, generator), fragments)[:, 0]
    return cut_window_mask(enlarged, window_mask_draws(rule, generator), rule)
