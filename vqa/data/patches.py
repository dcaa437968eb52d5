"""Space-time patches of a video with opinions of their own, and their list (MULTIBRANCH_B 14.3.4)."""

from dataclasses import dataclass, fields, replace
from operator import itemgetter
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from vqa.data.listed import shown
from vqa.data.rows import read_rows
from vqa.io import InputError, write_csv

# The list beside a data set's labels, and how many patches a video of it has: one in space, one in time, one in both
FILE, NUMBER = "patches.csv", 3
# How many frames a segment may end behind the last one, and is cut
LATE = 2


@dataclass(frozen=True)
class Patch:
    """A part of a video and its MOS.

    Attributes:
        left: first column of pixels.
        top: first row.
        right: behind the last column.
        bottom: behind the last row.
        start: first frame.
        end: behind the last frame.
        mos: mean opinion score of the part.
    """

    left: int
    top: int
    right: int
    bottom: int
    start: int
    end: int
    mos: float


PLACE = tuple(field.name for field in fields(Patch))
COLUMNS = ("name", "patch", *PLACE)


def read_patches(path: Path) -> dict[str, list[Patch]]:
    """The patches of every video by its name, in their order; none if there is no such file.

    Places may be written as floats (``888.0``), as pandas writes columns that lack a cell; they are rounded.

    Raises:
        InputError: naming the file, and the line or the video, if it is no such list (:func:`vqa.data.rows.read_rows`),
            a cell is no finite number, or a video has not exactly three.
    """
    if not path.is_file():
        return {}
    rows = read_rows(path)
    if rows.header != list(COLUMNS):
        columns = ", ".join(COLUMNS)
        raise InputError(f"{path}: not a list of patches with the columns {columns}; it has {', '.join(rows.header)}")
    rows = rows.without_header()
    numbers = np.stack([rows.numbers(place, COLUMNS[place]) for place in range(1, len(COLUMNS))], axis=1)
    found: dict[str, list[tuple[int, Patch]]] = {}
    for (line, name), (number, *place, mos) in zip(rows.column(0), numbers.tolist(), strict=True):
        left, top, right, bottom, start, end = map(round, place)
        if not name:
            raise InputError(f"{path}: line {line} has no name")
        if number not in range(1, NUMBER + 1):
            raise InputError(f"{path}: line {line}: patch is {number:g}, and 1, 2 and 3 are needed")
        found.setdefault(name, []).append((int(number), Patch(left, top, right, bottom, start, end, mos)))
    for name, own in found.items():
        listed = sorted(number for number, _ in own)
        if listed != list(range(1, NUMBER + 1)):
            raise InputError(f"{path}: {shown(name)} has the patches {listed}, and 1, 2 and 3 are needed")
    return {name: [patch for _, patch in sorted(own, key=itemgetter(0))] for name, own in found.items()}


def fit_patches(path: Path, patches: dict[str, list[Patch]], items: pd.DataFrame) -> dict[str, list[Patch]]:
    """The patches of ``items`` (an item list) by name, inside of their videos; ``path`` is the list they come from.

    LSVQ's segments come from durations, so that some end a frame behind the last one: up to :data:`LATE` frames are
    cut off.

    Raises:
        InputError: for the first video whose patches leave it, and for one of the split ``train`` that has none:
            others are not learned from, and LSVQ lacks a few.
    """
    fitting = {}
    for item in items.itertuples():
        if item.name in patches:
            fitting[item.name] = [_fit(path, item, place) for place in enumerate(patches[item.name], start=1)]
        elif item.split == "train":
            raise InputError(f"{path}: {shown(item.name)} has no patches; list three, or remove the file")
    return fitting


def _fit(path: Path, item: Any, place: tuple[int, Patch]) -> Patch:
    number, patch = place
    if item.n_frames < patch.end <= item.n_frames + LATE:
        patch = replace(patch, end=item.n_frames)
    inside = 0 <= patch.left < patch.right <= item.width and 0 <= patch.top < patch.bottom <= item.height
    if not (inside and 0 <= patch.start < patch.end <= item.n_frames):
        size = f"{item.width}x{item.height} with {item.n_frames} frames"
        raise InputError(
            f"{path}: patch {number} of {shown(item.name)} is not inside of the video, {size}; correct or remove the "
            "list that it comes from"
        )
    return patch


def write_patches(path: Path, patches: dict[str, list[Patch]]) -> None:
    """Write the list of :func:`read_patches`."""
    rows = [
        {"name": name, "patch": number, **vars(patch)}
        for name, own in patches.items()
        for number, patch in enumerate(own, start=1)
    ]
    write_csv(path, pd.DataFrame(rows, columns=list(COLUMNS)))
