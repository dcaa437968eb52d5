"""Published results of whole benchmarks: BVQA-2022's archive of 100 splits, SAMA's training log."""

import io
import re
import zipfile
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from vqa.data.formats import read_mat_variables
from vqa.io import InputError
from vqa.sources.archives import find_archives, members
from vqa.sources.unpickle import read_object_npy

METRICS = ["srcc", "plcc", "krcc", "rmse"]
PREDICTIONS = ["method", "dataset", "split", "row", "mos", "prediction", "aligned"]
SPLITS = ["method", "dataset", "split", "part", *METRICS]
SPLIT_COUNT = 100

_METHODS = {"QPMP": "BVQA-2022", "MDTVSFA-ResNet-50-mixed-1.0": "MDTVSFA"}
_LETTERS = {"K": "konvid1k", "N": "livevqc", "Y": "youtubeugc", "C": "cvd2014", "L": "livequalcomm"}
_TITLES = {
    "KoNViD-1k": "konvid1k",
    "LIVE-VQC": "livevqc",
    "YouTube-UGC": "youtubeugc",
    "CVD2014": "cvd2014",
    "LIVE-Qualcomm": "livequalcomm",
}
_PREDICTED = re.compile(r"(.+)-\['([A-Z])'\]-0\.000[15]-32-40-EXP(\d+)\.npy")
_MEASURED = re.compile(r"(KoNViD-1k|LIVE-VQC|YouTube-UGC|CVD2014|LIVE-Qualcomm)_(.+)_performance\.mat")
# RAPIQUE's matrix has no labels; these fit its values, and the two correlations could change places with nothing else.
_RAPIQUE = [(part, metric) for part in ("train", "test") for metric in ("srcc", "krcc", "plcc", "rmse")]


def read_bvqa_predictions(path: Path) -> pd.DataFrame:
    """Test predictions of BVQA-2022 and MDTVSFA on 100 random splits of five data sets, out of the published archive.

    Args:
        path: ``All_results_of_compared_methods.zip``, under any name.

    Returns:
        Columns ``method``, ``dataset``, ``split`` (from 0), ``row`` (of the test part; the same video for both
        methods), ``mos``, ``prediction`` (in [0, 1]) and ``aligned`` (on the MOS scale, by the authors' own mapping).

    Raises:
        InputError: for another archive, missing splits, or test parts that differ between the methods.
    """
    pieces = []
    with _opened(path) as archive:
        for name in archive.namelist():
            match = _PREDICTED.fullmatch(name.rpartition("/")[2])
            if match and match[1] in _METHODS and match[2] in _LETTERS:
                content = read_object_npy(io.BytesIO(archive.read(name)), f"{path}: {name}")
                columns: dict[str, Any] = dict(_predictions_of(f"{path}: {name}", content, match[2]))
                columns |= {"method": _METHODS[match[1]], "dataset": _LETTERS[match[2]], "split": int(match[3])}
                pieces.append(pd.DataFrame(columns).rename_axis("row").reset_index())
    table = pd.concat(pieces)[PREDICTIONS] if pieces else pd.DataFrame(columns=PREDICTIONS)
    table = table.sort_values(["dataset", "method", "split", "row"], ignore_index=True)
    counts = table.groupby(["method", "dataset"]).split.nunique()
    if len(counts) != len(_METHODS) * len(_LETTERS) or set(counts) != {SPLIT_COUNT}:
        raise InputError(f"{path}: not {SPLIT_COUNT} splits of {len(_LETTERS)} data sets by {len(_METHODS)} methods")
    one, other = (table[table.method == method].reset_index(drop=True) for method in _METHODS.values())
    keys = ["dataset", "split", "row"]
    if not one[keys].equals(other[keys]) or not np.allclose(one.mos, other.mos, atol=1e-4):
        raise InputError(f"{path}: the two methods were not tested on the same splits")
    return table


def read_bvqa_splits(path: Path) -> pd.DataFrame:
    """Results of 15 regression methods on 100 random splits of five data sets, out of the published archive.

    Returns:
        Columns ``method``, ``dataset``, ``split`` (from 0), ``part`` (``train``, ``test``), ``srcc``, ``plcc``,
        ``krcc``, ``rmse``. A series with fewer values than splits is NaN throughout: which one is missing is not known.

    Raises:
        InputError: for another archive or another content.
    """
    pieces = []
    with _opened(path) as archive:
        for name in archive.namelist():
            if match := _MEASURED.fullmatch(name.rpartition("/")[2]):
                columns = {"method": match[2], "dataset": _TITLES[match[1]], "split": np.arange(SPLIT_COUNT)}
                for part, metrics in _measured(path, archive, name).items():
                    pieces.append(pd.DataFrame({**columns, "part": part, **metrics})[SPLITS])
    if not pieces:
        raise InputError(f"{path}: has no results of splits")
    return pd.concat(pieces).sort_values(SPLITS[:4], ignore_index=True)


def read_sama_log(path: Path) -> pd.DataFrame:
    """SAMA's training log as a table: one row a test set and epoch, and the training's own SRCC.

    Returns:
        Columns ``epoch`` (from 0), ``test`` (``livevqc``, ``konvid1k``, ``lsvq/test``, ``lsvq/1080p``), ``videos``,
        ``train_srcc``, ``srcc``, ``plcc``, ``krcc``, ``rmse``, and ``best_srcc`` to ``best_rmse``: the best so far.

    Raises:
        InputError: if it is no such log, or an epoch lacks a test set.
    """
    tests = {"livevqc": "livevqc", "kv1k": "konvid1k", "ltest": "lsvq/test", "l1080p": "lsvq/1080p"}
    epoch, train, videos, test, rows = -1, float("nan"), 0, "", []
    names = {"SROCC": "srcc", "PLCC": "plcc", "KROCC": "krcc", "RMSE": "rmse"}
    for line in path.read_text(encoding="utf-8", errors="replace").splitlines():
        if match := re.search(r"Epoch-(\d+), training SRCC=([\d.]+),", line):
            epoch, train = int(match[1]), float(match[2])
        elif match := re.match(r"For (\d+) videos", line):
            videos = int(match[1])
        elif match := re.search(r"accuracy of the model: \[val-(\w+)_s\]", line):
            test = tests.get(match[1], "")
        elif test and (match := re.match(r"\s+(\w+):\s+([\d.]+) best: ([\d.]+?)\.?\s*$", line)):
            metric = names.get(match[1], "")
            if metric == "srcc":
                rows.append({"epoch": epoch, "test": test, "videos": videos, "train_srcc": train})
            if metric and rows:
                rows[-1] |= {metric: float(match[2]), f"best_{metric}": float(match[3])}
    columns = ["epoch", "test", "videos", "train_srcc", *METRICS, *(f"best_{metric}" for metric in METRICS)]
    table = pd.DataFrame(rows, columns=columns)
    epochs = table.epoch.nunique()
    whole = len(table) == epochs * len(tests) and not table.duplicated(["epoch", "test"]).any()
    if not epochs or not whole or table.isna().any(axis=None):
        raise InputError(f"{path}: not a log with the results of {len(tests)} test sets after every epoch")
    return table


def _opened(path: Path) -> zipfile.ZipFile:
    """The archive, after a look at all its members."""
    if not path.is_file():
        raise InputError(f"{path}: no such file")
    for archive in find_archives(path.parent):
        if path in archive.paths:
            members(archive)
    try:
        return zipfile.ZipFile(path)
    except zipfile.BadZipFile as error:
        raise InputError(f"{path}: not a ZIP archive ({error})") from None


def _predictions_of(where: str, content: object, letter: str) -> dict[str, np.ndarray]:
    inner = content.get(letter) if isinstance(content, dict) else None
    keys = {"mos": "sq", "prediction": "rq", "aligned": "aq"}
    if not isinstance(inner, dict) or not all(isinstance(inner.get(key), np.ndarray) for key in keys.values()):
        raise InputError(f"{where}: has no arrays {', '.join(keys.values())}")
    columns = {ours: inner[theirs].astype(np.float64) for ours, theirs in keys.items()}
    if {values.ndim for values in columns.values()} != {1} or len({len(values) for values in columns.values()}) != 1:
        raise InputError(f"{where}: its arrays are not rows of one length")
    return columns


def _measured(path: Path, archive: zipfile.ZipFile, name: str) -> dict[str, dict[str, np.ndarray]]:
    """Values of all splits, by part and metric."""
    where = f"{path}: {name}"
    content = read_mat_variables(io.BytesIO(archive.read(name)), where)
    matrix = content.get("all_iterations")
    if matrix is not None:
        if matrix.shape != (SPLIT_COUNT, len(_RAPIQUE)):
            raise InputError(f"{where}: its matrix is {matrix.shape}, expected {(SPLIT_COUNT, len(_RAPIQUE))}")
        content = {f"{metric}_{part}": matrix[:, i] for i, (part, metric) in enumerate(_RAPIQUE)}
    found: dict[str, dict[str, np.ndarray]] = {"train": {}, "test": {}}
    series = {key.lower(): np.ravel(values) for key, values in content.items()}
    for part, metrics in found.items():
        for metric in METRICS:
            values = series.get(f"{metric}_{part}")
            if values is None:
                raise InputError(f"{where}: has no {metric} of the {part} parts")
            metrics[metric] = values if len(values) == SPLIT_COUNT else np.full(SPLIT_COUNT, np.nan)
    return found
