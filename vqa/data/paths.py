"""Paths as people have them: what is wrong with one before it is opened, how to open it by FFmpeg, how to print it."""

import os
import stat
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from vqa.io import InputError

_KINDS = (
    (stat.S_ISFIFO, "a pipe, not a file: it can be read once only, so save it to a file first"),
    (stat.S_ISSOCK, "a socket, not a file"),
    (stat.S_ISCHR, "a device, not a file"),
    (stat.S_ISBLK, "a device, not a file"),
)


class MediaError(InputError):
    """A file that cannot be decoded in full; the message names the file and what is wrong with it."""


def check_file(path: Path) -> None:
    """Whether ``path`` is a file with content that may be read; nothing is opened, since opening a pipe waits.

    Raises:
        MediaError: one line with the true reason.
    """
    try:
        state = path.stat()
    except (OSError, ValueError):  # ValueError: a zero byte in the name
        if path.is_symlink():
            raise MediaError(
                f"{path}: a link to {os.readlink(path)}, which is not there; correct or exclude it"
            ) from None
        raise MediaError(f"{path}: no such file; fetch the data set again or correct its label list") from None
    for matches, what in _KINDS:
        if matches(state.st_mode):
            raise MediaError(f"{path}: {what}")
    if not os.access(path, os.R_OK):
        raise MediaError(f"{path}: may not be read (no permission); change its rights or exclude it")
    if path.is_dir():
        raise MediaError(f"{path}: a folder without videos or images; name a file")
    if state.st_size == 0:
        raise MediaError(f"{path}: empty file (0 bytes); replace or exclude it")


@contextmanager
def for_ffmpeg(path: Path) -> Iterator[str]:
    """A name by which FFmpeg, and what stands on it, opens the file ``path``, whatever its own name is.

    FFmpeg takes what comes before a colon for a protocol, unless the path is absolute; PyAV and decord take names in
    UTF-8 only, so a file with another name is opened here and reached through its descriptor.
    """
    name = str(path.absolute())
    if os.fsencode(name) == name.encode("utf-8", "replace"):
        yield name
        return
    descriptor = os.open(path, os.O_RDONLY)
    try:
        yield f"/proc/self/fd/{descriptor}"
    finally:
        os.close(descriptor)


def printable(name: str) -> str:
    r"""A path as text that can be written as UTF-8: bytes of it that are no UTF-8 become ``\xe9`` and alike."""
    return name.encode("utf-8", "surrogateescape").decode("utf-8", "backslashreplace")
