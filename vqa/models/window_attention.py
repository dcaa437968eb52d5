"""Window attention with a gated position bias on a GPU: forward and backward in Triton kernels, deterministic.

The same function as :class:`vqa.models.swin3d.WindowAttention` computes window by window, which is its reference and
serves the CPU. Nothing of size tokens x tokens is written for a sample: logits live in registers, the roll and the
partition of the feature map are addresses (:func:`vqa.models.windows.layout`), and only the bias, which all samples
share, is laid out for every window and head. Nothing is added atomically, and the order of every sum is written here:
the same bits every time.

The gradient of a bias is a sum over all samples and windows. One program holds a tile of it in registers and goes
through the windows of its share; shares are summed at the end, always in the same order.
"""

from functools import lru_cache
from typing import Any

import torch
import triton
from torch import Tensor

from vqa.models import window_kernels as kernels
from vqa.models.windows import Size3

# Rows and columns of a tile, warps and stages of each kernel: chosen once by measuring, since they order the sums.
FORWARD = (64, 64, 4, 3)
QUERIES = (64, 32, 4, 3)
KEYS = (64, 64, 4, 2)
TABLES = (64, 64, 4, 2)
SIDE = 64  # the bias is laid out in multiples of this, which tiles must divide
PROGRAMS = 2048  # of the gradient of the tables, at most: windows are shared out among so many


@lru_cache(maxsize=64)
@torch.inference_mode(False)
def _places(window: Size3, table: Size3, device: torch.device) -> tuple[Tensor, int]:
    """``lin`` ``(N,)`` int32 and ``centre``: row ``lin[i] - lin[j] + centre`` of a table is the one for tokens i, j."""
    d0, h0, w0 = table
    t, y, x = (axis.flatten() for axis in torch.meshgrid(*(torch.arange(n) for n in window), indexing="ij"))
    step_y, step_t = 2 * w0 - 1, (2 * w0 - 1) * (2 * h0 - 1)
    centre = (d0 - 1) * step_t + (h0 - 1) * step_y + w0 - 1
    return (t * step_t + y * step_y + x).int().to(device), centre


@lru_cache(maxsize=64)
@torch.inference_mode(False)
def _pairs(window: Size3, table: Size3, device: torch.device) -> Tensor:
    """Pairs ``i * N + j`` of tokens for each row of the table, ``(rows, most)``, filled up with N * N."""
    lin, centre = _places(window, table, torch.device("cpu"))
    rows = (2 * table[0] - 1) * (2 * table[1] - 1) * (2 * table[2] - 1)
    index = (lin[:, None] - lin[None, :] + centre).flatten().long()
    count = index.bincount(minlength=rows)
    order = index.argsort(stable=True)
    within = torch.arange(len(order)) - (count.cumsum(0) - count)[index[order]]
    pairs = torch.full((rows, int(count.max())), len(index))
    pairs[index[order], within] = order
    return pairs.to(device)


def _bias_of(tables: Tensor, layout: Tensor, window: Size3, table: Size3, dtype: torch.dtype) -> Tensor:
    """The bias of all windows in log2, ``(n_windows, heads, side, side)``; 16 bits where the operands have them."""
    (_, M, N), (parts, heads, rows) = layout.shape, tables.shape
    side = triton.cdiv(N, SIDE) * SIDE
    out = layout.new_empty((M, heads, side, side), dtype=torch.float32 if dtype == torch.float32 else torch.float16)
    lin, centre = _places(window, table, layout.device)
    kernels.lay_out_bias[(side, heads, M)](
        out, tables, layout, lin, centre, rows, N, M, heads,
        GATED=parts > 1, SIDE=side, BLOCK=triton.next_power_of_2(side), num_warps=4,
    )  # fmt: skip
    return out


@torch.library.custom_op("vqa::window_attention", mutates_args=())
def window_attention(
    qkv: Tensor, tables: Tensor, layout: Tensor, window: list[int], table: list[int]
) -> tuple[Tensor, Tensor]:
    """Multi-head attention inside the windows of a feature map.

    Args:
        qkv: queries, keys and values ``(B, T, 3, heads, D)`` of the T tokens of a map; D is 16, 32, 64 or 128.
        tables: bias at distance 0 and what it grows by per unit of distance, or the bias alone: ``(2, heads, rows)`` or
            ``(1, heads, rows)`` float32.
        layout: of the block, ``(4, n_windows, N)``, see :func:`vqa.models.windows.layout`.
        window: (d, h, w) of the layout.
        table: (d, h, w) that the tables are made for.

    Returns:
        Output ``(B, T, heads * D)`` in the dtype of ``qkv``; log2 of the sums of exponentials
        ``(B * n_windows, heads, N)`` float32, which the backward needs.
    """
    B, T, _, heads, D = qkv.shape
    _, M, N = layout.shape
    bias = _bias_of(tables, layout, tuple(window), tuple(table), qkv.dtype)
    out = qkv.new_empty((B, T, heads * D))
    lse = qkv.new_empty((B * M, heads, N), dtype=torch.float32)
    BM, BN, warps, stages = FORWARD
    kernels.forward[(triton.cdiv(N, BM), heads, B * M)](
        qkv, bias, layout, out, lse, D**-0.5, T, N, M, heads,
        SIDE=bias.shape[-1], D=D, BM=BM, BN=BN, num_warps=warps, num_stages=stages,
    )  # fmt: skip
    return out, lse


@window_attention.register_fake
def _shapes(qkv: Tensor, tables: Tensor, layout: Tensor, window: list[int], table: list[int]) -> tuple[Tensor, Tensor]:
    B, T, _, heads, D = qkv.shape
    _, M, N = layout.shape
    return qkv.new_empty((B, T, heads * D)), qkv.new_empty((B * M, heads, N), dtype=torch.float32)


@torch.library.custom_op("vqa::window_attention_backward", mutates_args=())
def _gradients(
    grad: Tensor, out: Tensor, lse: Tensor, qkv: Tensor, tables: Tensor, layout: Tensor,
    window: list[int], table: list[int],
) -> tuple[Tensor, Tensor]:  # fmt: skip
    """Gradients of ``qkv`` and ``tables``."""
    B, T, _, heads, D = qkv.shape
    _, M, N = layout.shape
    gated = len(tables) > 1
    bias = _bias_of(tables, layout, tuple(window), tuple(table), qkv.dtype)
    grad, dqkv, delta = grad.contiguous(), torch.empty_like(qkv), torch.empty_like(lse)
    same, side = (D**-0.5, T, N, M, heads), bias.shape[-1]
    BM, BN, warps, stages = QUERIES
    kernels.query_gradients[(triton.cdiv(N, BM), heads, B * M)](
        qkv, bias, layout, out, lse, grad, dqkv, delta, *same,
        SIDE=side, D=D, BM=BM, BN=BN, num_warps=warps, num_stages=stages,
    )  # fmt: skip
    BM, BN, warps, stages = KEYS
    kernels.key_gradients[(triton.cdiv(N, BN), heads, B * M)](
        qkv, bias, layout, lse, grad, dqkv, delta, *same,
        SIDE=side, D=D, BM=BM, BN=BN, num_warps=warps, num_stages=stages,
    )  # fmt: skip
    BM, BN, warps, stages = TABLES
    tiles = triton.cdiv(N, BM) * triton.cdiv(N, BN)
    per_share = triton.cdiv(M, max(1, PROGRAMS // (tiles * heads)))
    shares = triton.cdiv(M, per_share)
    sums = torch.empty((1 + gated, shares, heads, N, N), dtype=torch.float32, device=qkv.device)
    kernels.table_gradients[(tiles, heads, shares)](
        qkv, bias, layout, lse, grad, delta, sums, *same, B, per_share,
        GATED=gated, SIDE=side, D=D, BM=BM, BN=BN, num_warps=warps, num_stages=stages,
    )  # fmt: skip
    dense = torch.nn.functional.pad(sums.sum(1).flatten(2), (0, 1))
    pairs = _pairs(tuple(window), tuple(table), qkv.device)
    return dqkv, dense[..., pairs].sum(-1)


@_gradients.register_fake
def _gradient_shapes(
    grad: Tensor, out: Tensor, lse: Tensor, qkv: Tensor, tables: Tensor, layout: Tensor,
    window: list[int], table: list[int],
) -> tuple[Tensor, Tensor]:  # fmt: skip
    return torch.empty_like(qkv), torch.empty_like(tables)


def _keep(ctx: Any, inputs: tuple, output: tuple[Tensor, Tensor]) -> None:
    out, lse = output
    qkv, tables, layout, ctx.window, ctx.table = inputs
    ctx.save_for_backward(out, lse, qkv, tables, layout)


def _backward(ctx: Any, grad: Tensor, _: Tensor) -> tuple:
    gradients = _gradients(grad, *ctx.saved_tensors, ctx.window, ctx.table)
    return *gradients, None, None, None


window_attention.register_autograd(_backward, setup_context=_keep)
