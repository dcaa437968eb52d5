"""ConvNeXt inflated to time, the aesthetic backbone of DOVER (MULTIBRANCH_A 13.1.2). Channels-last inside."""

from dataclasses import dataclass
from itertools import pairwise

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from vqa.models.exact import Conv3d, Linear, gelu

# Side of the depth-wise kernels, and their lengths in time by the number of the block in its stage, over and over
SIDE, LENGTHS = 7, (1, 3, 1)


@dataclass(frozen=True)
class ConvNeXtConfig:
    """Size of the backbone; the defaults are ConvNeXt-T.

    Attributes:
        widths: channels of the stages.
        depths: blocks of the stages.
        patch: size in pixels (t, h, w) of one position of the first stage.
        layer_scale: what every residual starts multiplied by.
    """

    widths: tuple[int, ...] = (96, 192, 384, 768)
    depths: tuple[int, ...] = (3, 3, 9, 3)
    patch: tuple[int, int, int] = (2, 4, 4)
    layer_scale: float = 1e-6

    def __post_init__(self) -> None:
        if len(self.widths) != len(self.depths) or not self.widths or min(*self.widths, *self.depths, *self.patch) < 1:
            raise ValueError(f"widths {self.widths} and depths {self.depths} must have one positive entry per stage")


class ChannelNorm(nn.LayerNorm):
    """Layer norm of the channels of a map ``(B, C, T, H, W)``, position by position."""

    def forward(self, x: Tensor) -> Tensor:
        return super().forward(x.permute(0, 2, 3, 4, 1)).permute(0, 4, 1, 2, 3)


class DepthwiseConv(Conv3d):
    """A kernel for every channel, padded with zeros, on channels-last maps ``(B, T, H, W, C)``.

    Where oneDNN is off, tap by tap: the library then has one convolution for each channel.
    """

    def __init__(self, channels: int, length: int) -> None:
        size, around = (length, SIDE, SIDE), (length // 2, SIDE // 2, SIDE // 2)
        super().__init__(channels, channels, size, padding=around, groups=channels)

    def forward(self, x: Tensor) -> Tensor:
        if x.is_cuda or torch.backends.mkldnn.enabled:
            first = x.permute(0, 4, 1, 2, 3)
            return F.conv3d(first, self.weight, self.bias, 1, self.padding, 1, self.groups).permute(0, 2, 3, 4, 1)
        return depthwise(x, self.weight, self.get_parameter("bias"))


def depthwise(x: Tensor, weight: Tensor, bias: Tensor) -> Tensor:
    """Maps ``(B, T, H, W, C)`` by kernels ``(C, 1, t, h, w)`` of odd sizes and ``(C,)``, tap by tap: the same shape."""
    T, H, W = x.shape[1:4]
    t, h, w = weight.shape[2:]
    padded = F.pad(x, (0, 0, w // 2, w // 2, h // 2, h // 2, t // 2, t // 2))
    taps, total = weight.squeeze(1).permute(1, 2, 3, 0), bias.expand_as(x)
    for k in range(t):
        for i in range(h):
            for j in range(w):
                total = torch.addcmul(total, padded[:, k : k + T, i : i + H, j : j + W], taps[k, i, j])
    return total


class Scaled(nn.Module):
    """A residual, what it starts multiplied by, and the factors ``gamma`` ``(width,)`` that it is multiplied by."""

    def __init__(self, width: int, scale: float) -> None:
        super().__init__()
        self.scale, self.gamma = scale, nn.Parameter(torch.full((width,), scale))


class Block(Scaled):
    """Depth-wise convolution, layer norm, two linear layers with GELU between them, scaled, plus the input."""

    def __init__(self, width: int, length: int, scale: float) -> None:
        super().__init__(width, scale)
        self.dwconv = DepthwiseConv(width, length)
        self.norm = nn.LayerNorm(width, eps=1e-6)
        self.pwconv1, self.pwconv2 = Linear(width, 4 * width), Linear(4 * width, width)

    def forward(self, x: Tensor) -> Tensor:
        """``(B, T, H, W, C)`` to the same shape."""
        return x + self.gamma * self.pwconv2(gelu(self.pwconv1(self.norm(self.dwconv(x)))))


class ConvNeXt3d(nn.Module):
    """Clips to features at every position; remainders at the end of an axis are dropped."""

    def __init__(self, config: ConvNeXtConfig) -> None:
        super().__init__()
        widths = config.widths
        stem = nn.Sequential(Conv3d(3, widths[0], config.patch, config.patch), ChannelNorm(widths[0], eps=1e-6))
        downs = (
            nn.Sequential(ChannelNorm(before, eps=1e-6), Conv3d(before, after, (1, 2, 2), (1, 2, 2)))
            for before, after in pairwise(widths)
        )
        self.downsample_layers = nn.ModuleList([stem, *downs])
        self.stages = nn.ModuleList(
            nn.Sequential(*(Block(width, LENGTHS[b % len(LENGTHS)], config.layer_scale) for b in range(depth)))
            for width, depth in zip(widths, config.depths, strict=True)
        )
        self.norm = nn.LayerNorm(widths[-1], eps=1e-6)
        self.out_channels = widths[-1]

    def forward(self, x: Tensor) -> Tensor:
        """Normalised clips ``(B, 3, T, H, W)`` to features ``(B, t, h, w, C)``."""
        for down, stage in zip(self.downsample_layers, self.stages, strict=True):
            x = stage(down(x).permute(0, 2, 3, 4, 1)).permute(0, 4, 1, 2, 3)
        return self.norm(x.permute(0, 2, 3, 4, 1))


@torch.no_grad()
def initialise_convnext(model: nn.Module, generator: torch.Generator, std: float = 0.02) -> None:
    """Overwrite all parameters of a ConvNeXt in place, over space or over time too.

    Convolutions and linear layers normal with ``std``, biases 0, residuals scaled as the network's size says.
    """
    for module in model.modules():
        if isinstance(module, nn.Conv2d | nn.Conv3d | nn.Linear):
            nn.init.trunc_normal_(module.weight, std=std, generator=generator)
            module.get_parameter("bias").zero_()
        elif isinstance(module, nn.LayerNorm):
            module.reset_parameters()
        elif isinstance(module, Scaled):
            nn.init.constant_(module.gamma, module.scale)


def inflated(kernel: Tensor, length: int) -> Tensor:
    """A kernel over space, ``(out, in, h, w)``, as one over time too, with the same response to a still clip."""
    return kernel[:, :, None].repeat(1, 1, length, 1, 1) / length
