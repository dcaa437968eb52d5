"""Patches of LSVQ as its makers publish them: in the columns of the tables of labels (MULTIBRANCH_B 14.3.4)."""

from collections.abc import Collection
from pathlib import Path

from vqa.data.listed import shown
from vqa.data.patches import NUMBER, PLACE, Patch
from vqa.data.rows import Rows, number, read_rows
from vqa.io import InputError

SUFFIX = ".mp4"  # the tables name videos without it


def published_patches(tables: Collection[Path]) -> dict[str, list[Patch]]:
    """The patches of the videos of all ``tables`` by file name; none of tables that are not there.

    A table has the columns ``name`` and, of the patches 1 to 3, ``left_p1`` ... ``end_p3`` and ``mos_p1`` ...
    ``mos_p3``, or it has no patches. Boxes and segments end behind their last pixel and frame, and frames count from 0:
    ``right_vid`` is the width, ``end_vid`` the number of frames, ``start_vid`` 0. A segment that ends behind
    ``frame_number`` of its video, where there is such a column, ends there. A video that lacks a cell of one of its
    patches has none.

    Raises:
        InputError: naming the file and the line: it is no table (:func:`vqa.data.rows.read_rows`), has some of the
            columns only, or a cell is no finite number; a video is there twice.
    """
    found: dict[str, list[Patch]] = {}
    for path in tables:
        if not path.is_file():
            continue
        for name, patches in _of_table(path, read_rows(path)).items():
            if name in found:
                raise InputError(f"{path}: {shown(name)} has patches already, in another table; keep one of them")
            found[name] = patches
    return found


def _of_table(path: Path, rows: Rows) -> dict[str, list[Patch]]:
    wanted = [f"{field}_p{patch}" for patch in range(1, NUMBER + 1) for field in PLACE]
    missing = [column for column in ("name", *wanted) if column not in rows.header]
    if set(wanted) <= set(missing):
        return {}
    if missing:
        raise InputError(f"{path}: has patches, but no column {missing[0]!r}")
    header, rows = rows.header, rows.without_header()
    columns = [header.index(column) for column in wanted]
    length = header.index("frame_number") if "frame_number" in header else None
    names, found = rows.names(header.index("name")), {}
    for name, (line, cells) in zip(names, rows.rows, strict=True):
        texts = [cells[place] for place in columns]
        if not all(texts):
            continue
        values = [_number(path, line, column, text, rows.separator) for column, text in zip(wanted, texts, strict=True)]
        last = None if length is None else _number(path, line, "frame_number", cells[length], rows.separator)
        found[f"{name}{SUFFIX}"] = [
            _patch(values[place : place + len(PLACE)], last) for place in range(0, len(values), len(PLACE))
        ]
    return found


def _patch(values: list[float], last: float | None) -> Patch:
    left, top, right, bottom, start, end = map(round, values[:-1])
    return Patch(left, top, right, bottom, start, end if last is None else min(end, round(last)), values[-1])


def _number(path: Path, line: int, column: str, text: str, separator: str) -> float:
    value = number(text, separator)
    if value is None:
        raise InputError(f"{path}: line {line}: {text!r} is no {column}")
    return value
