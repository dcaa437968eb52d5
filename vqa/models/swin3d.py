"""Video Swin Transformer with gated relative position bias, the backbone of FAST-VQA and SAMA (METHODS 3.3-3.4).

Any size: Swin-T for the paper, a few thousand parameters for the demo. Parameter names follow the published
checkpoints. Features are channels-last inside, ``(B, D, H, W, C)``.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from vqa.models import windows
from vqa.models.dropout import DropPath
from vqa.models.exact import Conv3d, Linear, gelu, product
from vqa.models.windows import Size2, Size3

HEAD_SIZES = (16, 32, 64, 128)  # that the kernels of a GPU take


@dataclass(frozen=True)
class SwinConfig:
    """Size of the backbone; the defaults are Swin-T as FAST-VQA uses it.

    Attributes:
        width: channels after the patch embedding; doubled after every stage but the last.
        depths: blocks per stage.
        heads: attention heads per stage.
        window: attention window in tokens (t, h, w); odd blocks shift by half of it. Its (h, w) is also the lattice of
            fragments that the gate knows, so it should equal the fragment grid.
        patch: size in pixels (t, h, w) of one token.
        input_size: (T, H, W) for which ``window`` is meant; other inputs scale the window (adaptive window).
        mlp_ratio: hidden size of the MLP over its width.
        drop_path: stochastic depth of the last block; linear from 0 at the first.
        gated: with fragment bias tables in all stages but the last.
    """

    width: int = 96
    depths: tuple[int, ...] = (2, 2, 6, 2)
    heads: tuple[int, ...] = (3, 6, 12, 24)
    window: Size3 = (8, 7, 7)
    patch: Size3 = (2, 4, 4)
    input_size: Size3 = (32, 224, 224)
    mlp_ratio: float = 4.0
    drop_path: float = 0.1
    gated: bool = True

    def __post_init__(self) -> None:
        if len(self.depths) != len(self.heads):
            raise ValueError(f"depths {self.depths} and heads {self.heads} must have one entry per stage")
        for stage, heads in enumerate(self.heads):
            if (self.width << stage) % heads:
                raise ValueError(f"heads: stage {stage} has {self.width << stage} channels, not a multiple of {heads}")


class PatchEmbed(nn.Module):
    """``(B, 3, T, H, W)`` to tokens ``(B, D, H', W', C)``; pads at the end to multiples of the patch."""

    def __init__(self, patch: Size3, width: int) -> None:
        super().__init__()
        self.patch = patch
        t, h, w = patch
        self.proj = Conv3d(3, width, kernel_size=(t, h, w), stride=(t, h, w))
        self.norm = nn.LayerNorm(width)

    def forward(self, x: Tensor) -> Tensor:
        pad = [(-n) % p for n, p in zip(x.shape[2:], self.patch, strict=True)]
        x = F.pad(x, (0, pad[2], 0, pad[1], 0, pad[0]))
        if x.is_cuda:
            # Patches do not overlap, so this is one product; cuDNN has slow and wrong kernels for such convolutions.
            (t, h, w), (B, C, T, H, W) = self.patch, x.shape
            x = x.view(B, C, T // t, t, H // h, h, W // w, w).permute(0, 2, 4, 6, 1, 3, 5, 7).flatten(4)
            return self.norm(F.linear(x, self.proj.weight.flatten(1), self.proj.bias))
        return self.norm(self.proj(x).permute(0, 2, 3, 4, 1))


class Places(NamedTuple):
    """Where the tokens of a block's windows lie, worked out ahead of it; see :mod:`vqa.models.windows`.

    Attributes:
        window: size in tokens.
        shift: of the windows, in tokens.
        layout: for attention in kernels, which take all from it; None for attention window by window.
        distance: ``(n_windows, N, N)``, for attention window by window.
        mask: the same size, where windows are shifted.
    """

    window: Size3
    shift: Size3
    layout: Tensor | None
    distance: Tensor | None
    mask: Tensor | None


class Plan(NamedTuple):
    """What a block does besides its weights: where, and what is kept of its two branches, ``(B, 1, 1, 1, 1)``."""

    places: Places
    keep_attention: Tensor | None
    keep_mlp: Tensor | None


class WindowAttention(nn.Module):
    """Multi-head self-attention inside windows, with the relative position bias gated by fragment distance."""

    relative_position_index: Tensor

    def __init__(self, width: int, heads: int, window: Size3, gated: bool) -> None:
        super().__init__()
        self.heads, self.window = heads, window
        rows = (2 * window[0] - 1) * (2 * window[1] - 1) * (2 * window[2] - 1)
        self.relative_position_bias_table = nn.Parameter(torch.zeros(rows, heads))
        if gated:
            self.fragment_position_bias_table = nn.Parameter(torch.zeros(rows, heads))
        self.gated = gated
        self.register_buffer("relative_position_index", windows.relative_position_index(window))
        self.qkv = Linear(width, 3 * width)
        self.proj = Linear(width, width)

    def places(self, size: Size3, window: Size3, shift: Size3, lattice: Size2, device: torch.device) -> Places:
        """Places of the windows of a map of ``size``, which is whole windows."""
        # With operands of 32 bits the kernels are fast forwards alone, and window by window is the released code's way.
        short = torch.is_autocast_enabled(device.type) or not torch.is_grad_enabled()
        fits = self.qkv.in_features // self.heads in HEAD_SIZES
        if device.type == "cuda" and fits and short and once_differentiable(self):
            return Places(window, shift, windows.layout(lattice, size, window, shift, device), None, None)
        mask = windows.shift_mask(size, window, shift, device) if any(shift) else None
        return Places(window, shift, None, windows.fragment_distance(lattice, size, window, shift, device), mask)

    def bias(self, window: Size3, distance: Tensor) -> Tensor:
        """Bias ``(n_windows or 1, heads, N, N)``: G R + (1 - G) F with G = ``distance`` ``(n_windows, N, N)``."""
        (d, h, w), N = window, window[0] * window[1] * window[2]
        index = self.relative_position_index.view(*self.window, *self.window)[:d, :h, :w, :d, :h, :w].reshape(-1)
        plain = self.relative_position_bias_table[index].view(N, N, -1).permute(2, 0, 1)[None]
        if not self.gated:
            return plain
        fragment = self.fragment_position_bias_table[index].view(N, N, -1).permute(2, 0, 1)[None]
        gate = distance[:, None].to(plain.dtype)
        return torch.addcmul(fragment, gate, plain - fragment)

    def forward(self, x: Tensor, places: Places) -> Tensor:
        """Feature map ``(B, D, H, W, C)`` of whole windows to the same shape."""
        if places.layout is not None:
            return self._in_kernels(x, places.window, places.layout)
        size = tuple(x.shape[1:4])
        if any(places.shift):
            x = torch.roll(x, tuple(-s for s in places.shift), (1, 2, 3))
        x = windows.merge(self._by_window(windows.partition(x, places.window), places), places.window, size)
        return torch.roll(x, places.shift, (1, 2, 3)) if any(places.shift) else x

    def _by_window(self, x: Tensor, places: Places) -> Tensor:
        """``x`` is ``(B, n_windows, N, C)``."""
        B, M, N, C = x.shape
        q, k, v = self.qkv(x).view(B, M, N, 3, self.heads, C // self.heads).permute(3, 0, 1, 4, 2, 5)
        assert places.distance is not None, "worked out for attention window by window"
        bias = self.bias(places.window, places.distance)
        if places.mask is not None:
            bias = bias + places.mask[:, None].to(bias.dtype)
        logits = product(q * (C // self.heads) ** -0.5, k.transpose(-2, -1)) + bias
        return self.proj(product(logits.softmax(-1), v).transpose(2, 3).reshape(B, M, N, C))

    def _in_kernels(self, x: Tensor, window: Size3, layout: Tensor) -> Tensor:
        from vqa.models.window_attention import window_attention  # where there is no GPU there may be no Triton

        B, D, H, W, C = x.shape
        qkv = self.qkv(x).view(B, D * H * W, 3, self.heads, C // self.heads)
        tables = self.relative_position_bias_table.t()[None]
        if self.gated:
            at_zero = self.fragment_position_bias_table.t()[None]
            tables = torch.cat([at_zero, tables - at_zero])
        out, _ = window_attention(qkv, tables.float().contiguous(), layout, list(window), list(self.window))
        return self.proj(out.view(B, D, H, W, C))


class Mlp(nn.Module):
    """Two linear layers with exact GELU between."""

    def __init__(self, width: int, hidden: int) -> None:
        super().__init__()
        self.fc1, self.fc2 = Linear(width, hidden), Linear(hidden, width)

    def forward(self, x: Tensor) -> Tensor:
        return self.fc2(gelu(self.fc1(x)))


class SwinBlock(nn.Module):
    """x + DropPath(attention(norm x)), then x + DropPath(mlp(norm x))."""

    def __init__(
        self, config: SwinConfig, width: int, heads: int, shifted: bool, drop_path: float, gated: bool
    ) -> None:
        super().__init__()
        self.shift: Size3 = tuple(n // 2 if shifted else 0 for n in config.window)
        self.norm1 = nn.LayerNorm(width)
        self.attn = WindowAttention(width, heads, config.window, gated)
        self.norm2 = nn.LayerNorm(width)
        self.mlp = Mlp(width, int(width * config.mlp_ratio))
        self.drop_path = DropPath(drop_path)

    def plan(self, size: Size3, base_window: Size3, x: Tensor) -> Plan:
        """The block's plan for a map of ``size``; ``x`` ``(B, ., ., ., .)`` gives samples, type and device."""
        window, shift = windows.effective_window(size, base_window, self.shift)
        padded = tuple(n + (-n) % w for n, w in zip(size, window, strict=True))
        places = self.attn.places(padded, window, shift, (base_window[1], base_window[2]), x.device)
        return Plan(places, self.drop_path.factors(x), self.drop_path.factors(x))

    def forward(self, x: Tensor, plan: Plan) -> Tensor:
        x = x + _kept(self.attend(self.norm1(x), plan.places), plan.keep_attention)
        return x + _kept(self.mlp(self.norm2(x)), plan.keep_mlp)

    def attend(self, x: Tensor, places: Places) -> Tensor:
        """Attention inside the windows of a map that is filled up with zeros to whole windows."""
        size = x.shape[1:4]
        pad = [(-n) % w for n, w in zip(size, places.window, strict=True)]
        x = F.pad(x, (0, 0, 0, pad[2], 0, pad[1], 0, pad[0]))
        return self.attn(x, places)[:, : size[0], : size[1], : size[2]]


def _kept(branch: Tensor, keep: Tensor | None) -> Tensor:
    return branch if keep is None else branch * keep


class PatchMerging(nn.Module):
    """Concatenate the 4 spatial neighbours in the order (0,0), (1,0), (0,1), (1,1) and halve 4C to 2C."""

    def __init__(self, width: int) -> None:
        super().__init__()
        self.norm = nn.LayerNorm(4 * width)
        self.reduction = Linear(4 * width, 2 * width, bias=False)

    def forward(self, x: Tensor) -> Tensor:
        x = F.pad(x, (0, 0, 0, x.shape[3] % 2, 0, x.shape[2] % 2))
        x = torch.cat([x[:, :, row::2, col::2] for row, col in ((0, 0), (1, 0), (0, 1), (1, 1))], dim=-1)
        return self.reduction(self.norm(x))


class Stage(nn.Module):
    """Blocks of one resolution, unshifted and shifted in turn, then patch merging except after the last stage."""

    def __init__(self, config: SwinConfig, stage: int) -> None:
        super().__init__()
        width, last = config.width << stage, stage == len(config.depths) - 1
        before, total = sum(config.depths[:stage]), sum(config.depths)
        self.blocks = nn.ModuleList(
            SwinBlock(
                config,
                width,
                config.heads[stage],
                shifted=b % 2 == 1,
                drop_path=config.drop_path * (before + b) / max(1, total - 1),
                gated=config.gated and not last,
            )
            for b in range(config.depths[stage])
        )
        self.downsample = None if last else PatchMerging(width)

    def forward(self, x: Tensor, plans: Sequence[Plan]) -> Tensor:
        for block, plan in zip(self.blocks, plans, strict=True):
            x = block(x, plan)
        return x if self.downsample is None else self.downsample(x)


class SwinTransformer3D(nn.Module):
    """Clips ``(B, 3, T, H, W)``, normalised, to features ``(B, D, H', W', C)``; C is ``out_channels``."""

    compiled: Callable[..., Tensor] | None = None

    def __init__(self, config: SwinConfig) -> None:
        super().__init__()
        self.config = config
        self.patch_embed = PatchEmbed(config.patch, config.width)
        self.layers: Any = nn.ModuleList(Stage(config, s) for s in range(len(config.depths)))
        self.out_channels = config.width << (len(config.depths) - 1)
        self.norm = nn.LayerNorm(self.out_channels)

    def forward(self, x: Tensor) -> Tensor:
        scaled = zip(self.config.window, x.shape[2:], self.config.input_size, strict=True)
        base_window = tuple(w * n // base for w, n, base in scaled)
        if any(not 1 <= size <= most for size, most in zip(base_window, self.config.window, strict=True)):
            raise ValueError(f"clips of {tuple(x.shape[2:])} do not fit a network made for {self.config.input_size}")
        # What depends on sizes and streams is worked out here, so that the rest can be compiled.
        size, plans = tuple(-(-n // p) for n, p in zip(x.shape[2:], self.config.patch, strict=True)), []
        for stage in self.layers:
            plans.append([block.plan(size, base_window, x) for block in stage.blocks])
            size = (size[0], -(-size[1] // 2), -(-size[2] // 2))
        compiled = self.compiled if once_differentiable(self) else None
        return (compiled or self.body)(x, plans)

    def body(self, x: Tensor, plans: Sequence[Sequence[Plan]]) -> Tensor:
        """Patch embedding and all stages, with the plans of their blocks."""
        x = self.patch_embed(x)
        for stage, own in zip(self.layers, plans, strict=True):
            x = stage(x, own)
        return self.norm(x)


def once_differentiable(module: nn.Module) -> bool:
    """Whether nobody can ask for the derivative of a gradient, which neither kernels nor compiled code have.

    Such are asked for in evaluation mode alone, by measures of sharpness.
    """
    return module.training or not torch.is_grad_enabled()


def compile_backbone(model: nn.Module) -> None:
    """Have a compiler fuse what lies between the products of a Video Swin in ``model``; it takes a minute, once.

    Names of weights stay; results differ in their last digits. Copies of the model are to be made before.
    """
    for module in model.modules():
        if isinstance(module, SwinTransformer3D):
            module.compiled = torch.compile(module.body, fullgraph=True, dynamic=False)
