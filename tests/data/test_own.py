"""Data of the user's own: what is seen of them, and when that changes."""

import os
import shutil
from pathlib import Path

import pytest
import yaml
from clips import numbered_frames, write_video
from project import ROOT

from stages import fetch
from vqa.data.own import Source, look, own_source, refresh, write_sources
from vqa.io import InputError
from vqa.settings.params import Params, load
from vqa.settings.strict import ParamsError

LABELS = "name,mos,split\na.mp4,3,train\nsub/b.mp4,2,test\n"


@pytest.fixture
def params(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Params:
    """A scale with one data set of two videos, in the working directory; the videos lie elsewhere."""
    monkeypatch.chdir(tmp_path)
    for name in ("a.mp4", "sub/b.mp4"):
        write_video(tmp_path / "videos" / name, numbered_frames(8))
    (tmp_path / "labels.csv").write_text(LABELS)
    write_sources({"clips": Source(str(tmp_path / "videos"), "labels.csv")}, tmp_path / "sources.yaml")
    raw = yaml.safe_load((ROOT / "params.yaml").read_text())
    raw |= {key: {} for key in ("runs", "tables", "landscapes", "figures", "extractions", "shared")} | {"zero_shot": []}
    raw["datasets"] = {
        "clips": {"title": "clips", "source": "own", "list": "", "bad_files": "stop", "frame_store": False}
    }
    (tmp_path / "params.yaml").write_text(yaml.safe_dump(raw))
    return load()


def test_what_is_seen_changes_with_labels_and_files_and_with_nothing_else(params):
    assert params.own
    assert refresh(params) == ["clips"]
    first, before = own_source("clips"), Path("sources.yaml").stat().st_mtime_ns
    assert first.seen == look(first)
    assert refresh(params) == []
    assert Path("sources.yaml").stat().st_mtime_ns == before, "nothing is written where nothing changed"

    (Path("videos") / "unlisted.mp4").touch()
    assert refresh(params) == []
    write_video(Path("videos/a.mp4"), numbered_frames(9))
    assert refresh(params) == ["clips"]
    second = own_source("clips").seen
    os.utime("videos/sub/b.mp4", ns=(1, 1))
    assert refresh(params) == ["clips"]
    Path("labels.csv").write_text(LABELS.replace(",2,", ",2.5,"))
    assert refresh(params) == ["clips"]
    assert len({first.seen, second, own_source("clips").seen}) == 3
    assert own_source("clips").videos == first.videos


def test_a_missing_file_is_named_before_anything_is_run(params):
    shutil.rmtree("videos/sub")
    with pytest.raises(InputError, match=r"1 of 2 files are missing, the first: sub/b\.mp4"):
        refresh(params)


def test_fetching_links_what_is_listed(params):
    fetch.fetch("clips", params.datasets["clips"], Path("data/clips"), 42)
    assert Path("data/clips/labels.csv").read_text() == LABELS
    assert Path("data/clips/sub/b.mp4").samefile("videos/sub/b.mp4")


@pytest.mark.parametrize(
    ("block", "message"),
    [
        ({"videos": "videos"}, "sources.yaml: clips: missing key 'labels'"),
        ({"videos": "videos", "labels": "labels.csv", "sean": ""}, "did you mean 'seen'"),
    ],
)
def test_a_block_that_does_not_fit_is_refused(params, block, message):
    Path("sources.yaml").write_text(yaml.safe_dump({"clips": block}))
    with pytest.raises(ParamsError, match=message):
        own_source("clips")
