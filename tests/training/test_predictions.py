"""Files of predictions: what is written is read, whatever the items are called."""

from pathlib import Path

import pandas as pd

from vqa.io import write_csv
from vqa.training.predictions import CLEAN, PREDICTIONS, RELEASED, read_predictions, read_rows

NAMES = ("NA", "nan", "None", "007", "a,b", "true")


def test_a_name_that_looks_like_no_text_is_one(tmp_path: Path) -> None:
    rows = [("s", name, 3.5, -0.25, 1, "ema", "test", "released", "42-0") for name in NAMES]
    table = pd.DataFrame(rows, columns=PREDICTIONS)
    for name in (RELEASED, CLEAN):
        write_csv(tmp_path / name, table)
    pd.testing.assert_frame_equal(read_rows(tmp_path / CLEAN), table)
    assert read_predictions(tmp_path)["item"].tolist() == [*NAMES, *NAMES]
