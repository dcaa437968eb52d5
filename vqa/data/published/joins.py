"""One label list out of the published ones of a data set, after proof that they speak of the same videos.

Every function reads the folder of an entry ``DATASET-labels``, checks counts, names and MOS of all lists in it against
each other, and returns one list: columns ``name``, ``mos``, ``split``, in the order that random cuts shuffle.
"""

from collections.abc import Callable
from functools import partial
from pathlib import Path

import numpy as np
import pandas as pd

from vqa.data.catalog import real_dataset
from vqa.data.formats import read_label_list, read_metadata
from vqa.data.items import Cut
from vqa.data.labels import LABEL_COLUMNS
from vqa.io import InputError
from vqa.settings.strict import ParamsError, known_name

YOUTUBE_SUFFIX = "_crf_10_ss_00_t_20.0.mp4"
RENAMED_LIVEVQC = (
    *("A012.mp4", "A036.mp4", "A046.mp4", "A080.mp4", "B054.mp4", "B115.mp4", "B139.mp4", "B248.mp4", "B263.mp4"),
)
"""Names of LIVE-VQC that have ``NEW`` before the suffix in VIDEVAL's metadata."""
SAMA_SLOPE, SAMA_SHIFT = 2.4745, -2.0734
"""SAMA's MOS of YouTube-UGC, from MOS on 1-5."""
YOUTUBE_CUT = Cut(seed=42, train_share=0.8)

_TOLERANCE = 1e-6  # of MOS between lists that print it with six digits or more


def published_labels(dataset: str, folder: Path, listed: str = "") -> pd.DataFrame:
    """The label list of a data set.

    Args:
        dataset: name in the catalog.
        folder: of the entry ``DATASET-labels``.
        listed: key of one of the catalog's lists; the expected one if empty.

    Returns:
        Columns ``name``, ``mos``, ``split``.

    Raises:
        InputError: one line, if a list is damaged, has another number of items, or contradicts another list.
        ParamsError: if the labels of that list are not published, or there is no such list.
    """
    entry = real_dataset(dataset)
    keys = [item.key for item in entry.lists]
    listed = listed or keys[0]
    known_name(f"vqa/data/catalog.py: lists of {dataset}", listed, keys)
    readers = _READERS.get(dataset, {})
    if listed not in readers:
        known = ", ".join(readers) or "none"
        raise ParamsError(
            f"{dataset}: the labels of the list {listed!r} are not published (published: {known}); provide labels.csv"
        )
    labels = readers[listed](folder)[LABEL_COLUMNS].reset_index(drop=True)
    expected = next(item for item in entry.lists if item.key == listed).splits
    counts = labels.split.value_counts().to_dict()
    if counts != expected:
        raise InputError(f"{folder}: the list {listed!r} has {counts}, expected {expected}")
    return labels


def published_lists(dataset: str) -> list[str]:
    """Keys of the catalog's lists whose labels are published; empty if none are."""
    return list(_READERS.get(dataset, {}))


def base_names(table: pd.DataFrame) -> pd.DataFrame:
    """The same list with file names alone, without the folders that some lists put before them."""
    return table.assign(name=table.name.str.rpartition("/")[2])


def agree(where: str, one: pd.DataFrame, other: pd.DataFrame, tolerance: float = _TOLERANCE) -> None:
    """Raise InputError unless every name of ``one`` is in ``other``, with the same MOS."""
    mos = other.set_index("name").mos.reindex(one.name).to_numpy()
    for bad, what in ((np.isnan(mos), "is in one list alone"), (np.abs(mos - one.mos) > tolerance, "has two MOS")):
        if bad.any():
            raise InputError(f"{where}: the lists contradict each other: {one.name[np.argmax(bad)]} {what}")


def konvid1k(folder: Path) -> pd.DataFrame:
    """KoNViD-1k: 1200 videos, split 960/240 as in the paper's repository."""
    labels = read_label_list(folder / "labels.txt")
    parts = {split: read_label_list(folder / f"{split}.txt") for split in ("train", "test")}
    metadata = konvid1k_metadata(folder / "metadata.csv")
    dover = base_names(read_label_list(folder / "dover.txt"))
    _counts(folder, {"labels.txt": (labels, 1200), "metadata.csv": (metadata, 1200), "dover.txt": (dover, 1200)})
    agree(str(folder), labels, metadata)
    _same_rows(folder, labels, dover)
    for part in parts.values():
        agree(str(folder), part, labels)
    if set(parts["train"].name) & set(parts["test"].name) or sum(map(len, parts.values())) != len(labels):
        raise InputError(f"{folder}: train.txt and test.txt do not divide labels.txt")
    return labels.assign(split=np.where(labels.name.isin(parts["train"].name), "train", "test"))


def livevqc(folder: Path) -> pd.DataFrame:
    """LIVE-VQC: 585 videos, all in one split; the metadata have nine other names in the same rows."""
    labels = read_label_list(folder / "labels.txt")
    metadata = read_metadata(folder / "metadata.csv", "File", "MOS")
    dover = base_names(read_label_list(folder / "dover.txt"))
    _counts(folder, {"labels.txt": (labels, 585), "metadata.csv": (metadata, 585), "dover.txt": (dover, 585)})
    renamed = labels.name.where(~labels.name.isin(RENAMED_LIVEVQC), labels.name.str.replace(".mp4", "NEW.mp4"))
    if not renamed.equals(metadata.name):
        first = int((renamed != metadata.name).argmax())
        raise InputError(f"{folder}: row {first + 1} is {labels.name[first]} and {metadata.name[first]}")
    _same_rows(folder, labels, metadata.assign(name=labels.name))
    _same_rows(folder, labels, dover)
    return labels.assign(split="all")


def youtubeugc(folder: Path, listed: str) -> pd.DataFrame:
    """YouTube-UGC: one of the nested lists, cut 80/20 by seed 42; MOS on 1-5, but SAMA's on its own scale."""
    lists = {
        "paper": read_label_list(folder / "labels.txt"),
        "dover": read_label_list(folder / "dover.txt"),
        "sama": read_label_list(folder / "sama.txt"),
        "videval": youtubeugc_metadata(folder / "metadata.csv"),
    }
    sizes = {"paper": 1040, "dover": 1147, "sama": 1195, "videval": 1380}
    _counts(folder, {name: (table, sizes[name]) for name, table in lists.items()})
    sama = lists["sama"]
    for small, large in (("paper", "dover"), ("dover", "videval")):
        agree(str(folder), lists[small], lists[large])
    # Its slope and shift are published rounded to four decimals.
    agree(str(folder), sama.assign(mos=(sama.mos - SAMA_SHIFT) / SAMA_SLOPE), lists["videval"], tolerance=1e-3)
    agree(str(folder), lists["dover"].assign(mos=0.0), sama.assign(mos=0.0))
    labels = lists[listed]
    parts = YOUTUBE_CUT.parts(len(labels))
    split = np.where(np.isin(np.arange(len(labels)), parts["train"]), "train", "test")
    return labels.assign(split=split)


def lsvq(folder: Path, listed: str) -> pd.DataFrame:
    """LSVQ: train, test and 1080p, with FAST-VQA's test list or SAMA's, which lacks four of its videos."""
    parts = {split: read_label_list(folder / f"{split}.txt") for split in ("train", "test", "1080p")}
    short = read_label_list(folder / "sama_test.txt")
    sizes = {"train": 28056, "test": 7186, "1080p": 3573}
    _counts(folder, {**{split: (table, sizes[split]) for split, table in parts.items()}, "SAMA": (short, 7182)})
    agree(str(folder), short, parts["test"])
    names = pd.concat([table.name for table in parts.values()])
    if names.duplicated().any():
        raise InputError(f"{folder}: {names[names.duplicated()].iloc[0]} is in two of its lists")
    if listed == "sama":
        parts["test"] = parts["test"][parts["test"].name.isin(short.name)]
    return pd.concat([table.assign(split=split) for split, table in parts.items()])


def koniq10k(folder: Path, listed: str) -> pd.DataFrame:
    """KonIQ-10k: 10,073 images in one split or in the official three; MOS from 0 to 100."""
    labels = read_metadata(folder / "distributions.csv", "image_name", "MOS")
    _counts(folder, {"distributions.csv": (labels, 10073)})
    official = labels["set"].replace("training", "train")
    return labels.assign(split="all" if listed == "sama" else official)


def konvid1k_metadata(path: Path) -> pd.DataFrame:
    """VIDEVAL's metadata of KoNViD-1k under the names of the label list: the row order of features."""
    table = read_metadata(path, "flickr_id", "mos")
    return table.assign(name=table.name + ".mp4")


def livevqc_metadata(path: Path) -> pd.DataFrame:
    """VIDEVAL's metadata of LIVE-VQC under the names of the label list: the row order of features."""
    table = read_metadata(path, "File", "MOS")
    return table.assign(name=table.name.str.replace("NEW.mp4", ".mp4"))


def youtubeugc_metadata(path: Path) -> pd.DataFrame:
    """VIDEVAL's metadata of YouTube-UGC under the names of the label lists: the row order of features."""
    table = read_metadata(path, "vid", "MOSFull")
    return table.assign(name=table.name + YOUTUBE_SUFFIX)


def _counts(folder: Path, tables: dict[str, tuple[pd.DataFrame, int]]) -> None:
    for name, (table, expected) in tables.items():
        if len(table) != expected:
            raise InputError(f"{folder}: {name} lists {len(table)} items, expected {expected}")


def _same_rows(folder: Path, one: pd.DataFrame, other: pd.DataFrame) -> None:
    """Raise InputError unless two lists have the same names and MOS, row by row."""
    agree(str(folder), one, other)
    if not one.name.equals(other.name):
        first = int((one.name != other.name).argmax())
        raise InputError(
            f"{folder}: row {first + 1} is {one.name[first]} in one list and {other.name[first]} in another"
        )


_READERS: dict[str, dict[str, Callable[[Path], pd.DataFrame]]] = {
    "konvid1k": {"paper": konvid1k},
    "livevqc": {"all": livevqc},
    "youtubeugc": {key: partial(youtubeugc, listed=key) for key in ("paper", "dover", "sama", "videval")},
    "lsvq": {key: partial(lsvq, listed=key) for key in ("fastvqa", "sama")},
    "koniq10k": {key: partial(koniq10k, listed=key) for key in ("sama", "official")},
}
