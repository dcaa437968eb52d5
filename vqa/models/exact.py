"""Layers and functions that give the same bytes on every processor with the instructions of :mod:`vqa.cpu`.

What differs from one maker's processor to the other's, instructions pinned, is in the library that PyTorch multiplies
matrices with: its products of few rows, columns or terms and of some sizes in between (:func:`alike`), and its own
exponential. Both are avoided here, forwards and in derivatives of any order; names and values of weights are those of
the layers replaced. On a GPU the layers are the usual ones.
"""

import math
from typing import Any

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
    rows = x.reshape(-1, x.shape[-1])
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
    """A convolution over time and space as one matrix product, of filters and of patches of space.

    A filter is cut into its frames, whose results are then added at their distances.

    Args:
        x: ``(B, channels, T, H, W)``.
        weight: ``(out, channels, t, h, w)``.
        bias: ``(out,)``.
        stride: in time, height and width.
        padding: zeros on both sides, in time, height and width.

    Returns:
        ``(B, out, T', H', W')``.
    """
    if any(padding):
        x = F.pad(x, [side for size in reversed(padding) for side in (size, size)])
    out, C, t, h, w = weight.shape
    patches = x.unfold(3, h, stride[1]).unfold(4, w, stride[2])
    B, _, T, H, W = patches.shape[:5]
    columns = patches.permute(1, 5, 6, 0, 2, 3, 4).reshape(C * h * w, -1)
    by_frame = product(weight.permute(2, 0, 1, 3, 4).reshape(t * out, -1), columns).view(t, out, B, T, H, W)
    last = (T - t) // stride[0] * stride[0] + 1
    total = by_frame[0, :, :, : last : stride[0]]
    for k in range(1, t):
        total = total + by_frame[k, :, :, k : k + last : stride[0]]
    if bias is not None:
        total = total + bias.view(-1, 1, 1, 1, 1)
    return total.transpose(0, 1).contiguous()  # of other layouts, batch norm takes square roots in the library


class Linear(nn.Linear):
    """:func:`linear` as a layer."""

    def forward(self, x: Tensor) -> Tensor:
        return linear(x, self.weight, self.bias)


class Conv3d(nn.Conv3d):
    """The layer of PyTorch; where oneDNN is off (:mod:`vqa.device`), :func:`convolution`."""

    def forward(self, x: Tensor) -> Tensor:
        if x.is_cuda or torch.backends.mkldnn.enabled:
            return super().forward(x)
        assert not isinstance(self.padding, str), "padding is given in numbers"
        return convolution(x, self.weight, self.bias, self.stride, self.padding)


class Conv2d(nn.Conv2d):
    """The same over space alone."""

    def forward(self, x: Tensor) -> Tensor:
        if x.is_cuda or torch.backends.mkldnn.enabled:
            return super().forward(x)
        stride, padding = (1, *self.stride), (0, *self.padding)
        return convolution(x[:, :, None], self.weight[:, :, None], self.bias, stride, padding)[:, :, 0]


class Conv1d(nn.Conv1d):
    """The same along one axis."""

    def forward(self, x: Tensor) -> Tensor:
        if x.is_cuda or torch.backends.mkldnn.enabled:
            return super().forward(x)
        stride, padding = (1, 1, *self.stride), (0, 0, *self.padding)
        return convolution(x[:, :, None, None], self.weight[:, :, None, None], self.bias, stride, padding)[:, :, 0, 0]


def exp(x: Tensor) -> Tensor:
    """The exponential, through a power of two in double precision, which PyTorch computes by itself."""
    return torch.exp2(x.double() * math.log2(math.e)).to(x.dtype)


def sigmoid(x: Tensor) -> Tensor:
    """The logistic function, through :func:`exp`."""
    return 1 / (1 + exp(-x))


def gelu(x: Tensor) -> Tensor:
    """The exact GELU; :func:`torch.nn.functional.gelu` but for its second derivative, which takes an exponential."""
    return F.gelu(x) if x.is_cuda else _Gelu.apply(x)


class GELU(nn.Module):
    """:func:`gelu` as a layer."""

    def forward(self, x: Tensor) -> Tensor:
        return gelu(x)


class _Gelu(torch.autograd.Function):
    @staticmethod
    def forward(ctx: Any, x: Tensor) -> Tensor:
        ctx.save_for_backward(x)
        return F.gelu(x)

    @staticmethod
    def backward(ctx: Any, gradient: Tensor) -> Tensor:
        return _GeluBackward.apply(gradient, *ctx.saved_tensors)


class _GeluBackward(torch.autograd.Function):
    @staticmethod
    def forward(ctx: Any, gradient: Tensor, x: Tensor) -> Tensor:
        ctx.save_for_backward(gradient, x)
        return torch.ops.aten.gelu_backward(gradient, x)

    @staticmethod
    @torch.autograd.function.once_differentiable
    def backward(ctx: Any, second: Tensor) -> tuple[Tensor, Tensor]:
        gradient, x = ctx.saved_tensors
        # x Phi(x) has the derivatives Phi + x phi and (2 - x^2) phi, phi the normal density.
        bend = (2 - x * x) * exp(-0.5 * x * x) / math.sqrt(2 * math.pi)
        return torch.ops.aten.gelu_backward(second, x), second * gradient * bend
