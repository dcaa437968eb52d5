"""Archives: what is unpacked, and that nothing of a crafted one ever touches the disk."""

import io
import random
import stat
import tarfile
import zipfile
from collections.abc import Callable
from pathlib import Path

import pytest

from vqa.io import InputError
from vqa.sources.archives import Archive, extract, find_archives, members

CONTENT = {"set/a.mp4": b"a" * 1000, "set/deep/b.mp4": b"b" * 70, "set/labels.csv": b"name,mos\n"}


def make_zip(path: Path, content: dict[str, bytes] = CONTENT, change: Callable | None = None) -> Archive:
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("set/", b"")
        for name, data in content.items():
            info = zipfile.ZipInfo(name)
            info.compress_type = zipfile.ZIP_DEFLATED
            if change:
                change(info)
            archive.writestr(info, data)
    return Archive((path,), "zip")


def make_tar(path: Path, content: dict[str, bytes] = CONTENT, change: Callable | None = None) -> Archive:
    with tarfile.open(path, COMPRESSED.get(path.suffix, "w")) as archive:
        for name, data in content.items():
            info = tarfile.TarInfo(name)
            info.size = len(data)
            if change:
                change(info)
            archive.addfile(info, io.BytesIO(data))
    return Archive((path,), "tar")


COMPRESSED = {".gz": "w:gz", ".tgz": "w:gz", ".xz": "w:xz", ".bz2": "w:bz2"}
MAKERS = {"a.zip": make_zip, "a.tar": make_tar, "a.tar.gz": make_tar, "a.tar.xz": make_tar, "a.tar.bz2": make_tar}


@pytest.mark.parametrize("name", MAKERS)
def test_members_and_what_is_asked_for(tmp_path, name):
    archive = MAKERS[name](tmp_path / name)
    assert members(archive) == {member: len(data) for member, data in CONTENT.items()}
    targets = {"set/deep/b.mp4": tmp_path / "out" / "b.mp4", "set/a.mp4": tmp_path / "out" / "x" / "a.mp4"}
    told = []
    extract(archive, targets, told.append)
    assert (tmp_path / "out" / "b.mp4").read_bytes() == CONTENT["set/deep/b.mp4"]
    assert (tmp_path / "out" / "x" / "a.mp4").read_bytes() == CONTENT["set/a.mp4"]
    assert sum(told) == 1070
    assert len(list((tmp_path / "out").rglob("*"))) == 3, "what is not asked for is not written"
    with pytest.raises(InputError, match=r"has no 'set/c\.mp4'"):
        extract(archive, {"set/c.mp4": tmp_path / "c.mp4"})


@pytest.mark.parametrize("maker", MAKERS)
@pytest.mark.parametrize(
    "name", ["../evil", "set/../../evil", "/tmp/evil", "..", "set\\..\\evil", "\\\\evil", "C:evil"]
)
def test_a_path_that_leads_out_refuses_the_whole_archive(tmp_path, maker, name):
    archive = MAKERS[maker](tmp_path / maker, {"set/a.mp4": b"a", name: b"evil"})
    with pytest.raises(InputError, match=r"leads out of its folder; refused") as caught:
        members(archive)
    assert "\n" not in str(caught.value)
    with pytest.raises(InputError, match="refused"):
        extract(archive, {name: tmp_path / "out" / "evil"})
    assert not (tmp_path / "out").exists()


@pytest.mark.parametrize("kind", [tarfile.SYMTYPE, tarfile.LNKTYPE, tarfile.CHRTYPE, tarfile.BLKTYPE, tarfile.FIFOTYPE])
def test_links_and_devices_in_a_tar_are_refused(tmp_path, kind):
    def change(info: tarfile.TarInfo) -> None:
        if info.name == "set/deep/b.mp4":
            info.type, info.linkname, info.size = kind, "/etc/passwd", 0

    with pytest.raises(InputError, match=r"'set/deep/b\.mp4' is a link or a device; refused"):
        members(make_tar(tmp_path / "a.tar", change=change))


@pytest.mark.parametrize("kind", [stat.S_IFLNK, stat.S_IFCHR, stat.S_IFIFO])
def test_links_and_devices_in_a_zip_are_refused(tmp_path, kind):
    def change(info: zipfile.ZipInfo) -> None:
        info.create_system, info.external_attr = 3, (kind | 0o777) << 16

    with pytest.raises(InputError, match="is a link or a device; refused"):
        members(make_zip(tmp_path / "a.zip", change=change))


@pytest.mark.parametrize("maker", MAKERS)
@pytest.mark.parametrize("other", ["set//a.mp4", "set/./a.mp4", "./set/a.mp4"])
def test_a_name_that_occurs_twice_is_refused(tmp_path, maker, other):
    archive = MAKERS[maker](tmp_path / maker, {"set/a.mp4": b"1", other: b"2"})
    with pytest.raises(InputError, match=r"'set/a\.mp4' occurs more than once"):
        members(archive)


@pytest.mark.parametrize("maker", MAKERS)
def test_archives_that_would_fill_the_disk_are_refused(tmp_path, maker):
    archive = MAKERS[maker](tmp_path / maker)
    with pytest.raises(InputError, match="unpacks to more than 500 bytes"):
        members(archive, size_limit=500)
    if maker != "a.tar":
        bomb = MAKERS[maker](tmp_path / f"bomb{maker}", {"zeros": bytes(8 << 20)})
        with pytest.raises(InputError, match="unpacks to more than"):
            members(bomb)


def test_an_encrypted_archive_says_what_to_do(tmp_path):
    archive = make_zip(tmp_path / "a.zip")
    data = bytearray(archive.paths[0].read_bytes())
    for signature, offset in ((b"PK\x03\x04", 6), (b"PK\x01\x02", 8)):
        at = data.find(signature, data.find(b"a.mp4") - 60 if signature[2] == 3 else 0)
        while at >= 0:
            data[at + offset] |= 1
            at = data.find(signature, at + 4)
    archive.paths[0].write_bytes(data)
    with pytest.raises(InputError, match="is encrypted; extract it yourself"):
        members(archive)


@pytest.mark.parametrize("maker", MAKERS)
def test_damaged_archives_are_one_line(tmp_path, maker):
    archive = MAKERS[maker](tmp_path / maker, {"set/a.mp4": bytes(range(256)) * 40})
    whole = archive.paths[0].read_bytes()
    for damage in (b"", b"text", whole[: len(whole) // 2]):
        archive.paths[0].write_bytes(damage)
        with pytest.raises(InputError, match=r"a\.(zip|tar|tar\.\w+): ") as caught:
            extract(archive, {"set/a.mp4": tmp_path / "out" / "a.mp4"})
        assert "\n" not in str(caught.value)
        assert not (tmp_path / "out" / "a.mp4").exists(), "half a file must not look like a whole one"


def test_wrong_bytes_in_a_member_are_caught(tmp_path):
    archive = make_zip(tmp_path / "a.zip", {"set/a.mp4": bytes(range(256)) * 40})
    with zipfile.ZipFile(archive.paths[0]) as file:
        start = file.getinfo("set/a.mp4").header_offset + 60
    data = bytearray(archive.paths[0].read_bytes())
    data[start] ^= 255
    archive.paths[0].write_bytes(data)
    with pytest.raises(InputError, match="damaged"):
        extract(archive, {"set/a.mp4": tmp_path / "a.mp4"})
    assert not (tmp_path / "a.mp4").exists()


@pytest.mark.parametrize("suffixes", [(".part1", ".part2", ".part10"), (".aa", ".ab", ".ac"), ("_00", "_01", "_02")])
def test_an_archive_in_parts_is_one(tmp_path, suffixes):
    whole = make_tar(tmp_path / "set.tar.gz").paths[0]
    data = whole.read_bytes()
    whole.unlink()
    third = len(data) // 3 + 1
    numbers = suffixes if suffixes[0] != ".part1" else (".part1", ".part2", ".part3")
    for i, suffix in enumerate(numbers):
        (tmp_path / f"set.tar.gz{suffix}").write_bytes(data[i * third : (i + 1) * third])
    (archive,) = find_archives(tmp_path)
    assert len(archive.paths) == 3
    assert members(archive) == {member: len(content) for member, content in CONTENT.items()}
    extract(archive, {"set/a.mp4": tmp_path / "a.mp4"})
    assert (tmp_path / "a.mp4").read_bytes() == CONTENT["set/a.mp4"]
    if numbers[0][-1].isdigit():
        archive.paths[1].unlink()
        with pytest.raises(InputError, match=r"parts of set\.tar\.gz are missing"):
            find_archives(tmp_path)


def test_archives_are_found_by_name(tmp_path):
    for name in ("b.zip", "a.TGZ", "c.tar", "d.tar.gz", "e.mp4", ".f.zip", "g.csv", "readme"):
        (tmp_path / name).touch()
    assert [archive.paths[0].name for archive in find_archives(tmp_path)] == ["a.TGZ", "b.zip", "c.tar", "d.tar.gz"]
    assert find_archives(tmp_path / "none") == []


@pytest.mark.parametrize("maker", MAKERS)
def test_honest_oddities_are_read(tmp_path, maker):
    names = ["set\\a.mp4", "set\\deep\\", "set\\deep\\b.mp4", "set/Icon\r", "__MACOSX/set/._Icon\r", "Icon\r"]
    archive = MAKERS[maker](tmp_path / maker, {name: b"" if name.endswith("\\") else b"x" for name in names})
    found = members(archive)
    assert [name for name in found if "." in name] == ["set/a.mp4", "set/deep/b.mp4"]
    extract(archive, {"set/deep/b.mp4": tmp_path / "b.mp4"})
    assert (tmp_path / "b.mp4").read_bytes() == b"x"
    with pytest.raises(InputError, match=r"'set/a\.mp4' occurs more than once"):
        members(MAKERS[maker](tmp_path / maker, {"set/a.mp4": b"1", "set\\a.mp4": b"2"}))
    with pytest.raises(InputError, match=r"'a\\nb' has control characters in its name; unpack it yourself"):
        members(MAKERS[maker](tmp_path / maker, {"a\nb": b"1"}))


@pytest.mark.parametrize(("number", "name"), [(9, "Deflate64"), (98, "PPMd"), (77, "method 77")])
def test_a_compression_that_is_not_read_is_no_damage(tmp_path, number, name):
    archive = make_zip(tmp_path / "a.zip")
    data = bytearray(archive.paths[0].read_bytes())
    for signature, offset in ((b"PK\x03\x04", 8), (b"PK\x01\x02", 10)):
        at = data.find(signature, data.find(b"b.mp4") - 60)
        at = at if signature[2] == 3 else data.find(b"set/deep/b.mp4", data.find(b"PK\x01\x02")) - 46
        data[at + offset] = number
    archive.paths[0].write_bytes(data)
    reason = rf"a\.zip: compressed by {name}, which is not read; unpack it yourself"
    with pytest.raises(InputError, match=reason):
        members(archive)
    with pytest.raises(InputError, match=reason) as caught:
        extract(archive, {"set/deep/b.mp4": tmp_path / "b.mp4"})
    assert "damaged" not in str(caught.value)
    assert "again" not in str(caught.value)
    assert not (tmp_path / "b.mp4").exists()


@pytest.mark.parametrize("maker", MAKERS)
def test_half_an_archive_lacks_its_end(tmp_path, maker):
    archive = MAKERS[maker](tmp_path / maker, {"set/a.mp4": random.Random(0).randbytes(90000)})
    whole = archive.paths[0].read_bytes()
    for share in (0.3, 0.9):
        archive.paths[0].write_bytes(whole[: int(len(whole) * share)])
        with pytest.raises(InputError, match=r"its end is missing.*; get it again, or all"):
            members(archive)
