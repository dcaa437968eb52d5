"""Dropout and stochastic depth that draw their masks from a generator they are given.

``torch.nn.Dropout`` draws from the global generator, so that a mask depends on everything drawn before it. Here the
trainer hands over one stream per step and pass with :func:`random_masks`, which makes masks independent of loader
workers, of resuming and of what other runs draw.
"""

from collections.abc import Iterator
from contextlib import contextmanager

import torch
from torch import Tensor, nn


class _RandomMask(nn.Module):
    """Base: a drop probability and, inside :func:`random_masks`, a generator."""

    def __init__(self, p: float) -> None:
        super().__init__()
        if not 0 <= p < 1:
            raise ValueError(f"drop probability: {p} is not in [0, 1)")
        self.p = p
        self.generator: torch.Generator | None = None

    def _mask(self, x: Tensor, shape: tuple[int, ...]) -> Tensor:
        if self.generator is None:
            raise RuntimeError(
                "dropout in training mode needs its stream: run the pass inside random_masks(model, generator)"
            )
        keep = 1 - self.p
        return x.new_empty(shape).bernoulli_(keep, generator=self.generator).div_(keep)

    def extra_repr(self) -> str:
        return f"p={self.p}"


class Dropout(_RandomMask):
    """Zero single elements with probability ``p`` and scale the rest by 1 / (1 - p); identity in evaluation mode."""

    def forward(self, x: Tensor) -> Tensor:
        if not self.training or self.p == 0:
            return x
        return x * self._mask(x, tuple(x.shape))


class DropPath(_RandomMask):
    """Stochastic depth: zero whole samples (axis 0) of a residual branch with probability ``p``."""

    def factors(self, x: Tensor) -> Tensor | None:
        """What a branch of the shape of ``x`` is multiplied by, ``(B, 1, ...)``; None where nothing is dropped."""
        if not self.training or self.p == 0:
            return None
        return self._mask(x, (x.shape[0],) + (1,) * (x.dim() - 1))

    def forward(self, x: Tensor) -> Tensor:
        factors = self.factors(x)
        return x if factors is None else x * factors


@contextmanager
def random_masks(model: nn.Module, generator: torch.Generator) -> Iterator[None]:
    """Inside the block, all dropout of ``model`` draws from ``generator``, in forward order."""
    layers = [module for module in model.modules() if isinstance(module, _RandomMask)]
    for layer in layers:
        layer.generator = generator
    try:
        yield
    finally:
        for layer in layers:
            layer.generator = None
