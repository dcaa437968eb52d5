"""What a frozen extractor is (see :class:`Extractor`), and how it goes over a data set."""

import os
from functools import partial
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Protocol

import numpy as np
import torch
from torch import nn
from tqdm import tqdm

from vqa.data.items import Item, Part
from vqa.data.patches import Patch
from vqa.io import InputError, atomic
from vqa.training.readers import check_items, naming
from vqa.workers import mapped


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


# Items of a piece, which is what a kill loses at most
PIECE = 16
# The file of all rows, in the folder of what is kept
ROWS = "features.npy"


def describe(
    part: Part, extractor: Extractor, title: str, state: Path | None = None, workers: int = 1
) -> tuple[np.ndarray, np.ndarray]:
    """Go over all items.

    Args:
        part: the items.
        extractor: what describes them.
        title: its name, for the progress.
        state: folder that keeps what is done, so that a killed run goes on from there; it must stand for these items
            and this extractor. None: nothing is kept.
        workers: processes, if the extractor has no networks; their number does not change a byte.

    Returns:
        Rows ``(n, L, channels)`` float32 in the order of the items, L those of the longest one and zeros behind the
        others', and how many of them are an item's own, ``(n,)`` int32. With a ``state`` the rows are the file
        ``ROWS`` in it, of which parts are read as they are asked for.

    Raises:
        InputError: for the first item that cannot be described, named, and how many more there are.
    """
    check_items(part, extractor.check)
    if state is None:
        with TemporaryDirectory() as folder:
            rows, lengths = describe(part, extractor, title, Path(folder), workers)
            return np.array(rows), lengths
    firsts = range(0, len(part.items), PIECE)
    waiting = [first for first in firsts if not _piece(state, first).is_file()]
    work = partial(_keep_piece, part=part, extractor=extractor, state=state)
    done, total = len(firsts) - len(waiting), len(firsts)
    with mapped(work, waiting, 1 if extractor.networks else workers) as finished:
        what = f"{title} {part.data.name}"
        for _ in tqdm(finished, desc=what, unit=f"{PIECE} videos", total=total, initial=done, disable=None):
            pass
    return _joined(part, [_piece(state, first) for first in firsts], state / ROWS)


@torch.inference_mode()
def _keep_piece(first: int, part: Part, extractor: Extractor, state: Path) -> None:
    """Describe the items of one piece, and keep their rows one after the other, beside their numbers of rows."""
    every = []
    for item in part.items[first : first + PIECE]:
        with naming(part.data, item):
            every.append(extractor.rows(item, ItemSource(part, item)))
        _alike(part, item, every[0], every[-1])
    with atomic(_piece(state, first)) as draft, draft.open("wb") as stream:
        lengths = np.array([len(rows) for rows in every], np.int32)
        np.savez(stream, rows=np.concatenate(every).astype(np.float32, copy=False), lengths=lengths)


def _joined(part: Part, pieces: list[Path], file: Path) -> tuple[np.ndarray, np.ndarray]:
    """All pieces in one table, which is too large for the memory where a data set has tens of thousands of videos."""
    lengths = np.concatenate([np.load(piece)["lengths"] for piece in pieces])
    before = np.load(pieces[0])["rows"]
    shape = (len(lengths), int(lengths.max()), before.shape[1])
    table = np.lib.format.open_memmap(file, mode="w+", dtype=np.float32, shape=shape)
    with file.open("r+b") as stream:  # a full disk is an error here, and would be the end without a word below
        os.posix_fallocate(stream.fileno(), 0, file.stat().st_size)
    for first, piece in enumerate(pieces):
        rows, at = np.load(piece)["rows"], 0
        _alike(part, part.items[first * PIECE], before, rows)
        for number in range(first * PIECE, min((first + 1) * PIECE, len(lengths))):
            table[number, : lengths[number]] = rows[at : at + lengths[number]]
            at += lengths[number]
    table.flush()
    return table, lengths


def _piece(state: Path, first: int) -> Path:
    return state / f"{first:06d}.npz"


def _alike(part: Part, item: Item, before: np.ndarray, rows: np.ndarray) -> None:
    if rows.shape[1:] != before.shape[1:] or not len(rows):
        raise InputError(f"{part.data.name}: {item.name}: {rows.shape} is not like {before.shape} before it")
