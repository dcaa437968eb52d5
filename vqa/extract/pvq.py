"""Features of PVQ: networks of frames and of clips, pooled over regions and in time (MULTIBRANCH_B 14.3.1-14.3.4)."""

from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from torch import Tensor

from vqa.data.items import Item
from vqa.data.patches import Patch
from vqa.extract.base import Source
from vqa.models.basic_resnet import BasicResNet, BasicResNetConfig
from vqa.models.roi_pool import Box, adaptive_average, roi_pool
from vqa.sampling.clips3d import clip_frames, notebook_windows
from vqa.settings.strict import build, one_of

# Pixels that the network of frames looks at together, in whole frames and at least one
AT_A_TIME = 1 << 22
# Clips that are in memory together
CLIPS_AT_A_TIME = 4


@dataclass(frozen=True)
class Config:
    """Block ``extractors.pvq`` of params.

    Attributes:
        frames: size of the network of frames.
        frames_initial: ``seed``, or the name of published weights.
        clips: size of the network of clips.
        clips_initial: ``seed``, or the name of published weights.
        every: frames from one that is looked at to the next, 1 as released.
        clip_count: clips of every video.
        clip_length: frames of a clip: 8 as in the released notebook, or 16 as its successor has (discrepancy PV4).
        steps: rows in time.
        pooling: ``adaptive``: averages over the whole of a region's time, of which the published regressor was trained;
            ``notebook``: what the released notebook makes of it, windows that are hardly pooled (discrepancy PV3).
    """

    frames: BasicResNetConfig
    frames_initial: str
    clips: BasicResNetConfig
    clips_initial: str
    every: int
    clip_count: int
    clip_length: int
    steps: int
    pooling: str

    def __post_init__(self) -> None:
        one_of("pooling", self.pooling, ("adaptive", "notebook"))
        if min(self.every, self.clip_count) < 1 or self.clip_length not in (8, 16) or self.steps < 2:
            raise ValueError("every and clip_count must be positive, clip_length 8 or 16, steps at least 2")


class PVQFeatures:
    """The extractor (:class:`vqa.extract.base.Extractor`)."""

    def __init__(self, config: Config) -> None:
        self.config, self.span = config, config.clip_length
        self._frames, self._clips = BasicResNet(config.frames, time=False), BasicResNet(config.clips, time=True)
        self.networks = {
            "frames": (self._frames, config.frames_initial),
            "clips": (self._clips, config.clips_initial),
        }

    def check(self, item: Item) -> None:
        """Every video can be looked at; of short ones the first and last frames are repeated."""

    def rows(self, item: Item, source: Source) -> np.ndarray:
        """Sequences of the whole video and, if it has patches, of the three, one after the other.

        Returns:
            ``(regions * steps, 4 C + 4 C')`` float32: maxima of the quarters of a region, of frames and then of clips.
            A patch in time has the frames of its segment, and the clips that lie in it or, if none does, the nearest.
        """
        patches, whole = source.patches(), (0.0, 0.0, float(item.width), float(item.height))
        boxes: list[Box] = [whole, *((p.left, p.top, p.right, p.bottom) for p in patches[::2])]
        stills = torch.arange(0, item.n_frames, self.config.every)
        clips = clip_frames(item.n_frames, self.config.clip_count, self.config.clip_length)
        frames = self._frame_rows(source, stills, boxes, item.width * item.height)
        moving = self._clip_rows(source, clips, boxes)
        regions: list[tuple[int, Patch | None]] = [(0, None)]
        if patches:
            # The first is a box for the whole time, the second the whole frame for some time.
            regions += [(1, None), (0, patches[1]), (2, patches[2])]
        found = []
        for box, patch in regions:
            first, last = (0, item.n_frames) if patch is None else (patch.start, patch.end)
            in_time = (
                frames[inside(stills[:, None], first, last), box],
                moving[inside(clips, first, last), box],
            )
            found.append(torch.cat([self._pooled(rows) for rows in in_time], dim=1))
        return torch.cat(found).cpu().numpy()

    def _pooled(self, rows: Tensor) -> Tensor:
        """``(N, C, 2, 2)`` to rows of ``4 C``, in time as params say."""
        flat, steps = rows.flatten(1), self.config.steps
        if self.config.pooling == "adaptive":
            return adaptive_average(flat, steps)
        return torch.cat([adaptive_average(flat[window], steps) for window in notebook_windows(len(flat), steps)])

    def _frame_rows(self, source: Source, indices: Tensor, boxes: list[Box], frame_pixels: int) -> Tensor:
        """``(n, boxes, C, 2, 2)`` of single frames."""
        parts = indices.split(max(1, AT_A_TIME // frame_pixels))
        read = (pixels(source.frames(part.numpy()), self._frames) for part in parts)
        return torch.cat([roi_pool(self._frames(frames), boxes) for frames in read])

    def _clip_rows(self, source: Source, clips: Tensor, boxes: list[Box]) -> Tensor:
        """``(n, boxes, C, 2, 2)`` of clips ``(n, length)``."""
        found = []
        for some in clips.split(CLIPS_AT_A_TIME):
            wanted, place = torch.unique(some, return_inverse=True)
            frames = pixels(source.frames(wanted.numpy()), self._clips)
            maps = torch.cat([self._clips(frames[one].transpose(0, 1)[None]) for one in place])
            found.append(roi_pool(maps[:, :, 0], boxes))
        return torch.cat(found)


def pixels(frames: np.ndarray, network: BasicResNet) -> Tensor:
    """Frames ``(n, H, W, 3)`` uint8 as ``(n, 3, H, W)`` in [0, 1], where the network is."""
    device = next(network.parameters()).device
    return torch.from_numpy(frames).to(device).permute(0, 3, 1, 2).float() / 255.0


def inside(spans: Tensor, first: int, last: int) -> Tensor:
    """Numbers of the spans of frames ``(n, k)`` that lie in frames ``first`` to ``last - 1``, or of the nearest one."""
    outside = (first - spans[:, 0]).clamp(min=0) + (spans[:, -1] - (last - 1)).clamp(min=0)
    return (outside == 0).nonzero()[:, 0] if (outside == 0).any() else outside.argmin()[None]


def make(block: dict[str, Any], where: str) -> PVQFeatures:
    """The extractor with the sizes of ``block``; ParamsError says where something does not fit."""
    return PVQFeatures(build(Config, block, where))
