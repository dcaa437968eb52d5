"""Motion features of a data set: SlowFast over the clips of every video, once, for SimpleVQA (METHODS 6.2)."""

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor
from tqdm import tqdm

from vqa.data.items import Item, Part
from vqa.models.init import initialise
from vqa.models.slowfast import SlowFast, SlowFastConfig
from vqa.rng import torch_generator
from vqa.sampling.keyframes import motion_clip_indices, rounded_fps
from vqa.training.loader import check_items, naming

# Of the Kinetics weights, on the scale 0..1
MEAN, STD = 0.45, 0.225
# Frames that are resized together
AT_A_TIME = 32


@dataclass(frozen=True)
class Config:
    """Block ``slowfast`` of params.

    Attributes:
        network: size of the SlowFast network; its ``frames`` are the length of a clip.
        initial: ``seed``, or the name of published weights.
    """

    network: SlowFastConfig
    initial: str


@dataclass(frozen=True)
class Clips:
    """Block ``motion.NAME`` of params: clips per video, one per second; the last one is repeated in short videos."""

    clips: int

    def __post_init__(self) -> None:
        if self.clips < 1:
            raise ValueError(f"clips: {self.clips} must be positive")


def build_network(config: Config, seed: int, weights: Path, sha256: str | None = None) -> SlowFast:
    """The network in evaluation mode; published weights are fetched to the folder ``weights``.

    Args:
        config: size and weights.
        seed: of weights that are drawn.
        weights: folder of published files.
        sha256: of the published file, if it comes without one.
    """
    model = SlowFast(config.network)
    initialise(model, torch_generator("init", seed, "slowfast"), linear_std=None, convolutions="kaiming")
    if config.initial != "seed":
        from vqa.models.checkpoints import load_published, obtain_published

        load_published(config.initial, obtain_published(config.initial, weights, sha256), model, sha256)
    return model.eval()


def clip_frames(item: Item, frames: Any, count: int, config: Config) -> Tensor:
    """The first ``count`` clips of a video: ``(count, 3, T, S, S)`` float32, normalised.

    Args:
        item: the video.
        frames: gives frames ``(n, H, W, 3)`` uint8 by their numbers.
        count: clips.
        config: length and size of a clip.
    """
    indices = motion_clip_indices(item.n_frames, item.n_frames, item.fps, count, config.network.frames)[:count]
    wanted, place = torch.unique(indices, return_inverse=True)
    pixels, side = torch.from_numpy(frames(wanted.numpy())), config.network.input_size
    # Few at a time: in single precision, the frames of one 4K video at full size take 25 GB.
    small = [
        F.interpolate(some.permute(0, 3, 1, 2).float() / 255.0, (side, side), mode="bilinear", antialias=True)
        for some in pixels.split(AT_A_TIME)
    ]
    return ((torch.cat(small) - MEAN) / STD)[place].transpose(1, 2)


@torch.inference_mode()
def extract(part: Part, model: SlowFast, clips: int, config: Config, device: torch.device) -> np.ndarray:
    """Slow and then fast features of every clip: ``(n, clips, channels)`` float32, in the order of the items."""
    check_items(part, lambda item: rounded_fps(item.fps))
    model = model.to(device)
    rows = []
    for item in tqdm(part.items, desc=f"motion {part.data.name}", unit="video", disable=None):

        def frames(indices: np.ndarray, item: Item = item) -> np.ndarray:
            return part.data.frames(item, indices)

        with naming(part.data, item):
            inputs = clip_frames(item, frames, clips, config).to(device)
        rows.append(torch.cat(model(inputs), dim=1).cpu().numpy())
    return np.stack(rows)
