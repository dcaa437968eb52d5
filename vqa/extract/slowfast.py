"""Motion features of SimpleVQA: SlowFast over the clips of a video, one clip per second (METHODS 6.2)."""

from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor

from vqa.data.items import Item
from vqa.extract.base import Source
from vqa.models.slowfast import SlowFast, SlowFastConfig
from vqa.sampling.keyframes import motion_clip_indices, rounded_fps
from vqa.settings.strict import build

# Of the Kinetics weights, on the scale 0..1
MEAN, STD = 0.45, 0.225
# Frames that are resized together
AT_A_TIME = 32


@dataclass(frozen=True)
class Config:
    """Block ``extractors.slowfast`` of params.

    Attributes:
        network: size of the SlowFast network; its ``frames`` are the length of a clip.
        initial: ``seed``, or the name of published weights.
        clips: clips per video, one per second; the last one is repeated in short videos (discrepancy L7).
    """

    network: SlowFastConfig
    initial: str
    clips: int

    def __post_init__(self) -> None:
        if self.clips < 1:
            raise ValueError(f"clips: {self.clips} must be positive")


class SlowFastClips:
    """The extractor (:class:`vqa.extract.base.Extractor`)."""

    def __init__(self, config: Config) -> None:
        self.config, self.span = config, config.network.frames
        self._network = SlowFast(config.network)
        self.networks = {"slowfast": (self._network, config.initial)}

    def check(self, item: Item) -> None:
        """Raise ValueError for an item without seconds to take clips from."""
        rounded_fps(item.fps)

    def rows(self, item: Item, source: Source) -> np.ndarray:
        """Slow and then fast features of every clip: ``(clips, channels)`` float32."""
        inputs = clip_frames(item, source.frames, self.config).to(next(self._network.parameters()).device)
        return torch.cat(self._network(inputs), dim=1).cpu().numpy()


def clip_frames(item: Item, frames: Any, config: Config) -> Tensor:
    """The first ``clips`` clips of a video: ``(clips, 3, T, S, S)`` float32, normalised.

    Args:
        item: the video.
        frames: gives frames ``(n, H, W, 3)`` uint8 by their numbers.
        config: number, length and size of the clips.
    """
    length, count = config.network.frames, config.clips
    indices = motion_clip_indices(item.n_frames, item.n_frames, item.fps, count, length)[:count]
    wanted, place = torch.unique(indices, return_inverse=True)
    pixels, side = torch.from_numpy(frames(wanted.numpy())), config.network.input_size
    # Few at a time: in single precision, the frames of one 4K video at full size take 25 GB.
    small = [
        F.interpolate(some.permute(0, 3, 1, 2).float() / 255.0, (side, side), mode="bilinear", antialias=True)
        for some in pixels.split(AT_A_TIME)
    ]
    return ((torch.cat(small) - MEAN) / STD)[place].transpose(1, 2)


def make(block: dict[str, Any], where: str) -> SlowFastClips:
    """The extractor with the sizes of ``block``; ParamsError says where something does not fit."""
    return SlowFastClips(build(Config, block, where))
