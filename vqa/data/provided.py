"""Real data sets: from where the user keeps them to ``data/NAME``, checked and linked, not copied where possible.

The user's folder ``$VQA_DATA/NAME``, named as in :mod:`vqa.data.catalog`, holds the data set in one of two ways. Either
as its makers publish it, archives included (:class:`vqa.data.catalog.Layout` says what that is for each set, and what
is downloaded where no form is in the way); its labels are then one of the published lists. Or with a label list of
the user's own, which comes first where it exists::

    $VQA_DATA/
      konvid1k/
        labels.csv              name,mos,split with a header; one row per item, in the order of the published list
        KoNViD_1k_videos/
          3015343614.mp4        the files that the names point to, at any depth, under any names

Opinions on patches are taken from a list ``patches.csv`` beside these (:mod:`vqa.data.patches`), or else from the
tables that LSVQ's makers publish (:mod:`vqa.data.published.patches`); without them there are none.

``name`` is the path of the file below the folder, with forward slashes; ``mos`` is on the data set's own scale;
``split`` is ``train``, ``test`` or what else the catalog counts, and ``all`` for sets that every run cuts by itself. A
name that is a symbolic link stands for the file that it points to, wherever that is.

Files are hard links if ``data/`` is on the same file system and copies if not. DVC then puts them into its cache: on
file systems without reflinks as a copy, so that a set takes its size once more, unless links are asked for first by
``dvc config --local cache.type hardlink,copy``. In that case nothing is copied, but originals become read-only.

DVC empties ``data/NAME`` before each fetch, so the only copy of a data set must not be there. It does not watch the
user's folder: what changes there later is taken over by ``dvc repro -s -f fetch@NAME``.
"""

import os
import shutil
from pathlib import Path

import pandas as pd

from vqa.data.arrange import arrange
from vqa.data.catalog import RealDataset, real_dataset
from vqa.data.labels import LABELS, read_labels
from vqa.data.links import link_or_copy
from vqa.data.listed import listed_files
from vqa.data.patches import FILE as PATCHES
from vqa.data.patches import Patch, read_patches, write_patches
from vqa.data.published.patches import published_patches
from vqa.io import InputError

VARIABLE = "VQA_DATA"


def source_folder(name: str) -> Path:
    """``$VQA_DATA/NAME``.

    Raises:
        InputError: if the variable is not set; the message says how to get the data set.
    """
    root = os.environ.get(VARIABLE)
    if not root:
        raise InputError(f"{VARIABLE} is not set; {_remedy(real_dataset(name))}")
    return Path(root) / name


def provide(name: str, source: Path, out: Path, listed: str = "") -> list[str]:
    """Link the data set ``name`` from the folder ``source`` to ``out``, which appears only when it is complete.

    Args:
        name: entry of the catalog.
        source: the user's folder, laid out as above.
        out: folder to make; an older one is replaced.
        listed: key of the catalog's list that a data set as published is given; the expected one if empty.

    Returns:
        One line for each way in which the labels are not those that the catalog expects. Item lists differ from one
        publication to the next, so that this is no error.

    Raises:
        InputError: one line: no such folder, a bad label list, a name that leads out of the folder, missing files,
            and whatever else :func:`vqa.data.arrange.arrange` refuses.
        vqa.settings.strict.ParamsError: if the catalog has no such data set, or the data set no such list.
    """
    entry = real_dataset(name)
    if out.resolve() in (source.resolve(), *source.resolve().parents):
        raise InputError(f"{source}: is inside {out}, which is made anew from it; keep the data set elsewhere")
    # Before the files: what is wrong with a small table is known before hours of unpacking.
    patches = _patches(entry, source)
    if not (source / LABELS).is_file():
        downloaded = entry.layout.downloads or entry.layout.item_url
        if not downloaded and (not source.is_dir() or not any(source.iterdir())):
            raise InputError(f"{source / LABELS} is missing; {_remedy(entry)}")
        source.mkdir(parents=True, exist_ok=True)
        labels = arrange(name, source, out, listed)
        lines = [] if listed else surprises(entry, labels)
    else:
        labels = link_listed(source / LABELS, source, out)
        lines = surprises(entry, labels)
    known = {item: patches[item] for item in labels.name if item in patches}
    if known:
        write_patches(out / PATCHES, known)
    return lines


def _patches(entry: RealDataset, source: Path) -> dict[str, list[Patch]]:
    """Opinions on patches in the user's folder: the user's own list, or else the makers' tables."""
    own = source / PATCHES
    return read_patches(own) if own.is_file() else published_patches([source / table for table in entry.layout.patches])


def link_listed(labels_file: Path, source: Path, out: Path) -> pd.DataFrame:
    """Link the files that a label list names from ``source`` to ``out``, which appears only when it is complete.

    Returns:
        The labels: columns ``name``, ``mos``, ``split``.

    Raises:
        InputError: one line: a bad label list, a name that leads out of the folder, missing files.
    """
    labels = read_labels(labels_file)
    files = listed_files(source, labels.name)
    partial = out.with_name(f".{out.name}.partial")
    shutil.rmtree(partial, ignore_errors=True)  # what a run left that was killed here
    partial.mkdir(parents=True)
    for item, file in files.items():
        (partial / item).parent.mkdir(parents=True, exist_ok=True)
        link_or_copy(file, partial / item)
    shutil.copyfile(labels_file, partial / LABELS)  # no link: the user may go on editing it
    if out.exists():
        shutil.rmtree(out)
    os.replace(partial, out)
    return labels


def surprises(entry: RealDataset, labels: pd.DataFrame) -> list[str]:
    """In what ``labels`` (columns ``name``, ``mos``, ``split``) are not those of ``entry.expected``, a line each."""
    counts, lines = labels.split.value_counts().to_dict(), []
    if counts != entry.expected.splits:
        others = [other.origin for other in entry.lists[1:] if other.splits == counts]
        whose = f", as in the list of {others[0]}" if others else ""
        lines.append(
            f"{entry.name}: {_counts(counts)}{whose}; expected {_counts(entry.expected.splits)}: {entry.choice}"
        )
    low, high = entry.expected.mos_scale
    outside = labels[~labels.mos.between(low, high)]
    if len(outside):
        first = outside.iloc[0]
        lines.append(
            f"{entry.name}: MOS of {len(outside)} items is not on the scale {low:g}-{high:g}, "
            f"the first: {first['name']} with {first.mos:g}"
        )
    return lines


def _counts(splits: dict[str, int]) -> str:
    return ", ".join(f"{split} {count}" for split, count in sorted(splits.items()))


def _remedy(entry: RealDataset) -> str:
    need = f"{LABELS} (name,mos,split) and the {entry.expected.n_items} files that it names"
    return (
        f"{entry.title} belongs into ${VARIABLE}/{entry.name}, outside of data/: {entry.layout.steps}; "
        f"or put {need} there; page {entry.page}; terms: {entry.terms}"
    )
