"""Files by URL: folder, mirror and a server on this machine; the checksum decides everywhere."""

from pathlib import Path

import pytest
from download_server import CONTENT, SHA256, Server

from vqa.io import InputError
from vqa.sources import transfer
from vqa.sources.download import mirrored, obtain

TERMS = "research use, ask the authors"


pytestmark = pytest.mark.usefixtures("place")


def put(path: Path, content: bytes = CONTENT) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(content)
    return path


def names(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir()) if folder.is_dir() else []


def test_what_lies_in_the_folder_is_taken(server: Server, tmp_path: Path) -> None:
    placed = put(tmp_path / "weights.pth")
    assert obtain(server.url, "weights.pth", SHA256, TERMS, tmp_path) == placed
    assert obtain(None, "weights.pth", SHA256[:8].upper(), TERMS, tmp_path) == placed
    assert server.ranges == []


def test_the_mirror_comes_before_the_network(server: Server, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("VQA_MIRROR", str(tmp_path / "mirror"))
    host = server.url.split("/")[2]
    put(tmp_path / "mirror" / host / "models" / "weights.pth")
    path = obtain(server.url, "renamed.pth", SHA256, TERMS, tmp_path / "own")
    assert path == tmp_path / "own" / "renamed.pth"
    assert path.read_bytes() == CONTENT
    assert server.ranges == []


def test_places_in_the_mirror(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert mirrored("https://host.org/a") is None
    monkeypatch.setenv("VQA_MIRROR", str(tmp_path))
    for url, place in {
        "https://host.org/a/b%20c.pth": "host.org/a/b c.pth",
        "http://host.org:8000/uc?id=1": "host.org:8000/uc?id=1",
    }.items():
        assert mirrored(url) is None
        put(tmp_path / place)
        assert mirrored(url) == tmp_path / place


@pytest.mark.parametrize("url", ["https://host.org/../secret", "https://host.org/%2e%2e/secret", "ftp://host.org/a"])
def test_addresses_that_are_refused(url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("VQA_MIRROR", str(tmp_path / "mirror"))
    put(tmp_path / "secret")
    with pytest.raises(ValueError, match="url: "):
        obtain(url, "secret", SHA256, TERMS, tmp_path / "own")


def test_download(server: Server, tmp_path: Path) -> None:
    path = obtain(server.url, "weights.pth", SHA256, TERMS, tmp_path / "new" / "folder")
    assert path.read_bytes() == CONTENT
    assert names(path.parent) == ["weights.pth"]
    obtain(server.url, "weights.pth", SHA256, TERMS, path.parent)
    assert server.ranges == [None]


def test_file_address(tmp_path: Path) -> None:
    source = put(tmp_path / "there" / "weights.pth")
    assert obtain(source.as_uri(), "w.pth", SHA256, TERMS, tmp_path).read_bytes() == CONTENT


@pytest.mark.parametrize(
    ("plan", "ranges"),
    [
        (["break", "resume"], [None, "bytes=8192-"]),
        (["break", "break again", "resume"], [None, "bytes=8192-", "bytes=12288-"]),
        (["break", "whole"], [None, "bytes=8192-"]),
    ],
)
def test_a_broken_connection_is_taken_up_or_begun_again(
    plan: list[str], ranges: list[str | None], server: Server, tmp_path: Path
) -> None:
    server.plan = list(plan)
    assert obtain(server.url, "weights.pth", SHA256, TERMS, tmp_path).read_bytes() == CONTENT
    assert server.ranges == ranges
    assert names(tmp_path) == ["weights.pth"]


@pytest.mark.parametrize(
    ("plan", "reason"), [(["404"], "404 Not Found"), (["break"] * 9, r"IncompleteRead|bytes"), (None, "refused")]
)
def test_nothing_reachable_is_one_helpful_line(
    plan: list[str] | None, reason: str, server: Server, tmp_path: Path
) -> None:
    if plan is None:
        server.http.shutdown()
        server.http.server_close()
    else:
        server.plan = list(plan)
    with pytest.raises(InputError, match=reason) as caught:
        obtain(server.url, "weights.pth", SHA256, TERMS, tmp_path, timeout=5)
    message = str(caught.value)
    assert "\n" not in message
    for part in ("weights.pth", server.url, TERMS, "VQA_MIRROR", str(tmp_path / "weights.pth")):
        assert part in message
    assert names(tmp_path) == []


def test_a_file_without_address_says_how_to_get_it(tmp_path: Path) -> None:
    with pytest.raises(InputError, match=rf"weights.pth: .*no address.*{TERMS}.*VQA_MIRROR"):
        obtain(None, "weights.pth", SHA256, TERMS, tmp_path)


@pytest.mark.parametrize("origin", ["folder", "mirror", "network"])
def test_the_checksum_decides_everywhere(
    origin: str, server: Server, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("VQA_MIRROR", str(tmp_path / "mirror"))
    folder, wrong = tmp_path / "own", "0" * 64
    if origin == "folder":
        put(folder / "weights.pth")
    if origin == "mirror":
        put(tmp_path / "mirror" / server.url.split("//")[1])
    with pytest.raises(InputError, match=f"sha256 is {SHA256}, expected {wrong}.*{TERMS}") as caught:
        obtain(server.url, "weights.pth", wrong, TERMS, folder)
    place = {"folder": folder / "weights.pth", "mirror": tmp_path / "mirror", "network": server.url}[origin]
    assert str(caught.value).startswith(str(place))
    assert names(folder) == (["weights.pth"] if origin == "folder" else [])


@pytest.mark.parametrize(
    ("file", "sha256", "message"),
    [("weights.pth", "xyz", "sha256"), ("weights.pth", "abcd", "sha256"), ("../weights.pth", SHA256, "plain name")],
)
def test_wrong_use(file: str, sha256: str, message: str, tmp_path: Path) -> None:
    with pytest.raises(ValueError, match=message):
        obtain(None, file, sha256, TERMS, tmp_path)


def test_a_silent_server_is_given_up(tmp_path: Path, server: Server, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(transfer, "ATTEMPTS", 2)
    server.plan = ["silent"] * 3
    with pytest.raises(InputError, match="timed out"):
        obtain(server.url, "weights.pth", SHA256, TERMS, tmp_path, timeout=0.1)
    assert len(server.ranges) == 2
