"""Hand-crafted systems as extractors: one row of named numbers for a video (VIDEVAL_TLVQM 8.1, 8.2)."""

import warnings
from dataclasses import dataclass
from typing import Any

import numpy as np
from torch import nn

from vqa.data.items import Item
from vqa.extract.base import Source
from vqa.handcrafted import SYSTEMS, load_system
from vqa.handcrafted.clips import SMALLEST
from vqa.handcrafted.planes import read_planes
from vqa.handcrafted.videval import Light
from vqa.settings.strict import build, one_of

# What both systems need beyond a second, and the fewest frames of which two pairs lie in what they take for a second
SPARE_FRAMES, FEWEST = 8, 10


@dataclass(frozen=True)
class Config:
    """A block of params with ``module: handcrafted``.

    Attributes:
        system: one of :data:`vqa.handcrafted.SYSTEMS`.
        light: of VIDEVAL, the authors' light version, for which it was published too.
        every: frames from one that is looked at to the next; 1 as published. The others are as if they were not there,
            and the frame rate is so much lower.
    """

    system: str
    light: Light | None = None
    every: int = 1

    def __post_init__(self) -> None:
        one_of("system", self.system, SYSTEMS)
        if self.every < 1:
            raise ValueError(f"every: {self.every} must be 1 at least")
        if self.light is not None and self.system != "videval":
            raise ValueError("light: VIDEVAL alone has a light version")


class HandCrafted:
    """The extractor (:class:`vqa.extract.base.Extractor`).

    It describes videos that the public code fails on, so that every item of a data set has its row: of an odd width or
    height the last column or row is left out; frames too small for the system are enlarged; a clip of hardly a second
    is taken for one of that length, by a lower frame rate, and one of less than ten frames repeats its last.
    """

    def __init__(self, config: Config) -> None:
        self.config, self.span = config, FEWEST
        self.networks: dict[str, tuple[nn.Module, str]] = {}
        self._measure: Any = getattr(load_system(config.system), config.system)

    def check(self, item: Item) -> None:
        """Raise ValueError for an image."""
        if not item.fps:
            raise ValueError(f"an image, which {self.config.system} cannot describe")

    def rows(self, item: Item, source: Source) -> np.ndarray:
        """The system's numbers, ``(1, channels)`` float32; NaN where one is not defined."""
        y, u, v, fps = read_planes(source.path, odd="crop")
        every = self.config.every
        y, u, v = (lengthened(enlarged(plane[::every], min(y.shape[1:]))) for plane in (y, u, v))
        rate = min(fps / every, float(len(y) - SPARE_FRAMES))
        more = {} if self.config.light is None else {"light": self.config.light}
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", RuntimeWarning)  # of a constant picture, some numbers are 0 / 0
            return self._measure(y, u, v, rate, **more)[None].astype(np.float32)


def enlarged(plane: np.ndarray, short_side: int) -> np.ndarray:
    """``(T, H, W)`` with every pixel repeated, as often as makes ``short_side`` large enough for both systems."""
    times = -(-SMALLEST // short_side)
    return plane if times == 1 else plane.repeat(times, axis=1).repeat(times, axis=2)


def lengthened(plane: np.ndarray) -> np.ndarray:
    """``(T, H, W)`` with the last frame repeated, as often as makes the clip long enough."""
    return np.concatenate([plane, *[plane[-1:]] * (FEWEST - len(plane))])


def make(block: dict[str, Any], where: str) -> HandCrafted:
    """The extractor of ``block``; ParamsError says where something does not fit."""
    return HandCrafted(build(Config, block, where))
