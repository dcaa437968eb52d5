"""Network of quality-aware pre-training, the spatial extractor of BVQA-2022 (MULTIBRANCH_B 14.1.1)."""

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from vqa.models.exact import Linear
from vqa.models.init import initialise
from vqa.models.resnet import ResNet, ResNetConfig


class QualityNetwork(nn.Module):
    """Images to a quality and its spread.

    Names are those of the published weights without their ``module.``: ``backbone.*`` and ``fc.*``. The published
    backbone brings its own classifier ``backbone.fc.*``, which takes no part.

    Args:
        config: size of the ResNet, ResNet-50 in the paper.
    """

    def __init__(self, config: ResNetConfig) -> None:
        super().__init__()
        self.backbone = ResNet(config)
        self.fc = Linear(self.backbone.stage_channels[-1], 2)

    def feature_map(self, images: Tensor) -> Tensor:
        """Normalised images ``(B, 3, H, W)`` to layer4, ``(B, C, H/32, W/32)`` with sizes rounded up."""
        return self.backbone(images)[-1]

    def forward(self, images: Tensor) -> Tensor:
        """Normalised images ``(B, 3, H, W)`` to ``(B, 2)``: quality, any number, and spread, a positive one.

        The released code calls the spread a variance and uses it as a standard deviation (discrepancy B3).
        """
        quality, spread = self.fc(self.feature_map(images).mean(dim=(2, 3))).unbind(dim=1)
        return torch.stack([quality, F.softplus(spread)], dim=1)


def initialise_quality(model: QualityNetwork, generator: torch.Generator) -> None:
    """Overwrite all parameters in place: the backbone as of any ResNet, ``fc`` kaiming normal (fan in) with bias 0."""
    initialise(model.backbone, generator, linear_std=None, convolutions="kaiming")
    nn.init.kaiming_normal_(model.fc.weight, mode="fan_in", generator=generator)
    nn.init.zeros_(model.fc.bias)
