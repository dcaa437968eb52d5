"""From a data set as its makers publish it, archives included, to the suite's layout: names joined, MOS checked."""

import os
import shutil
import tempfile
from pathlib import Path

import numpy as np
import pandas as pd
from tqdm import tqdm

from vqa.data.catalog import RealDataset, real_dataset
from vqa.data.folder import Folder, Place
from vqa.data.formats import read_mat_variables, read_metadata
from vqa.data.labels import LABEL_COLUMNS
from vqa.data.links import link_or_copy
from vqa.data.published.entries import CACHE, bring_entry
from vqa.data.published.joins import agree, published_labels
from vqa.io import InputError, file_digest, write_csv
from vqa.sources.archives import Archive, extract
from vqa.sources.checksums import Checksums
from vqa.sources.download import RemoteFile, obtain_all

_TOLERANCE = 2e-3  # of MOS: the makers' tables print as few as three digits


def arrange(name: str, source: Path, out: Path, listed: str = "") -> pd.DataFrame:
    """Arrange the data set ``name`` as published, from ``source`` to ``out``, which appears only when it is complete.

    What a killed run had unpacked is kept in a folder beside ``out`` and not unpacked again.

    Args:
        name: entry of the catalog.
        source: the user's folder, see :class:`vqa.data.catalog.Layout`; what has no form is downloaded to it.
        out: folder to make; an older one is replaced.
        listed: key of the catalog's list; the expected one if empty.

    Returns:
        The label list: columns ``name``, ``mos``, ``split``.

    Raises:
        InputError: one line: files that are missing and how to get them, archives that are damaged, not safe or not
            those of the first time, MOS that contradict the published list, no space left.
    """
    entry = real_dataset(name)
    folder = Folder(source)
    labels = _labels(entry, folder, listed)
    folder = _complete(entry, folder, labels)
    _check_archives(name, folder)
    _check_mos(entry, folder, labels)
    places = _places(entry, folder, labels)
    found = {item: place for item, place in places.items() if place is not None}
    missing = [item for item in places if item not in found]
    if missing:
        raise InputError(
            f"{source}: {len(missing)} of {len(labels)} files are missing, the first: {missing[0]}{folder.unread}; "
            f"{entry.title}: {entry.layout.steps}; page {entry.page}; terms: {entry.terms}"
        )
    partial = out.with_name(f".{out.name}.arranged")
    partial.mkdir(parents=True, exist_ok=True)
    _fill(partial, found)
    write_csv(partial / "labels.csv", labels)
    wanted = {partial / item for item in (*labels.name, "labels.csv")}
    for path in partial.rglob("*"):
        if path.is_file() and path not in wanted:
            path.unlink()
    if out.exists():
        shutil.rmtree(out)
    os.replace(partial, out)
    return labels


def _labels(entry: RealDataset, folder: Folder, listed: str) -> pd.DataFrame:
    if entry.layout.labels:
        table = _makers_mos(entry, folder)
        if table is None:
            file = _mos_file(entry)
            remedy = f"{entry.title}: {entry.layout.steps}; page {entry.page}"
            raise InputError(f"{folder.path / file} is missing{folder.unread}; {remedy}")
        return table.assign(split="all")[LABEL_COLUMNS]
    cache = CACHE / f"{entry.name}-labels"
    bring_entry(cache.name, cache)
    return published_labels(entry.name, cache, listed)


def _complete(entry: RealDataset, folder: Folder, labels: pd.DataFrame) -> Folder:
    """Download what is missing and has an address."""
    layout = entry.layout
    missing = [item for item, place in _places(entry, folder, labels).items() if place is None]
    if not missing or not (layout.downloads or layout.item_url):
        return folder
    urls = layout.downloads or [layout.item_url.format(name=name) for name in missing]
    files = [RemoteFile(url, url.rpartition("/")[2], None, entry.terms) for url in urls]
    try:
        obtain_all(files, folder.path, checksums=Checksums())
    except InputError as error:
        raise InputError(f"{error}{folder.unread}") from None
    return Folder(folder.path)


def _places(entry: RealDataset, folder: Folder, labels: pd.DataFrame) -> dict[str, Place | None]:
    places = {}
    for name in labels.name:
        places[name] = folder.find(name)
        if places[name] is None and entry.layout.renamed:
            stem, dot, suffix = name.rpartition(".")
            places[name] = folder.find(f"{stem}{entry.layout.renamed}{dot}{suffix}")
    return places


def _check_archives(name: str, folder: Folder) -> None:
    """Archives without a published checksum are the same ones as at the first time."""
    checksums = Checksums()
    for archive in folder.archives:
        for path in archive.paths:
            checksums.record(f"{name}/{path.name}", file_digest(path), path.stat().st_size)


def _mos_file(entry: RealDataset) -> str:
    assert entry.layout.mos is not None, "a layout with labels of its own says where they are"
    return entry.layout.mos[0]


def _check_mos(entry: RealDataset, folder: Folder, labels: pd.DataFrame) -> None:
    """If the makers' own table is there, it says the same of every item."""
    table = None if entry.layout.labels else _makers_mos(entry, folder)
    if table is not None:
        agree(f"{folder.path / _mos_file(entry)} and the published list", labels, table, _TOLERANCE)


def _makers_mos(entry: RealDataset, folder: Folder) -> pd.DataFrame | None:
    """Columns ``name`` and ``mos`` of the makers' table, or None if it is not in the folder."""
    if entry.layout.mos is None:
        return None
    file, name, mos = entry.layout.mos
    place = folder.find(file)
    if place is None:
        return None
    with tempfile.TemporaryDirectory() as scratch:
        path = Path(place.path)
        if place.archive is not None:
            path = Path(scratch) / file
            extract(place.archive, {place.path: path})
        table = _read_mat(path, name, mos) if file.endswith(".mat") else read_metadata(path, name, mos)
    if entry.layout.renamed:
        table = table.assign(name=table.name.str.replace(f"{entry.layout.renamed}.", ".", regex=False))
    if not table.name.str.contains(".", regex=False).any():
        table = table.assign(name=table.name + ".mp4")  # identities of KoNViD-1k
    return table[["name", "mos"]]


def _read_mat(path: Path, name: str, mos: str) -> pd.DataFrame:
    """LIVE-VQC's table: a cell array of names and a vector."""
    with path.open("rb") as stream:
        content = read_mat_variables(stream, str(path))
    if name not in content or mos not in content:
        raise InputError(f"{path}: has no variables {name!r} and {mos!r}")
    names = [str(np.ravel(cell)[0]) for cell in np.ravel(content[name])]
    values = np.ravel(content[mos])
    if len(names) != len(values) or values.dtype.kind not in "fiu":
        raise InputError(f"{path}: {name!r} and {mos!r} do not belong together")
    return pd.DataFrame({"name": names, "mos": values.astype(np.float64)})


def _fill(partial: Path, places: dict[str, Place]) -> None:
    """Link, copy or unpack all files that are not yet there in their size."""
    todo = {}
    for item, place in places.items():
        target = partial / item
        if not target.is_file() or target.stat().st_size != place.size:
            todo[item] = place
    unpacked = sum(place.size for place in todo.values() if place.archive is not None)
    free = shutil.disk_usage(partial).free
    if unpacked > free:
        raise InputError(f"{partial.parent}: {unpacked} bytes are to be unpacked, {free} are free; make room")
    by_archive: dict[Archive, dict[str, Path]] = {}
    for item, place in todo.items():
        target = partial / item
        target.parent.mkdir(parents=True, exist_ok=True)
        if place.archive is not None:
            by_archive.setdefault(place.archive, {})[place.path] = target
        else:
            target.unlink(missing_ok=True)
            link_or_copy(Path(place.path), target)
    bar = tqdm(desc="unpack", total=unpacked, unit="B", unit_scale=True, disable=None)
    with bar:
        for archive, targets in by_archive.items():
            extract(archive, targets, bar.update)
