"""Readers of the formats in which data sets are published: label lists, metadata, features, scores of branches.

Each checks what it can check by itself: columns, unique names, finite MOS, shapes. Whether lists agree with each other
is proven in :mod:`vqa.data.published.joins`.
"""

from pathlib import Path
from typing import BinaryIO

import numpy as np
import pandas as pd

from vqa.data.rows import number, read_rows
from vqa.io import InputError
from vqa.sources.unpickle import read_pickle

LIST_COLUMNS = ["name", "duration", "fps", "mos"]


def read_label_list(path: Path) -> pd.DataFrame:
    """A list of lines ``file, duration, fps, MOS`` without a header, as FAST-VQA and its relatives have them.

    Returns:
        Columns ``name``, ``duration`` (s), ``fps`` (1/s), ``mos``, in file order; -1 for unknown becomes NaN.

    Raises:
        InputError: naming file and line or item, for another format, repeated names, or a MOS that is no number.
    """
    rows = []
    for place, line in enumerate(_text(path).splitlines(), start=1):
        fields = [field.strip() for field in line.rsplit(",", 3)]
        if len(fields) != 4 or not fields[0]:
            raise InputError(f"{path}: line {place} is not 'file, duration, fps, MOS'")
        rows.append(fields)
    return _checked(path, pd.DataFrame(rows, columns=LIST_COLUMNS))


def read_metadata(path: Path, name: str, mos: str) -> pd.DataFrame:
    """A table with a header that has a column of names and one of MOS.

    Args:
        path: the file.
        name: its column of names.
        mos: its column of MOS.

    Returns:
        All other columns as text, and these two as ``name`` (text) and ``mos`` (float).

    Raises:
        InputError: naming file and line, see :func:`vqa.data.rows.read_rows`, and if a column is missing.
    """
    rows = read_rows(path)
    header = rows.header
    for column in (name, mos):
        if header.count(column) != 1:
            has = "no column" if column not in header else "several columns"
            raise InputError(f"{path}: has {has} {column!r}; it has {', '.join(map(repr, header))}")
    rows = rows.without_header()
    table = pd.DataFrame({title: [text for _, text in rows.column(place)] for place, title in enumerate(header)})
    places = header.index(name), header.index(mos)
    return table.drop(columns=[name, mos]).assign(name=rows.names(places[0]), mos=rows.numbers(places[1], "MOS"))


def read_mat(path: Path, variable: str = "feats_mat", columns: int | None = None) -> np.ndarray:
    """A matrix out of a MATLAB file (up to version 7).

    Args:
        path: the file.
        variable: name of the matrix.
        columns: how many it must have, if that is known.

    Returns:
        ``(rows, columns)`` float64, as stored: NaN and infinite values included.

    Raises:
        InputError: if the file cannot be read, or the matrix is missing or of another shape.
    """
    if not path.is_file():
        raise InputError(f"{path}: no such file")
    with path.open("rb") as stream:
        content = read_mat_variables(stream, str(path))
    matrix = content.get(variable)
    if matrix is None or matrix.ndim != 2 or matrix.dtype.kind not in "fiu":
        raise InputError(f"{path}: has no matrix of numbers {variable!r}; it has {', '.join(sorted(content))}")
    if columns is not None and matrix.shape[1] != columns:
        raise InputError(f"{path}: {variable!r} has {matrix.shape[1]} columns, expected {columns}")
    return matrix.astype(np.float64)


def read_mat_variables(stream: BinaryIO, where: str) -> dict[str, np.ndarray]:
    """All variables of a MATLAB file by name, as SciPy reads them; InputError that names ``where`` if it cannot."""
    from scipy.io import loadmat  # slow to import, and most runs read no such file
    from scipy.io.matlab import MatReadError

    try:
        content = loadmat(stream)
    # Damaged files fail in many ways, inside several libraries.
    except (
        MatReadError,
        NotImplementedError,
        ValueError,
        TypeError,
        KeyError,
        OSError,
        EOFError,
        MemoryError,
    ) as error:
        raise InputError(f"{where}: not a MATLAB file that can be read ({' '.join(str(error).split())})") from None
    return {name: value for name, value in content.items() if not name.startswith("__")}


def read_branches(path: Path) -> pd.DataFrame:
    """DOVER's pickle of two branches: columns ``technical`` (``fragments``) and ``aesthetic`` (``resize``), float64.

    Raises:
        InputError: for another content, or numbers that are not finite.
    """
    content = read_pickle(path)
    keys = {"technical": "fragments", "aesthetic": "resize"}
    if not isinstance(content, dict) or set(content) != set(keys.values()):
        raise InputError(f"{path}: not the scores of the branches fragments and resize")
    table = {ours: _vector(path, theirs, content[theirs]) for ours, theirs in keys.items()}
    if len(table["technical"]) != len(table["aesthetic"]):
        raise InputError(f"{path}: the branches have different numbers of videos")
    return pd.DataFrame(table)


def read_sequences(path: Path, width: int) -> dict[str, np.ndarray]:
    """MaxVQA's pickle: by data set, one vector of ``width`` numbers a video: ``(videos, width)`` float32.

    Raises:
        InputError: for another content.
    """
    content = read_pickle(path)
    if not isinstance(content, dict):
        raise InputError(f"{path}: not a dictionary of data sets")
    for name, rows in content.items():
        if not isinstance(rows, list) or any(getattr(row, "shape", None) != (width,) for row in rows):
            raise InputError(f"{path}: {name!r} is not a list of vectors of {width} numbers")
    return {name: np.stack(rows).astype(np.float32) for name, rows in content.items()}


def read_split_results(path: Path) -> np.ndarray:
    """FAST-VQA's pickle of results: ``(splits, 4)`` float64: SRCC, PLCC, KRCC, RMSE.

    Raises:
        InputError: for another content.
    """
    content = read_pickle(path)
    rows = content.get("results") if isinstance(content, dict) else None
    if not isinstance(rows, list) or not rows:
        raise InputError(f"{path}: has no list of results")
    if any(not isinstance(row, list | tuple) or len(row) != 4 for row in rows):
        raise InputError(f"{path}: its results are not SRCC, PLCC, KRCC, RMSE of splits")
    return np.array(rows, dtype=np.float64)


def finite(features: np.ndarray) -> np.ndarray:
    """Features as float32 with 0 in the place of NaN and infinite values, as the published protocols have it.

    A value that is too large for float32 counts as infinite.
    """
    with np.errstate(over="ignore"):
        single = features.astype(np.float32)
    return np.where(np.isfinite(single), single, np.float32(0))


def _text(path: Path) -> str:
    try:
        return path.read_text(encoding="utf-8")
    except FileNotFoundError:
        raise InputError(f"{path}: no such file") from None
    except UnicodeDecodeError:
        raise InputError(f"{path}: not a text in UTF-8") from None


def _vector(path: Path, key: str, values: object) -> np.ndarray:
    if not isinstance(values, np.ndarray) or values.ndim != 1 or not np.isfinite(values).all():
        raise InputError(f"{path}: {key!r} is not a row of finite numbers")
    return values.astype(np.float64)


def _checked(path: Path, table: pd.DataFrame) -> pd.DataFrame:
    """Names unique, MOS finite, -1 in the other columns to NaN."""
    if table.empty:
        raise InputError(f"{path}: lists no items")
    repeated = table.name[table.name.duplicated()]
    if len(repeated):
        raise InputError(f"{path}: item {repeated.iloc[0]} occurs more than once")
    table = table.assign(mos=np.array([number(text) for text in table.mos], dtype=np.float64))
    unlabelled = table.name[table.mos.isna()]
    if len(unlabelled):
        raise InputError(f"{path}: item {unlabelled.iloc[0]} has no numeric MOS")
    for column in ("duration", "fps"):
        values = pd.to_numeric(table[column], errors="coerce")
        table[column] = values.where(values > 0)
    return table
