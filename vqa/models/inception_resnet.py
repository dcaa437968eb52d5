"""Inception-ResNet-v2 without classifier, the appearance network of DSD-PRO (MULTIBRANCH_B 14.4.2).

Parameter names are those of KonCept512's published file, whose image-quality layers ``fc`` are not needed. The smaller
networks of the demo have all widths divided and fewer blocks.
"""

from dataclasses import dataclass

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from vqa.models.exact import Conv2d

# What each repeated block adds of its residual (35-, 17- and 8-blocks)
SCALES = (0.17, 0.10, 0.20)


@dataclass(frozen=True)
class InceptionResNetConfig:
    """Size of the network; the defaults are the published ones.

    Attributes:
        divide: what all widths are divided by.
        repeats: 35-, 17- and 8-blocks.

    Raises:
        ValueError: if a number is not positive or ``divide`` is no divisor of all widths.
    """

    divide: int = 1
    repeats: tuple[int, ...] = (10, 20, 9)

    def __post_init__(self) -> None:
        if len(self.repeats) != 3 or min(self.divide, *self.repeats) < 1 or 16 % self.divide:
            raise ValueError(f"divide: a divisor of 16, and three positive repeats are needed, got {self}")


class Unit(nn.Module):
    """Convolution, batch norm with an epsilon of 1e-3, ReLU."""

    def __init__(self, channels: int, out: int, kernel: int | tuple[int, int], stride: int = 1, padding: object = 0):
        super().__init__()
        self.conv = Conv2d(channels, out, kernel, stride, padding, bias=False)  # type: ignore[arg-type]  # int or pair
        self.bn = nn.BatchNorm2d(out, eps=1e-3)

    def forward(self, x: Tensor) -> Tensor:
        return F.relu(self.bn(self.conv(x)))


def chain(channels: int, *units: tuple) -> nn.Sequential:
    """Units one after the other, each as (width, kernel, stride, padding), the last two optional."""
    steps = []
    for out, *rest in units:
        steps.append(Unit(channels, out, *rest))
        channels = out
    return nn.Sequential(*steps)


class Branches(nn.Module):
    """Branches beside one another, joined along the channels."""

    def __init__(self, *branches: nn.Module) -> None:
        super().__init__()
        for number, branch in enumerate(branches):
            self.add_module(f"branch{number}", branch)

    def forward(self, x: Tensor) -> Tensor:
        return torch.cat([branch(x) for name, branch in self.named_children() if name.startswith("branch")], dim=1)


class Residual(Branches):
    """Branches whose joined output, through a 1x1 convolution with bias, is added by a share of itself."""

    def __init__(self, channels: int, joined: int, scale: float, active: bool, *branches: nn.Module) -> None:
        super().__init__(*branches)
        self.scale, self.active = scale, active
        self.conv2d = Conv2d(joined, channels, 1)

    def forward(self, x: Tensor) -> Tensor:
        out = x + self.scale * self.conv2d(super().forward(x))
        return F.relu(out) if self.active else out


class InceptionResNet(nn.Module):
    """Normalised frames to the maps of four levels."""

    def __init__(self, config: InceptionResNetConfig) -> None:
        super().__init__()

        def w(width: int) -> int:
            return width // config.divide

        pool, mean = nn.MaxPool2d(3, 2), nn.AvgPool2d(3, 1, 1, count_include_pad=False)
        few, middle, many = w(320), w(1088), w(2080)

        def block35() -> nn.Module:
            third = chain(few, (w(32), 1), (w(48), 3, 1, 1), (w(64), 3, 1, 1))
            second = chain(few, (w(32), 1), (w(32), 3, 1, 1))
            return Residual(few, w(128), SCALES[0], True, Unit(few, w(32), 1), second, third)

        def block17() -> nn.Module:
            second = chain(middle, (w(128), 1), (w(160), (1, 7), 1, (0, 3)), (w(192), (7, 1), 1, (3, 0)))
            return Residual(middle, w(384), SCALES[1], True, Unit(middle, w(192), 1), second)

        def block8(scale: float, active: bool) -> nn.Module:
            second = chain(many, (w(192), 1), (w(224), (1, 3), 1, (0, 1)), (w(256), (3, 1), 1, (1, 0)))
            return Residual(many, w(448), scale, active, Unit(many, w(192), 1), second)

        self.base = nn.Sequential(
            *(Unit(3, w(32), 3, 2), Unit(w(32), w(32), 3), Unit(w(32), w(64), 3, 1, 1), pool),
            *(Unit(w(64), w(80), 1), Unit(w(80), w(192), 3), pool),
            Branches(
                Unit(w(192), w(96), 1),
                chain(w(192), (w(48), 1), (w(64), 5, 1, 2)),
                chain(w(192), (w(64), 1), (w(96), 3, 1, 1), (w(96), 3, 1, 1)),
                nn.Sequential(mean, Unit(w(192), w(64), 1)),
            ),
            nn.Sequential(*(block35() for _ in range(config.repeats[0]))),
            Branches(
                Unit(few, w(384), 3, 2),
                chain(few, (w(256), 1), (w(256), 3, 1, 1), (w(384), 3, 2)),
                pool,
            ),
            nn.Sequential(*(block17() for _ in range(config.repeats[1]))),
            Branches(
                chain(middle, (w(256), 1), (w(384), 3, 2)),
                chain(middle, (w(256), 1), (w(288), 3, 2)),
                chain(middle, (w(256), 1), (w(288), 3, 1, 1), (w(320), 3, 2)),
                pool,
            ),
            nn.Sequential(*(block8(SCALES[2], True) for _ in range(config.repeats[2]))),
            block8(1.0, False),
            Unit(many, w(1536), 1),
        )
        self.channels = (w(192), few, middle, w(1536))

    def forward(self, x: Tensor) -> tuple[Tensor, ...]:
        """Frames ``(B, 3, H, W)`` to four maps ``(B, channels, h, w)``: 192, 320, 1088 and 1536 channels as published.

        Nothing is padded at the strides: sides must be at least 75 pixels.
        """
        outputs = []
        for number, step in enumerate(self.base):
            x = step(x)
            if number in (6, 8, 10, 14):
                outputs.append(x)
        return tuple(outputs)
