"""Number formats of a network's forward pass."""

import torch
from torch import Tensor


def computing(precision: str, device: torch.device) -> torch.autocast:
    """A block in which networks compute as ``precision`` says.

    ``fp32`` is the released code's. With ``bf16`` products of matrices take operands of 16 bits and add in 32; weights,
    their gradients, the optimizer, norms, softmax and losses stay in 32 bits: the perturbations of AWP are smaller than
    a step of a weight in 16 bits.
    """
    return torch.autocast(device.type, torch.bfloat16, enabled=precision == "bf16")


def widened(x: Tensor) -> Tensor:
    """``x`` in 32 bits, or in more if it has more."""
    return x.to(torch.promote_types(x.dtype, torch.float32))
