"""Features of VSFA and MDTVSFA: layer4 of an ImageNet ResNet for every frame (MULTIBRANCH_B 14.2.1)."""

from dataclasses import dataclass
from typing import Any

import numpy as np
import torch

from vqa.data.items import Item
from vqa.extract.base import Source
from vqa.models.pooled import check_size, pooled_frames
from vqa.models.resnet import ResNet, ResNetConfig
from vqa.sampling.normalise import normalise
from vqa.sampling.shrink import shrink
from vqa.settings.strict import build

# Frames that are read together
READ = 32


@dataclass(frozen=True)
class Config:
    """Block ``extractors.vsfa`` of params.

    Attributes:
        backbone: size of the ResNet.
        initial: ``seed``, or the name of published weights.
        every: a row for every how-manieth frame, from the first one on; 1 as released.
        short_side: to which larger frames are scaled, in pixels; 0: their own size, as released.
    """

    backbone: ResNetConfig
    initial: str
    every: int
    short_side: int

    def __post_init__(self) -> None:
        if self.every < 1 or self.short_side < 0:
            raise ValueError(f"every: {self.every} must be positive, short_side: {self.short_side} not negative")


class VSFAFeatures:
    """The extractor (:class:`vqa.extract.base.Extractor`).

    A video of one frame, with which the released code mistakes channels for frames (discrepancy V5), has one row.
    """

    span = 1

    def __init__(self, config: Config) -> None:
        self.config = config
        self._network = ResNet(config.backbone)
        self.networks = {"spatial": (self._network, config.initial)}

    def check(self, item: Item) -> None:
        """Raise ValueError for frames so small that a map has no deviation."""
        check_size(item.width, item.height)

    def rows(self, item: Item, source: Source) -> np.ndarray:
        """Means and then deviations of layer4 of every frame: ``(ceil(n_frames / every), 2 C)`` float32."""
        device = next(self._network.parameters()).device
        numbers = np.arange(0, item.n_frames, self.config.every)
        found = []
        for start in range(0, len(numbers), READ):
            frames = torch.from_numpy(source.frames(numbers[start : start + READ]))
            small = shrink(frames, self.config.short_side).to(device)
            found.append(pooled_frames(small, lambda some: self._network(normalise(some, "imagenet"))[-1]))
        return torch.cat(found).cpu().numpy()


def make(block: dict[str, Any], where: str) -> VSFAFeatures:
    """The extractor with the sizes of ``block``; ParamsError says where something does not fit."""
    return VSFAFeatures(build(Config, block, where))
