"""Layers and functions that give the same bytes on every processor with the instructions of :mod:`vqa.cpu`.

What differs from one to the next, instructions pinned, is in the Intel library that PyTorch multiplies matrices with:
products with a single row or column, which it makes another way than all others, and its own exponential. Both are
avoided here, forwards and in derivatives; names and values of weights are those of the layers replaced.
"""

import math

import torch
import torch.nn.functional as F
from torch import Tensor, nn


class Linear(nn.Linear):
    """A linear map: to a single number it is a sum of products, and of a single row it is made beside an empty one."""

    def forward(self, x: Tensor) -> Tensor:
        return linear(x, self.weight, self.bias)


def linear(x: Tensor, weight: Tensor, bias: Tensor | None) -> Tensor:
    """``(..., in)`` times ``(out, in)`` plus ``(out,)``: ``(..., out)``, as :func:`torch.nn.functional.linear`."""
    if 1 in weight.shape:
        out = (x.unsqueeze(-2) * weight).sum(dim=-1)
        return out if bias is None else out + bias
    if x.numel() == weight.shape[1]:
        return F.linear(F.pad(x.flatten()[None], (0, 0, 0, 1)), weight, bias)[0].view(*x.shape[:-1], -1)
    return F.linear(x, weight, bias)


class Conv3d(nn.Conv3d):
    """A convolution: to a single channel it is made beside an empty one."""

    def forward(self, x: Tensor) -> Tensor:
        if self.out_channels > 1:
            return super().forward(x)
        bias = None if self.bias is None else F.pad(self.bias, (0, 1))
        return self._conv_forward(x, torch.cat([self.weight, torch.zeros_like(self.weight)]), bias)[:, :1]


def exp(x: Tensor) -> Tensor:
    """The exponential, through a power of two in double precision, which PyTorch computes by itself."""
    return torch.exp2(x.double() * math.log2(math.e)).to(x.dtype)


def gelu(x: Tensor) -> Tensor:
    """The exact GELU; :func:`torch.nn.functional.gelu` but for its second derivative, which takes an exponential."""
    return _Gelu.apply(x)


class GELU(nn.Module):
    """:func:`gelu` as a layer."""

    def forward(self, x: Tensor) -> Tensor:
        return gelu(x)


class _Gelu(torch.autograd.Function):
    @staticmethod
    def forward(ctx: torch.autograd.function.FunctionCtx, x: Tensor) -> Tensor:
        ctx.save_for_backward(x)
        return F.gelu(x)

    @staticmethod
    def backward(ctx: torch.autograd.function.FunctionCtx, gradient: Tensor) -> Tensor:
        return _GeluBackward.apply(gradient, *ctx.saved_tensors)


class _GeluBackward(torch.autograd.Function):
    @staticmethod
    def forward(ctx: torch.autograd.function.FunctionCtx, gradient: Tensor, x: Tensor) -> Tensor:
        ctx.save_for_backward(gradient, x)
        return torch.ops.aten.gelu_backward(gradient, x)

    @staticmethod
    @torch.autograd.function.once_differentiable
    def backward(ctx: torch.autograd.function.FunctionCtx, second: Tensor) -> tuple[Tensor, Tensor]:
        gradient, x = ctx.saved_tensors
        # x Phi(x) has the derivatives Phi + x phi and (2 - x^2) phi, phi the normal density.
        bend = (2 - x * x) * exp(-0.5 * x * x) / math.sqrt(2 * math.pi)
        return torch.ops.aten.gelu_backward(second, x), second * gradient * bend
