"""Learning-rate schedules and the exponential moving average of weights (METHODS 3.6, 5.2, 6.4)."""

import copy
import math

import torch
from torch import Tensor, nn


def warmup_cosine(step: int, warmup_steps: int, total_steps: int) -> float:
    """Multiplier of FAST-VQA and SAMA at optimizer step ``step`` = 0, 1, ... (METHODS 3.6).

    Linear from 0, then a cosine over ``total_steps``. The released formula divides by the total and not by what is
    left after warm-up, so the multiplier ends near 0.017 and not at 0 (discrepancy F12).
    """
    if step <= warmup_steps:
        return step / warmup_steps if warmup_steps else 1.0
    return 0.5 * (1 + math.cos(math.pi * (step - warmup_steps) / total_steps))


def warmup_constant(step: int, warmup_steps: int) -> float:
    """Multiplier of SAMA-IQA: max(0.01, k / W) up to W = ``warmup_steps``, then 1 (METHODS 5.2, discrepancy S8)."""
    return max(0.01, step / warmup_steps) if step <= warmup_steps else 1.0


def step_decay(epoch: int, step_epochs: int, factor: float) -> float:
    """Multiplier of SimpleVQA in ``epoch`` = 0, 1, ...: ``factor`` to the power floor(epoch / step) (METHODS 6.4)."""
    return factor ** (epoch // step_epochs)


class ExponentialMovingAverage:
    """ema <- decay ema + (1 - decay) theta; buffers are copied. No bias correction (discrepancy F17).

    Attributes:
        module: the averaged model, a deep copy in evaluation mode that never receives gradients.
    """

    def __init__(self, model: nn.Module, decay: float = 0.999) -> None:
        self.decay = decay
        self.module = copy.deepcopy(model).eval().requires_grad_(False)

    @torch.no_grad()
    def update(self, model: nn.Module) -> None:
        """Move the average one step towards ``model``; call it after every optimizer step."""
        pairs = list(zip(self.module.parameters(), model.parameters(), strict=True))
        averages: list[Tensor] = [average for average, _ in pairs]
        torch._foreach_mul_(averages, self.decay)
        current: list[Tensor] = [parameter for _, parameter in pairs]
        torch._foreach_add_(averages, current, alpha=1 - self.decay)
        for mean, now in zip(self.module.buffers(), model.buffers(), strict=True):
            mean.copy_(now)
