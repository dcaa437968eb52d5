"""The label list of a data set: which files, their MOS, and the split of each."""

from pathlib import Path

import numpy as np
import pandas as pd

from vqa.io import InputError

LABEL_COLUMNS = ["name", "mos", "split"]


def read_labels(path: Path) -> pd.DataFrame:
    """Read a label list and check it: columns ``name,mos,split``, unique names, finite MOS.

    Raises:
        InputError: naming the file and, where there is one, the first offending item.
    """
    if not path.is_file():
        raise InputError(f"{path}: no label list; fetch the data set first")
    labels = pd.read_csv(path, dtype={"name": str, "split": str})
    if list(labels.columns) != LABEL_COLUMNS:
        raise InputError(f"{path}: columns are {list(labels.columns)}, expected {LABEL_COLUMNS}")
    repeated = labels[labels.name.duplicated()]
    if len(repeated):
        raise InputError(f"{path}: item {repeated.name.iloc[0]} occurs more than once")
    labels["mos"] = pd.to_numeric(labels.mos, errors="coerce")
    unlabelled = labels[~np.isfinite(labels.mos)]
    if len(unlabelled):
        raise InputError(f"{path}: item {unlabelled.name.iloc[0]} has no numeric MOS")
    return labels
