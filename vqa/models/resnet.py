"""ResNet of bottleneck blocks without classifier, the spatial network of SimpleVQA (METHODS 6.3).

ResNet-50 for the paper, a few thousand parameters for the demo. Parameter names follow the published ImageNet weights.
"""

from dataclasses import dataclass

import torch.nn.functional as F
from torch import Tensor, nn

from vqa.models.exact import Conv2d

EXPANSION = 4


@dataclass(frozen=True)
class ResNetConfig:
    """Size of the network; the defaults are ResNet-50.

    Attributes:
        width: channels after the stem; stage s has ``4 * width * 2**s`` channels at its output.
        depths: blocks of the four stages.

    Raises:
        ValueError: if a number is not positive or there are not four stages.
    """

    width: int = 64
    depths: tuple[int, ...] = (3, 4, 6, 3)

    def __post_init__(self) -> None:
        if len(self.depths) != 4 or min(self.width, *self.depths) < 1:
            raise ValueError(f"a ResNet needs a positive width and four positive depths, got {self}")


class Bottleneck(nn.Module):
    """1x1, 3x3 and 1x1 convolution, each with batch norm, plus a shortcut; the 3x3 one carries the stride."""

    def __init__(self, channels: int, inner: int, stride: int) -> None:
        super().__init__()
        out = EXPANSION * inner
        self.conv1, self.bn1 = Conv2d(channels, inner, 1, bias=False), nn.BatchNorm2d(inner)
        self.conv2, self.bn2 = Conv2d(inner, inner, 3, stride, 1, bias=False), nn.BatchNorm2d(inner)
        self.conv3, self.bn3 = Conv2d(inner, out, 1, bias=False), nn.BatchNorm2d(out)
        same = stride == 1 and channels == out
        self.downsample = (
            None if same else nn.Sequential(Conv2d(channels, out, 1, stride, bias=False), nn.BatchNorm2d(out))
        )

    def forward(self, x: Tensor) -> Tensor:
        """``(B, channels, H, W)`` to ``(B, 4*inner, H/stride, W/stride)``, sizes rounded up."""
        shortcut = x if self.downsample is None else self.downsample(x)
        x = F.relu(self.bn1(self.conv1(x)))
        x = F.relu(self.bn2(self.conv2(x)))
        return F.relu(self.bn3(self.conv3(x)) + shortcut)


class ResNet(nn.Module):
    """Normalised frames to the outputs of the last three stages."""

    layer1: nn.Module
    layer2: nn.Module
    layer3: nn.Module
    layer4: nn.Module

    def __init__(self, config: ResNetConfig) -> None:
        super().__init__()
        self.config = config
        self.conv1 = Conv2d(3, config.width, 7, 2, 3, bias=False)
        self.bn1 = nn.BatchNorm2d(config.width)
        channels = config.width
        for stage, depth in enumerate(config.depths):
            inner, blocks = config.width << stage, []
            for number in range(depth):
                blocks.append(Bottleneck(channels, inner, stride=2 if stage > 0 and number == 0 else 1))
                channels = EXPANSION * inner
            self.add_module(f"layer{stage + 1}", nn.Sequential(*blocks))

    @property
    def stage_channels(self) -> tuple[int, ...]:
        """Channels of the three outputs: 512, 1024, 2048 for ResNet-50."""
        return tuple(EXPANSION * self.config.width << stage for stage in (1, 2, 3))

    def forward(self, x: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        """Frames ``(B, 3, H, W)`` to layer2, layer3, layer4: ``stage_channels`` at 1/8, 1/16, 1/32 of the size."""
        x = F.relu(self.bn1(self.conv1(x)))
        layer1 = self.layer1(F.max_pool2d(x, kernel_size=3, stride=2, padding=1))
        layer2 = self.layer2(layer1)
        layer3 = self.layer3(layer2)
        return layer2, layer3, self.layer4(layer3)
