"""A prepared data set: its item list, its parts, and the frames and features of its items."""

import json
import random
from collections.abc import Iterable
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

import numpy as np
import pandas as pd

from vqa.data.patches import FILE as PATCHES
from vqa.data.patches import Patch, read_patches
from vqa.io import InputError, digest

# Codec of an item that is a row of features and has no frames.
FEATURES = "features"
ITEMS = (
    *("name", "mos", "split", "n_frames", "width", "height", "fps", "rotation", "codec"),
    *("decoder", "sha256", "frames_sha256", "offset"),
)


@dataclass(frozen=True)
class Item:
    """One video or image; see :class:`vqa.data.video.Probe` for the units.

    ``offset`` is its place in the frame store, ``row`` its place in the whole item list.
    """

    name: str
    mos: float
    n_frames: int
    height: int
    width: int
    fps: float
    codec: str
    offset: int
    row: int


@dataclass(frozen=True)
class Cut:
    """A random cut of a whole data set into ``train`` and ``test``, in place of the list's own (METHODS 3.8, 5.2).

    Attributes:
        seed: of Python's own shuffle, so that the parts are those of the released code.
        train_share: share of the items that train, rounded down.
    """

    seed: int
    train_share: float

    def parts(self, n: int) -> dict[str, list[int]]:
        """Rows of ``n`` items by part, in list order."""
        order = list(range(n))
        random.Random(self.seed).shuffle(order)
        train = int(self.train_share * n)
        return {"train": sorted(order[:train]), "test": sorted(order[train:])}


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
        extracted: folder of the extractions, one folder for each extractor and in it one for each data set.

    Attributes:
        stored: whether its frames are kept decoded, in its frame store.

    Raises:
        InputError: if the folder is not there or its item list is not one.
    """

    def __init__(self, prepared: Path, data: Path, extracted: Path = Path("features")) -> None:
        self.name = prepared.name
        self._folder, self._data, self._extracted = prepared, data, extracted
        self._features: dict[str, np.ndarray] = {}
        path = prepared / "items.csv"
        if not path.is_file():
            raise InputError(f"{path}: no item list; run the prepare stage of {self.name} first")
        # A file may be called NA: no cell of this table is a missing value.
        self._table = pd.read_csv(path, dtype={"name": str, "split": str}, keep_default_na=False)
        if tuple(self._table.columns) != ITEMS:
            raise InputError(f"{path}: columns are not {', '.join(ITEMS)}; prepare {self.name} again")
        self.stored = bool((self._table.offset >= 0).all())
        self._store = np.memmap(prepared / "frames.bin", dtype=np.uint8, mode="r") if self.stored else None

    def items(self, split: str, cut: Cut | None = None) -> list[Item]:
        """Items of one split in list order; ``all`` is every item, and ``cut`` replaces ``train`` and ``test``.

        Raises:
            InputError: if the split does not exist or is empty.
        """
        rows = self._split(split, cut)
        fields = ["name", "mos", "n_frames", "height", "width", "fps", "codec", "offset"]
        return [Item(*(*row[1:], row[0])) for row in rows[fields].itertuples()]

    @cached_property
    def mos_range(self) -> tuple[float, float]:
        """Lowest and highest MOS of all items."""
        return float(self._table.mos.min()), float(self._table.mos.max())

    def digest(self, split: str, cut: Cut | None = None) -> str:
        """:func:`items_digest` of one split."""
        return items_digest(self._split(split, cut))

    def frames(self, item: Item, indices: np.ndarray) -> np.ndarray:
        """Frames ``indices`` of an item: ``(len(indices), H, W, 3)`` uint8 RGB.

        Raises:
            InputError: if the file no longer has the size that was probed.
            vqa.data.video.MediaError: if it cannot be decoded.
        """
        if self._store is not None:
            shape = (item.n_frames, item.height, item.width, 3)
            size = int(np.prod(shape))
            return self._store[item.offset : item.offset + size].reshape(shape)[indices]
        from vqa.data.video import read_frames  # here: with a frame store nothing is decoded and no decoder is loaded

        frames = read_frames(self._data / item.name, indices, self._exif)
        if frames.shape[1:3] != (item.height, item.width):
            raise InputError(f"{self._data / item.name}: not the file that was prepared (other size); prepare again")
        return frames

    def fill(self, frames: np.ndarray, item: Item) -> None:
        """Decode an item's file once, all its frames into ``frames`` ``(N, H, W, 3)`` uint8 RGB.

        Raises:
            InputError: if the file is no longer the one that was prepared.
            vqa.data.video.MediaError: if it cannot be decoded.
        """
        from vqa.data.video import evenly, frames_digest, iterate_frames

        number = -1
        for number, frame in enumerate(iterate_frames(self._data / item.name, self._exif)):
            if frame.shape != frames.shape[1:] or number >= len(frames):
                break
            frames[number] = frame
        else:
            if number + 1 == len(frames):
                some = frames[evenly(len(frames))]
                if frames_digest(some) == self._table.frames_sha256.iloc[item.row]:
                    return
        raise InputError(f"{self._data / item.name}: not the file that was prepared (other frames); prepare again")

    @cached_property
    def _exif(self) -> str:
        """The rule for images that the data set was prepared with."""
        return json.loads((self._folder / "report.json").read_text(encoding="utf-8")).get("exif_orientation", "ignore")

    def identity(self, item: Item) -> str:
        """Text that tells an item and its frames from all others: its name, what probing found, the rule for images."""
        return f"{self._identities[item.row]}\n{self._exif}"

    @cached_property
    def _identities(self) -> list[str]:
        found = self._table.drop(columns=["mos", "split", "offset"])
        return found.to_json(orient="records", lines=True).splitlines()

    def path(self, item: Item) -> Path:
        """The file of an item."""
        return self._data / item.name

    def patches(self, item: Item) -> list[Patch]:
        """The space-time patches of an item that have opinions of their own; none where the data set has none."""
        return self._patches.get(item.name, [])

    @cached_property
    def _patches(self) -> dict[str, list[Patch]]:
        return read_patches(self._folder / PATCHES)

    def features(self, item: Item, name: str) -> np.ndarray:
        """Features of an item, float32: ``(channels,)`` of the published set ``name``, ``(L, channels)`` extracted.

        Raises:
            InputError: if there is no such set, or it is not one of finite numbers for the present item list.
        """
        if name not in self._features:
            self._features[name] = self._read_features(name)
        return self._features[name][item.row]

    def length(self, item: Item, name: str) -> int:
        """Rows of an item in the extraction ``name``; those behind are zero.

        Raises:
            InputError: if there is no such extraction, or not of the present item list.
        """
        lengths = self._features.get(f"{name}/lengths")
        if lengths is None:
            lengths = self._features[f"{name}/lengths"] = self._load(self._extracted / name / self.name / "lengths.npy")
        return int(lengths[item.row])

    def _read_features(self, name: str) -> np.ndarray:
        published, extracted = self._folder / "features", self._extracted / name / self.name / "features.npy"
        if extracted.is_file():
            return self._load(extracted)
        path = published / f"{name}.npy"
        if not path.is_file():
            known = sorted(other.stem for other in published.glob("*.npy"))
            known += sorted(other.parts[-3] for other in self._extracted.glob(f"*/{self.name}/features.npy"))
            remedy = f"a run that reads extracted ones must say data: features/{name}/{self.name}"
            raise InputError(f"{self.name}: no features {name}; there are {', '.join(known) or 'none'}; {remedy}")
        table = np.load(path, allow_pickle=False)
        if table.dtype != np.float32 or table.ndim != 2 or len(table) != len(self._table):
            raise InputError(f"{path}: not float32 rows for the present item list; prepare {self.name} again")
        if not np.isfinite(table).all():
            raise InputError(f"{path}: has numbers that are not finite; prepare {self.name} again")
        return table

    def _load(self, path: Path) -> np.ndarray:
        """One array of an extraction, not read into memory."""
        if not path.is_file():
            raise InputError(f"{path} is missing: `dvc repro extract` makes it")
        array = np.load(path, mmap_mode="r", allow_pickle=False)
        if len(array) != len(self._table):
            raise InputError(f"{path}: not of the present item list: `dvc repro extract` again")
        return array

    def _split(self, split: str, cut: Cut | None) -> pd.DataFrame:
        if cut is not None and split in ("train", "test"):
            return self._table.iloc[cut.parts(len(self._table))[split]]
        rows = self._table if split == "all" else self._table[self._table.split == split]
        if rows.empty:
            known = ", ".join([*sorted(self._table.split.unique()), "all"])
            raise InputError(f"{self.name}: no items in split {split!r}; it has {known}")
        return rows


@dataclass(frozen=True)
class Part:
    """Some items of a prepared data set that are trained or tested on together.

    Attributes:
        data: the data set.
        split: ``train``, ``test``, ``all`` or another split of its list.
        cut: a random cut that replaces the list's own ``train`` and ``test``.
    """

    data: PreparedDataset
    split: str
    cut: Cut | None = None

    @property
    def key(self) -> str:
        """``dataset/split``, the name in all results."""
        return f"{self.data.name}/{self.split}"

    @cached_property
    def items(self) -> list[Item]:
        """See :meth:`PreparedDataset.items`."""
        return self.data.items(self.split, self.cut)

    @property
    def mos(self) -> np.ndarray:
        """Labels ``(n,)``."""
        return np.array([item.mos for item in self.items])

    @property
    def digest(self) -> str:
        """See :func:`items_digest`."""
        return self.data.digest(self.split, self.cut)


def open_datasets(names: Iterable[str]) -> dict[str, PreparedDataset]:
    """The prepared data sets of the current scale by name, from ``prepared/``, ``data/`` and ``features/``."""
    return {name: PreparedDataset(Path("prepared") / name, Path("data") / name) for name in names}
