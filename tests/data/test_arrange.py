"""Data sets as their makers publish them: archives, folders and tables to the layout of the suite."""

import json
import shutil
import tarfile
import zipfile
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from scipy.io import savemat

from vqa.data import arrange as module
from vqa.data.arrange import arrange
from vqa.data.catalog import CATALOG
from vqa.data.provided import provide
from vqa.io import InputError

LISTS = {
    "konvid1k": [("1.mp4", 1.5, "train"), ("22.mp4", 3.25, "test")],
    "livevqc": [("A011.mp4", 50.0, "all"), ("A012.mp4", 60.5, "all")],
    "lsvq": [("yfcc-batch1/7.mp4", 50.0, "train"), ("ia-batch2/7.mp4", 20.0, "test"), ("backup/x.mp4", 3.0, "1080p")],
    "youtubeugc": [("Vlog_720P-1_crf_10_ss_00_t_20.0.mp4", 2.0, "train"), ("HDR_2160P-2_crf.mp4", 3.0, "test")],
    "koniq10k": [("12.jpg", 77.5, "all"), ("13.jpg", 8.25, "all")],
    "spaq": [("00001.jpg", 36.11, "all"), ("00002.jpg", 9.0, "all")],
}
CONSTANCE = "datasets.vqa.mmsp-kn.de/archives"
BUCKET = "storage.googleapis.com/ugc-dataset/original_videos_h264"


@pytest.fixture
def small(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Published lists of a few items each, and a working directory; returns what the user's folders are in."""
    monkeypatch.setattr(module, "bring_entry", lambda *_: None)
    columns = ["name", "mos", "split"]
    monkeypatch.setattr(module, "published_labels", lambda name, *_: pd.DataFrame(LISTS[name], columns=columns))
    monkeypatch.delenv("VQA_MIRROR", raising=False)
    (tmp_path / "scale").mkdir()
    monkeypatch.chdir(tmp_path / "scale")
    return tmp_path / "sets"


def content(name: str) -> str:
    return f"content of {name}"


def put(folder: Path, *names: str) -> Path:
    for name in names:
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text(content(Path(name).name))
    return folder


def pack(path: Path, names: list[str], texts: dict[str, str] | None = None) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    with zipfile.ZipFile(path, "w") as archive:
        for name in names:
            archive.writestr(name, content(Path(name).name))
        for name, text in (texts or {}).items():
            archive.writestr(name, text)
    return path


def arranged(name: str, sets: Path) -> dict[str, str]:
    """Files of the arranged data set but its label list, which is that of LISTS."""
    out = Path("data") / name
    arrange(name, sets / name, out)
    assert not list(Path("data").glob(f".{name}*")), "nothing is left over"
    labels = pd.read_csv(out / "labels.csv")
    assert [tuple(row) for row in labels.itertuples(index=False)] == LISTS[name]
    files = {path.relative_to(out).as_posix(): path.read_text() for path in out.rglob("*") if path.is_file()}
    del files["labels.csv"]
    return files


def expected(name: str) -> dict[str, str]:
    return {item: content(Path(item).name) for item, *_ in LISTS[name]}


def konvid(sets: Path, mos: str = "flickr_id,mos\n22,3.25\n1,1.5\n") -> Path:
    folder = sets / "konvid1k"
    pack(folder / "KoNViD_1k_videos.zip", [f"KoNViD_1k_videos/{name}" for name in ("1.mp4", "22.mp4", "333.mp4")])
    pack(folder / "KoNViD_1k_metadata.zip", [], {"KoNViD_1k_metadata/KoNViD_1k_mos.csv": mos})
    return folder


# --- one data set after the other


def test_konvid1k_comes_out_of_its_archives(small):
    konvid(small)
    assert arranged("konvid1k", small) == expected("konvid1k")
    recorded = json.loads(Path("data/checksums.json").read_text())
    assert set(recorded) == {"konvid1k/KoNViD_1k_videos.zip", "konvid1k/KoNViD_1k_metadata.zip"}


def test_konvid1k_is_downloaded_if_it_is_not_there(small, tmp_path, monkeypatch):
    folder = konvid(small)
    shutil.copytree(folder, tmp_path / "mirror" / CONSTANCE)
    shutil.rmtree(folder)
    monkeypatch.setenv("VQA_MIRROR", str(tmp_path / "mirror"))
    assert provide("konvid1k", folder, Path("data/konvid1k"))[0].startswith("konvid1k: test 1, train 1; expected")
    assert arranged("konvid1k", small) == expected("konvid1k")
    assert sorted(path.name for path in folder.iterdir()) == ["KoNViD_1k_metadata.zip", "KoNViD_1k_videos.zip"]


def test_livevqc_has_nine_other_names_and_a_matlab_file(small):
    folder = put(small / "livevqc", "LIVEVQCPrerelease/Video/A011.mp4", "LIVEVQCPrerelease/Video/A012NEW.mp4")
    names = np.array([["A011.mp4"], ["A012NEW.mp4"]], dtype=object)
    savemat(folder / "LIVEVQCPrerelease" / "data.mat", {"video_list": names, "mos": np.array([[50.0], [60.5]])})
    files = arranged("livevqc", small)
    assert files == {"A011.mp4": content("A011.mp4"), "A012.mp4": content("A012NEW.mp4")}
    savemat(folder / "LIVEVQCPrerelease" / "data.mat", {"video_list": names, "mos": np.array([[50.0], [61.5]])})
    with pytest.raises(InputError, match=r"data\.mat and the published list: .* A012\.mp4 has two MOS"):
        arrange("livevqc", folder, Path("data/livevqc"))


def test_lsvq_comes_out_of_parts_and_folders(small):
    folder = put(small / "lsvq", "ia-batch2/7.mp4")
    scratch = put(small / "scratch", "LSVQ/yfcc-batch1/7.mp4", "LSVQ/backup/x.mp4", "LSVQ/backup/y.mp4")
    with tarfile.open(small / "whole.tar.gz", "w:gz") as archive:
        archive.add(scratch / "LSVQ", "LSVQ")
    data = (small / "whole.tar.gz").read_bytes()
    (folder / "LSVQ.tar.gz.part0").write_bytes(data[:100])
    (folder / "LSVQ.tar.gz.part1").write_bytes(data[100:])
    assert arranged("lsvq", small) == expected("lsvq")
    assert (Path("data/lsvq/ia-batch2/7.mp4")).samefile(folder / "ia-batch2/7.mp4"), "plain files are linked"


def test_youtube_ugc_comes_one_by_one(small, tmp_path, monkeypatch):
    folder = put(small / "youtubeugc", "original_videos_h264/Vlog_720P-1_crf_10_ss_00_t_20.0.mp4")
    put(tmp_path / "mirror" / BUCKET, "HDR_2160P-2_crf.mp4")
    monkeypatch.setenv("VQA_MIRROR", str(tmp_path / "mirror"))
    assert arranged("youtubeugc", small) == expected("youtubeugc")
    url = f"https://{BUCKET}/HDR_2160P-2_crf.mp4"
    assert set(json.loads(Path("data/checksums.json").read_text())) == {url}
    (folder / "HDR_2160P-2_crf.mp4").unlink()
    (tmp_path / "mirror" / BUCKET / "HDR_2160P-2_crf.mp4").write_text("another one")
    with pytest.raises(InputError, match=r"HDR_2160P-2_crf\.mp4: sha256 is"):
        arrange("youtubeugc", folder, Path("data/youtubeugc"))


def test_koniq10k_comes_out_of_its_archives(small):
    folder = small / "koniq10k"
    pack(folder / "koniq10k_1024x768.zip", ["1024x768/12.jpg", "1024x768/13.jpg", "__MACOSX/1024x768/._12.jpg"])
    table = '"image_name","MOS","MOS_zscore"\n"12.jpg",3.9,77.5\n"13.jpg",1.2,8.25\n'
    name = "koniq10k_scores_and_distributions.csv"
    pack(folder / "koniq10k_scores_and_distributions.zip", [], {name: table})
    assert arranged("koniq10k", small) == expected("koniq10k")


def test_spaq_brings_its_labels_itself(small):
    folder = put(small / "spaq", "TestImage/00001.jpg", "TestImage/00002.jpg")
    with pytest.raises(InputError, match=r"MOS and Image attribute scores\.csv is missing; SPAQ: .*first sheet"):
        arrange("spaq", folder, Path("data/spaq"))
    table = "Image name,MOS,Brightness\n00001.jpg,36.11,50\n00002.jpg,9,20\n"
    (folder / "MOS and Image attribute scores.csv").write_text(table)
    assert arranged("spaq", small) == expected("spaq")
    (folder / "MOS and Image attribute scores.csv").write_text("Image name,MOS\n../spaq/TestImage/00001.jpg,36.11\n")
    with pytest.raises(InputError, match=r"1 of 1 files are missing, the first: \.\./spaq"):
        arrange("spaq", folder, Path("data/spaq"))


# --- what is refused


def test_mos_of_the_makers_must_be_those_of_the_list(small):
    folder = konvid(small, "flickr_id,mos\n22,3.25\n1,1.75\n")
    with pytest.raises(InputError, match=r"KoNViD_1k_mos\.csv and the published list: .* 1\.mp4 has two MOS"):
        arrange("konvid1k", folder, Path("data/konvid1k"))


def test_missing_files_are_counted_with_the_way_to_them(small):
    put(small / "lsvq", "ia-batch2/7.mp4")
    entry = CATALOG["lsvq"]
    with pytest.raises(InputError, match=r"2 of 3 files are missing, the first: yfcc-batch1/7\.mp4; LSVQ") as caught:
        arrange("lsvq", small / "lsvq", Path("data/lsvq"))
    for part in (entry.layout.steps, entry.page, entry.terms):
        assert part in str(caught.value)
    assert "\n" not in str(caught.value)
    assert not Path("data/lsvq").exists()


def test_an_archive_with_a_path_that_leads_out_is_refused_whole(small):
    folder = konvid(small)
    pack(folder / "more.zip", ["../evil.mp4"])
    with pytest.raises(InputError, match=r"more\.zip: '\.\./evil\.mp4' leads out of its folder; refused"):
        arrange("konvid1k", folder, Path("data/konvid1k"))
    assert not list(small.parent.rglob("*evil*"))
    assert not Path("data/konvid1k").exists()


def test_a_file_that_is_there_twice_is_a_question(small):
    folder = konvid(small)
    put(folder, "one/22.mp4", "two/22.mp4")
    with pytest.raises(InputError, match=r"22\.mp4 is there more than once: .*one/22\.mp4 and .*two/22\.mp4; keep one"):
        arrange("konvid1k", folder, Path("data/konvid1k"))
    (folder / "two/22.mp4").unlink()
    (folder / "one/22.mp4").write_text("by hand")
    arrange("konvid1k", folder, Path("data/konvid1k"))
    assert Path("data/konvid1k/22.mp4").read_text() == "by hand", "plain files come before those in archives"


def test_an_archive_that_changes_later_is_caught(small):
    folder = konvid(small)
    arrange("konvid1k", folder, Path("data/konvid1k"))
    pack(folder / "KoNViD_1k_videos.zip", ["KoNViD_1k_videos/1.mp4", "KoNViD_1k_videos/22.mp4"])
    with pytest.raises(InputError, match=r"konvid1k/KoNViD_1k_videos\.zip: sha256 is .*, at the first time it was"):
        arrange("konvid1k", folder, Path("data/konvid1k"))


def test_no_space_is_known_before_anything_is_unpacked(small, monkeypatch):
    folder = konvid(small)
    monkeypatch.setattr(shutil, "disk_usage", lambda _: shutil._ntuple_diskusage(10, 5, 5))
    with pytest.raises(InputError, match=r"data: \d+ bytes are to be unpacked, 5 are free"):
        arrange("konvid1k", folder, Path("data/konvid1k"))


def test_a_killed_run_is_gone_on_with(small, monkeypatch):
    folder, out = konvid(small), Path("data/konvid1k")
    unpacked, real = [], module.extract

    def killed(archive: object, targets: dict, progress: object) -> None:
        (member, target), *_ = targets.items()
        real(archive, {member: target})
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(module, "extract", lambda *a: killed(*a) if len(a) == 3 else real(*a))
        with pytest.raises(KeyboardInterrupt):
            arrange("konvid1k", folder, out)
    assert not out.exists()
    (Path("data/.konvid1k.arranged") / "stray.mp4").write_text("of another list")

    def watched(archive: object, targets: dict, *rest: object) -> None:
        unpacked.extend(targets)
        real(archive, targets, *rest)

    monkeypatch.setattr(module, "extract", watched)
    assert arranged("konvid1k", small) == expected("konvid1k")
    assert [name for name in unpacked if name.endswith("mp4")] == ["KoNViD_1k_videos/22.mp4"]
