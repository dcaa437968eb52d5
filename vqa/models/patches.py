"""A first layer that passes fine detail, fitted to the training items (IQA_BASELINES 13.9).

Patches of pixels are dominated by their mean colour, and what quality lives in is a small remainder, which random
filters hardly pass. Published weights have filters for it; a training from scratch gets them here: a fixed basis, each
filter divided by the standard deviation of the training patches along it. It trains like any weight afterwards.

The basis is fixed, and not the patches' own principal axes: those of nearly equal variance turn with the last digit of
a sum, so that other processors would train from another start.
"""

import itertools
import math
from collections.abc import Iterable

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from vqa.settings.strict import one_of

# Orthonormal colours over red, green, blue: luma, then two differences.
COLOURS = ((3**-0.5,) * 3, (0.5**0.5, 0.0, -(0.5**0.5)), (6**-0.5, -2 * 6**-0.5, 6**-0.5))

# A colour difference ranks with luma this many half waves faster: video stores it more coarsely.
COLOUR_LAG = 3

# Added to every variance, as a share of the mean variance of a pixel: what hardly varies is mostly noise.
FLOOR = 0.02

CHOICES = ("initial", "whitened")


def check_choice(choice: str, width: int, patch: tuple[int, ...]) -> None:
    """ValueError unless ``choice`` is one of ``CHOICES`` and a basis of patches has ``width`` filters."""
    one_of("patch_embedding", choice, CHOICES)
    most = len(COLOURS) * math.prod(patch)
    if choice == "whitened" and width > most:
        raise ValueError(f"patch_embedding: patches of {patch} pixels have {most} directions, the network {width}")


def directions(patch: tuple[int, ...], number: int) -> Tensor:
    """The first orthonormal filters on patches: cosines, slow before fast, in luma before colour differences.

    Args:
        patch: size in pixels, ``(h, w)`` or ``(t, h, w)``.
        number: filters, at most ``3 * prod(patch)``.

    Returns:
        ``(number, 3, *patch)`` float64.
    """
    every = itertools.product(range(len(COLOURS)), *(range(n) for n in patch))
    chosen = sorted(every, key=lambda d: (sum(d[1:]) + (COLOUR_LAG if d[0] else 0), d))[:number]
    return torch.stack([_filter(COLOURS[colour], wave, patch) for colour, *wave in chosen])


def _filter(colour: tuple[float, ...], wave: list[int], patch: tuple[int, ...]) -> Tensor:
    """One direction ``(3, *patch)``: the outer product of a colour and of a cosine along every axis (DCT-II)."""
    out = torch.tensor(colour, dtype=torch.float64)
    for k, n in zip(wave, patch, strict=True):
        norm = math.sqrt((2 if k else 1) / n)
        cosine = [norm * math.cos(math.pi * (place + 0.5) * k / n) for place in range(n)]
        out = out[..., None] * torch.tensor(cosine, dtype=torch.float64)
    return out


@torch.no_grad()
def whiten(embedding: nn.Conv2d | nn.Conv3d, inputs: Iterable[Tensor]) -> None:
    """Set the filters so that each of their outputs has mean 0 and variance v / (v + floor) over all training patches.

    v is the variance along a direction of the basis, the floor is ``FLOOR`` times its mean over all directions.

    Args:
        embedding: convolution over patches, its stride their size.
        inputs: network inputs ``(B, 3, H, W)``, or ``(B, 3, T, H, W)`` for patches with a length in time.
    """
    patch = tuple(embedding.kernel_size)
    basis = directions(patch, len(COLOURS) * math.prod(patch))
    convolve = F.conv2d if len(patch) == 2 else F.conv3d
    count, total, squares = (
        0,
        torch.zeros(len(basis), dtype=torch.float64),
        torch.zeros(len(basis), dtype=torch.float64),
    )
    for batch in inputs:
        # In float64, so that the order of a sum does not reach the float32 of the weights.
        found = convolve(batch.double(), basis, stride=patch).transpose(0, 1).flatten(1)
        count, total, squares = count + found.shape[1], total + found.sum(dim=1), squares + found.square().sum(dim=1)
    mean = total / count
    variance = squares / count - mean.square()
    used = slice(embedding.out_channels)
    std = (variance + FLOOR * variance.mean()).sqrt()[used]
    std = torch.where(std > 0, std, 1.0)  # items of one colour
    embedding.weight.copy_(basis[used] / std.view(-1, 1, *(1,) * len(patch)))
    assert embedding.bias is not None, "patch embeddings have a bias"
    embedding.bias.copy_(-mean[used] / std)
