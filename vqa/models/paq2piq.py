"""PaQ-2-PiQ: scores of pictures and of regions of them, on the trunk that PVQ looks at frames with.

MULTIBRANCH_B 14.3.1; parameter names are the published ones, so that the whole published file can be checked.
"""

import torch
from torch import Tensor, nn

from vqa.models.basic_resnet import BasicResNet, BasicResNetConfig
from vqa.models.dropout import Dropout
from vqa.models.exact import Linear
from vqa.models.roi_pool import Box, roi_pool


class BothPoolings(nn.Module):
    """Maxima over a region, and then its means."""

    def forward(self, x: Tensor) -> Tensor:
        """``(B, C, h, w)`` to ``(B, 2 C)``."""
        return torch.cat([x.amax(dim=(2, 3)), x.mean(dim=(2, 3))], dim=1)


class PaQ2PiQ(BasicResNet):
    """Trunk, region pooling, and a perceptron.

    Args:
        config: size of the trunk.
    """

    def __init__(self, config: BasicResNetConfig) -> None:
        super().__init__(config, time=False)
        channels = config.channels
        self.head = nn.Sequential(
            BothPoolings(),
            nn.Identity(),  # flattens as published; keeps the numbers of the layers behind it
            nn.BatchNorm1d(2 * channels),
            Dropout(0.25),
            Linear(2 * channels, channels),
            nn.ReLU(),
            nn.BatchNorm1d(channels),
            Dropout(0.5),
            Linear(channels, 1),
        )

    def region_scores(self, x: Tensor, boxes: list[Box]) -> Tensor:
        """Frames ``(B, 3, H, W)`` in [0, 1] to a score for each of the boxes ``(B, boxes)``, roughly in 0 to 100."""
        regions = roi_pool(self(x), boxes)
        return self.head(regions.flatten(0, 1)).view(len(x), len(boxes))
