"""ResNet-18 over space, or over space and time: the frozen networks of PVQ (MULTIBRANCH_B 14.3.1, 14.3.2).

Parameter names are those of the published files once they are counted by position: ``body.0`` is the first
convolution, ``body.4`` to ``body.7`` are the stages.
"""

from dataclasses import dataclass
from typing import Any

import torch.nn.functional as F
from torch import Tensor, nn

from vqa.models.exact import Conv2d, Conv3d


@dataclass(frozen=True)
class BasicResNetConfig:
    """Size of the network; the defaults are ResNet-18.

    Attributes:
        width: channels after the stem; stage s has ``width * 2**s``.
        depths: blocks of the four stages.

    Raises:
        ValueError: if a number is not positive or there are not four stages.
    """

    width: int = 64
    depths: tuple[int, ...] = (2, 2, 2, 2)

    def __post_init__(self) -> None:
        if len(self.depths) != 4 or min(self.width, *self.depths) < 1:
            raise ValueError(f"a ResNet needs a positive width and four positive depths, got {self}")

    @property
    def channels(self) -> int:
        """Of the last map, 512 for ResNet-18."""
        return self.width << 3


class BasicBlock(nn.Module):
    """Two convolutions of three positions along every axis, each with batch norm, plus a shortcut."""

    def __init__(self, conv: type, norm: type, channels: int, out: int, stride: int) -> None:
        super().__init__()
        self.conv1, self.bn1 = conv(channels, out, 3, stride, 1, bias=False), norm(out)
        self.conv2, self.bn2 = conv(out, out, 3, 1, 1, bias=False), norm(out)
        same = stride == 1 and channels == out
        self.downsample = None if same else nn.Sequential(conv(channels, out, 1, stride, bias=False), norm(out))

    def forward(self, x: Tensor) -> Tensor:
        """``(B, channels, ...)`` to ``(B, out, .../stride)``, sizes rounded up."""
        shortcut = x if self.downsample is None else self.downsample(x)
        return F.relu(self.bn2(self.conv2(F.relu(self.bn1(self.conv1(x))))) + shortcut)


class BasicResNet(nn.Module):
    """Frames or clips to the last feature map.

    Args:
        config: size of the network.
        time: whether it looks at clips: then stages two to four halve the time as they halve height and width, and so
            does the pooling after the stem.
    """

    def __init__(self, config: BasicResNetConfig, time: bool) -> None:
        super().__init__()
        conv: Any = Conv3d if time else Conv2d
        norm, pool = (nn.BatchNorm3d, nn.MaxPool3d) if time else (nn.BatchNorm2d, nn.MaxPool2d)
        stem = conv(3, config.width, 7, (1, 2, 2) if time else 2, 3, bias=False)
        stages, channels = [], config.width
        for stage, depth in enumerate(config.depths):
            out = config.width << stage
            blocks = []
            for number in range(depth):
                blocks.append(BasicBlock(conv, norm, channels, out, 2 if stage and not number else 1))
                channels = out
            stages.append(nn.Sequential(*blocks))
        self.body = nn.Sequential(stem, norm(config.width), nn.ReLU(), pool(3, 2, 1), *stages)

    def forward(self, x: Tensor) -> Tensor:
        """Pixels in [0, 1], not normalised (discrepancy PV1), to the map of a 32nd of the size, rounded up.

        Frames ``(B, 3, H, W)`` to ``(B, C, h, w)``; clips ``(B, 3, T, H, W)`` to ``(B, C, t, h, w)``, with one moment t
        for 8 or 16 frames.
        """
        return self.body(x)
