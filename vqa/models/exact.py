"""Layers and functions that give the same bytes on every processor with the instructions of :mod:`vqa.cpu`.

What differs from one maker's processor to the other's, instructions pinned, is in the library that PyTorch multiplies
matrices with: its products of few rows, columns or terms and of some sizes in between (:func:`alike`), and its own
exponential. Both are avoided here, forwards and in derivatives of any order; names and values of weights are those of
the layers replaced. On a GPU the layers are the usual ones.
"""

import math

import torch
import torch.nn.functional as F
from torch import Tensor, nn


def alike(size: int) -> int:
    """The least size, from ``size`` on, of the sides of matrices that are multiplied alike everywhere.

    Found by multiplying matrices of some thousand shapes on processors of two makers: fewer than 12 rows or columns go
    to other kernels, and sums of 193 to 384 terms are cut in two at another place, or not at all, unless there are more
    than 256 of them and an even number.
    """
    return max(258, size + size % 2) if 192 < size <= 384 else max(size, 12)


def linear(x: Tensor, weight: Tensor, bias: Tensor | None = None) -> Tensor:
    """``(..., in)`` times ``(out, in)`` plus ``(out,)``: ``(..., out)``, as :func:`torch.nn.functional.linear`."""
    if x.is_cuda:
        return F.linear(x, weight, bias)
    rows = x.flatten(0, -2)
    (m, k), n = rows.shape, len(weight)
    more_m, more_k, more_n = (alike(size) - size for size in (m, k, n))
    if more_m or more_k or more_n:
        # Zeros, which add nothing. All three sides count: each is the number of terms in one of the derivatives.
        rows, weight = F.pad(rows, (0, more_k, 0, more_m)), F.pad(weight, (0, more_k, 0, more_n))
        bias = None if bias is None else F.pad(bias, (0, more_n))
    return F.linear(rows, weight, bias)[:m, :n].view(*x.shape[:-1], n)


def product(a: Tensor, b: Tensor) -> Tensor:
    """``(..., m, k)`` times ``(..., k, n)``: ``(..., m, n)``, as :func:`torch.matmul`."""
    (m, k), n = a.shape[-2:], b.shape[-1]
    more_m, more_k, more_n = (alike(size) - size for size in (m, k, n))
    if a.is_cuda or not (more_m or more_k or more_n):
        return a @ b
    return (F.pad(a, (0, more_k, 0, more_m)) @ F.pad(b, (0, more_n, 0, more_k)))[..., :m, :n]


def convolution(x: Tensor, weight: Tensor, bias: Tensor | None, stride: tuple, padding: tuple) -> Tensor:
    """A convolution as a product of patches and filters.

    Args:
        x: ``(B, channels, *size)``.
        weight: ``(out, channels, *kernel)``.
        bias: ``(out,)``.
        stride: one number for every axis.
        padding: zeros on both sides of every axis.

    Returns:
        ``(B, out, *positions)``.
    """
    axes = range(2, x.dim())
    if any(padding):
        x = F.pad(x, [side for size in reversed(padding) for side in (size, size)])
    for axis, kernel, step in zip(axes, weight.shape[2:], stride, strict=True):
        x = x.unfold(axis, kernel, step)
    B, positions = len(x), x.shape[2 : x.dim() - len(axes)]
    patches = x.movedim(1, len(axes) + 1).reshape(B * math.prod(positions), -1)
    out = linear(patches, weight.flatten(1), bias).view(B, *positions, -1).movedim(-1, 1)
    return out.contiguous()  # of other layouts, batch norm takes square roots in the library


class Linear(nn.Linear):
    """:func:`linear` as a layer."""

    def forward(self, x: Tensor) -> Tensor:
        return linear(x, self.weight, self.bias)


class _Convolution:
    """The layer of PyTorch; where oneDNN is off (:mod:`vqa.device`), :func:`convolution`."""

    def forward(self, x: Tensor) -> Tensor:
        if x.is_cuda or torch.backends.mkldnn.enabled:
            return super().forward(x)
        return convolution(x, self.weight, self.bias, self.stride, self.padding)


class Conv2d(_Convolution, nn.Conv2d):
    """:func:`convolution` over space, as a layer."""


class Conv3d(_Convolution, nn.Conv3d):
    """:func:`convolution` over time and space, as a layer."""


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
