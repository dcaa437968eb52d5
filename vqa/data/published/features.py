"""Published features of the real data sets as one kind of table: names, MOS and a vector a video."""

from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

import numpy as np
import pandas as pd

from vqa.data.formats import finite, read_label_list, read_mat, read_metadata, read_sequences
from vqa.data.published.entries import RESOLUTIONS, ROOT
from vqa.data.published.joins import (
    YOUTUBE_SUFFIX,
    base_names,
    konvid1k_metadata,
    livevqc_metadata,
    youtubeugc_metadata,
)
from vqa.io import InputError
from vqa.settings.strict import known_name

WIDTHS = {"videval": 60, "brisque": 36, "maxvqa": 16, "resnet50": 2048}
"""Numbers in a vector, by feature set."""
_METADATA: dict[str, Callable[[Path], pd.DataFrame]] = {
    "konvid1k": konvid1k_metadata,
    "livevqc": livevqc_metadata,
    "youtubeugc": youtubeugc_metadata,
}
_MAXVQA_KEYS = {"konvid1k": "val-kv1k", "livevqc": "val-livevqc", "youtubeugc": "val-ytugc"}
_RESNET_START = {"2160P": 1360}  # first of its columns in a file of several sets

DATASETS = {**dict.fromkeys(("videval", "brisque", "maxvqa"), tuple(_METADATA)), "resnet50": ("youtubeugc",)}
"""Data sets that have a feature set."""

# Identities of the videos without colour, which VIDEVAL's protocol leaves out.
_GREYSCALE = """
Animation_1080P-0c4f Animation_1080P-209f Animation_1080P-3d67 Animation_1080P-66ba Animation_1080P-6a33
Animation_480P-073c Animation_480P-3281 Animation_480P-35ee Animation_720P-0116 Animation_720P-1a6d
Animation_720P-2abf CoverSong_1080P-0f3a CoverSong_1080P-2207 CoverSong_360P-1b2b CoverSong_480P-1019
CoverSong_480P-2d2c CoverSong_720P-014c CoverSong_720P-6626 HDR_2160P-0e7a HowTo_360P-3aa6 HowTo_720P-12f7
HowTo_720P-4d55 Lecture_360P-5779 Lecture_720P-5120 LiveMusic_1080P-7ead LiveMusic_720P-3320
LyricVideo_1080P-1b04 LyricVideo_1080P-28e8 LyricVideo_1080P-63d4 LyricVideo_360P-0ac7 LyricVideo_360P-11eb
LyricVideo_480P-0a5b LyricVideo_480P-4346 LyricVideo_720P-068d LyricVideo_720P-1c89 LyricVideo_720P-2d24
LyricVideo_720P-5d3a MusicVideo_1080P-2b2b MusicVideo_1080P-5f03 MusicVideo_480P-1eee MusicVideo_480P-41ce
MusicVideo_480P-6fb6 MusicVideo_720P-3c4c MusicVideo_720P-7bcf Sports_360P-11b7 Sports_360P-3e68
Sports_480P-11ec Sports_480P-1d1b Sports_480P-3ca4 TelevisionClip_1080P-64e2 TelevisionClip_720P-1862
VerticalVideo_720P-6580 Vlog_2160P-360d Vlog_360P-2973 Vlog_480P-34ba Vlog_480P-5e1c Vlog_720P-7b30
"""
GREYSCALE = frozenset(f"{name}{YOUTUBE_SUFFIX}" for name in _GREYSCALE.split())
"""Names of the 57 videos of YouTube-UGC without colour."""


class FeatureTable(NamedTuple):
    """Features of a data set; the rows are in the order of the published file.

    Attributes:
        names: of the videos, as in the label lists.
        mos: ``(n,)`` float64, on the scale of the data set.
        features: ``(n, channels)`` float32, finite.
    """

    names: list[str]
    mos: np.ndarray
    features: np.ndarray

    def select(self, keep: np.ndarray) -> "FeatureTable":
        """The rows that a mask or an array of row numbers picks."""
        rows = np.arange(len(self.names))[keep]
        return FeatureTable([self.names[row] for row in rows], self.mos[rows], self.features[rows])

    def without(self, names: frozenset[str]) -> "FeatureTable":
        """All rows but those of ``names``."""
        return self.select(np.array([name not in names for name in self.names], dtype=bool))

    def rows_of(self, names: list[str]) -> np.ndarray:
        """Row numbers ``(len(names),)`` of videos, -1 for those that are not here."""
        where = {name: row for row, name in enumerate(self.names)}
        return np.array([where.get(name, -1) for name in names], dtype=np.int64)


def feature_table(name: str, dataset: str, root: Path = ROOT) -> FeatureTable:
    """A published feature set of a data set, with 0 for what is not finite.

    Args:
        name: ``videval``, ``brisque``, ``maxvqa`` or ``resnet50``: an entry of :mod:`vqa.data.published.entries`.
        dataset: ``konvid1k``, ``livevqc`` or ``youtubeugc``.
        root: folder of the entries.

    Raises:
        InputError: one line, if a file is missing or damaged, or has another number of rows than its list.
        vqa.settings.strict.ParamsError: if there is no such feature set, or none of that data set.
    """
    known_name("feature sets", name, WIDTHS)
    known_name(f"data sets of the features {name}", dataset, DATASETS[name])
    folder = root / name
    if not folder.is_dir():
        raise InputError(f"{folder}: not there; run `python -m stages.published {name}` first")
    if name == "resnet50":
        labels, features = _resnet50(folder)
    elif name == "maxvqa":
        labels = base_names(read_label_list(folder / f"{dataset}_labels.txt"))
        features = read_sequences(folder / "results.pkl", WIDTHS[name]).get(_MAXVQA_KEYS[dataset], np.empty((0, 0)))
    else:
        labels = _METADATA[dataset](folder / f"{dataset}_metadata.csv")
        features = read_mat(folder / f"{dataset}.mat", columns=WIDTHS[name])
    if len(labels) != len(features):
        raise InputError(f"{folder}: {len(features)} rows of features of {dataset} for {len(labels)} labels")
    return FeatureTable(labels.name.tolist(), labels.mos.to_numpy(), finite(features))


def _resnet50(folder: Path) -> tuple[pd.DataFrame, np.ndarray]:
    labels, features = [], []
    for resolution in RESOLUTIONS:
        table = read_metadata(folder / f"{resolution}.csv", "vid", "MOSFull")
        matrix = read_mat(folder / f"{resolution}.mat")
        start = _RESNET_START.get(resolution, 0)
        matrix = matrix[:, start : start + WIDTHS["resnet50"]]
        if matrix.shape != (len(table), WIDTHS["resnet50"]):
            raise InputError(f"{folder}: {resolution}.mat is {matrix.shape} for {len(table)} labels")
        labels.append(table.assign(name=table.name + YOUTUBE_SUFFIX)[["name", "mos"]])
        features.append(matrix)
    return pd.concat(labels, ignore_index=True), np.concatenate(features)
