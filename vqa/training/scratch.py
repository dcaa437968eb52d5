"""Room on a fast disk for what can be made again: ``$VQA_SCRATCH``, which never holds more than it may.

It lies outside of DVC: what is in it changes how long a training takes and nothing else. ``VQA_SCRATCH_GIB`` is the
most that the suite's files in it may take; unset, a twentieth of the disk stays free.
"""

import errno
import fcntl
import os
import shutil
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path

from vqa.io import InputError, atomic
from vqa.training.readers import VideoMemory

FOLDER, LIMIT = "VQA_SCRATCH", "VQA_SCRATCH_GIB"
GIB = 1 << 30
# What a disk says that takes no more
FULL = (errno.ENOSPC, errno.EDQUOT)
_LEDGER, _DIGITS = "used", 20


class Scratch:
    """A folder of files that several processes write into, and its limit.

    How much is in it stands in a ledger, and whoever writes a file holds it meanwhile: so the limit is one also where
    many write at a time, and what a killed writer left can be told from what is being written.

    Args:
        folder: made when something is first written.
        limit: bytes of all files; None: a twentieth of the disk stays free.

    Attributes:
        memory: for the frames of one video at a time, in this process.
    """

    def __init__(self, folder: Path, limit: int | None = None) -> None:
        self.folder, self._limit = folder, limit
        self.memory = VideoMemory(folder)

    @classmethod
    def from_environment(cls, environment: Mapping[str, str] = os.environ) -> "Scratch | None":
        """The scratch that ``VQA_SCRATCH`` names; None if it names none.

        Raises:
            InputError: if it is no folder, or ``VQA_SCRATCH_GIB`` is no number above 0.
        """
        if not environment.get(FOLDER):
            return None
        folder = Path(environment[FOLDER])
        if not folder.is_dir():
            raise InputError(f"{FOLDER}: {folder} is not a folder; make it, on a disk with room, or unset {FOLDER}")
        given = environment.get(LIMIT, "")
        try:
            limit = int(float(given) * GIB) if given else None
        except (ValueError, OverflowError):
            limit = 0
        if limit is not None and limit <= 0:
            raise InputError(f"{LIMIT}: {given!r} is not a number of GiB above 0")
        return cls(folder / "fragments", limit)

    def recount(self) -> int:
        """Bytes of all files, from the files themselves; drafts of writers that were killed go.

        Raises:
            OSError: if there is no room for the ledger.
        """
        with self._ledger() as ledger:
            used = 0
            for place, _, names in os.walk(self.folder):
                for path in (Path(place, name) for name in names if name != _LEDGER):
                    if path.suffix == ".part":
                        path.unlink(missing_ok=True)
                    with suppress(FileNotFoundError):  # somebody else dropped it
                        used += path.stat().st_size
            _write(ledger, used)
            return used

    def put(self, path: Path, parts: Sequence[bytes | memoryview]) -> bool:
        """Write a file of ``parts``, one after the other, atomically; False if that would be more than there may be.

        Raises:
            OSError: for any fault of the disk but that it is full.
        """
        size = sum(len(part) for part in parts)
        try:
            with self._ledger() as ledger:
                used = int(os.pread(ledger, _DIGITS, 0) or 0)
                if size > self.room(used):
                    return False
                _write(ledger, used + size)  # before the file: a kill in between counts too much, until the next count
                try:
                    with atomic(path) as draft, draft.open("wb", buffering=0) as stream:
                        for part in parts:
                            _write_all(stream.fileno(), part)
                except BaseException:
                    _write(ledger, used)
                    raise
        except OSError as error:
            if error.errno not in FULL:
                raise
            return False
        return True

    def room(self, used: int) -> int:
        """Bytes that may be written beside the ``used`` ones."""
        if self._limit is not None:
            return self._limit - used
        disk = shutil.disk_usage(self.folder)
        return disk.free - disk.total // 20

    def remove(self, path: Path) -> None:
        """Remove a file or a folder, and what is counted for it."""
        shutil.rmtree(path) if path.is_dir() else path.unlink(missing_ok=True)
        self.recount()

    @contextmanager
    def _ledger(self) -> Iterator[int]:
        self.folder.mkdir(parents=True, exist_ok=True)
        ledger = os.open(self.folder / _LEDGER, os.O_RDWR | os.O_CREAT, 0o666)
        try:
            fcntl.flock(ledger, fcntl.LOCK_EX)
            yield ledger
        finally:
            os.close(ledger)


def _write(ledger: int, used: int) -> None:
    os.pwrite(ledger, f"{used:0{_DIGITS}}".encode(), 0)


def _write_all(file: int, part: bytes | memoryview) -> None:
    rest = memoryview(part)
    while rest:
        rest = rest[os.write(file, rest) :]
