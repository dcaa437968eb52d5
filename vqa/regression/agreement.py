"""Our features of single clips beside the rows that others published of them (VIDEVAL_TLVQM 8.4)."""

from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np
import pandas as pd
from tqdm import tqdm

from vqa.data.published.features import FeatureTable
from vqa.io import InputError

AGREEMENT = ("clip", "feature", "ours", "published", "relative", "deviations")


def agreement(
    table: FeatureTable, features: Sequence[str], describe: Callable[[Path], np.ndarray], clips: Path
) -> pd.DataFrame:
    """Every feature of every clip in a folder that the table has a row of.

    Args:
        table: the published features of a data set.
        features: their names, in its order.
        describe: gives our own of a video.
        clips: folder of videos, called as in the table.

    Returns:
        A frame with :data:`AGREEMENT`: the difference relative to the published value (which is read in single
        precision), and in standard deviations of the feature over the data set.

    Raises:
        InputError: if there is no such clip.
    """
    names = {Path(name).stem: row for row, name in enumerate(table.names)}
    files = [file for file in sorted(clips.iterdir()) if file.stem in names]
    if not files:
        raise InputError(f"{clips}: none of its files is a video of the published rows")
    spread, parts = table.features.astype(np.float64).std(axis=0, ddof=1), []
    for file in tqdm(files, desc="features again", unit="clip", disable=None):
        ours = describe(file)
        published = table.features[names[file.stem]].astype(np.float64)
        apart = np.abs(ours - published)
        with np.errstate(divide="ignore", invalid="ignore"):
            columns = (features, ours, published, apart / np.abs(published), apart / spread)
        parts.append(pd.DataFrame(dict(zip(AGREEMENT[1:], columns, strict=True))).assign(clip=file.name))
    return pd.concat(parts, ignore_index=True)[list(AGREEMENT)]
