"""All published entries by one function, each as tables of one schema."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pandas as pd

from vqa.data.formats import read_branches, read_label_list, read_split_results
from vqa.data.published.entries import ROOT, published_entry
from vqa.data.published.features import DATASETS, feature_table
from vqa.data.published.joins import base_names, published_labels, published_lists
from vqa.data.published.results import METRICS, read_bvqa_predictions, read_bvqa_splits, read_sama_log
from vqa.io import InputError

DOVER_TESTS = ("lsvq_test", "lsvq_1080p", "konvid1k", "livevqc", "youtubeugc")
"""Test sets of DOVER's predictions."""


def read_published(entry: str, folder: Path | None = None) -> dict[str, Any]:
    """What an entry holds, as tables by name.

    Args:
        entry: name of the entry.
        folder: where its files are; ``data/published/ENTRY`` if not said.

    Returns:
        By entry:

        * ``DATASET-labels``: one table ``name, mos, split`` for each published list, by its key in the catalog;
        * ``videval``, ``brisque``, ``maxvqa``, ``resnet50``: a
          :class:`vqa.data.published.features.FeatureTable` for each data set, by its name;
        * ``dover``: ``name, mos, technical, aesthetic`` for each of :data:`DOVER_TESTS`;
        * ``bvqa2022``: ``predictions`` and ``splits``, see :mod:`vqa.data.published.results`;
        * ``fastvqa``: ``splits``: ``release, start, dataset, split, srcc, plcc, krcc, rmse``;
        * ``sama-log``: ``epochs``, see :func:`vqa.data.published.results.read_sama_log`;
        * ``clips``: ``clips``: ``dataset, name, path``.

    Raises:
        InputError: one line, if a file is missing, damaged, or contradicts another one.
        vqa.settings.strict.ParamsError: if there is no such entry.
    """
    known = published_entry(entry)
    folder = folder or ROOT / entry
    missing = [path for path in known.files if not (folder / path).is_file()]
    if missing:
        raise InputError(f"{folder / missing[0]}: not there; run `python -m stages.published {entry}` first")
    if entry.endswith("-labels"):
        return _labels(entry.removesuffix("-labels"), folder)
    if entry in DATASETS:
        return {dataset: feature_table(entry, dataset, folder.parent) for dataset in DATASETS[entry]}
    return _READERS[entry](folder)


def dover_scores(test: str, folder: Path) -> pd.DataFrame:
    """DOVER's two branches on a test set: columns ``name``, ``mos``, ``technical``, ``aesthetic``, in list order.

    Args:
        test: one of :data:`DOVER_TESTS`.
        folder: of the entry ``dover``.

    Raises:
        InputError: if a file is damaged, or has another number of scores than there are labels.
    """
    labels = read_label_list(folder / f"{test}_labels.txt")
    if not test.startswith("lsvq"):  # whose folders are part of the names
        labels = base_names(labels)
    scores = read_branches(folder / f"{test}.pkl")
    if len(scores) != len(labels):
        raise InputError(f"{folder}: {len(scores)} scores of {test} for {len(labels)} labels")
    return pd.concat([labels[["name", "mos"]], scores], axis=1)


def fastvqa_splits(folder: Path) -> pd.DataFrame:
    """FAST-VQA's own results on ten splits a data set.

    Returns:
        Columns ``release`` (``fastvqa``, ``first``), ``start`` (``lsvq`` or ``kinetics``: weights before tuning),
        ``dataset``, ``split`` (from 0), ``srcc``, ``plcc``, ``krcc``, ``rmse``.

    Raises:
        InputError: if a file is damaged.
    """
    pieces = []
    for path in published_entry("fastvqa").files:
        release, dataset, *rest = path.removesuffix(".pkl").split("_")
        table = pd.DataFrame(read_split_results(folder / path), columns=METRICS)
        table.insert(0, "split", range(len(table)))
        pieces.append(table.assign(release=release, dataset=dataset, start=rest[0] if rest else "lsvq"))
    columns = ["release", "start", "dataset", "split", *METRICS]
    return pd.concat(pieces)[columns].sort_values(columns[:4], ignore_index=True)


def _labels(dataset: str, folder: Path) -> dict[str, pd.DataFrame]:
    return {key: published_labels(dataset, folder, key) for key in published_lists(dataset)}


def _clips(folder: Path) -> pd.DataFrame:
    rows = [(*path.split("/", 1), str(folder / path)) for path in published_entry("clips").files]
    return pd.DataFrame(rows, columns=["dataset", "name", "path"])


_READERS: dict[str, Callable[[Path], dict[str, Any]]] = {
    "dover": lambda folder: {test: dover_scores(test, folder) for test in DOVER_TESTS},
    "bvqa2022": lambda folder: {
        "predictions": read_bvqa_predictions(folder / "results.zip"),
        "splits": read_bvqa_splits(folder / "results.zip"),
    },
    "fastvqa": lambda folder: {"splits": fastvqa_splits(folder)},
    "sama-log": lambda folder: {"epochs": read_sama_log(folder / "log.txt")},
    "clips": lambda folder: {"clips": _clips(folder)},
}
