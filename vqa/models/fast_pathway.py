"""The fast pathway of SlowFast by itself, the motion network of BVQA-2022 (MULTIBRANCH_B 14.1.3).

Nothing flows from the slow pathway to the fast one, so the slow one and the fusions, 98 % of the parameters, are not
needed. Parameter names are those of the whole network's published weights (METHODS 6.2); the others are left.
"""

from dataclasses import dataclass

from torch import Tensor, nn

from vqa.models.slowfast import EXPANSION, FAST_TEMPORAL, Stage, Stem

FRAMES_OF_STEM = 5


@dataclass(frozen=True)
class FastPathwayConfig:
    """Size of the network; the defaults are those of SlowFast-R50.

    Attributes:
        width: channels after the stem.
        depths: blocks of the four stages.

    Raises:
        ValueError: if a number is not positive or there are not four stages.
    """

    width: int = 8
    depths: tuple[int, ...] = (3, 4, 6, 3)

    def __post_init__(self) -> None:
        if len(self.depths) != 4 or min(self.width, *self.depths) < 1:
            raise ValueError(f"a fast pathway needs a positive width and four positive depths, got {self}")


class PathwayBlock(nn.Module):
    """One step of the fast pathway, at its place beside the slow one, which is not there."""

    def __init__(self, fast: nn.Module) -> None:
        super().__init__()
        self.multipathway_blocks = nn.ModuleDict({"1": fast})

    def forward(self, x: Tensor) -> Tensor:
        return self.multipathway_blocks["1"](x)


class FastPathway(nn.Module):
    """Clips to the outputs of the four stages."""

    def __init__(self, config: FastPathwayConfig) -> None:
        super().__init__()
        self.config = config
        steps: list[nn.Module] = [Stem(config.width, FRAMES_OF_STEM)]
        channels = config.width
        for stage, depth in enumerate(config.depths):
            inner = config.width << stage
            steps.append(Stage(channels, inner, depth, FAST_TEMPORAL[stage], 2 if stage else 1))
            channels = EXPANSION * inner
        self.blocks = nn.ModuleList(PathwayBlock(step) for step in steps)

    @property
    def channels(self) -> tuple[int, ...]:
        """Channels of the four outputs: 32, 64, 128 and 256 for SlowFast-R50."""
        return tuple(EXPANSION * self.config.width << stage for stage in range(4))

    def forward(self, clips: Tensor) -> tuple[Tensor, ...]:
        """Normalised clips ``(B, 3, T, H, W)`` to four maps ``(B, channels, T, h, w)``.

        Height and width are 1/4, 1/8, 1/16 and 1/32 of the clip's, rounded up; time stays.
        """
        outputs, x = [], clips
        for block in self.blocks:
            x = block(x)
            outputs.append(x)
        return tuple(outputs[1:])
