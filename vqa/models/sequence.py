"""Rows of a video to a quality for each, and their pooling over time: what VSFA and its successors share.

MULTIBRANCH_B 14.0.1 and 14.0.2.
"""

import math

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from vqa.models.exact import exp, linear, sigmoid


class GRU(nn.GRU):
    """One layer, batch first, from a zero state, step by step; names and values are those of PyTorch's."""

    def __init__(self, channels: int, hidden: int) -> None:
        super().__init__(channels, hidden, batch_first=True)

    def forward(self, x: Tensor) -> Tensor:  # type: ignore[override]  # no state is given or returned
        """Rows ``(B, L, channels)`` to states ``(B, L, hidden)``, each of the rows up to its own."""
        names = ("weight_ih_l0", "weight_hh_l0", "bias_ih_l0", "bias_hh_l0")
        from_input, from_state, bias_input, bias_state = map(self.get_parameter, names)
        given = linear(x, from_input, bias_input)
        state, states = x.new_zeros(len(x), self.hidden_size), []
        for step in given.unbind(dim=1):
            reset_in, update_in, new_in = step.chunk(3, dim=1)
            reset_own, update_own, new_own = linear(state, from_state, bias_state).chunk(3, dim=1)
            reset, update = sigmoid(reset_in + reset_own), sigmoid(update_in + update_own)
            new = 2 * sigmoid(2 * (new_in + reset * new_own)) - 1  # tanh
            state = (1 - update) * new + update * state
            states.append(state)
        return torch.stack(states, dim=1)


def temporal_pooling(frames: Tensor, lengths: Tensor, tau: int = 12, beta: float = 0.5) -> tuple[Tensor, Tensor]:
    """Subjectively inspired pooling: the worst of what is remembered, and what follows, the worse the more it weighs.

    Both windows have ``tau`` frames and hold the present one, as released (discrepancy V2). The gradient of a minimum
    goes to the earliest of equals.

    Args:
        frames: qualities ``(B, T)``; those behind an item's length take no part.
        lengths: frames of every item, ``(B,)``.
        tau: frames of a window.
        beta: weight of what follows; the rest is that of the memory.

    Returns:
        Pooled frames ``(B, T)``, 0 behind the length, and scores ``(B,)``, their means.
    """
    inside = torch.arange(frames.shape[1], device=frames.device) < lengths[:, None]
    before = F.pad(frames, (tau - 1, 0), value=math.inf).unfold(1, tau, 1)
    places = torch.arange(tau, device=frames.device)
    earliest = torch.where(before == before.amin(dim=2, keepdim=True), places, tau).amin(dim=2, keepdim=True)
    memory = before.gather(2, earliest).squeeze(2)
    after = F.pad(frames, (0, tau - 1)).unfold(1, tau, 1)
    counted = F.pad(inside, (0, tau - 1)).unfold(1, tau, 1)
    # Of a softmax, the smallest quality may be taken from all: released code overflows below -88 instead.
    least = torch.where(counted, after, math.inf).amin(dim=2, keepdim=True).detach().nan_to_num(posinf=0.0)
    weights = torch.where(counted, exp(-(torch.where(counted, after, least) - least)), 0.0)
    hysteresis = (after * weights).sum(dim=2) / weights.sum(dim=2).clamp(min=torch.finfo(frames.dtype).tiny)
    pooled = torch.where(inside, beta * hysteresis + (1 - beta) * memory, 0.0)
    return pooled, pooled.sum(dim=1) / lengths
