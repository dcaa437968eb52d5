"""Patches in the tables of LSVQ's makers: columns, missing cells, and what providing the data set makes of them."""

from pathlib import Path

import pandas as pd
import pytest

from vqa.data.patches import Patch, read_patches, write_patches
from vqa.data.provided import provide
from vqa.data.published.patches import published_patches
from vqa.io import InputError

PLACES = {"p1": (10, 60, 5, 41, 0, 31), "p2": (0, 100, 0, 90, 3, 15), "p3": (60, 100, 54, 90, 18, 30)}
PATCHES = [Patch(10, 5, 60, 41, 0, 30, 50.5), Patch(0, 0, 100, 90, 3, 15, 51.25), Patch(60, 54, 100, 90, 18, 30, 52.0)]


def table(*names: str) -> pd.DataFrame:
    """Rows as the makers write them: lists of all places in one cell, then each in its own; p1 ends a frame late."""
    row: dict[str, object] = {patch: str(list(place)) for patch, place in PLACES.items()}
    row |= {"mos_p1": 50.5, "mos_p2": 51.25, "mos_p3": 52.0, "mos": 53.0, "frame_number": 30}
    for patch, place in PLACES.items():
        columns = ("left", "right", "top", "bottom", "start", "end")
        row |= {f"{column}_{patch}": value for column, value in zip(columns, place, strict=True)}
    return pd.DataFrame([{"name": name, **row, "is_test": False} for name in names])


def written(path: Path, content: pd.DataFrame) -> Path:
    content.to_csv(path, index=False)
    return path


def test_patches_of_all_tables_that_are_there(tmp_path: Path) -> None:
    one = written(tmp_path / "one.csv", table("batch/1", "batch/2"))
    # A cell that is missing makes floats of its column, and such a video has no patches.
    gap = table("batch/3", "batch/4")
    gap["left_p3"] = [60.0, None]
    two = written(tmp_path / "two.csv", gap)
    plain = written(tmp_path / "plain.csv", table("batch/5")[["name", "mos"]])
    found = published_patches([one, two, plain, tmp_path / "none.csv"])
    assert found == dict.fromkeys(["batch/1.mp4", "batch/2.mp4", "batch/3.mp4"], PATCHES)


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (table("a").drop(columns="end_p2"), "one.csv: has patches, but no column 'end_p2'"),
        (table("a").drop(columns="name"), "one.csv: has patches, but no column 'name'"),
        (table("a").assign(top_p1="high"), "one.csv: line 2: 'high' is no top_p1"),
        (table("a", "a"), "one.csv: line 3: a is there already, in line 2"),
        (table("b"), "two.csv: b.mp4 has patches already, in another table"),
    ],
)
def test_a_bad_table_is_one_line(tmp_path: Path, content: pd.DataFrame, message: str) -> None:
    tables = [written(tmp_path / "one.csv", content), written(tmp_path / "two.csv", table("b"))]
    with pytest.raises(InputError, match=message) as caught:
        published_patches(tables)
    assert "\n" not in str(caught.value)


@pytest.fixture
def source(tmp_path: Path) -> Path:
    """A folder of LSVQ with a label list of the user's own, and files that are no videos."""
    folder = tmp_path / "lsvq"
    (folder / "batch").mkdir(parents=True)
    for number in (1, 2):
        (folder / "batch" / f"{number}.mp4").write_text(f"{number}")
    (folder / "labels.csv").write_text("name,mos,split\nbatch/1.mp4,50,train\nbatch/2.mp4,60,test\n")
    return folder


def test_the_makers_tables_come_along(source: Path, tmp_path: Path) -> None:
    provide("lsvq", source, tmp_path / "out")
    assert not (tmp_path / "out" / "patches.csv").exists()
    written(source / "labels_train_test.csv", table("batch/1", "batch/7"))
    provide("lsvq", source, tmp_path / "out")
    assert read_patches(tmp_path / "out" / "patches.csv") == {"batch/1.mp4": PATCHES}
    (source / "labels_test_1080p.csv").write_text("name,left_p1\nx,1\n")
    with pytest.raises(InputError, match=r"labels_test_1080p.csv: has patches, but no column"):
        provide("lsvq", source, tmp_path / "other")
    assert not (tmp_path / "other").exists()


def test_a_list_of_the_user_s_own_comes_first(source: Path, tmp_path: Path) -> None:
    written(source / "labels_train_test.csv", table("batch/1"))
    write_patches(source / "patches.csv", {"batch/2.mp4": PATCHES[::-1]})
    provide("lsvq", source, tmp_path / "out")
    assert read_patches(tmp_path / "out" / "patches.csv") == {"batch/2.mp4": PATCHES[::-1]}
