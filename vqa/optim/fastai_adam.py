"""Adam and the one-cycle schedule as fastai 2.0.18 has them, with which PVQ is trained (MULTIBRANCH_B 14.3.6)."""

import math
from collections.abc import Callable, Iterable
from typing import Any

import numpy as np
import torch
from torch import Tensor

# Where the learning rate is highest, as a share of all steps; what it starts from and ends at, as parts of that;
# momenta at the start, there, and at the end
PEAK, START, END = 0.25, 25.0, 1e5
MOMENTA = (0.95, 0.85, 0.95)


class FastaiAdam(torch.optim.Optimizer):
    """Adam whose momentum may change from step to step, and takes the place of the past one in its bias correction.

    Args:
        groups: parameter groups; their key ``weight_decay`` is decoupled and applied before the step.
        lr: learning rate.
        momentum: of the running mean of gradients.
        squares: of the running mean of their squares.
        eps: added to its root.
    """

    def __init__(
        self, groups: Iterable[Any], lr: float, momentum: float = 0.95, squares: float = 0.99, eps: float = 1e-5
    ) -> None:
        defaults = {"lr": lr, "momentum": momentum, "squares": squares, "eps": eps, "weight_decay": 0.0}
        super().__init__(groups, defaults)

    @torch.no_grad()
    def step(self, closure: Callable[[], float] | None = None) -> None:  # type: ignore[override]  # no closure is called
        """One step of all parameters that have a gradient."""
        for group in self.param_groups:
            rate, momentum, squares = group["lr"], group["momentum"], group["squares"]
            for parameter in group["params"]:
                if parameter.grad is None:
                    continue
                state = self.state[parameter]
                if not state:
                    state["step"] = torch.zeros(())
                    state["mean"], state["square"] = torch.zeros_like(parameter), torch.zeros_like(parameter)
                state["step"] += 1
                k, gradient = int(state["step"]), parameter.grad
                parameter.mul_(1 - rate * group["weight_decay"])
                mean: Tensor = state["mean"].mul_(momentum).add_(gradient, alpha=1 - momentum)
                square: Tensor = state["square"].mul_(squares).addcmul_(gradient, gradient, value=1 - squares)
                # Not sqrt, which PyTorch leaves to a library whose bytes differ between processors; the root of 0 is 0.
                root = (square / (1 - squares**k)).rsqrt_().reciprocal_().add_(group["eps"])
                parameter.addcdiv_(mean, root, value=-rate / (1 - momentum**k))


def one_cycle(position: float) -> tuple[float, float]:
    """Multiplier of the highest learning rate, and momentum, at ``position`` in [0, 1) of all steps.

    Half cosines up to the peak and down from it.
    """
    low, high, last = MOMENTA
    if position < PEAK:
        rise = _half_cosine(position, 0, PEAK)
        return 1 / START + (1 - 1 / START) * rise, low + (high - low) * rise
    fall = _half_cosine(position, PEAK, 1)
    return 1 + (1 / END - 1) * fall, high + (last - high) * fall


def _half_cosine(position: float, start: float, end: float) -> float:
    """From 0 to 1 as ``position`` goes from ``start`` to ``end``."""
    # fastai keeps the breakpoints in single precision, and so what is left of the position between them.
    share = (np.float32(position) - np.float32(start)) / np.float32(end - start)
    return (1 + math.cos(math.pi * (1 - float(share)))) / 2
