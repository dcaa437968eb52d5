"""What a regression is run on: names, MOS and features of one data set, without the items that its protocol drops."""

from pathlib import Path

import numpy as np

from vqa.data.published.entries import ROOT
from vqa.data.published.features import GREYSCALE, feature_table
from vqa.regression.protocol import Config


def load_table(config: Config, root: Path = ROOT) -> tuple[list[str], np.ndarray, np.ndarray]:
    """Names, MOS ``(n,)`` and features ``(n, p)`` float32 of all published items, in the published order.

    The random cuts shuffle positions, so the order decides which items a split has: it is that of the feature file.

    Args:
        config: names features and data set; ``drop: greyscale`` leaves out the videos without colour of YouTube-UGC.
        root: folder of the published entries.

    Raises:
        vqa.io.InputError: if a file is missing or damaged.
        vqa.settings.strict.ParamsError: if there is no such feature set, or none of that data set.
    """
    table = feature_table(config.features, config.dataset, root)
    if config.drop == "greyscale":
        table = table.without(GREYSCALE)
    return table.names, table.mos, table.features
