"""SlowFast network without classifier, the motion features of SimpleVQA (METHODS 6.2).

SlowFast-R50 for the paper, a few thousand parameters for the demo. Parameter names follow the published Kinetics
weights. The slow pathway sees few frames with many channels, the fast one all frames with few; after every block but
the last, the fast features join the slow ones.
"""

from dataclasses import dataclass

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from vqa.models.exact import Conv3d

EXPANSION = 4
FUSION_RATIO = 2
SLOW_TEMPORAL = (1, 1, 3, 3)
FAST_TEMPORAL = (3, 3, 3, 3)

Pathways = tuple[Tensor, Tensor]


@dataclass(frozen=True)
class SlowFastConfig:
    """Size of the network; the defaults are SlowFast-R50 8x8.

    Attributes:
        width: channels of the slow pathway after its stem.
        fast_width: the same of the fast pathway, an eighth of it in the paper.
        depths: blocks of the four stages.
        alpha: frames of the fast pathway per frame of the slow one.
        frames: frames of a clip (fast pathway).
        input_size: side in pixels for which the pooling kernel is made; larger frames pass as well.

    Raises:
        ValueError: if a number is not positive or the sizes do not divide.
    """

    width: int = 64
    fast_width: int = 8
    depths: tuple[int, ...] = (3, 4, 6, 3)
    alpha: int = 4
    frames: int = 32
    input_size: int = 224

    def __post_init__(self) -> None:
        numbers = (self.width, self.fast_width, *self.depths, self.alpha, self.frames, self.input_size)
        if len(self.depths) != 4 or min(numbers) < 1:
            raise ValueError(f"a SlowFast network needs positive sizes and four depths, got {self}")
        if self.frames % self.alpha:
            raise ValueError(f"frames: {self.frames} is not a multiple of alpha {self.alpha}")
        if self.input_size % 32:
            raise ValueError(f"input_size: {self.input_size} is not a multiple of 32")

    @property
    def channels(self) -> tuple[int, int]:
        """Features of the slow and of the fast pathway: 2048 and 256 for SlowFast-R50."""
        return EXPANSION * self.width << 3, EXPANSION * self.fast_width << 3


def slow_frame_indices(n_frames: int, alpha: int) -> Tensor:
    """Frames that the slow pathway sees: ``(n_frames // alpha,)`` int64, evenly spaced from first to last.

    Positions are computed in float32 and truncated, as released.
    """
    return torch.linspace(0, n_frames - 1, n_frames // alpha).long()


class Stem(nn.Module):
    """7x7 convolution over ``frames`` frames, batch norm, ReLU, 3x3 max pooling: a quarter of height and width."""

    def __init__(self, width: int, frames: int) -> None:
        super().__init__()
        self.conv = Conv3d(3, width, (frames, 7, 7), (1, 2, 2), (frames // 2, 3, 3), bias=False)
        self.norm = nn.BatchNorm3d(width)

    def forward(self, x: Tensor) -> Tensor:
        return F.max_pool3d(F.relu(self.norm(self.conv(x))), (1, 3, 3), (1, 2, 2), (0, 1, 1))


class Branch(nn.Module):
    """Convolutions over time, over space (with the stride) and over channels, each with batch norm."""

    def __init__(self, channels: int, inner: int, temporal: int, stride: int) -> None:
        super().__init__()
        out = EXPANSION * inner
        self.conv_a = Conv3d(channels, inner, (temporal, 1, 1), padding=(temporal // 2, 0, 0), bias=False)
        self.norm_a = nn.BatchNorm3d(inner)
        self.conv_b = Conv3d(inner, inner, (1, 3, 3), (1, stride, stride), (0, 1, 1), bias=False)
        self.norm_b = nn.BatchNorm3d(inner)
        self.conv_c = Conv3d(inner, out, 1, bias=False)
        self.norm_c = nn.BatchNorm3d(out)

    def forward(self, x: Tensor) -> Tensor:
        x = F.relu(self.norm_a(self.conv_a(x)))
        x = F.relu(self.norm_b(self.conv_b(x)))
        return self.norm_c(self.conv_c(x))


class ResBlock(nn.Module):
    """ReLU of the bottleneck branch plus the shortcut, which is projected where the number of channels changes."""

    def __init__(self, channels: int, inner: int, temporal: int, stride: int) -> None:
        super().__init__()
        out = EXPANSION * inner
        self.projected = stride != 1 or channels != out
        if self.projected:
            self.branch1_conv = Conv3d(channels, out, 1, (1, stride, stride), bias=False)
            self.branch1_norm = nn.BatchNorm3d(out)
        self.branch2 = Branch(channels, inner, temporal, stride)

    def forward(self, x: Tensor) -> Tensor:
        shortcut = self.branch1_norm(self.branch1_conv(x)) if self.projected else x
        return F.relu(self.branch2(x) + shortcut)


class Stage(nn.Module):
    """Blocks of one pathway at one resolution; the first one strides."""

    def __init__(self, channels: int, inner: int, depth: int, temporal: int, stride: int) -> None:
        super().__init__()
        out = EXPANSION * inner
        self.res_blocks = nn.ModuleList(
            ResBlock(out if number else channels, inner, temporal, 1 if number else stride) for number in range(depth)
        )

    def forward(self, x: Tensor) -> Tensor:
        for block in self.res_blocks:
            x = block(x)
        return x


class Fusion(nn.Module):
    """Fast features at every ``alpha``-th frame, with twice the channels, appended to the slow ones."""

    def __init__(self, fast_channels: int, alpha: int) -> None:
        super().__init__()
        out = FUSION_RATIO * fast_channels
        self.conv_fast_to_slow = Conv3d(fast_channels, out, (7, 1, 1), (alpha, 1, 1), (3, 0, 0), bias=False)
        self.norm = nn.BatchNorm3d(out)

    def forward(self, slow: Tensor, fast: Tensor) -> Tensor:
        return torch.cat([slow, F.relu(self.norm(self.conv_fast_to_slow(fast)))], dim=1)


class Block(nn.Module):
    """One step of both pathways, with or without fusion after it."""

    def __init__(self, slow: nn.Module, fast: nn.Module, fusion: Fusion | None) -> None:
        super().__init__()
        self.multipathway_blocks = nn.ModuleList([slow, fast])
        self.multipathway_fusion = fusion

    def forward(self, slow: Tensor, fast: Tensor) -> Pathways:
        """Features ``(B, C, T, H, W)`` of the slow and of the fast pathway to the next ones."""
        slow, fast = self.multipathway_blocks[0](slow), self.multipathway_blocks[1](fast)
        return (slow if self.multipathway_fusion is None else self.multipathway_fusion(slow, fast)), fast


class SlowFast(nn.Module):
    """Clips to slow and fast motion features, in evaluation mode: batch norm must not mix the clips of a batch."""

    def __init__(self, config: SlowFastConfig) -> None:
        super().__init__()
        self.config = config
        blocks = [Block(Stem(config.width, 1), Stem(config.fast_width, 5), Fusion(config.fast_width, config.alpha))]
        slow, fast = config.width, config.fast_width
        for stage, depth in enumerate(config.depths):
            inner, fast_inner, stride = config.width << stage, config.fast_width << stage, 2 if stage else 1
            # The slow pathway gets its own channels and those of the fusion before it.
            paths = (
                Stage(slow + FUSION_RATIO * fast, inner, depth, SLOW_TEMPORAL[stage], stride),
                Stage(fast, fast_inner, depth, FAST_TEMPORAL[stage], stride),
            )
            slow, fast = EXPANSION * inner, EXPANSION * fast_inner
            blocks.append(Block(*paths, Fusion(fast, config.alpha) if stage < 3 else None))
        self.blocks = nn.ModuleList(blocks)

    def _pool(self, x: Tensor, frames: int) -> Tensor:
        """``(B, C, T, H, W)`` to ``(B, C)``: windows of the size the network was made for, then their mean."""
        side = self.config.input_size // 32
        if x.shape[2] < frames or min(x.shape[3:]) < side:
            raise ValueError(
                f"feature map of {tuple(x.shape[2:])} is smaller than the pooling kernel {(frames, side, side)}: clips "
                f"must have {self.config.frames} frames of at least {self.config.input_size} pixels a side"
            )
        return F.avg_pool3d(x, (frames, side, side), stride=1).mean(dim=(2, 3, 4))

    def forward(self, clips: Tensor) -> Pathways:
        """Motion features of clips.

        Args:
            clips: ``(B, 3, T, H, W)``, normalised with mean 0.45 and standard deviation 0.225; all frames of the fast
                pathway, from which those of the slow one are taken.

        Returns:
            Slow features ``(B, 2048)`` and fast features ``(B, 256)``, or ``config.channels`` of them.

        Raises:
            ValueError: if the number of frames is not a multiple of ``alpha``, or the clips are so small that the
                feature map does not fill the pooling kernel (discrepancy L10: 112 pixels in a network made for 224).
        """
        n_frames, alpha = clips.shape[2], self.config.alpha
        if n_frames % alpha:
            raise ValueError(f"clips of {n_frames} frames: the number must be a multiple of {alpha}")
        slow, fast = clips[:, :, slow_frame_indices(n_frames, alpha).to(clips.device)], clips
        for block in self.blocks:
            slow, fast = block(slow, fast)
        return self._pool(slow, self.config.frames // alpha), self._pool(fast, self.config.frames)
