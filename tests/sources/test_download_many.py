"""Patience with servers, resumption across runs, many files at a time, checksums that are recorded."""

import json
import threading
import time
from dataclasses import replace
from pathlib import Path

import pytest
from download_server import CONTENT, SHA256, Server

from vqa.io import InputError
from vqa.sources import transfer
from vqa.sources.checksums import Checksums
from vqa.sources.download import RemoteFile, obtain, obtain_all

TERMS = "research use, ask the authors"


pytestmark = pytest.mark.usefixtures("place")


def names(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir()) if folder.is_dir() else []


@pytest.mark.parametrize("code", ["500", "503", "429", "408"])
def test_an_overloaded_server_is_asked_again(code: str, server: Server, tmp_path: Path) -> None:
    server.plan = [code, code, "whole"]
    assert obtain(server.url, "weights.pth", SHA256, TERMS, tmp_path).read_bytes() == CONTENT
    assert len(server.ranges) == 3


def test_attempts_end_and_pauses_grow(server: Server, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    pauses = []
    monkeypatch.setattr(transfer, "PAUSE", 1.0)
    stop = threading.Event()
    monkeypatch.setattr(stop, "wait", pauses.append)
    server.plan = ["503"] * 9
    with pytest.raises(transfer.TransferError, match="503 Service Unavailable"):
        transfer.transfer(server.url, tmp_path / "part", 5, lambda _: None, stop)
    assert pauses == [1.0, 2.0, 4.0, 8.0]
    assert len(server.ranges) == transfer.ATTEMPTS == 5


@pytest.mark.parametrize("url", ["http://127.0.0.1:1/a", "http://no-such-host.invalid/a", "file:///no/such/file"])
def test_a_host_that_cannot_be_reached_is_not_asked_again(url: str, tmp_path: Path) -> None:
    """A machine without a network learns that at once."""
    started = time.monotonic()
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(transfer, "PAUSE", 60.0)
        with pytest.raises(InputError, match="a: cannot be downloaded"):
            obtain(url, "a", SHA256, TERMS, tmp_path)
    assert time.monotonic() - started < 10


def test_the_next_run_goes_on_where_a_broken_one_stopped(server: Server, tmp_path: Path, place: Path) -> None:
    server.plan = ["break", "404"]
    with pytest.raises(InputError, match="404"):
        obtain(server.url, "weights.pth", SHA256, TERMS, tmp_path)
    assert names(tmp_path) == []
    assert sum(path.stat().st_size for path in (place / ".state" / "downloads").iterdir()) >= 8192
    server.plan, server.ranges = ["resume"], []
    assert obtain(server.url, "weights.pth", SHA256, TERMS, tmp_path).read_bytes() == CONTENT
    assert server.ranges == ["bytes=8192-"]
    assert [path.suffix for path in (place / ".state" / "downloads").iterdir()] == [".lock"], "nothing is left over"


def test_a_file_that_was_replaced_meanwhile_comes_from_its_start(server: Server, tmp_path: Path) -> None:
    server.plan = ["break", "404"]
    with pytest.raises(InputError, match="404"):
        obtain(server.url, "weights.pth", SHA256, TERMS, tmp_path)
    server.plan, server.version = ["changed"], '"2"'
    (wanted,) = remote(server, "w.pth", sha256=None)
    path = obtain_all([replace(wanted, url=server.url)], tmp_path)[0]
    assert path.read_bytes() == CONTENT[::-1], "not half of one and half of the other"


def test_wrong_bytes_are_not_gone_on_from(server: Server, tmp_path: Path) -> None:
    with pytest.raises(InputError, match="sha256 is"):
        obtain(server.url, "weights.pth", "0" * 64, TERMS, tmp_path)
    server.ranges = []
    obtain(server.url, "weights.pth", SHA256, TERMS, tmp_path)
    assert server.ranges == [None]


# --- many files


def remote(server: Server, *paths: str, sha256: str | None = SHA256) -> list[RemoteFile]:
    return [RemoteFile(f"{server.url}?{path}", path, sha256, TERMS, len(CONTENT)) for path in paths]


def test_many_files_come_side_by_side(server: Server, tmp_path: Path) -> None:
    server.plan = ["silent"] * 6
    started = time.monotonic()
    paths = obtain_all(remote(server, "a", "b/c", "b/d", "e", "f", "g"), tmp_path, jobs=6)
    assert time.monotonic() - started < 1.5, "one after the other would take 2.4 s"
    assert [path.relative_to(tmp_path).as_posix() for path in paths] == ["a", "b/c", "b/d", "e", "f", "g"]
    assert all(path.read_bytes() == CONTENT for path in paths)
    obtain_all(remote(server, "a", "b/c"), tmp_path)
    assert len(server.ranges) == 6, "what is there is not brought again"


def test_one_that_fails_stops_the_others_and_is_named(server: Server, tmp_path: Path) -> None:
    server.plan = ["404"]
    with pytest.raises(InputError, match="a0: cannot be downloaded") as caught:
        obtain_all(remote(server, *(f"a{i}" for i in range(50))), tmp_path, jobs=1)
    assert "\n" not in str(caught.value)
    assert len(server.ranges) <= 3, "those that had begun"


def test_a_checksum_that_nobody_stated_is_recorded_and_holds_ever_after(server: Server, tmp_path: Path) -> None:
    file = tmp_path / "data" / "checksums.json"
    (wanted,) = remote(server, "archive.zip", sha256=None)
    obtain_all([wanted], tmp_path, checksums=Checksums(file))
    assert json.loads(file.read_text()) == {wanted.url: {"sha256": SHA256, "bytes": len(CONTENT)}}
    obtain_all([wanted], tmp_path, checksums=Checksums(file))
    (tmp_path / "archive.zip").write_bytes(CONTENT[:-1] + b"?")
    with pytest.raises(InputError, match=f"archive.zip: sha256 is .*, expected {SHA256}"):
        obtain_all([wanted], tmp_path, checksums=Checksums(file))
    with pytest.raises(InputError, match="at the first time it was"):
        Checksums(file).record(wanted.url, "0" * 64, 1)
    file.write_text("[]")
    with pytest.raises(InputError, match="not a list of checksums"):
        Checksums(file).get(wanted.url)


@pytest.mark.parametrize("path", ["../a", "/a", "a//b", "a/../b", "."])
def test_paths_stay_in_the_folder(path: str) -> None:
    with pytest.raises(ValueError, match="plain name"):
        RemoteFile(None, path, SHA256, TERMS)
