"""Triton kernels of :mod:`vqa.models.window_attention`, which says what their arguments are.

A program works on one tile of the logits of one window and head, or on a row of them one after the other. ``T`` tokens
make a map, ``N`` a window, ``M`` windows a map. Every element of an output is written by one program.
"""

import triton
import triton.language as tl

# Logits are kept in units of log2, whose exponential is one instruction.
LOG2E = tl.constexpr(1.4426950408889634)


@triton.jit
def lay_out_bias(
    out, tables, layout, lin, centre, rows, N, M, heads,
    GATED: tl.constexpr, SIDE: tl.constexpr, BLOCK: tl.constexpr,
):  # fmt: skip
    """Lay out the bias of every window in log2, ``(M, heads, SIDE, SIDE)``: -100 across regions, no key beyond N."""
    w, h, i = tl.program_id(2), tl.program_id(1), tl.program_id(0)
    j = tl.arange(0, BLOCK)
    used = (j < N) & (i < N)
    index = tl.load(lin + i, i < N, 0) - tl.load(lin + j, used, 0) + centre
    value = tl.load(tables + h * rows + index, used, 0.0)
    place, plane = layout + w * N, M * N
    if GATED:
        down = tl.abs(tl.load(place + plane + i, i < N, 0) - tl.load(place + plane + j, used, 0))
        across = tl.abs(tl.load(place + 2 * plane + i, i < N, 0) - tl.load(place + 2 * plane + j, used, 0))
        value += (down + across).to(tl.float32) * tl.load(tables + (heads + h) * rows + index, used, 0.0)
    apart = tl.load(place + 3 * plane + i, i < N, 0) != tl.load(place + 3 * plane + j, used, 0)
    value = (value + tl.where(apart, -100.0, 0.0)) * LOG2E
    value = tl.where(j < N, value, -float("inf"))
    tl.store(out + ((w * heads + h).to(tl.int64) * SIDE + i) * SIDE + j, value.to(out.dtype.element_ty), j < SIDE)


@triton.jit
def _work(bias, N, M, heads, SIDE: tl.constexpr):
    """A program's head, window and sample, the bias of head and window, and where the numbers of their rows begin."""
    h, wb = tl.program_id(1), tl.program_id(2)
    w = wb % M
    return h, w, wb // M, bias + (w * heads + h).to(tl.int64) * SIDE * SIDE, (wb * heads + h).to(tl.int64) * N


@triton.jit
def _rows(start, layout, window, sample, T, N, BLOCK: tl.constexpr):
    """Numbers in the batch of the tokens at places ``start + 0 ... BLOCK - 1`` of a window, and which there are."""
    place = start + tl.arange(0, BLOCK)
    used = place < N
    return place, used, tl.load(layout + window * N + place, used, 0).to(tl.int64) + sample * T


@triton.jit
def _vectors(data, token, used, part, h, heads, PARTS: tl.constexpr, D: tl.constexpr):
    """Vectors ``(BLOCK, D)`` of one head: part 0, 1, 2 of ``(tokens, 3, heads, D)``, or of ``(tokens, heads, D)``."""
    at = data + ((token * PARTS + part) * heads + h)[:, None] * D + tl.arange(0, D)[None, :]
    return tl.load(at, used[:, None], 0.0)


@triton.jit
def _put(data, value, token, used, part, h, heads, PARTS: tl.constexpr, D: tl.constexpr):
    at = data + ((token * PARTS + part) * heads + h)[:, None] * D + tl.arange(0, D)[None, :]
    tl.store(at, value.to(data.dtype.element_ty), used[:, None])


@triton.jit
def _tile(bias, i, j, SIDE: tl.constexpr):
    """The bias of a tile."""
    return tl.load(bias + i[:, None] * SIDE + j[None, :]).to(tl.float32)


@triton.jit
def _logits(q, k, tile, scale):
    """Logits of a tile in log2."""
    return tl.dot(q, tl.trans(k), input_precision="ieee") * (scale * LOG2E) + tile


@triton.jit
def forward(
    qkv, bias, layout, out, lse, scale, T, N, M, heads,
    SIDE: tl.constexpr, D: tl.constexpr, BM: tl.constexpr, BN: tl.constexpr,
):  # fmt: skip
    """One block of queries of one window and head: output, and log2 of the sum of exponentials for the backward."""
    h, w, b, bias, stats = _work(bias, N, M, heads, SIDE)
    i, in_i, rows = _rows(tl.program_id(0) * BM, layout, w, b, T, N, BM)
    q = _vectors(qkv, rows, in_i, 0, h, heads, 3, D)
    most = tl.full((BM,), -float("inf"), tl.float32)
    total = tl.zeros((BM,), tl.float32)
    mean = tl.zeros((BM, D), tl.float32)
    for start in range(0, N, BN):
        j, in_j, cols = _rows(start, layout, w, b, T, N, BN)
        k = _vectors(qkv, cols, in_j, 1, h, heads, 3, D)
        v = _vectors(qkv, cols, in_j, 2, h, heads, 3, D)
        s = _logits(q, k, _tile(bias, i, j, SIDE), scale)
        new = tl.maximum(most, tl.max(s, 1))
        p = tl.exp2(s - new[:, None])
        shrink = tl.exp2(most - new)
        total = total * shrink + tl.sum(p, 1)
        mean = mean * shrink[:, None] + tl.dot(p.to(v.dtype), v, input_precision="ieee")
        most = new
    _put(out, mean / total[:, None], rows, in_i, 0, h, heads, 1, D)
    tl.store(lse + stats + i, most + tl.log2(total), in_i)


@triton.jit
def query_gradients(
    qkv, bias, layout, out, lse, grad, dqkv, delta, scale, T, N, M, heads,
    SIDE: tl.constexpr, D: tl.constexpr, BM: tl.constexpr, BN: tl.constexpr,
):  # fmt: skip
    """Gradient of one block of queries, and the row sums of output times gradient, ``delta``, for the others."""
    h, w, b, bias, stats = _work(bias, N, M, heads, SIDE)
    i, in_i, rows = _rows(tl.program_id(0) * BM, layout, w, b, T, N, BM)
    q = _vectors(qkv, rows, in_i, 0, h, heads, 3, D)
    do = _vectors(grad, rows, in_i, 0, h, heads, 1, D)
    o = _vectors(out, rows, in_i, 0, h, heads, 1, D)
    row_sum = tl.sum(do.to(tl.float32) * o.to(tl.float32), 1)
    tl.store(delta + stats + i, row_sum, in_i)
    log_sum = tl.load(lse + stats + i, in_i, 0.0)
    dq = tl.zeros((BM, D), tl.float32)
    for start in range(0, N, BN):
        j, in_j, cols = _rows(start, layout, w, b, T, N, BN)
        k = _vectors(qkv, cols, in_j, 1, h, heads, 3, D)
        v = _vectors(qkv, cols, in_j, 2, h, heads, 3, D)
        p = tl.exp2(_logits(q, k, _tile(bias, i, j, SIDE), scale) - log_sum[:, None])
        ds = p * (tl.dot(do, tl.trans(v), input_precision="ieee") - row_sum[:, None])
        dq += tl.dot(ds.to(k.dtype), k, input_precision="ieee")
    _put(dqkv, dq * scale, rows, in_i, 0, h, heads, 3, D)


@triton.jit
def key_gradients(
    qkv, bias, layout, lse, grad, dqkv, delta, scale, T, N, M, heads,
    SIDE: tl.constexpr, D: tl.constexpr, BM: tl.constexpr, BN: tl.constexpr,
):  # fmt: skip
    """Gradient of one block of keys and values."""
    h, w, b, bias, stats = _work(bias, N, M, heads, SIDE)
    j, in_j, cols = _rows(tl.program_id(0) * BN, layout, w, b, T, N, BN)
    k = _vectors(qkv, cols, in_j, 1, h, heads, 3, D)
    v = _vectors(qkv, cols, in_j, 2, h, heads, 3, D)
    dk = tl.zeros((BN, D), tl.float32)
    dv = tl.zeros((BN, D), tl.float32)
    for start in range(0, N, BM):
        i, in_i, rows = _rows(start, layout, w, b, T, N, BM)
        q = _vectors(qkv, rows, in_i, 0, h, heads, 3, D)
        do = _vectors(grad, rows, in_i, 0, h, heads, 1, D)
        log_sum = tl.load(lse + stats + i, in_i, float("inf"))  # no weight from queries beyond the window
        row_sum = tl.load(delta + stats + i, in_i, 0.0)
        p = tl.exp2(_logits(q, k, _tile(bias, i, j, SIDE), scale) - log_sum[:, None])
        dv += tl.dot(tl.trans(p.to(do.dtype)), do, input_precision="ieee")
        ds = p * (tl.dot(do, tl.trans(v), input_precision="ieee") - row_sum[:, None])
        dk += tl.dot(tl.trans(ds.to(q.dtype)), q, input_precision="ieee")
    _put(dqkv, dk * scale, cols, in_j, 1, h, heads, 3, D)
    _put(dqkv, dv, cols, in_j, 2, h, heads, 3, D)


@triton.jit
def table_gradients(
    qkv, bias, layout, lse, grad, delta, sums, scale, T, N, M, heads, samples, per_share,
    GATED: tl.constexpr, SIDE: tl.constexpr, D: tl.constexpr, BM: tl.constexpr, BN: tl.constexpr,
):  # fmt: skip
    """Sums over one share of the windows of one tile of the gradient of the logits, plain and times the distance.

    Bias and distance are those of a window, whatever the sample, so all samples of a window come one after the other.
    """
    h, share = tl.program_id(1), tl.program_id(2)
    across = tl.cdiv(N, BN)
    i0, j0 = tl.program_id(0) // across * BM, tl.program_id(0) % across * BN
    i, j = i0 + tl.arange(0, BM), j0 + tl.arange(0, BN)
    in_i, in_j = i < N, j < N
    plain = tl.zeros((BM, BN), tl.float32)
    gated = tl.zeros((BM, BN), tl.float32)
    plane = M * N
    for w in range(share * per_share, tl.minimum((share + 1) * per_share, M)):
        at = layout + w * N
        row, col = tl.load(at + i, in_i, 0).to(tl.int64), tl.load(at + j, in_j, 0).to(tl.int64)
        tile = _tile(bias + (w * heads + h).to(tl.int64) * SIDE * SIDE, i, j, SIDE)
        of_window = tl.zeros((BM, BN), tl.float32)
        for sample in range(0, samples):
            q = _vectors(qkv, row + sample * T, in_i, 0, h, heads, 3, D)
            do = _vectors(grad, row + sample * T, in_i, 0, h, heads, 1, D)
            k = _vectors(qkv, col + sample * T, in_j, 1, h, heads, 3, D)
            v = _vectors(qkv, col + sample * T, in_j, 2, h, heads, 3, D)
            stats = ((sample * M + w) * heads + h).to(tl.int64) * N
            log_sum = tl.load(lse + stats + i, in_i, float("inf"))
            row_sum = tl.load(delta + stats + i, in_i, 0.0)
            p = tl.exp2(_logits(q, k, tile, scale) - log_sum[:, None])
            of_window += p * (tl.dot(do, tl.trans(v), input_precision="ieee") - row_sum[:, None])
        plain += of_window
        if GATED:
            down, right = at + plane, at + 2 * plane
            rows_apart = tl.abs(tl.load(down + i, in_i, 0)[:, None] - tl.load(down + j, in_j, 0)[None, :])
            cols_apart = tl.abs(tl.load(right + i, in_i, 0)[:, None] - tl.load(right + j, in_j, 0)[None, :])
            gated += of_window * (rows_apart + cols_apart).to(tl.float32)
    inside = in_i[:, None] & in_j[None, :]
    at = (share * heads + h).to(tl.int64) * N * N + i[:, None] * N + j[None, :]
    tl.store(sums + at, plain, inside)
    if GATED:
        tl.store(sums + (tl.num_programs(2) * heads).to(tl.int64) * N * N + at, gated, inside)
