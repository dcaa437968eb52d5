"""The predictions of a run in two files: of all epochs, as ``train`` wrote them, and the clean ones of ``evaluate``."""

from pathlib import Path

import pandas as pd

PREDICTIONS = ["dataset", "item", "mos", "prediction", "epoch", "weights", "split", "protocol", "fold"]
TEXTS = ("dataset", "item", "weights", "split", "protocol")
RELEASED, CLEAN = "epoch_predictions.csv", "predictions.csv"


def read_rows(path: Path) -> pd.DataFrame:
    """Rows of one file. No text is a missing one, whatever it says: an item may be called NA."""
    numbers = {name: ["", "nan"] for name in ("mos", "prediction")}
    return pd.read_csv(path, dtype=dict.fromkeys(TEXTS, str), keep_default_na=False, na_values=numbers)


def read_predictions(folder: Path) -> pd.DataFrame:
    """All predictions of a run under both protocols, training by training, the released ones first.

    Args:
        folder: ``runs/RUN``.

    Returns:
        A frame with :data:`PREDICTIONS`, texts and the fold as categories.

    Raises:
        OSError: if one of the files is missing.
    """
    both = pd.concat([read_rows(folder / name) for name in (RELEASED, CLEAN)], ignore_index=True)
    return both.astype(dict.fromkeys((*TEXTS, "fold"), "category"))
