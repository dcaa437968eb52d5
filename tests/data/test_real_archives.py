"""Real clips with their real MOS, packed as the real archives are, through the stages of the paper scale."""

import json
import shutil
import sys
import tarfile
import zipfile
from pathlib import Path

import pandas as pd
import pytest
from mirror import brought, mirror_folder
from project import ROOT

from stages import fetch, prepare
from vqa.data import arrange as module
from vqa.settings.params import load


@pytest.fixture
def paper(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The paper scale with a mirror; returns the user's folder."""
    monkeypatch.setenv("VQA_MIRROR", str(mirror_folder()))
    (tmp_path / "scale").mkdir()
    monkeypatch.chdir(tmp_path / "scale")
    text = (ROOT / "paper" / "params.yaml").read_text().replace("root: ..", f"root: {ROOT}")
    Path("params.yaml").write_text(
        text.replace("bad_files: stop", "bad_files: exclude").replace("loader_workers: 6", "loader_workers: 2")
    )
    monkeypatch.setenv("VQA_DATA", str(tmp_path / "sets"))
    assert load().datasets["konvid1k"].source == "provided"
    return tmp_path / "sets"


def run(monkeypatch: pytest.MonkeyPatch, name: str) -> pd.DataFrame:
    """Fetch and prepare; the item list."""
    for stage in (fetch, prepare):
        monkeypatch.setattr(sys, "argv", ["stage", name])
        assert not stage.main()
    return pd.read_csv(Path("prepared") / name / "items.csv").set_index("name")


REAL = {"3339962845.mp4": 4.64, "4495254692.mp4": 3.9}


def test_the_real_clips_of_konvid1k_from_archive_to_item_list(paper, tmp_path, monkeypatch, capsys):
    """All 1200 names of the list are in the archive; two have their real content, the others are empty."""
    clips = brought(tmp_path, "clips", "konvid1k-labels") / "clips" / "konvid1k"
    names = pd.read_csv(tmp_path / "konvid1k-labels" / "labels.txt", header=None)[0]
    metadata = pd.read_csv(tmp_path / "konvid1k-labels" / "metadata.csv")
    (paper / "konvid1k").mkdir(parents=True)
    with zipfile.ZipFile(paper / "konvid1k" / "KoNViD_1k_videos.zip", "w") as archive:
        for name in names:
            archive.writestr(f"KoNViD_1k_videos/{name}", (clips / name).read_bytes() if name in REAL else b"")
    mos = metadata[["flickr_id", "mos"]].to_csv(index=False)
    with zipfile.ZipFile(paper / "konvid1k" / "KoNViD_1k_metadata.zip", "w") as archive:
        archive.writestr("KoNViD_1k_metadata/KoNViD_1k_mos.csv", mos)
    items = run(monkeypatch, "konvid1k")
    assert capsys.readouterr().err == "", "the list is the one that the catalog expects"
    assert items.mos.to_dict() == REAL
    assert items.split.to_dict() == {"3339962845.mp4": "train", "4495254692.mp4": "test"}
    assert items.n_frames.to_dict() == {"3339962845.mp4": 240, "4495254692.mp4": 191}
    assert set(items.width) == {960}
    report = json.loads(Path("prepared/konvid1k/report.json").read_text())
    assert (report["listed"], report["usable"]) == (1200, 2)
    assert pd.read_csv("data/konvid1k/labels.csv").name.tolist() == names.tolist()


def test_the_real_clip_of_lsvq_from_archive_to_item_list(paper, tmp_path, monkeypatch):
    clips = brought(tmp_path, "clips", "lsvq-labels") / "clips" / "lsvq"
    whole = module.published_labels("lsvq", tmp_path / "lsvq-labels")
    part = whole[whole.name.isin(["yfcc-batch3/1724.mp4", "yfcc-batch1/725.mp4"])]
    monkeypatch.setattr(module, "published_labels", lambda *_: part)
    (paper / "lsvq").mkdir(parents=True)
    shutil.copytree(clips / "yfcc-batch3", tmp_path / "scratch" / "LSVQ" / "yfcc-batch3")
    (tmp_path / "scratch" / "LSVQ" / "yfcc-batch1").mkdir()
    (tmp_path / "scratch" / "LSVQ" / "yfcc-batch1" / "725.mp4").write_text("no video")
    with tarfile.open(paper / "lsvq" / "LSVQ_part_01.tar.gz", "w:gz", compresslevel=1) as archive:
        archive.add(tmp_path / "scratch" / "LSVQ", "LSVQ")
    items = run(monkeypatch, "lsvq")
    assert items.mos.to_dict() == {"yfcc-batch3/1724.mp4": 56.09375}
    row = items.loc["yfcc-batch3/1724.mp4"]
    assert (row.n_frames, row.width, row.height, row.split) == (243, 406, 720, "test")
