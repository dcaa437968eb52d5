"""Features of BVQA-2022: a quality-aware ResNet and the fast pathway of SlowFast (MULTIBRANCH_B 14.1.2, 14.1.3)."""

from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from torch import Tensor

from vqa.data.items import Item
from vqa.extract.base import Source
from vqa.models.fast_pathway import FastPathway, FastPathwayConfig
from vqa.models.pooled import check_size, mean_and_deviation, pooled_frames
from vqa.models.quality import QualityNetwork
from vqa.models.resnet import ResNetConfig
from vqa.sampling.blocks import frame_blocks
from vqa.sampling.normalise import STATISTICS, normalise
from vqa.sampling.shrink import shrink
from vqa.settings.strict import build, one_of


@dataclass(frozen=True)
class Config:
    """Block ``extractors.bvqa2022`` of params.

    Attributes:
        spatial: size of the ResNet of :class:`vqa.models.quality.QualityNetwork`.
        spatial_initial: ``seed``, the name of published weights, or the file of a run of the method ``quality``.
        motion: size of the fast pathway.
        motion_initial: ``seed``, or the name of published weights.
        motion_statistics: what the motion network's input is normalised with: ``imagenet`` as released, or
            ``kinetics``, with which its published weights were trained (discrepancy B4).
        block: frames of a block, 64 as released (:func:`vqa.sampling.blocks.frame_blocks`).
        kept: of them that are looked at, 32 as released.
        short_side: to which larger frames are scaled, in pixels; 0: their own size, as released.
    """

    spatial: ResNetConfig
    spatial_initial: str
    motion: FastPathwayConfig
    motion_initial: str
    motion_statistics: str
    block: int
    kept: int
    short_side: int

    def __post_init__(self) -> None:
        one_of("motion_statistics", self.motion_statistics, tuple(STATISTICS))
        if min(self.block, self.kept) < 1 or self.short_side < 0:
            raise ValueError(f"block {self.block} and kept {self.kept} must be positive, short_side not negative")


class BVQA2022Features:
    """The extractor (:class:`vqa.extract.base.Extractor`).

    A video of ``block`` frames or fewer, on which the released code fails, is one block (discrepancy B5).
    """

    def __init__(self, config: Config) -> None:
        self.config, self.span = config, config.kept
        self._spatial, self._motion = QualityNetwork(config.spatial), FastPathway(config.motion)
        self.networks = {
            "spatial": (self._spatial, config.spatial_initial),
            "motion": (self._motion, config.motion_initial),
        }

    def check(self, item: Item) -> None:
        """Raise ValueError for frames so small that a map has no deviation."""
        check_size(item.width, item.height)

    def rows(self, item: Item, source: Source) -> np.ndarray:
        """One row for every frame that :func:`vqa.sampling.blocks.frame_blocks` gives.

        Returns:
            ``(L, 2 C + 2 C')`` float32: means and deviations of the spatial map, then those of the motion map. The
            frames of one block are in memory at a time; the motion network looks at them together.
        """
        device = next(self._spatial.parameters()).device
        found = []
        for block in frame_blocks(item.n_frames, self.config.block, self.config.kept):
            wanted, place = torch.unique(block.frames, return_inverse=True)
            frames = torch.from_numpy(source.frames(wanted.numpy()))
            frames = shrink(frames, self.config.short_side).to(device)
            needed, again = torch.unique(place[block.first :], return_inverse=True)
            rows = [self.spatial_rows(frames[needed])[again], self.motion_rows(frames[place])[block.first :]]
            found.append(torch.cat(rows, dim=1))
        return torch.cat(found).cpu().numpy()

    def spatial_rows(self, frames: Tensor) -> Tensor:
        """Frames ``(n, H, W, 3)`` uint8 to ``(n, 2 C)``, each by itself."""
        return pooled_frames(frames, lambda some: self._spatial.feature_map(normalise(some, "imagenet")))

    def motion_rows(self, frames: Tensor) -> Tensor:
        """The kept frames of a block, ``(T, H, W, 3)`` uint8, to ``(T, 2 C')``."""
        clip = normalise(frames, self.config.motion_statistics).transpose(0, 1)
        return mean_and_deviation(self._motion(clip[None])[-1][0].transpose(0, 1))


def make(block: dict[str, Any], where: str) -> BVQA2022Features:
    """The extractor with the sizes of ``block``; ParamsError says where something does not fit."""
    return BVQA2022Features(build(Config, block, where))
