"""One file over the network, with patience where it helps: retries with back-off, and resumption across runs."""

import http.client
import threading
import urllib.error
import urllib.request
from collections.abc import Callable
from pathlib import Path

ATTEMPTS = 5
PAUSE = 1.0  # seconds before the second attempt; each further pause is twice as long
LONGEST_PAUSE = 60.0
_CHUNK = 1 << 18
_TRANSIENT = frozenset({408, 425, 429, 500, 502, 503, 504})


class TransferError(Exception):
    """A transfer that will not succeed now; the message is the reason."""


class StoppedError(Exception):
    """A transfer that was given up because another one failed."""


def transfer(
    url: str, partial: Path, timeout: float, progress: Callable[[int], object], stop: threading.Event | None = None
) -> None:
    """Make ``partial`` the whole content of ``url``, going on from the bytes that it already holds.

    An overloaded server and a connection that breaks are tried again, after longer and longer pauses; a host that
    cannot be reached at all is not, so that a machine without a network learns that at once.

    Args:
        url: ``https``, ``http`` or ``file`` address.
        partial: file that grows; beside it a note by which the server recognises its version.
        timeout: seconds without any answer after which a connection counts as broken.
        progress: called with numbers of bytes: what is there at first, and then each piece.
        stop: when set, the transfer ends.

    Raises:
        TransferError: if it cannot be had; what has arrived stays.
        StoppedError: if ``stop`` was set.
    """
    stop = stop or threading.Event()
    state = _State(partial)
    attempt, reached = 0, 0
    while True:
        try:
            _continue(url, state, timeout, progress, stop)
            state.forget()
            return
        except (OSError, http.client.HTTPException) as error:
            attempt = 1 if state.size > reached else attempt + 1  # a connection that brings something starts afresh
            reached = max(reached, state.size)
            if not _may_pass(error) or attempt >= ATTEMPTS:
                raise TransferError(reason(error)) from None
            if stop.wait(_pause(error, attempt)):
                raise StoppedError from None


class _State:
    """A partial file, and how much of it the progress bar has been told."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.note = path.with_name(f"{path.name}.version")
        self.told = 0

    @property
    def size(self) -> int:
        return self.path.stat().st_size if self.path.is_file() else 0

    @property
    def version(self) -> str:
        return self.note.read_text() if self.note.is_file() else ""

    def forget(self) -> None:
        self.note.unlink(missing_ok=True)


def _continue(
    url: str, state: _State, timeout: float, progress: Callable[[int], object], stop: threading.Event
) -> None:
    """One connection: append what is missing if the server can start in the middle, else begin again."""
    have = state.size
    headers = {"User-Agent": "vqa"}
    if have:
        headers["Range"] = f"bytes={have}-"
        if state.version:
            headers["If-Range"] = state.version  # a file that was replaced meanwhile comes from its start
    try:
        answer = urllib.request.urlopen(urllib.request.Request(url, headers=headers), timeout=timeout)
    except urllib.error.HTTPError as error:
        if error.code == 416 and have:  # a partial file as long as the whole: whether it is right, its checksum says
            if error.headers.get("Content-Range", "") == f"bytes */{have}":
                return
            state.path.unlink()
            raise http.client.HTTPException("the partial file was not part of it") from None
        raise
    with answer:
        resumes = answer.status == 206 and answer.headers.get("Content-Range", "").startswith(f"bytes {have}-")
        have = have if resumes else 0
        length = answer.headers.get("Content-Length")
        total = have + int(length) if length else None
        state.note.write_text(answer.headers.get("ETag") or answer.headers.get("Last-Modified") or "")
        progress(have - state.told)
        state.told = have
        with state.path.open("ab" if resumes else "wb") as stream:
            while chunk := answer.read(_CHUNK):
                stream.write(chunk)
                progress(len(chunk))
                state.told += len(chunk)
                if stop.is_set():
                    raise StoppedError
    if total is not None and state.size != total:
        raise http.client.IncompleteRead(b"", total - state.size)


def _may_pass(error: Exception) -> bool:
    """Whether another attempt can succeed where this one did not."""
    if isinstance(error, urllib.error.HTTPError):
        return error.code in _TRANSIENT
    if isinstance(error, urllib.error.URLError):  # no connection: unknown host, no route, refused, no certificate
        return isinstance(error.reason, ConnectionResetError | ConnectionAbortedError)
    if isinstance(error, http.client.HTTPException | TimeoutError | ConnectionError):
        return True
    return "EOF" in str(error)  # how a broken TLS connection shows


def _pause(error: Exception, attempt: int) -> float:
    """Seconds to wait: what the server asks for, or twice as long each time."""
    asked = error.headers.get("Retry-After", "") if isinstance(error, urllib.error.HTTPError) else ""
    seconds = float(asked) if asked.isdigit() else PAUSE * 2 ** (attempt - 1)
    return min(seconds, LONGEST_PAUSE)


def reason(error: Exception) -> str:
    """Why a connection failed, in one line."""
    said = str(getattr(error, "reason", "") or error) or type(error).__name__
    return f"{error.code} {said}" if isinstance(error, urllib.error.HTTPError) else " ".join(said.split())
