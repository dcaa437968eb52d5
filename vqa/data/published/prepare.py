"""A data set of published labels and features in the place of its videos: what ``prepare`` makes of them.

``prepared/NAME`` is as for videos, with items of one frame that cannot be read, and ``features/SET.npy`` beside the
item list: float32, a row an item.
"""

from pathlib import Path

import numpy as np
import pandas as pd

from vqa.data.items import FEATURES, ITEMS, items_digest
from vqa.data.labels import read_labels
from vqa.io import InputError, atomic, digest, write_csv, write_json


def prepare_features(data: Path, out: Path) -> dict:
    """Make the item list and the features of a prepared data set.

    Args:
        data: folder that :func:`vqa.data.published.datasets.fetch_features` made.
        out: folder to write; files appear atomically.

    Returns:
        The content of ``report.json``, as :func:`vqa.data.prepare.prepare` has it, and the sizes of the features.

    Raises:
        InputError: for a bad label list, or features that do not fit it.
    """
    labels = read_labels(data / "labels.csv")
    tables = {path.stem: _read(path, len(labels)) for path in sorted((data / "features").glob("*.npy"))}
    if not tables:
        raise InputError(f"{data / 'features'}: no features; fetch the data set again")
    rows = [digest(b"".join(table[row].tobytes() for table in tables.values())) for row in range(len(labels))]
    # What a video has is 1 or nothing here: there are no frames, and offset -1 says that none are stored.
    media = {"n_frames": 1, "width": 1, "height": 1, "fps": 0.0, "rotation": 0, "codec": FEATURES, "decoder": "none"}
    items = labels.assign(**media, sha256=rows, frames_sha256="none", offset=-1)[list(ITEMS)]
    for name, table in tables.items():
        with atomic(out / "features" / f"{name}.npy") as draft, draft.open("wb") as stream:
            np.save(stream, table)
    write_csv(out / "items.csv", items)
    write_csv(out / "excluded.csv", pd.DataFrame(columns=["name", "split", "reason"]))
    report = {
        "dataset": data.name,
        "listed": len(items),
        "usable": len(items),
        "excluded": [],
        "splits": {split: _split_report(part) for split, part in items.groupby("split")},
        "features": {name: table.shape[1] for name, table in tables.items()},
    }
    write_json(out / "report.json", report)
    return report


def _read(path: Path, rows: int) -> np.ndarray:
    try:
        table = np.load(path, allow_pickle=False)
    except ValueError as error:
        raise InputError(f"{path}: not an array that can be read ({error}); fetch the data set again") from None
    if table.ndim != 2 or table.dtype != np.float32 or len(table) != rows or not np.isfinite(table).all():
        raise InputError(f"{path}: not {rows} rows of finite float32 numbers; fetch the data set again")
    return table


def _split_report(items: pd.DataFrame) -> dict:
    return {
        "items": len(items),
        "items_digest": items_digest(items),
        "mos": {name: float(getattr(items.mos, name)()) for name in ("mean", "std", "min", "max")},
        "frames": [1, 1],
        "sizes": [],
        "codecs": {FEATURES: len(items)},
        "rotated": 0,
    }
