"""ConvNeXt over space with the outputs of all stages, the image backbone of Zoom-VQA (MULTIBRANCH_A 13.2.1).

Names are those of timm's feature extractor. Channels-last inside a block.
"""

from dataclasses import dataclass
from itertools import pairwise

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from vqa.models.convnext3d import SIDE, Scaled, depthwise
from vqa.models.dropout import DropPath
from vqa.models.exact import Conv2d, Linear, gelu


@dataclass(frozen=True)
class ConvNeXt2dConfig:
    """Size of the backbone; the defaults are ConvNeXt-T.

    Attributes:
        widths: channels of the stages.
        depths: blocks of the stages.
        layer_scale: what every residual starts multiplied by.
        drop_path: stochastic depth of the last block; linear from 0 at the first.
    """

    widths: tuple[int, ...] = (96, 192, 384, 768)
    depths: tuple[int, ...] = (3, 3, 9, 3)
    layer_scale: float = 1e-6
    drop_path: float = 0.1

    def __post_init__(self) -> None:
        if len(self.widths) != len(self.depths) or not self.widths or min(*self.widths, *self.depths) < 1:
            raise ValueError(f"widths {self.widths} and depths {self.depths} must have one positive entry per stage")


class ChannelNorm2d(nn.LayerNorm):
    """Layer norm of the channels of a map ``(B, C, H, W)``, position by position."""

    def forward(self, x: Tensor) -> Tensor:
        return super().forward(x.permute(0, 2, 3, 1)).permute(0, 3, 1, 2)


class DepthwiseConv2d(Conv2d):
    """A kernel for every channel, on channels-last maps ``(B, H, W, C)``."""

    def __init__(self, channels: int) -> None:
        super().__init__(channels, channels, SIDE, padding=SIDE // 2, groups=channels)

    def forward(self, x: Tensor) -> Tensor:
        if x.is_cuda or torch.backends.mkldnn.enabled:
            first = F.conv2d(x.permute(0, 3, 1, 2), self.weight, self.bias, 1, self.padding, 1, self.groups)
            return first.permute(0, 2, 3, 1)
        return depthwise(x[:, None], self.weight[:, :, None], self.get_parameter("bias"))[:, 0]


class Mlp(nn.Module):
    """Two linear layers with GELU between them."""

    def __init__(self, width: int) -> None:
        super().__init__()
        self.fc1, self.fc2 = Linear(width, 4 * width), Linear(4 * width, width)

    def forward(self, x: Tensor) -> Tensor:
        return self.fc2(gelu(self.fc1(x)))


class Block(Scaled):
    """Depth-wise convolution, layer norm and perceptron, scaled, plus the input."""

    def __init__(self, width: int, scale: float, drop: float) -> None:
        super().__init__(width, scale)
        self.conv_dw, self.norm, self.mlp = DepthwiseConv2d(width), nn.LayerNorm(width, eps=1e-6), Mlp(width)
        self.drop_path = DropPath(drop)

    def forward(self, x: Tensor) -> Tensor:
        """``(B, H, W, C)`` to the same shape."""
        return x + self.drop_path(self.gamma * self.mlp(self.norm(self.conv_dw(x))))


class Stage(nn.Module):
    """Halving, but in the first stage, and blocks."""

    def __init__(self, before: int, width: int, scale: float, drops: list[float]) -> None:
        super().__init__()
        halving = before != width
        self.downsample = (
            nn.Sequential(ChannelNorm2d(before, eps=1e-6), Conv2d(before, width, 2, 2)) if halving else nn.Identity()
        )
        self.blocks = nn.Sequential(*(Block(width, scale, drop) for drop in drops))

    def forward(self, x: Tensor) -> Tensor:
        """``(B, before, H, W)`` to ``(B, width, H / 2, W / 2)``."""
        return self.blocks(self.downsample(x).permute(0, 2, 3, 1)).permute(0, 3, 1, 2)


class ConvNeXt2d(nn.Module):
    """Images to the maps of all stages."""

    def __init__(self, config: ConvNeXt2dConfig) -> None:
        super().__init__()
        widths, total = config.widths, sum(config.depths)
        self.stem_0, self.stem_1 = Conv2d(3, widths[0], 4, 4), ChannelNorm2d(widths[0], eps=1e-6)
        rates = [config.drop_path * number / max(total - 1, 1) for number in range(total)]
        first = 0
        for number, (before, width) in enumerate(pairwise((widths[0], *widths))):
            drops = rates[first : first + config.depths[number]]
            self.add_module(f"stages_{number}", Stage(before, width, config.layer_scale, drops))
            first += len(drops)

    def forward(self, x: Tensor) -> list[Tensor]:
        """Normalised images ``(B, 3, H, W)`` to maps ``(B, C, h, w)`` of strides 4, 8, 16, ..."""
        x, outputs = self.stem_1(self.stem_0(x)), []
        for name, stage in self.named_children():
            if name.startswith("stages_"):
                x = stage(x)
                outputs.append(x)
        return outputs
