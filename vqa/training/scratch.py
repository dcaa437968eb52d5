"""Room on a fast disk for what can be made again: ``$VQA_SCRATCH``, which never holds more than it may.

It lies outside of DVC: what is in it changes how long a training takes and nothing else. ``VQA_SCRATCH_GIB`` is the
most that the suite's files in it may take; unset, a twentieth of the disk stays free.
"""

import errno
import fcntl
import json
import math
import os
import shutil
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import asdict, dataclass, field
from pathlib import Path
from tempfile import TemporaryFile

import numpy as np

from vqa.io import InputError, atomic

FOLDER, LIMIT = "VQA_SCRATCH", "VQA_SCRATCH_GIB"
GIB = 1 << 30
# What a disk says that takes no more
FULL = (errno.ENOSPC, errno.EDQUOT)
# Bytes of frames that a process holds in its memory, enough for ten seconds of 960x540
IN_MEMORY = 1 << 29
_LEDGER = "used"


@dataclass
class _Book:
    """What a ledger says: bytes of all files with names, and of the one without that a process holds, by its id."""

    files: int = 0
    held: dict[str, int] = field(default_factory=dict)


class Scratch:
    """A folder of files that several processes write into, and its limit.

    How much is in it stands in a ledger, and whoever writes or removes a file holds it meanwhile: so the limit is one
    also where many write at a time, and what a killed writer left can be told from what is being written.

    Args:
        folder: made when something is first written.
        limit: bytes of all files; None: a twentieth of the disk stays free.
    """

    def __init__(self, folder: Path, limit: int | None = None) -> None:
        self.folder, self._limit = folder, limit
        self._memory = np.empty(0, np.uint8)

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
            InputError: if the folder cannot be written.
            OSError: if there is no room for the ledger.
        """
        try:
            with self._ledger() as ledger:
                return self._count(ledger)
        except OSError as error:
            if error.errno in FULL:
                raise
            remedy = f"give a folder that can be written, or unset {FOLDER}"
            raise InputError(f"{FOLDER}: {error.filename or self.folder}: {error.strerror}; {remedy}") from None

    def put(self, path: Path, parts: Sequence[bytes | memoryview]) -> bool:
        """Write a file of ``parts``, one after the other, atomically; False if that would be more than there may be.

        Raises:
            OSError: for any fault of the disk but that it is full.
        """
        size = sum(len(part) for part in parts)
        try:
            with self._ledger() as ledger:
                book = self._read(ledger)
                if size > self._room(book):
                    return False
                # Before the file: a kill in between counts too much, until the next count.
                _write(ledger, _Book(book.files + size, book.held))
                try:
                    with atomic(path) as draft, draft.open("wb", buffering=0) as stream:
                        for part in parts:
                            _write_all(stream.fileno(), part)
                except BaseException:
                    _write(ledger, book)
                    raise
        except OSError as error:
            if error.errno not in FULL:
                raise
            return False
        return True

    @contextmanager
    def frames(self, shape: tuple[int, int, int, int]) -> Iterator[np.ndarray]:
        """Room for all frames ``(N, H, W, 3)`` uint8 of one video, the same memory for one after the other.

        New memory would be cleared by the system first, which takes longer than to decode. Those of a large video lie
        in a file that has no name, is counted, and goes with them.

        Raises:
            OSError: if there is no room for the file.
        """
        size = math.prod(shape)
        if size <= IN_MEMORY:
            if size > len(self._memory):
                self._memory = np.empty(size, np.uint8)
            yield self._memory[:size].reshape(shape)
            return
        with self._holding(size), TemporaryFile(dir=self.folder) as file:
            os.posix_fallocate(file.fileno(), 0, size)  # on a full disk an error now and no signal later
            yield np.memmap(file, np.uint8, "r+", shape=shape)

    def free(self) -> int:
        """Bytes that may be written beside those that are there."""
        with self._ledger() as ledger:
            return self._room(self._read(ledger))

    def remove(self, path: Path) -> None:
        """Remove a file or a folder, and what is counted for it."""
        with self._ledger() as ledger:
            shutil.rmtree(path) if path.is_dir() else path.unlink(missing_ok=True)
            self._count(ledger)

    @contextmanager
    def _holding(self, size: int) -> Iterator[None]:
        """Count a file without a name, which lives no longer than this process."""
        me = str(os.getpid())
        with self._ledger() as ledger:
            book = self._read(ledger)
            if size > self._room(book):
                raise OSError(errno.ENOSPC, "no room for the frames of a large video", str(self.folder))
            _write(ledger, _Book(book.files, book.held | {me: size}))
        try:
            yield
        finally:
            with self._ledger() as ledger:
                book = self._read(ledger)
                book.held.pop(me, None)
                _write(ledger, book)

    def _room(self, book: _Book) -> int:
        if self._limit is not None:
            return self._limit - book.files - sum(size for number, size in book.held.items() if _lives(int(number)))
        disk = shutil.disk_usage(self.folder)
        return disk.free - disk.total // 20

    def _count(self, ledger: int) -> int:
        files = 0
        for place, _, names in os.walk(self.folder):
            for path in (Path(place, name) for name in names if name != _LEDGER):
                if path.suffix == ".part":
                    path.unlink(missing_ok=True)
                with suppress(FileNotFoundError):  # somebody else removed it
                    files += path.stat().st_size
        held = {number: size for number, size in _held(ledger).items() if _lives(int(number))}
        _write(ledger, _Book(files, held))
        return files

    def _read(self, ledger: int) -> _Book:
        try:
            return _Book(**json.loads(os.pread(ledger, 1 << 20, 0)))
        except (ValueError, TypeError):  # never written, or not to its end
            self._count(ledger)
            return _Book(**json.loads(os.pread(ledger, 1 << 20, 0)))

    @contextmanager
    def _ledger(self) -> Iterator[int]:
        self.folder.mkdir(parents=True, exist_ok=True)
        ledger = os.open(self.folder / _LEDGER, os.O_RDWR | os.O_CREAT, 0o666)
        try:
            fcntl.flock(ledger, fcntl.LOCK_EX)
            yield ledger
        finally:
            os.close(ledger)


def _held(ledger: int) -> dict[str, int]:
    try:
        return _Book(**json.loads(os.pread(ledger, 1 << 20, 0))).held
    except (ValueError, TypeError):
        return {}


def _write(ledger: int, book: _Book) -> None:
    text = json.dumps(asdict(book)).encode()
    os.ftruncate(ledger, os.pwrite(ledger, text, 0))


def _lives(number: int) -> bool:
    try:
        os.kill(number, 0)
    except ProcessLookupError:
        return False
    except PermissionError:  # somebody else's
        return True
    return True


def _write_all(file: int, part: bytes | memoryview) -> None:
    rest = memoryview(part)
    while rest:
        rest = rest[os.write(file, rest) :]
