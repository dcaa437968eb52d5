"""What a regression is run on: names, MOS and features of one data set, without the items that its protocol drops."""

from pathlib import Path

import numpy as np
import pandas as pd

from vqa.data.published.entries import ROOT
from vqa.data.published.features import GREYSCALE, feature_table
from vqa.io import InputError
from vqa.regression.protocol import Config


def load_part(features: str, part: str, root: Path = Path()) -> tuple[pd.DataFrame, np.ndarray]:
    """Items (``name``, ``mos``) of ``dataset/split`` and the features ``(n, p)`` float32 that the suite extracted.

    The split ``all`` has the items of all splits.

    Raises:
        InputError: if they have not been extracted, or there is no such split.
    """
    dataset, _, split = part.partition("/")
    folder = root / "features" / features / dataset
    if not (folder / "features.npy").is_file():
        raise InputError(f"{folder}: no features; `dvc repro extract` makes them")
    items = pd.read_csv(folder / "items.csv", dtype={"name": str, "split": str}, keep_default_na=False)
    table = np.load(folder / "features.npy", allow_pickle=False)
    chosen = np.ones(len(items), bool) if split == "all" else (items.split == split).to_numpy()
    if not chosen.any():
        raise InputError(f"{folder}: no items of the split {split!r}")
    return items.loc[chosen, ["name", "mos"]], table[chosen].reshape(chosen.sum(), -1)


def load_table(config: Config, root: Path = ROOT) -> tuple[list[str], np.ndarray, np.ndarray]:
    """Names, MOS ``(n,)`` and features ``(n, p)`` float32 of all items, in the order of the feature file.

    The random cuts shuffle positions, so the order decides which items a split has: it is that of the feature file.

    Args:
        config: names features and data set; ``drop: greyscale`` leaves out the videos without colour of YouTube-UGC.
        root: folder of the published entries.

    Raises:
        vqa.io.InputError: if a file is missing or damaged.
        vqa.settings.strict.ParamsError: if there is no such feature set, or none of that data set.
    """
    if config.extracted:
        items, features = load_part(config.features, f"{config.dataset}/all")
        return items.name.tolist(), items.mos.to_numpy(), features
    table = feature_table(config.features, config.dataset, root)
    if config.drop == "greyscale":
        table = table.without(GREYSCALE)
    return table.names, table.mos, table.features
