"""The predictions of a run in two files: of all epochs, as ``train`` wrote them, and the clean ones of ``evaluate``."""

from pathlib import Path

import pandas as pd

PREDICTIONS = ["dataset", "item", "mos", "prediction", "epoch", "weights", "split", "protocol", "fold"]
TEXTS = ("dataset", "item", "weights", "split", "protocol")
RELEASED, CLEAN = "epoch_predictions.csv", "predictions.csv"


def read_predictions(folder: Path) -> pd.DataFrame:
    """All predictions of a run under both protocols, training by training, the released ones first.

    Args:
        folder: ``runs/RUN``.

    Returns:
        A frame with :data:`PREDICTIONS`, texts and the fold as categories.

    Raises:
        OSError: if one of the files is missing.
    """
    texts = dict.fromkeys(TEXTS, str)
    both = pd.concat([pd.read_csv(folder / name, dtype=texts) for name in (RELEASED, CLEAN)], ignore_index=True)
    return both.astype(dict.fromkeys((*TEXTS, "fold"), "category"))
