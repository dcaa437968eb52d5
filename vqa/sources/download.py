"""Files by URL: from a folder, from a mirror, or from the network; the checksum decides, wherever they come from.

``VQA_MIRROR`` names a folder with the layout of ``wget -x``: ``<host>/<path of the URL>``.

What the network delivers grows in ``.state/downloads`` and moves to its place only when it is complete, so that the
next run takes up where a killed one stopped.
"""

import fcntl
import hashlib
import os
import re
import shutil
import threading
from collections.abc import Iterator, Sequence
from concurrent.futures import FIRST_EXCEPTION, ThreadPoolExecutor, wait
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from urllib.parse import unquote, urlsplit

from tqdm import tqdm

from vqa.io import InputError, atomic, file_digest
from vqa.sources.checksums import Checksums
from vqa.sources.transfer import StoppedError, TransferError, transfer

MIRROR = "VQA_MIRROR"
PARTIAL = Path(".state") / "downloads"


@dataclass(frozen=True)
class RemoteFile:
    """One file that can be brought.

    Attributes:
        url: ``https``, ``http`` or ``file`` address, or None if the file can only be placed by hand.
        path: where it belongs, below the folder that is asked for, with forward slashes.
        sha256: SHA-256 or the beginning of it, 8 to 64 hexadecimal digits; None if nobody stated one.
        terms: one line on the licence or on how to get access, for the error message.
        size: bytes, for the progress bar; None if not known.
    """

    url: str | None
    path: str
    sha256: str | None
    terms: str
    size: int | None = None

    def __post_init__(self) -> None:
        if self.sha256 is not None and not re.fullmatch(r"[0-9a-fA-F]{8,64}", self.sha256):
            raise ValueError(f"sha256: {self.sha256!r} is not 8 to 64 hexadecimal digits")
        plain = PurePosixPath(self.path)
        if str(plain) != self.path or plain.is_absolute() or ".." in plain.parts or self.path == ".":
            raise ValueError(f"file: {self.path!r} is not a plain name")
        if self.url is not None:
            _check_address(self.url)


def obtain(url: str | None, file: str, sha256: str, terms: str, folder: Path, timeout: float = 30.0) -> Path:
    """Return ``folder / file``, which is copied from the mirror or downloaded first if it is not there.

    A copy appears under its name only when complete and with the right checksum. A connection that breaks is taken up
    where it broke, now or in the next run, or from the start if the server cannot do that.

    Args:
        url: ``https``, ``http`` or ``file`` address, or None if the file can only be placed by hand.
        file: plain name of the file.
        sha256: its SHA-256 or the beginning of it, 8 to 64 hexadecimal digits.
        terms: one line on the licence or on how to get access, for the error message.
        folder: where the file belongs.
        timeout: seconds without any answer after which a connection counts as broken.

    Raises:
        InputError: one line, if a file found anywhere has another checksum, or if none can be had.
        ValueError: for a checksum, file name or address of another form.
    """
    if Path(file).name != file:
        raise ValueError(f"file: {file!r} is not a plain name")
    if sha256 is None:
        raise ValueError(f"sha256: {file} has none")
    return obtain_all([RemoteFile(url, file, sha256, terms)], folder, timeout=timeout)[0]


def obtain_all(
    files: Sequence[RemoteFile],
    folder: Path,
    jobs: int = 8,
    timeout: float = 30.0,
    checksums: Checksums | None = None,
) -> list[Path]:
    """Bring files to ``folder`` like :func:`obtain`, several at a time, with one progress bar.

    Args:
        files: what to bring.
        folder: where the files belong.
        jobs: connections at a time.
        timeout: seconds without any answer after which a connection counts as broken.
        checksums: where the SHA-256 of files that have none is recorded the first time and looked up ever after.

    Returns:
        Their paths, in the order of ``files``.

    Raises:
        InputError: one line about the first file that cannot be had; transfers that had begun can be taken up later.
    """
    stop = threading.Event()
    sizes = [file.size for file in files]
    total = None if None in sizes else sum(size or 0 for size in sizes)
    bar = tqdm(desc=folder.name, total=total, unit="B", unit_scale=True, disable=None)
    with bar, ThreadPoolExecutor(jobs) as pool:
        tasks = [pool.submit(_bring, file, folder, timeout, checksums, bar, stop) for file in files]
        try:
            wait(tasks, return_when=FIRST_EXCEPTION)
        finally:
            stop.set()
            pool.shutdown(cancel_futures=True)
    failed = [task.exception() for task in tasks if not task.cancelled()]
    real = [error for error in failed if error is not None and not isinstance(error, StoppedError)]
    if real:
        raise real[0]
    return [task.result() for task in tasks]


def mirrored(url: str) -> Path | None:
    """The file that stands for ``url`` in the mirror, or None if there is no mirror or no such file.

    Raises:
        ValueError: if ``url`` is not an https, http or file address, or if its path leads out of its host.
    """
    host, path = _check_address(url)
    root = os.environ.get(MIRROR)
    copy = Path(root) / host / path if root else None
    return copy if copy and copy.is_file() else None


def _check_address(url: str) -> tuple[str, str]:
    """Host and path of an address; ValueError if it is none or its path leads out of its host."""
    parts = urlsplit(url)
    if parts.scheme not in ("https", "http", "file"):
        raise ValueError(f"url: {url!r} is not an https, http or file address")
    path = unquote(parts.path).lstrip("/") + (f"?{parts.query}" if parts.query else "")
    if ".." in path.split("/"):
        raise ValueError(f"url: {url!r} leads out of its host")
    return parts.netloc, path


def _bring(
    file: RemoteFile, folder: Path, timeout: float, checksums: Checksums | None, bar: tqdm, stop: threading.Event
) -> Path:
    target = folder / file.path
    url = file.url
    help_line = f"URL {url or 'none'}; terms: {file.terms}; provide it as {target} or under the folder {MIRROR} names"
    expected = file.sha256 or (checksums.get(url or file.path) if checksums else None)

    def verify(where: Path | str, copy: Path) -> None:
        actual = file_digest(copy)
        if expected is not None and not actual.startswith(expected.lower()):
            raise InputError(f"{where}: sha256 is {actual}, expected {expected}: remove or replace it; {help_line}")
        if expected is None and checksums is not None:
            checksums.record(url or file.path, actual, copy.stat().st_size)

    if stop.is_set():
        raise StoppedError
    copy = mirrored(url) if url else None
    if target.is_file():
        verify(target, target)
        bar.update(target.stat().st_size)
    elif copy:
        with atomic(target) as draft:
            shutil.copyfile(copy, draft)
            verify(copy, draft)
        bar.update(target.stat().st_size)
    elif not url:
        raise InputError(f"{file.path}: not there and has no address to download from; {help_line}")
    else:
        with _partial(url) as partial:
            try:
                transfer(url, partial, timeout, bar.update, stop)
            except TransferError as error:
                raise InputError(f"{file.path}: cannot be downloaded ({error}); {help_line}") from None
            try:
                verify(url, partial)
            except InputError:
                partial.unlink()  # to go on from these bytes would never succeed
                raise
            with atomic(target) as draft:
                shutil.move(partial, draft)
    return target


@contextmanager
def _partial(url: str) -> Iterator[Path]:
    """The place where ``url`` grows, for one process at a time."""
    path = PARTIAL / hashlib.sha256(url.encode()).hexdigest()[:24]
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.with_suffix(".lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield path
