"""A prepared data set: its item list, and the frames of its items."""

from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd

from vqa.io import InputError, digest

ITEMS = (
    *("name", "mos", "split", "n_frames", "width", "height", "fps", "rotation", "codec"),
    *("sha256", "frames_sha256", "offset"),
)


@dataclass(frozen=True)
class Item:
    """One video or image; see :class:`vqa.video.Probe` for the units. ``offset`` is its place in the frame store."""

    name: str
    mos: float
    n_frames: int
    height: int
    width: int
    codec: str
    offset: int


def items_digest(items: pd.DataFrame) -> str:
    """First 12 digits of the SHA-256 of an item list: sorted names, with MOS to three digits.

    Three, so that the same labels written with other rounding, or computed on another processor, stay the same list.
    """
    lines = sorted(f"{name},{mos:.3g}" for name, mos in zip(items.name, items.mos, strict=True))
    return digest("\n".join(lines))[:12]


class PreparedDataset:
    """Item lists and frames of a folder written by :func:`vqa.data.prepare.prepare`.

    Args:
        prepared: the folder; its name is the data set's name.
        data: folder of the original files, read where there is no frame store.

    Raises:
        InputError: if the folder is not there or its item list is not one.
    """

    def __init__(self, prepared: Path, data: Path) -> None:
        self.name = prepared.name
        self._data = data
        path = prepared / "items.csv"
        if not path.is_file():
            raise InputError(f"{path}: no item list; run the prepare stage of {self.name} first")
        self._table = pd.read_csv(path, dtype={"name": str, "split": str})
        if tuple(self._table.columns) != ITEMS:
            raise InputError(f"{path}: columns are not {', '.join(ITEMS)}; prepare {self.name} again")
        stored = bool((self._table.offset >= 0).all())
        self._store = np.memmap(prepared / "frames.bin", dtype=np.uint8, mode="r") if stored else None

    def items(self, split: str) -> list[Item]:
        """Items of one split in list order; ``all`` is every item.

        Raises:
            InputError: if the split does not exist or is empty.
        """
        rows = self._split(split)
        fields = ["name", "mos", "n_frames", "height", "width", "codec", "offset"]
        return [Item(*row) for row in rows[fields].itertuples(index=False)]

    def digest(self, split: str) -> str:
        """:func:`items_digest` of one split."""
        return items_digest(self._split(split))

    def frames(self, item: Item, indices: np.ndarray) -> np.ndarray:
        """Frames ``indices`` of an item: ``(len(indices), H, W, 3)`` uint8 RGB.

        Raises:
            InputError: if the file no longer has the size that was probed.
            vqa.video.MediaError: if it cannot be decoded.
        """
        if self._store is not None:
            shape = (item.n_frames, item.height, item.width, 3)
            size = int(np.prod(shape))
            return self._store[item.offset : item.offset + size].reshape(shape)[indices]
        from vqa.video import read_frames  # here: with a frame store nothing is decoded and no decoder is loaded

        frames = read_frames(self._data / item.name, indices)
        if frames.shape[1:3] != (item.height, item.width):
            raise InputError(f"{self._data / item.name}: not the file that was prepared (other size); prepare again")
        return frames

    def _split(self, split: str) -> pd.DataFrame:
        rows = self._table if split == "all" else self._table[self._table.split == split]
        if rows.empty:
            known = ", ".join([*sorted(self._table.split.unique()), "all"])
            raise InputError(f"{self.name}: no items in split {split!r}; it has {known}")
        return rows


def open_datasets(names: Iterable[str]) -> dict[str, PreparedDataset]:
    """The prepared data sets of the current scale by name, from ``prepared/NAME`` and ``data/NAME``."""
    return {name: PreparedDataset(Path("prepared") / name, Path("data") / name) for name in names}
