"""What is no archive that is read, named as what it is."""

import pytest

from vqa.io import InputError
from vqa.sources.archives import find_archives, members
from vqa.sources.unread import unread_archives, unread_note


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        (b"", r"a\.\w+ is empty \(0 bytes\); get it again"),
        (b"<!DOCTYPE html><html>Sign in", "a web page in place of an archive, as a sign-in gives it"),
        (b'{"error": "denied"}', "a message of a server in place of an archive"),
        (b"7z\xbc\xaf\x27\x1c" + bytes(90), "a 7z archive under another name, which is not read; unpack it yourself"),
        (b"Rar!\x1a\x07\x01\x00" + bytes(90), "a RAR archive under another name"),
        (bytes(9000), "holds zeros alone"),
        (b"something else\n" * 90, r"damaged, or not an archive \("),
    ],
)
@pytest.mark.parametrize("name", ["a.zip", "a.tgz"])
def test_what_is_no_archive_is_named_as_what_it_is(tmp_path, name, content, reason):
    (tmp_path / name).write_bytes(content)
    (archive,) = find_archives(tmp_path)
    if name == "a.tgz" and content == bytes(9000):
        assert members(archive) == {}, "an empty TAR archive is made of zeros"
        return
    with pytest.raises(InputError, match=reason):
        members(archive)


def test_archives_that_are_not_read_are_known_by_name(tmp_path):
    unread = ["a.7z", "a.7z.001", "b.rar", "c.xz", "d.zip.001", "d.z01", "deep/e.zip", "f.tar.lz", "g.tar.zst"]
    for name in [
        *unread,
        "h.zip",
        "h.tar.xz",
        "h.tar.bz2",
        "i.mp4",
        "j.csv",
        "readme",
        ".k.7z",
        "clip.1080p",
        "l.001.mp4",
    ]:
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).touch()
    read = [path for archive in find_archives(tmp_path) for path in archive.paths]
    found = [path.relative_to(tmp_path).as_posix() for path in unread_archives(tmp_path, read)]
    assert sorted(found) == sorted(unread)
    note = "; archives that lie there and are not read: a.7z, a.7z.001, b.rar and 6 more: unpack them yourself"
    assert unread_note(tmp_path, read) == note
    assert unread_note(tmp_path, list(tmp_path.rglob("*"))) == ""
    assert unread_note(tmp_path / "none") == ""
