"""Random and adversarial weight perturbation (METHODS 2).

A perturbation decides how the gradient of one training step is computed. The trainer hands it the model and a
function ``backward(second_pass)`` that clears the gradients, runs forward and backward on the mini-batch and returns
whatever the trainer wants to keep; afterwards the gradients to step with are in place and the weights are unchanged.
The trainer does not know which perturbation it runs, or whether there is one.
"""

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from functools import lru_cache
from typing import Protocol, TypeVar

import torch
from torch import Tensor, nn

from vqa.settings.strict import one_of

Result = TypeVar("Result")
Backward = Callable[[bool], Result]

EPS = 1e-6


class Perturbation(Protocol):
    """What the trainer needs: gradients for one step."""

    def gradients(self, model: nn.Module, backward: Backward[Result], generator: torch.Generator) -> Result:
        """Leave in ``p.grad`` what the optimizer shall use; return the result of the pass at the clean weights."""


class NoPerturbation:
    """Plain training: one forward and backward pass."""

    def gradients(self, model: nn.Module, backward: Backward[Result], generator: torch.Generator) -> Result:
        """Gradient of L(theta)."""
        return backward(False)


@dataclass(frozen=True)
class WeightPerturbation:
    """One perturbation step v of relative size gamma, then the gradient of L(theta + v) alone (paper eq. 8-12).

    Attributes:
        gamma: relative size, > 0; both the step and the constraint, as in the released code (discrepancy P18).
        direction: ``gradient`` ascends the loss of the clean pass (AWP); ``random`` draws N(0, I) (RWP).
        tensors: ``released`` perturbs every tensor whose name contains "weight", norm scales included; ``matrices``
            leaves out tensors of one dimension, as the original AWP does (discrepancy W1).
        projection: ``box`` clips every element to w +- gamma |w| on top of the norm scaling, as released; ``ball``
            keeps the layer's norm ball of eq. 11 only (discrepancy W2).

    Raises:
        ValueError: if gamma is not positive or an option is unknown.
    """

    gamma: float
    direction: str
    tensors: str = "released"
    projection: str = "box"

    def __post_init__(self) -> None:
        if not self.gamma > 0:
            raise ValueError(
                f"gamma: {self.gamma} must be positive; a run without perturbation says perturbation: none"
            )
        one_of("direction", self.direction, ("gradient", "random"))
        one_of("tensors", self.tensors, ("released", "matrices"))
        one_of("projection", self.projection, ("box", "ball"))

    def gradients(self, model: nn.Module, backward: Backward[Result], generator: torch.Generator) -> Result:
        """Gradient of L(theta + v); the clean gradient only chooses v (RWP: only which tensors move) and is dropped."""
        result = backward(False)
        with self.perturbed(model, generator):
            backward(True)
        return result

    @contextmanager
    def perturbed(self, model: nn.Module, generator: torch.Generator) -> Iterator[None]:
        """Hold the weights at theta + v; on exit, also after an error, restore them bit for bit.

        Args:
            model: its gradients must be those of the clean pass.
            generator: stream of the Gaussian direction, on the device of the weights; unused by AWP.
        """
        weights: list[Tensor] = [*self._selected(model)]
        if not weights:
            yield
            return
        sizes = tuple(weight.numel() for weight in weights)
        with torch.no_grad():
            clean = _flat(weights)
            moved = self._moved(clean, weights, sizes, generator)
        try:
            _fill(weights, moved, sizes)
            yield
        finally:
            _fill(weights, clean, sizes)

    def _selected(self, model: nn.Module) -> list[nn.Parameter]:
        """Parameters to perturb, in registration order: named "weight", trainable, with a gradient."""
        return [
            parameter
            for name, parameter in model.named_parameters()
            if "weight" in name
            and parameter.requires_grad
            and parameter.grad is not None
            and (self.tensors == "released" or parameter.dim() > 1)
        ]

    def _moved(
        self, clean: Tensor, weights: list[Tensor], sizes: tuple[int, ...], generator: torch.Generator
    ) -> Tensor:
        """project(w + gamma n (||w|| + eps) / (||n|| + eps)), Frobenius norms over each whole tensor.

        All tensors in one, for a GPU takes as long to be told of a small one as to move it; and it is never waited for.
        A tensor whose direction is zero or not finite stays.
        """
        if self.direction == "gradient":
            directions = [weight.grad for weight in weights if weight.grad is not None]
        else:
            directions = [
                torch.randn(weight.shape, generator=generator, dtype=weight.dtype, device=weight.device)
                for weight in weights
            ]
        owners = _owners(sizes, clean.device)
        norm, length = (torch.stack(torch._foreach_norm(group)) for group in (directions, weights))

        def spread(by_tensor: Tensor) -> Tensor:
            return by_tensor.index_select(0, owners)

        # The order of operations is the released one, so that float32 results agree to the last digits.
        moved = clean + self.gamma * _flat(directions) / spread(norm + EPS) * spread(length + EPS)
        if self.projection == "box":
            radius = self.gamma * clean.abs()
            moved = torch.clamp(moved, clean - radius, clean + radius)
        return torch.where(spread(norm.isfinite() & (norm != 0)), moved, clean)


def _flat(tensors: Sequence[Tensor]) -> Tensor:
    return torch.cat([tensor.reshape(-1) for tensor in tensors])


@torch.no_grad()
def _fill(weights: list[Tensor], flat: Tensor, sizes: tuple[int, ...]) -> None:
    parts = flat.split(sizes)
    torch._foreach_copy_(weights, [part.view_as(weight) for part, weight in zip(parts, weights, strict=True)])


@lru_cache(maxsize=4)
@torch.inference_mode(False)
def _owners(sizes: tuple[int, ...], device: torch.device) -> Tensor:
    """Number of the tensor that each element of :func:`_flat` is from, int32."""
    return torch.arange(len(sizes), dtype=torch.int32).repeat_interleave(torch.tensor(sizes)).to(device)


def build_perturbation(kind: str, gamma: float, tensors: str, projection: str) -> Perturbation:
    """Return the perturbation of a run: ``none``, ``rwp`` or ``awp``.

    Raises:
        ValueError: for an unknown kind, or a gamma that does not fit it (``none`` wants 0, the others > 0).
    """
    if kind == "none":
        if gamma != 0:
            raise ValueError(f"gamma: {gamma} given, but perturbation is none; set gamma: 0")
        return NoPerturbation()
    one_of("perturbation", kind, ("none", "rwp", "awp"))
    directions = {"rwp": "random", "awp": "gradient"}
    return WeightPerturbation(gamma, directions[kind], tensors, projection)
