r"""Files out of ZIP and TAR archives of unknown origin, never outside of their folder.

Every member of an archive is looked at before the first one is written. A path that is absolute or climbs out by
``..``, a link, a device, a name that occurs twice or more content than announced: the whole archive is refused, since
none of these is in an honest one. Honest ones do hold ``\`` between folder and file, as some programs for Windows
write it, and the file ``Icon\r`` of macOS: the one is read as ``/``, the other left out. A TAR archive that was cut
into numbered parts is read as one stream.
"""

import lzma
import re
import stat
import struct
import tarfile
import zipfile
import zlib
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from pathlib import Path, PurePosixPath
from typing import IO

from vqa.io import InputError, atomic
from vqa.sources.joined import Joined
from vqa.sources.unread import UnreadError, why_not

SIZE_LIMIT = 4 << 40  # bytes in one archive; the largest real one, LSVQ, stays below one TB
_RATIO_LIMIT = 200  # of unpacked to packed bytes; videos and images hardly shrink, label lists to a tenth
_CHUNK = 1 << 20
_METHODS = {zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED, zipfile.ZIP_BZIP2, zipfile.ZIP_LZMA}
_METHOD_NAMES = {9: "Deflate64", 93: "Zstandard", 95: "XZ", 98: "PPMd"}
_ZIP, _TAR = (".zip",), (".tar", ".tar.gz", ".tgz", ".tar.bz2", ".tbz2", ".tar.xz", ".txz")
_PART = re.compile(r"(.+\.(?:tar|tar\.gz|tgz))[._-](?:part)?[._-]?((?!lz|z|gz|br)[a-z]{2,3}|[0-9]{1,5})$")


@dataclass(frozen=True)
class Archive:
    """One archive.

    Attributes:
        paths: its files in reading order; more than one if it was cut into parts.
        kind: ``zip`` or ``tar``.
    """

    paths: tuple[Path, ...]
    kind: str

    def __str__(self) -> str:
        return str(self.paths[0]) + (f" (and {len(self.paths) - 1} more parts)" if len(self.paths) > 1 else "")


def find_archives(folder: Path) -> list[Archive]:
    """All archives in ``folder``, by their names: ZIP, TAR (plain or by gzip, bzip2 or xz), and parts of TAR archives.

    Parts are named ``NAME.tar.gz.partNN``, ``NAME.tar.aa`` or alike, and belong together in the order of their names.

    Raises:
        InputError: if numbered parts leave a gap.
    """
    whole: list[Archive] = []
    parts: dict[str, list[tuple[int | str, Path]]] = {}
    for path in sorted(folder.iterdir() if folder.is_dir() else ()):
        name = path.name.lower()
        if not path.is_file() or name.startswith("."):
            continue
        if name.endswith(_ZIP):
            whole.append(Archive((path,), "zip"))
        elif name.endswith(_TAR):
            whole.append(Archive((path,), "tar"))
        elif match := _PART.match(name):
            parts.setdefault(match[1], []).append((int(match[2]) if match[2].isdigit() else match[2], path))
    for name, found in sorted(parts.items()):
        found.sort(key=lambda part: (isinstance(part[0], str), part[0]))
        numbers = [number for number, _ in found if isinstance(number, int)]
        if numbers and numbers != list(range(numbers[0], numbers[0] + len(numbers))):
            raise InputError(f"{folder}: parts of {name} are missing between {numbers[0]} and {numbers[-1]}")
        whole.append(Archive(tuple(path for _, path in found), "tar"))
    return whole


def members(archive: Archive, size_limit: int = SIZE_LIMIT) -> dict[str, int]:
    """Sizes in bytes of the files in an archive, by path inside it, after a look at every member.

    Raises:
        vqa.sources.unread.UnreadError: if it is encrypted or compressed in a way that is not read.
        InputError: naming archive and member: a path that leads out, a link, a device, a name that occurs twice,
            more than ``size_limit`` bytes or 200 times its own size in all; or it cannot be read.
    """
    sizes: dict[str, int] = {}
    limit = min(size_limit, _RATIO_LIMIT * sum(path.stat().st_size for path in archive.paths) + _CHUNK)
    total = 0
    with _readable(archive):
        for member in _zip_members(archive) if archive.kind == "zip" else _tar_members(archive):
            if member.name in sizes:
                raise InputError(f"{archive}: {member.name!r} occurs more than once; refused")
            sizes[member.name] = member.size
            total += member.size
            if total > limit:
                raise InputError(f"{archive}: unpacks to more than {limit} bytes; refused")
    return sizes


def extract(archive: Archive, targets: dict[str, Path], progress: Callable[[int], object] = lambda _: None) -> None:
    """Write members of an archive to files; each appears only when it is complete, an older one is replaced.

    Args:
        archive: one whose :func:`members` were looked at.
        targets: file to write, by path inside the archive.
        progress: called with the number of bytes after each piece.

    Raises:
        InputError: if a member is missing, damaged, or longer than announced.
    """
    waiting = dict(targets)
    with _readable(archive):
        for member in _zip_members(archive) if archive.kind == "zip" else _tar_members(archive):
            if member.name not in waiting:
                continue
            with member.open() as stream, atomic(waiting.pop(member.name)) as draft, draft.open("wb") as file:
                _copy(stream, file, member.size, f"{archive}: {member.name!r}", progress)
            if not waiting:
                return
    if waiting:
        raise InputError(f"{archive}: has no {next(iter(waiting))!r}")


@dataclass(frozen=True)
class _Member:
    name: str
    size: int
    open: Callable[[], IO[bytes]]


def _zip_members(archive: Archive) -> Iterator[_Member]:
    (path,) = archive.paths
    with zipfile.ZipFile(path) as file:
        for info in file.infolist():
            mode = info.external_attr >> 16
            kind = stat.S_IFMT(mode)
            if kind not in (0, stat.S_IFREG, stat.S_IFDIR):
                raise InputError(f"{archive}: {info.filename!r} is a link or a device; refused")
            name = _checked(archive, info.orig_filename)
            if info.orig_filename[-1] in "/\\" or _odd_of_macos(name):
                continue
            if info.flag_bits & 1:
                raise UnreadError(archive, "is encrypted", "extract it yourself, with the password you were given")
            if info.compress_type not in _METHODS:
                method = _METHOD_NAMES.get(info.compress_type, f"method {info.compress_type}")
                raise UnreadError(archive, f"compressed by {method}, which is not read", "unpack it yourself, as by 7z")
            yield _Member(name, info.file_size, partial(file.open, info))


def _tar_members(archive: Archive) -> Iterator[_Member]:
    with Joined(archive.paths) as stream, tarfile.open(fileobj=stream, mode="r|*") as file:
        for info in file:
            name = _checked(archive, info.name)
            if not (info.isreg() or info.isdir()):
                raise InputError(f"{archive}: {name!r} is a link or a device; refused")
            if info.isreg() and not _odd_of_macos(name):
                yield _Member(name, info.size, partial(_extracted, file, info))


def _extracted(file: tarfile.TarFile, info: tarfile.TarInfo) -> IO[bytes]:
    stream = file.extractfile(info)
    assert stream is not None, "a plain file has content"
    return stream


def _checked(archive: Archive, name: str) -> str:
    """The path of a member in its shortest form, with ``/``; InputError if it leads out of the folder."""
    path = PurePosixPath(name.replace("\\", "/"))
    if path.is_absolute() or ".." in path.parts or re.match(r"[A-Za-z]:", name) or not name:
        raise InputError(f"{archive}: {name!r} leads out of its folder; refused")
    if re.search(r"[\x00-\x1f]", str(path)) and not _odd_of_macos(str(path)):
        raise InputError(f"{archive}: {name!r} has control characters in its name; unpack it yourself")
    return str(path)


def _odd_of_macos(name: str) -> bool:
    """Whether a member is the icon of a folder, a file of no use whose name ends in a carriage return."""
    return name.rpartition("/")[2] in ("Icon\r", "._Icon\r")


def _copy(source: IO[bytes], target: IO[bytes], size: int, where: str, progress: Callable[[int], object]) -> None:
    written = 0
    while chunk := source.read(_CHUNK):
        written += len(chunk)
        if written > size:
            break
        target.write(chunk)
        progress(len(chunk))
    if written != size:
        raise InputError(f"{where} is not of the size that it announces; refused")


# What the libraries raise for damaged archives.
_DAMAGE = (
    *(zipfile.BadZipFile, tarfile.TarError, zlib.error, lzma.LZMAError),
    *(EOFError, NotImplementedError, RuntimeError, ValueError, LookupError, struct.error),
)


# How they say that an archive breaks off; a TAR by bzip2 that ends within its first block seems empty to them.
_HALF = ("unexpected end of data", "truncated", "empty file")


@contextmanager
def _readable(archive: Archive) -> Iterator[None]:
    """InputError, with the true reason, in the place of what the libraries raise for archives that they cannot read."""
    try:
        yield
    except _DAMAGE as error:
        reason = " ".join(str(error).split()) or type(error).__name__
        if why := why_not(archive.paths, archive.kind):
            raise InputError(f"{archive}: {why}") from None
        if isinstance(error, EOFError) or any(words in reason for words in _HALF):
            raise InputError(f"{archive}: its end is missing ({reason}); get it again, or all of its parts") from None
        raise InputError(f"{archive}: damaged, or not an archive ({reason}); get it again") from None
    except OSError as error:
        if error.errno is None:  # how gzip says that bytes are wrong
            raise InputError(f"{archive}: damaged ({' '.join(str(error).split())}); get it again") from None
        raise InputError(f"{archive}: cannot be unpacked ({error.strerror}: {error.filename})") from None
