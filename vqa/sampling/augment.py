"""Data augmentation of Tables 3 and 11: AutoAugment, RandAugment, TrivialAugment (METHODS 4)."""

from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor
from torch.overrides import TorchFunctionMode

from vqa.settings.strict import one_of

POLICIES = ("none", "autoaugment", "randaugment", "trivialaugment")


def drawn_seed(generator: torch.Generator) -> int:
    """The seed of a generator, for what takes no generator itself; it moves as by a draw, for it was used."""
    seed = generator.initial_seed()
    torch.rand(1, generator=generator)
    return seed


def augment(clip: Tensor, policy: str, seed: int) -> Tensor:
    """Apply one draw of ``policy`` to a whole decoded clip, before fragments are cut.

    Operations, magnitude and sign are drawn once and shared by all frames; AutoContrast and Equalize still use the
    statistics of each frame. Library defaults: nearest interpolation, black fill.

    Args:
        clip: ``(T, 3, H, W)`` uint8 in [0, 255].
        policy: ``none``, ``autoaugment`` (ImageNet policy), ``randaugment`` (2 operations, magnitude 9 of 31) or
            ``trivialaugment`` (wide).
        seed: of this draw.

    Returns:
        ``(T, 3, H, W)`` uint8.

    Raises:
        ValueError: for an unknown policy.
    """
    if policy == "none":
        return clip
    one_of("augmentation", policy, POLICIES)
    from torchvision.transforms import v2  # here: it takes over a second to import and most runs do not augment

    transform = {
        "autoaugment": v2.AutoAugment,
        "randaugment": v2.RandAugment,
        "trivialaugment": v2.TrivialAugmentWide,
    }[policy]()
    # The library draws from the global generator and takes no other; the fork seeds it for this call and puts the
    # state back, so that nothing leaks in or out.
    with torch.random.fork_rng(devices=[]), _ExactGrids():
        torch.default_generator.manual_seed(seed)
        return transform(clip)


class _ExactGrids(TorchFunctionMode):
    """Where a rotation or shear takes its pixels from, by sums of products.

    The library's matrix product of three terms rounds as the maker of the processor likes, and the nearest pixel can
    be another one then.
    """

    def __torch_function__(self, function: Callable, types: Any, args: tuple = (), kwargs: dict | None = None) -> Any:
        if function is Tensor.bmm:
            grid, matrix = args
            return (grid.unsqueeze(-1) * matrix.unsqueeze(-3)).sum(dim=-2)
        return function(*args, **(kwargs or {}))
