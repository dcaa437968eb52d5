"""Features of our own beside published rows: which clips, and how far they lie apart."""

from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from vqa.data.published.features import FeatureTable
from vqa.io import InputError, write_csv
from vqa.regression.agreement import AGREEMENT, agreement
from vqa.report.tables.agreements import agreements, worst_by_clip

NAMES = ("sharp", "dark")
PUBLISHED = FeatureTable(
    ["a.mp4", "b.mp4", "c.mp4"], np.zeros(3), np.array([[1.0, 10.0], [2.0, 20.0], [3.0, 60.0]], np.float32)
)


def describe(clip: Path) -> np.ndarray:
    return {"a": np.array([1.0, 10.0]), "c": np.array([2.5, 60.0])}[clip.stem]


@pytest.fixture
def found(tmp_path: Path) -> pd.DataFrame:
    for name in ("a.mp4", "c.mp4", "stranger.mp4"):
        (tmp_path / name).touch()
    return agreement(PUBLISHED, NAMES, describe, tmp_path)


def test_every_feature_of_every_known_clip_is_held_against_its_row(found: pd.DataFrame) -> None:
    assert list(found.columns) == list(AGREEMENT)
    assert found[["clip", "feature"]].to_numpy().tolist() == [[c, f] for c in ("a.mp4", "c.mp4") for f in NAMES]
    assert found.published.tolist() == [1, 10, 3, 60]
    assert found.relative.tolist() == pytest.approx([0, 0, 0.5 / 3, 0])
    assert found.deviations.tolist() == pytest.approx([0, 0, 0.5 / 1.0, 0]), "that of 1, 2 and 3 is 1"


def test_no_known_clip_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="none of its files"):
        agreement(PUBLISHED, NAMES, describe, tmp_path)


def test_rows_are_collected_and_the_furthest_feature_of_a_clip_is_named(found: pd.DataFrame, tmp_path: Path) -> None:
    write_csv(tmp_path / "runs" / "J01" / "agreement.csv", found)
    table = agreements(["J01"], tmp_path / "runs")
    assert table.run.tolist() == ["J01"] * 4
    a, c = worst_by_clip(table).to_dict("records")
    assert (a["clip"], a["close"], a["features"], a["deviations"]) == ("a.mp4", 2, 2, 0)
    assert (c["clip"], c["close"], c["furthest"], c["deviations"]) == ("c.mp4", 1, "sharp", pytest.approx(0.5))
    assert worst_by_clip(agreements([], tmp_path)).empty
    with pytest.raises(InputError, match=r"J02.*missing"):
        agreements(["J02"], tmp_path / "runs")
