"""A data set of published labels and features in the place of its videos: what ``fetch`` makes of them.

``data/NAME`` holds ``labels.csv`` (``name,mos,split``) and ``features/SET.npy``: float32, a row a label, 0 for NaN and
infinite values. :mod:`vqa.data.published.prepare` goes on from there.
"""

import os
import shutil
from pathlib import Path

import numpy as np

from vqa.data.published.entries import CACHE, bring_entry
from vqa.data.published.features import DATASETS, feature_table
from vqa.data.published.joins import published_labels
from vqa.io import InputError, write_csv
from vqa.settings.strict import known_name


def feature_sets(dataset: str) -> list[str]:
    """Names of the published feature sets of a data set."""
    return [name for name, datasets in DATASETS.items() if dataset in datasets]


def entries_of(dataset: str) -> list[str]:
    """Names of the published entries that a data set is made of: its labels, and every feature set."""
    return [f"{dataset}-labels", *feature_sets(dataset)]


def fetch_features(dataset: str, out: Path, listed: str = "") -> list[str]:
    """Make ``out`` of the published labels and features of a data set; it appears only when it is complete.

    Args:
        dataset: ``konvid1k``, ``livevqc`` or ``youtubeugc``.
        out: folder to make; an older one is replaced.
        listed: key of one of the catalog's lists; the expected one if empty.

    Returns:
        One line for each feature set that is left out because it lacks videos of the list.

    Raises:
        InputError: one line, if a file cannot be had, or lists contradict each other.
        vqa.settings.strict.ParamsError: if there are no features of that data set, or no such list.
    """
    known = {name for datasets in DATASETS.values() for name in datasets}
    known_name("data sets with published features", dataset, sorted(known))
    partial = out.with_name(f".{out.name}.partial")
    shutil.rmtree(partial, ignore_errors=True)
    lines = []
    for entry in entries_of(dataset):
        bring_entry(entry, CACHE / entry)
    labels = published_labels(dataset, CACHE / f"{dataset}-labels", listed)
    (partial / "features").mkdir(parents=True)
    for name in feature_sets(dataset):
        table = feature_table(name, dataset, CACHE)
        rows = table.rows_of(labels.name.tolist())
        if (rows < 0).any():
            lines.append(f"{dataset}: features {name} lack {(rows < 0).sum()} of the {len(rows)} videos; left out")
            continue
        if not np.allclose(table.mos[rows], labels.mos, atol=1e-6) and listed != "sama":
            raise InputError(f"{CACHE / name}: its MOS are not those of the label list")
        np.save(partial / "features" / f"{name}.npy", table.features[rows])
    write_csv(partial / "labels.csv", labels)
    if out.exists():
        shutil.rmtree(out)
    os.replace(partial, out)
    return lines
