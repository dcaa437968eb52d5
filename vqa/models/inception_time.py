"""InceptionTime, the regressor of PVQ: one network for the sequences of a video and of its patches.

MULTIBRANCH_B 14.3.5; parameter names are the published ones.
"""

from dataclasses import dataclass

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from vqa.models.exact import Conv1d, Linear


@dataclass(frozen=True)
class InceptionTimeConfig:
    """Size of the network; the defaults are the published ones.

    Attributes:
        channels: numbers at every step of a sequence.
        filters: of each of the four branches of a module.
        bottleneck: channels before the convolutions of all modules but the first.
        kernel: length of the longest convolution; the others are a half and a quarter of it, all made odd.
        depth: modules, a multiple of three: a residual is added after every third.

    Raises:
        ValueError: if a number is not positive, or the depth no multiple of three.
    """

    channels: int = 4096
    filters: int = 32
    bottleneck: int = 32
    kernel: int = 40
    depth: int = 6

    def __post_init__(self) -> None:
        if min(self.channels, self.filters, self.bottleneck) < 1 or self.kernel < 4 or self.depth < 3 or self.depth % 3:
            raise ValueError(f"positive sizes, a kernel of 4 at least and a depth in threes are needed, got {self}")

    @property
    def kernels(self) -> list[int]:
        """Lengths of the three convolutions: 39, 19 and 9."""
        return [size if size % 2 else size - 1 for size in (self.kernel, self.kernel // 2, self.kernel // 4)]


class InceptionModule(nn.Module):
    """Three convolutions of different lengths and a pooling side by side, batch norm, ReLU."""

    def __init__(self, channels: int, config: InceptionTimeConfig, reduced: bool) -> None:
        super().__init__()
        inner = config.bottleneck if reduced else channels
        self.bottleneck = Conv1d(channels, inner, 1) if reduced else nn.Identity()
        self.conv_layers = nn.ModuleList(
            Conv1d(inner, config.filters, size, padding=size // 2) for size in config.kernels
        )
        self.conv = Conv1d(channels, config.filters, 1)
        self.bn = nn.BatchNorm1d(4 * config.filters)

    def forward(self, x: Tensor) -> Tensor:
        """``(B, channels, T)`` to ``(B, 4 filters, T)``."""
        inner = self.bottleneck(x)
        branches = [layer(inner) for layer in self.conv_layers] + [self.conv(F.max_pool1d(x, 3, 1, 1))]
        return F.relu(self.bn(torch.cat(branches, dim=1)))


class InceptionBlock(nn.Module):
    """All modules; the residual goes round three of them, and on before its ReLU."""

    def __init__(self, config: InceptionTimeConfig) -> None:
        super().__init__()
        width = 4 * config.filters
        sizes = [config.channels] + [width] * (config.depth - 1)
        self.inc_mods = nn.ModuleList(InceptionModule(size, config, d > 0) for d, size in enumerate(sizes))
        ends = range(2, config.depth, 3)
        self.res_layers = nn.ModuleDict(
            {
                str(d): nn.Sequential(Conv1d(config.channels if d == 2 else width, width, 1), nn.BatchNorm1d(width))
                for d in ends
            }
        )

    def forward(self, x: Tensor) -> Tensor:
        """``(B, channels, T)`` to ``(B, 4 filters, T)``."""
        around = x
        for d, module in enumerate(self.inc_mods):
            x = module(x)
            if str(d) in self.res_layers:
                # Out of place: the released code adds into the output of a ReLU, which autograd refuses (PV7).
                around = x + self.res_layers[str(d)](around)
                x = F.relu(around)
        return x


class Regressor(nn.Module):
    """The block, a mean over time, and one number."""

    def __init__(self, config: InceptionTimeConfig) -> None:
        super().__init__()
        self.block = InceptionBlock(config)
        self.fc = Linear(4 * config.filters, 1)

    def forward(self, x: Tensor) -> Tensor:
        """``(B, channels, T)`` to ``(B,)``."""
        return self.fc(self.block(x).mean(dim=2)).squeeze(1)


class InceptionTime(nn.Module):
    """Sequences of several regions of a video, one after the other, to one score for each."""

    def __init__(self, config: InceptionTimeConfig) -> None:
        super().__init__()
        self.inception_time = Regressor(config)

    def forward(self, rows: Tensor, regions: int) -> Tensor:
        """Rows ``(B, regions * T, channels)`` to scores ``(B, regions)``; all regions pass through the same network."""
        sequences = rows.unflatten(1, (regions, -1)).flatten(0, 1).transpose(1, 2)
        return self.inception_time(sequences).view(-1, regions)
