"""What a frozen extractor is (see :class:`Extractor`), and how it goes over a data set."""

from pathlib import Path
from typing import Protocol

import numpy as np
import torch
from torch import nn
from tqdm import tqdm

from vqa.data.items import Item, Part
from vqa.data.patches import Patch
from vqa.io import InputError
from vqa.training.loader import check_items, naming


class Source(Protocol):
    """What an extractor may read of an item."""

    @property
    def path(self) -> Path:
        """The file itself."""

    def frames(self, indices: np.ndarray) -> np.ndarray:
        """Frames ``(n, H, W, 3)`` uint8 RGB; a number may be asked for several times."""

    def patches(self) -> list[Patch]:
        """The item's three patches, or none."""


class Extractor(Protocol):
    """The contract between an extractor and its stage.

    Attributes:
        networks: by name, each with its initial weights: ``seed``, the name of published ones
            (:mod:`vqa.models.checkpoints`), or a file of a run's; frozen, and in evaluation mode when :meth:`rows` is
            called.
        span: frames that it looks at together; a shorter video is described by repeating some.
    """

    networks: dict[str, tuple[nn.Module, str]]
    span: int

    def check(self, item: Item) -> None:
        """Raise ValueError for an item that cannot be described, by what is known before its frames are read."""

    def rows(self, item: Item, source: Source) -> np.ndarray:
        """The description of one item, ``(L, channels)`` float32 with at least one row."""


class ItemSource:
    """What a data set holds of one item (:class:`Source`)."""

    def __init__(self, part: Part, item: Item) -> None:
        self._data, self._item = part.data, item

    @property
    def path(self) -> Path:
        """The file itself."""
        return self._data.path(self._item)

    def frames(self, indices: np.ndarray) -> np.ndarray:
        """Frames ``(n, H, W, 3)`` uint8 RGB."""
        return self._data.frames(self._item, indices)

    def patches(self) -> list[Patch]:
        """The item's three patches, or none."""
        return self._data.patches(self._item)


@torch.inference_mode()
def describe(part: Part, extractor: Extractor, title: str) -> tuple[np.ndarray, np.ndarray]:
    """Go over all items, in their order.

    Returns:
        Rows ``(n, L, channels)`` float32, L those of the longest item and zeros behind the others', and how many of
        them are an item's own, ``(n,)`` int32.

    Raises:
        InputError: for the first item that cannot be described, named, and how many more there are.
    """
    check_items(part, extractor.check)
    every = []
    for item in tqdm(part.items, desc=f"{title} {part.data.name}", unit="video", disable=None):
        with naming(part.data, item):
            every.append(extractor.rows(item, ItemSource(part, item)))
        if every[-1].shape[1:] != every[0].shape[1:] or not len(every[-1]):
            raise InputError(f"{part.data.name}: {item.name}: {every[-1].shape} is not like {every[0].shape} before it")
    lengths = np.array([len(rows) for rows in every], np.int32)
    table = np.zeros((len(every), lengths.max(), every[0].shape[1]), np.float32)
    for row, rows in zip(table, every, strict=True):
        row[: len(rows)] = rows
    return table, lengths
