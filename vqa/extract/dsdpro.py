"""Features of DSD-PRO: appearance of a frame and motion of a clip in every segment (MULTIBRANCH_B 14.4.1-14.4.3)."""

from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from PIL import Image
from torch import Tensor

from vqa.data.items import Item
from vqa.extract.base import Source
from vqa.models.fast_pathway import FastPathway, FastPathwayConfig
from vqa.models.inception_resnet import InceptionResNet, InceptionResNetConfig
from vqa.models.pooled import mean_and_deviation
from vqa.sampling.normalise import normalise
from vqa.sampling.segments import APPEARANCE, CLIP, clip_frames, used_size
from vqa.settings.strict import build

# Below, the last map of the appearance network has a single position, or none.
SMALLEST = 80


@dataclass(frozen=True)
class Config:
    """Block ``extractors.dsdpro`` of params.

    Attributes:
        appearance: size of the network of single frames.
        appearance_initial: ``seed``, or the name of published weights.
        motion: size of the network of clips: the fast pathway of SlowFast alone, as released (discrepancy DS1).
        motion_initial: ``seed``, or the name of published weights.
        segments: of every video, 20 as released.
        long_side: to which frames are scaled, in pixels; 0: their own size, as released.
    """

    appearance: InceptionResNetConfig
    appearance_initial: str
    motion: FastPathwayConfig
    motion_initial: str
    segments: int
    long_side: int

    def __post_init__(self) -> None:
        if self.segments < 2 or self.long_side < 0:
            raise ValueError(f"segments: {self.segments} must be at least 2, and long_side not negative")


class DSDProFeatures:
    """The extractor (:class:`vqa.extract.base.Extractor`)."""

    def __init__(self, config: Config) -> None:
        self.config, self.span = config, CLIP
        self._appearance, self._motion = InceptionResNet(config.appearance), FastPathway(config.motion)
        self.networks = {
            "appearance": (self._appearance, config.appearance_initial),
            "motion": (self._motion, config.motion_initial),
        }

    def check(self, item: Item) -> None:
        """Every size and length can be looked at: what is too small is enlarged, what is too short repeated."""

    def size(self, item: Item) -> tuple[int, int]:
        """Width and height at which the networks see a video."""
        width, height = used_size(item.width, item.height)
        scale = self.config.long_side / max(width, height) if self.config.long_side else 1.0
        scale = max(scale, SMALLEST / min(width, height))
        return (width, height) if scale == 1 else (round(scale * width), round(scale * height))

    def rows(self, item: Item, source: Source) -> np.ndarray:
        """One row for every segment: ``(segments, channels)`` float32.

        Of each of four levels the means and deviations of the appearance map and then of the motion map.
        """
        device = next(self._motion.parameters()).device
        clips, found = clip_frames(item.n_frames, self.config.segments), []
        for clip in clips:
            frames = resized(source.frames(clip.numpy()), self.size(item)).to(device)
            found.append(segment_row(self._appearance, self._motion, frames))
        return torch.stack(found).cpu().numpy()


def segment_row(appearance: InceptionResNet, motion: FastPathway, clip: Tensor) -> Tensor:
    """The row of one segment, from its clip ``(8, H, W, 3)`` uint8."""
    still = [mean_and_deviation(level)[0] for level in appearance(normalise(clip[APPEARANCE, None], "half"))]
    moving = normalise(clip, "imagenet").transpose(0, 1)[None]
    moved = [mean_and_deviation(level)[0] for level in motion(moving)]
    return torch.cat([part for both in zip(still, moved, strict=True) for part in both])


def resized(frames: np.ndarray, size: tuple[int, int]) -> Tensor:
    """Frames ``(n, H, W, 3)`` uint8 at another (width, height), by Pillow's bicubic filter."""
    if (frames.shape[2], frames.shape[1]) == size:
        return torch.from_numpy(frames)
    pictures = (Image.fromarray(frame).resize(size, Image.Resampling.BICUBIC) for frame in frames)
    return torch.from_numpy(np.stack([np.asarray(picture) for picture in pictures]))


def make(block: dict[str, Any], where: str) -> DSDProFeatures:
    """The extractor with the sizes of ``block``; ParamsError says where something does not fit."""
    return DSDProFeatures(build(Config, block, where))
