"""From files to a checked item list: nothing is dropped or substituted in silence."""

import json
from fractions import Fraction
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from clips import broken_videos, numbered_frames, read_number, write_video
from odd_videos import coded_as, half, remuxed, two_streams
from PIL import Image

from vqa.data.items import PreparedDataset, items_digest
from vqa.data.labels import read_labels
from vqa.data.prepare import prepare
from vqa.io import InputError


@pytest.fixture
def data(tmp_path: Path) -> Path:
    folder = tmp_path / "data" / "small"
    sizes = {"a": (30, 64, 48), "b": (17, 48, 96), "c": (25, 72, 40)}
    for name, (n, width, height) in sizes.items():
        write_video(folder / "videos" / f"{name}.mp4", numbered_frames(n, width, height))
    _label(folder, [("videos/a.mp4", 1.5, "train"), ("videos/b.mp4", 3.25, "test"), ("videos/c.mp4", 4.0, "train")])
    return folder


def _label(folder: Path, rows: list[tuple]) -> None:
    pd.DataFrame(rows, columns=["name", "mos", "split"]).to_csv(folder / "labels.csv", index=False)


@pytest.mark.parametrize("store", [True, False])
def test_frames_are_the_same_with_and_without_a_frame_store(data: Path, tmp_path: Path, store):
    report = prepare(data, tmp_path / "small", "stop", frame_store=store)
    dataset = PreparedDataset(tmp_path / "small", data)
    assert report["usable"] == 3
    assert (tmp_path / "small" / "frames.bin").stat().st_size == (
        sum([30 * 64 * 48, 17 * 48 * 96, 25 * 72 * 40]) * 3 * store
    )
    for item in dataset.items("all"):
        indices = np.array([item.n_frames - 1, 0, 5])
        frames = dataset.frames(item, indices)
        assert frames.shape == (3, item.height, item.width, 3)
        assert [read_number(frame) for frame in frames] == indices.tolist()


def test_report_counts_and_splits(data: Path, tmp_path: Path):
    prepare(data, tmp_path / "small", "stop", frame_store=False)
    report = json.loads((tmp_path / "small" / "report.json").read_text())
    assert report["splits"]["train"]["items"] == 2
    assert report["splits"]["train"]["mos"]["mean"] == pytest.approx(2.75)
    assert report["splits"]["test"]["sizes"] == ["48x96"]
    dataset = PreparedDataset(tmp_path / "small", data)
    assert [item.name for item in dataset.items("train")] == ["videos/a.mp4", "videos/c.mp4"]
    with pytest.raises(InputError, match="no items in split 'val'; it has test, train, all"):
        dataset.items("val")


def test_bad_files_stop_with_their_names_or_are_listed_with_reasons(data: Path, tmp_path: Path):
    bad = broken_videos(data / "videos")
    rows = [("videos/a.mp4", 1.5, "train"), *((f"videos/{path.name}", 2.0, "train") for path in bad.values())]
    _label(data, rows)
    with pytest.raises(
        InputError, match=rf"truncated\.mp4: .*and {len(bad) - 1} more bad files.*bad_files: exclude"
    ) as stop:
        prepare(data, tmp_path / "small", "stop", frame_store=True)
    assert "\n" not in str(stop.value)
    assert not (tmp_path / "small" / "items.csv").exists(), "a stopped preparation must not look like a finished one"
    report = prepare(data, tmp_path / "small", "exclude", frame_store=True)
    assert (report["listed"], report["usable"]) == (1 + len(bad), 1)
    excluded = pd.read_csv(tmp_path / "small" / "excluded.csv")
    assert set(excluded.name) == {f"videos/{path.name}" for path in bad.values()}
    assert excluded.reason.str.contains("empty file").sum() == 1


def test_a_stopped_preparation_leaves_an_earlier_one_whole(data: Path, tmp_path: Path):
    prepare(data, tmp_path / "small", "stop", frame_store=True)
    before = {path.name: path.read_bytes() for path in (tmp_path / "small").iterdir()}
    (data / "videos" / "a.mp4").write_bytes(b"")
    with pytest.raises(InputError, match="empty file"):
        prepare(data, tmp_path / "small", "stop", frame_store=True)
    assert {path.name: path.read_bytes() for path in (tmp_path / "small").iterdir()} == before


def test_a_data_set_without_usable_files_is_an_error(data: Path, tmp_path: Path):
    _label(data, [("videos/gone.mp4", 2.0, "train")])
    with pytest.raises(InputError, match="none of its 1 files"):
        prepare(data, tmp_path / "small", "exclude", frame_store=False)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("name,mos\na,1\n", "columns are"),
        ("name,mos,split\na,1,train\na,2,test\n", "line 3: a is there already, in line 2"),
        ("name,mos,split\na,good,train\n", "line 2: 'good' is no MOS"),
        ("name,mos,split\nb,1,train\na,inf,train\n", "line 3: 'inf' is no MOS"),
    ],
)
def test_bad_label_lists_are_refused(tmp_path: Path, text, message):
    (tmp_path / "labels.csv").write_text(text)
    with pytest.raises(InputError, match=message):
        read_labels(tmp_path / "labels.csv")
    with pytest.raises(InputError, match="fetch the data set first"):
        read_labels(tmp_path / "nothing.csv")


def test_a_replaced_file_is_noticed_when_frames_are_decoded_on_the_fly(data: Path, tmp_path: Path):
    prepare(data, tmp_path / "small", "stop", frame_store=False)
    dataset = PreparedDataset(tmp_path / "small", data)
    write_video(data / "videos" / "a.mp4", numbered_frames(30, 80, 48))
    with pytest.raises(InputError, match="not the file that was prepared"):
        dataset.frames(dataset.items("train")[0], np.array([0]))


def test_items_digest_depends_on_names_and_mos_not_on_order():
    table = pd.DataFrame({"name": ["a", "b"], "mos": [1.0, 2.0]})
    assert items_digest(table) == items_digest(table[::-1])
    assert items_digest(table) != items_digest(table.assign(mos=[1.0, 2.5]))
    assert items_digest(table) != items_digest(table.assign(name=["a", "c"]))


@pytest.mark.parametrize("store", [True, False])
def test_the_report_counts_what_is_odd_and_names_files_of_which_decord_gives_other_frames(tmp_path: Path, store: bool):
    data = tmp_path / "data" / "odd"
    whole = write_video(data / "whole.mp4", numbered_frames(50), options={"g": "250", "bf": "2"})
    remuxed(whole, data / "cut.mp4", start=1)
    remuxed(whole, data / "stream.ts")
    two_streams(data / "two.mp4")
    coded_as(data / "wide.mp4", "yuv420p", sample_aspect_ratio=Fraction(64, 45))
    half(remuxed(whole, tmp_path / "b.mkv"), data / "half.mkv", 0.6)
    Image.fromarray(numbered_frames(1)[0]).save(data / "photo.png")
    names = ["whole.mp4", "cut.mp4", "stream.ts", "two.mp4", "wide.mp4", "half.mkv", "photo.png"]
    _label(data, [(name, 2.5, "train") for name in names])
    report = prepare(data, tmp_path / "odd", "exclude", frame_store=store)
    assert [bad["name"] for bad in report["excluded"]] == ["half.mkv"]
    assert "truncated, " in report["excluded"][0]["reason"]
    assert report["odd"] == {
        "no frame count in the header": 1,
        "pixels not square": 1,
        "several video streams": 1,
    }
    assert report["decoders"] == {"Pillow": 1, "PyAV": 3, "decord": 2}
    assert report["other_frames"] == [
        {"name": "cut.mp4", "decord": "counts 50 frames, 25 decode"},
        {"name": "stream.ts", "decord": "gives another frame 0"},
        {"name": "two.mp4", "decord": "gives frame 0 as 240x320x3"},
    ]
    items = pd.read_csv(tmp_path / "odd" / "items.csv").set_index("name")
    assert items.decoder.to_dict() == {
        **dict.fromkeys(("whole.mp4", "wide.mp4"), "decord"),
        **dict.fromkeys(("cut.mp4", "stream.ts", "two.mp4"), "PyAV"),
        "photo.png": "Pillow",
    }
    dataset = PreparedDataset(tmp_path / "odd", data)
    for item in dataset.items("all"):
        if item.name == "cut.mp4":
            frames = dataset.frames(item, np.arange(item.n_frames))
            assert [read_number(frame) for frame in frames] == list(range(25, 50))
        if item.name == "two.mp4":
            assert dataset.frames(item, np.array([49])).shape == (1, 48, 64, 3)
