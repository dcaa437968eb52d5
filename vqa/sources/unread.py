"""What is no archive that is read, and why: kinds that are left to other programs, halves, pages in place of files."""

import os
import re
from collections.abc import Collection, Mapping
from pathlib import Path

from vqa.io import InputError

# Names of archives, of their parts included: what is one and is not read is named, so that nobody looks for it.
_NAMES = re.compile(
    r"\.(zip|7z|rar|tar|tgz|tbz2?|txz|tzst|gz|bz2|xz|zst|lz|lzma|lz4|z|cab|iso|arj|ace|sit|sitx|dmg"
    r"|z\d\d|r\d\d|\d{3}|zipx|part\d*|(zip|rar|tar|7z|tgz|gz)[._-]?(part)?[._-]?\d+|part\d+\.rar)$",
    re.IGNORECASE,
)
# How files begin that are not what their name says.
_STARTS = (
    (b"7z\xbc\xaf\x27\x1c", "a 7z archive"),
    (b"Rar!\x1a\x07", "a RAR archive"),
    (b"\x28\xb5\x2f\xfd", "a Zstandard archive"),
    (b"\x1f\x8b", "an archive by gzip"),
    (b"version https://git-lfs", "a pointer of Git LFS, without the content"),
)
_PAGE = re.compile(rb"\s*(<!doctype html|<html|<\?xml|<head|\{\s*\")", re.IGNORECASE)
_BLANK = bytes(512)


class UnreadError(InputError):
    """An archive that may well be sound, and is not read for the ``reason``; whoever unpacks it needs it no more."""

    def __init__(self, archive: object, reason: str, remedy: str) -> None:
        super().__init__(f"{archive}: {reason}; {remedy}")
        self.reason = reason


def unread_archives(folder: Path, read: Collection[Path] = ()) -> list[Path]:
    """Files below ``folder`` that are archives by their names, but for those in ``read``."""
    found = []
    for place, below, names in os.walk(folder, followlinks=True):
        below[:] = sorted(name for name in below if not name.startswith("."))
        found += [Path(place) / name for name in sorted(names) if not name.startswith(".") and _NAMES.search(name)]
    known = set(read)
    return [path for path in found if path not in known]


def unread_note(folder: Path, read: Collection[Path] = (), reasons: Mapping[Path, str] | None = None) -> str:
    """What to add to a message about missing files where archives lie that are not read; empty if there are none.

    Args:
        folder: where files are missing.
        read: archives that are read.
        reasons: why others are not, where it is not their kind.
    """
    reasons, found = reasons or {}, []
    for path in unread_archives(folder, read):
        why = f" ({reasons[path]})" if path in reasons else ""
        found.append(path.relative_to(folder).as_posix() + why)
    if not found:
        return ""
    more = f" and {len(found) - 3} more" if len(found) > 3 else ""
    return f"; archives that lie there and are not read: {', '.join(found[:3])}{more}: unpack them yourself"


def why_not(paths: tuple[Path, ...], kind: str) -> str:
    """Why the files of what should be a ``zip`` or ``tar`` archive cannot be read, and what to do; empty if unknown."""
    first, last = paths[0], paths[-1]
    for path in paths:
        if path.stat().st_size == 0:
            return f"{path.name} is empty (0 bytes); get it again"
    with first.open("rb") as stream:
        start = stream.read(512)
    if page := _PAGE.match(start):
        what = "a web page" if b"<" in page[0] else "a message of a server"
        return f"{what} in place of an archive, as a sign-in gives it; get it again in a browser"
    for signature, what in _STARTS:
        if start.startswith(signature) and (kind == "zip" or signature != b"\x1f\x8b"):
            return f"{what} under another name, which is not read; unpack it yourself"
    if start == _BLANK[: len(start)]:
        return "holds zeros alone, a download that never came; get it again"
    if kind == "zip" and start.startswith(b"PK"):
        with last.open("rb") as stream:
            stream.seek(max(0, last.stat().st_size - (1 << 16) - 22))
            if b"PK\x05\x06" not in stream.read():
                return "its end is missing, half a file or the first part of several; get it again, or all parts"
    return ""
