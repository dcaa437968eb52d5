"""All splits of a regression in several processes; each is kept as soon as it is done, so that a killed run goes on."""

import functools
import json
from pathlib import Path

import numpy as np
import pandas as pd
from tqdm import tqdm

from vqa.io import InputError, write_json
from vqa.regression.protocol import SPLITS, Config, run_split
from vqa.workers import mapped


def check_table(features: np.ndarray, mos: np.ndarray, name: str) -> tuple[np.ndarray, np.ndarray]:
    """Features and MOS as the protocol takes them: float64, and 0 for features that are NaN or infinite.

    Args:
        features: ``(n, p)``.
        mos: ``(n,)``.
        name: of the regression, for errors.

    Raises:
        InputError: if the sizes do not fit, a MOS is not finite, or MOS or all features are constant.
    """
    features, mos = np.asarray(features, dtype=np.float64), np.asarray(mos, dtype=np.float64)
    if features.ndim != 2 or mos.shape != features.shape[:1]:
        raise InputError(f"{name}: features {features.shape} and MOS {mos.shape} are not (n, p) and (n,)")
    features = np.where(np.isfinite(features), features, 0.0)
    if not np.isfinite(mos).all():
        raise InputError(f"{name}: {np.count_nonzero(~np.isfinite(mos))} MOS are not finite; correct the label list")
    if len(mos) == 0 or np.ptp(mos) == 0 or not np.ptp(features, axis=0).any():
        raise InputError(f"{name}: MOS or features are the same for all {len(mos)} items; nothing can be learned")
    return features, mos


def run_splits(
    features: np.ndarray, mos: np.ndarray, config: Config, state: Path, workers: int = 1, name: str = "regression"
) -> pd.DataFrame:
    """Run what ``state`` does not hold yet, and return all splits in order.

    Args:
        features: ``(n, p)``, see :func:`check_table`.
        mos: ``(n,)``.
        config: the protocol's settings.
        state: folder of the finished splits, ``NUMBER.json`` each. It must stand for these data and settings; only the
            number of splits may differ.
        workers: processes of one thread each; their number does not change a byte.
        name: for errors and the progress bar.

    Returns:
        A frame with :data:`vqa.regression.protocol.SPLITS`.

    Raises:
        InputError: for data that :func:`check_table` refuses or the protocol cannot fit.
    """
    features, mos = check_table(features, mos, name)
    numbers = range(1, config.splits + 1)
    waiting = [split for split in numbers if not _file(state, split).is_file()]
    work = functools.partial(_keep_split, features=features, mos=mos, config=config, state=state)
    done, total = config.splits - len(waiting), config.splits
    try:
        with mapped(work, waiting, workers) as finished:
            for _ in tqdm(finished, desc=name, unit="split", total=total, initial=done, disable=None):
                pass
    except ValueError as error:
        raise InputError(f"{name}: {error}") from None
    rows = [json.loads(_file(state, split).read_text()) for split in numbers]
    whole = ("split", "n_train", "n_test")
    return pd.DataFrame(rows, columns=SPLITS).astype({name: int if name in whole else float for name in SPLITS})


def _file(state: Path, split: int) -> Path:
    return state / f"{split}.json"


def _keep_split(split: int, features: np.ndarray, mos: np.ndarray, config: Config, state: Path) -> None:
    """Run one split on one thread: with more, products of matrices differ in their last digits."""
    from threadpoolctl import threadpool_limits  # here: scikit-learn brings it, and most stages need neither

    with threadpool_limits(1):
        write_json(_file(state, split), run_split(features, mos, split, config))
