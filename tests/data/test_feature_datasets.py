"""Data sets of published labels and features, through the stages: from the mirror to what methods read."""

import shutil
import sys
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import yaml
from mirror import brought, mirror_folder
from project import ROOT

from stages import fetch, prepare
from stages import published as published_stage
from vqa.data.items import ITEMS, PreparedDataset
from vqa.data.published.datasets import feature_sets, fetch_features
from vqa.data.published.features import feature_table
from vqa.data.published.prepare import prepare_features
from vqa.io import InputError, run_stage
from vqa.settings.strict import ParamsError

TITLES = {"konvid1k": "KoNViD-1k", "livevqc": "LIVE-VQC", "youtubeugc": "YouTube-UGC"}


@pytest.fixture
def scale(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A scale whose data sets are published ones, in the working directory; nothing is fetched yet."""
    params = yaml.safe_load((ROOT / "params.yaml").read_text())
    for name, title in TITLES.items():
        params["datasets"][name] = {"title": title, "source": "published", "bad_files": "stop", "frame_store": False}
    (tmp_path / "params.yaml").write_text(yaml.safe_dump(params))
    monkeypatch.chdir(tmp_path)
    return tmp_path


@pytest.fixture
def stage(monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture) -> Callable:
    """Run the main function of a stage: exit code, and the lines on stderr."""

    def call(main: Callable, name: str) -> tuple[int, list[str]]:
        monkeypatch.setattr(sys, "argv", ["stage", name])
        with pytest.raises(SystemExit) as stop:
            run_stage(main)
        return stop.value.code, capfd.readouterr().err.splitlines()

    return call


@pytest.fixture
def mirror(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("VQA_MIRROR", str(mirror_folder()))


@pytest.mark.usefixtures("mirror")
@pytest.mark.parametrize("name", TITLES)
def test_from_the_mirror_to_what_a_method_reads(scale, stage, name, tmp_path):
    assert stage(fetch.main, name) == (0, [])
    assert stage(prepare.main, name) == (0, [])
    prepared = scale / "prepared" / name
    items = pd.read_csv(prepared / "items.csv", dtype={"name": str})
    assert tuple(items.columns) == ITEMS
    assert items.drop(columns=["name", "mos", "split", "sha256"]).drop_duplicates().shape[0] == 1
    assert items.isna().sum().sum() == 0
    dataset = PreparedDataset(prepared, scale / "data" / name)
    brought(tmp_path / "files", *feature_sets(name))
    for features in feature_sets(name):
        table = feature_table(features, name, tmp_path / "files")
        rows = {table.names[row]: row for row in range(len(table.names))}
        for item in dataset.items("all")[::97]:
            np.testing.assert_array_equal(dataset.features(item, features), table.features[rows[item.name]])
            assert item.mos == pytest.approx(table.mos[rows[item.name]], abs=1e-6)
    splits = {"konvid1k": (960, 240), "youtubeugc": (832, 208)}
    if name in splits:
        assert tuple(len(dataset.items(split)) for split in ("train", "test")) == splits[name]
    else:
        assert len(dataset.items("all")) == 585
    assert sorted(path.name for path in (scale / "data").iterdir()) == [name]


@pytest.mark.usefixtures("mirror")
def test_a_longer_list_leaves_out_features_that_it_lacks(scale):
    lines = fetch_features("youtubeugc", Path("data/youtubeugc"), "videval")
    assert lines == [
        "youtubeugc: features maxvqa lack 233 of the 1380 videos; left out",
        "youtubeugc: features resnet50 lack 231 of the 1380 videos; left out",
    ]
    assert len(pd.read_csv("data/youtubeugc/labels.csv")) == 1380
    assert {path.stem for path in Path("data/youtubeugc/features").iterdir()} == {"videval", "brisque"}


@pytest.mark.usefixtures("mirror")
def test_a_second_fetch_needs_no_network_and_replaces_the_first(scale, monkeypatch):
    fetch_features("livevqc", Path("data/livevqc"))
    monkeypatch.delenv("VQA_MIRROR")
    (scale / "data" / "livevqc" / "stray").touch()
    fetch_features("livevqc", Path("data/livevqc"))
    assert sorted(path.name for path in (scale / "data" / "livevqc").iterdir()) == ["features", "labels.csv"]


def test_with_neither_mirror_nor_network_it_stops_with_one_line(scale, stage, monkeypatch):
    monkeypatch.delenv("VQA_MIRROR", raising=False)
    monkeypatch.setenv("https_proxy", "http://127.0.0.1:1")
    for main, name in ((fetch.main, "konvid1k"), (published_stage.main, "videval")):
        code, lines = stage(main, name)
        assert code == 2
        assert len(lines) == 1
        assert lines[0].startswith("error: ")
        assert "cannot be downloaded" in lines[0]
        assert "VQA_MIRROR" in lines[0]
    assert not (scale / "data" / "konvid1k").exists()


@pytest.mark.usefixtures("mirror")
def test_the_stage_of_an_entry(scale, stage):
    assert stage(published_stage.main, "sama-log") == (0, [])
    assert [path.name for path in (scale / "data" / "published" / "sama-log").iterdir()] == ["log.txt"]
    code, (line,) = stage(published_stage.main, "sama-lok")
    assert (code, "did you mean 'sama-log'" in line) == (2, True)


def test_features_without_videos_are_params_errors():
    with pytest.raises(ParamsError, match="'lsvq' is not defined"):
        fetch_features("lsvq", Path("data/lsvq"))


def test_features_that_do_not_fit_are_refused(tmp_path):
    data = tmp_path / "data" / "small"
    (data / "features").mkdir(parents=True)
    (data / "labels.csv").write_text("name,mos,split\na.mp4,1,train\nb.mp4,2,test\n")
    with pytest.raises(InputError, match="no features; fetch the data set again"):
        prepare_features(data, tmp_path / "small")
    for bad in (np.zeros((3, 4), np.float32), np.zeros((2, 4)), np.full((2, 4), np.nan, np.float32)):
        np.save(data / "features" / "set.npy", bad)
        with pytest.raises(InputError, match=r"set\.npy: not 2 rows of finite float32 numbers"):
            prepare_features(data, tmp_path / "small")
    np.save(data / "features" / "set.npy", np.array([[{}]], dtype=object), allow_pickle=True)
    with pytest.raises(InputError, match=r"set\.npy: not an array that can be read"):
        prepare_features(data, tmp_path / "small")
    np.save(data / "features" / "set.npy", np.arange(8, dtype=np.float32).reshape(2, 4))
    report = prepare_features(data, tmp_path / "small")
    assert report["features"] == {"set": 4}
    assert report["splits"]["train"]["items"] == 1
    shutil.rmtree(data)
    dataset = PreparedDataset(tmp_path / "small", data)
    assert dataset.features(dataset.items("test")[0], "set").tolist() == [4, 5, 6, 7]
