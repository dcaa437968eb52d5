"""Archives of any member names, kinds and damage: unpacked as packed, or refused in one line; never outside."""

import io
import stat
import struct
import tarfile
import tempfile
import zipfile
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import pytest
from fuzzing import assert_one_line, twins
from hypothesis import strategies as st

from vqa.data.arrange import Folder
from vqa.io import InputError
from vqa.sources.archives import Archive, extract, members

CONTENT = st.binary(max_size=40)
PLAIN = st.lists(
    st.text("abAB01 ._-é日,;'", min_size=1, max_size=6).filter(lambda part: part.strip(". ")), min_size=1, max_size=3
).map("/".join)
ODD = st.one_of(
    st.sampled_from(["../evil", "a/../../evil", "/tmp/evil", "..", ".", "", "./a", "a//b", "a/", "C:evil", "C:\\evil"]),
    st.sampled_from(["a\\b", "..\\evil", "Icon\r", "a/Icon\r", "a\nb", "a\0b", "__MACOSX/._a", "\udce9", "a" * 300]),
    st.text(max_size=8),
)
# Names that occur twice are meant.
pytestmark = pytest.mark.filterwarnings("ignore:Duplicate name")
METHODS = (0, 1, 8, 9, 12, 14, 93, 98, 99)


@dataclass(frozen=True)
class Member:
    name: str
    content: bytes
    kind: int


MEMBERS = st.lists(
    st.builds(
        Member,
        name=st.one_of(PLAIN, PLAIN, ODD),
        content=CONTENT,
        kind=st.sampled_from([stat.S_IFREG] * 8 + [stat.S_IFLNK, stat.S_IFIFO, stat.S_IFDIR, stat.S_IFCHR]),
    ),
    max_size=4,
)
TAR_KINDS = {stat.S_IFREG: b"0", stat.S_IFLNK: b"2", stat.S_IFIFO: b"6", stat.S_IFDIR: b"5", stat.S_IFCHR: b"3"}


def packed_zip(path: Path, content: list[Member]) -> None:
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        for member in content:
            info = zipfile.ZipInfo("x")
            info.filename = info.orig_filename = member.name.encode("utf-8", "replace").decode()
            info.external_attr = (member.kind | 0o644) << 16
            archive.writestr(info, member.content)


def packed_tar(path: Path, content: list[Member]) -> None:
    with tarfile.open(path, "w:gz" if path.suffix == ".gz" else "w") as archive:
        for member in content:
            info = tarfile.TarInfo(member.name)
            info.type, info.size = TAR_KINDS[member.kind], len(member.content) if member.kind == stat.S_IFREG else 0
            info.linkname = "../evil" if member.kind == stat.S_IFLNK else ""
            archive.addfile(info, io.BytesIO(member.content))


PACKERS: dict[str, Callable[[Path, list[Member]], None]] = {
    **{"a.zip": packed_zip, "a.tar": packed_tar, "a.tar.gz": packed_tar}
}


@dataclass(frozen=True)
class Damage:
    """What happens to the bytes of an archive.

    ``method`` and ``flags`` are those of all members of a ZIP, where they are not None.
    """

    method: int | None
    flags: int | None
    cut: float
    place: float
    insert: bytes


DAMAGE = st.builds(
    Damage,
    method=st.one_of(st.none(), st.sampled_from(METHODS)),
    flags=st.one_of(st.none(), st.sampled_from([0, 1, 8, 1 << 11, 1 << 13])),
    cut=st.sampled_from([1.0, 1.0, 1.0, 0.9, 0.5, 0.0]),
    place=st.floats(0, 1),
    insert=st.one_of(st.just(b""), st.just(b""), st.binary(max_size=3)),
)


def damaged(content: bytes, damage: Damage, is_zip: bool) -> bytes:
    changed = bytearray(content)
    for value, offsets in ((damage.flags, (6, 8)), (damage.method, (8, 10))):
        for mark, offset in zip((b"PK\x03\x04", b"PK\x01\x02"), offsets, strict=True):
            start = changed.find(mark) if is_zip and value is not None else -1
            while start >= 0 and start + offset + 2 <= len(changed):
                changed[start + offset : start + offset + 2] = struct.pack("<H", value)
                start = changed.find(mark, start + 1)
    place = int(damage.place * len(changed))
    changed[place : place + len(damage.insert)] = damage.insert
    return bytes(changed[: int(damage.cut * len(changed))])


def check_sound(name: str, content: dict[str, bytes]) -> None:
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / name
        PACKERS[name](path, [Member(member, data, stat.S_IFREG) for member, data in content.items()])
        archive = Archive((path,), "zip" if name == "a.zip" else "tar")
        assert members(archive) == {member: len(data) for member, data in content.items()}
        targets = {member: Path(folder) / "out" / str(i) for i, member in enumerate(content)}
        extract(archive, targets)
        assert {member: target.read_bytes() for member, target in targets.items()} == content


def check_wild(name: str, content: list[Member], damage: Damage) -> None:
    """Every member comes out whole or one line says why not, and nothing is written anywhere else."""
    with tempfile.TemporaryDirectory() as above:
        folder = Path(above) / "in" / "side"
        folder.mkdir(parents=True)
        path = folder / name
        try:
            PACKERS[name](path, content)
        except (ValueError, OSError, tarfile.TarError, struct.error):
            return  # no program can write this one
        path.write_bytes(damaged(path.read_bytes(), damage, name == "a.zip"))
        archive = Archive((path,), "zip" if name == "a.zip" else "tar")
        out = folder / "out"
        try:
            sizes = members(archive)
            assert all(not member.startswith("/") and ".." not in member.split("/") for member in sizes)
            targets = {member: out / str(i) for i, member in enumerate(sizes)}
            extract(archive, targets)
            assert all(target.stat().st_size == sizes[member] for member, target in targets.items())
        except InputError as error:
            assert_one_line(error, str(path))
        found = {file for file in Path(above).rglob("*") if not file.is_dir()}
        assert all(file == path or (file.parent == out and not file.is_symlink()) for file in found)
        try:
            Folder(folder).find("a")
        except InputError as error:
            assert_one_line(error, str(folder))


def unique(members: list[tuple[str, bytes]]) -> dict[str, bytes]:
    """Members that can lie in one folder: none is a folder of another."""
    found: dict[str, bytes] = {}
    for name, content in members:
        if not any(f"{a}/".startswith(f"{b}/") for other in found for a, b in ((name, other), (other, name))):
            found[name] = content
    return found


SOUND = st.lists(st.tuples(PLAIN, CONTENT), max_size=4).map(unique)
NAMES = st.sampled_from(sorted(PACKERS))

test_what_was_packed_is_unpacked, test_what_was_packed_is_unpacked_long = twins(check_sound, NAMES, SOUND)
(
    test_nothing_is_unpacked_elsewhere_and_every_reason_is_one_line,
    test_nothing_is_unpacked_elsewhere_and_every_reason_is_one_line_long,
) = twins(check_wild, NAMES, MEMBERS, DAMAGE)
