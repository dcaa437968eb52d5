"""A user's folder: what is found in it, and what is said of archives that are not read."""

import zipfile
from pathlib import Path

import pandas as pd
import pytest
from clips import numbered_frames, write_video

from vqa.data import arrange as module
from vqa.data.arrange import arrange
from vqa.data.folder import Folder
from vqa.data.own import Source, look
from vqa.data.provided import link_listed
from vqa.io import InputError
from vqa.new.files import match_files

NOTE = "; archives that lie there and are not read: set.7z: unpack them yourself"


def deflate64(path: Path, member: str) -> None:
    """A ZIP whose member says that it is compressed as Windows does above 2 GB."""
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr(member, b"x" * 50)
    data = bytearray(path.read_bytes())
    for signature, offset in ((b"PK\x03\x04", 8), (b"PK\x01\x02", 10)):
        data[data.find(signature) + offset] = 9
    path.write_bytes(data)


def test_archives_that_are_not_read_are_named_until_they_are_unpacked(tmp_path: Path) -> None:
    deflate64(tmp_path / "large.zip", "Video/A012.mp4")
    (tmp_path / "set.7z").touch()
    (tmp_path / "deep").mkdir()
    (tmp_path / "deep" / "more.zip").touch()
    folder = Folder(tmp_path)
    assert folder.find("A012.mp4") is None
    reason = "large.zip (compressed by Deflate64, which is not read)"
    assert folder.unread == NOTE.replace("set.7z", f"{reason}, set.7z, deep/more.zip")
    (tmp_path / "Video").mkdir()
    write_video(tmp_path / "Video" / "A012.mp4", numbered_frames(2))
    found = Folder(tmp_path).find("A012.mp4")
    assert found is not None
    assert found.archive is None


def test_every_message_about_missing_files_names_archives_that_are_not_read(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    videos, labels = tmp_path / "videos", tmp_path / "labels.csv"
    videos.mkdir()
    (videos / "set.7z").touch()
    labels.write_text("name,mos,split\na.mp4,1,all\n")
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(module, "bring_entry", lambda *_: None)
    monkeypatch.setattr(module, "published_labels", lambda *_: pd.read_csv(labels))
    for call in (
        lambda: arrange("livevqc", videos, tmp_path / "out"),
        lambda: arrange("spaq", videos, tmp_path / "out"),
        lambda: link_listed(labels, videos, tmp_path / "out"),
        lambda: look(Source(str(videos), str(labels))),
        lambda: match_files(["a.mp4"], videos),
    ):
        with pytest.raises(InputError, match=NOTE):
            call()
    (videos / "set.7z").unlink()
    with pytest.raises(InputError) as caught:
        match_files(["a.mp4"], videos)
    assert "archives" not in str(caught.value)
