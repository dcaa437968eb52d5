"""Files by URL: from a folder, from a mirror, or from the network; the checksum decides, wherever they come from.

``VQA_MIRROR`` names a folder with the layout of ``wget -x``: ``<host>/<path of the URL>``.
"""

import http.client
import os
import re
import shutil
import urllib.error
import urllib.request
from pathlib import Path
from urllib.parse import unquote, urlsplit

from tqdm import tqdm

from vqa.io import InputError, atomic, file_digest

MIRROR = "VQA_MIRROR"
_CHUNK = 1 << 20
_ATTEMPTS = 3


def obtain(url: str | None, file: str, sha256: str, terms: str, folder: Path, timeout: float = 30.0) -> Path:
    """Return ``folder / file``, which is copied from the mirror or downloaded first if it is not there.

    A copy appears under its name only when complete and with the right checksum. A connection that breaks is taken up
    where it broke, or from the start if the server cannot do that.

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
    if not re.fullmatch(r"[0-9a-fA-F]{8,64}", sha256):
        raise ValueError(f"sha256: {sha256!r} is not 8 to 64 hexadecimal digits")
    if Path(file).name != file:
        raise ValueError(f"file: {file!r} is not a plain name")
    checksum, target = sha256.lower(), folder / file
    help_line = f"URL {url or 'none'}; terms: {terms}; provide it as {target} or under the folder {MIRROR} names"
    if target.is_file():
        _verify(target, file_digest(target), checksum, help_line)
        return target
    copy = mirrored(url) if url else None
    if copy:
        with atomic(target) as draft:
            shutil.copyfile(copy, draft)
            _verify(copy, file_digest(draft), checksum, help_line)
        return target
    if not url:
        raise InputError(f"{file}: not there and has no address to download from; {help_line}")
    with atomic(target) as draft:
        try:
            _download(url, draft, file, timeout)
        except (OSError, http.client.HTTPException) as error:
            reason = str(getattr(error, "reason", error)) or type(error).__name__
            raise InputError(f"{file}: cannot be downloaded ({reason}); {help_line}") from None
        _verify(url, file_digest(draft), checksum, help_line)
    return target


def mirrored(url: str) -> Path | None:
    """The file that stands for ``url`` in the mirror, or None if there is no mirror or no such file.

    Raises:
        ValueError: if ``url`` is not an https, http or file address, or if its path leads out of its host.
    """
    parts = urlsplit(url)
    if parts.scheme not in ("https", "http", "file"):
        raise ValueError(f"url: {url!r} is not an https, http or file address")
    path = unquote(parts.path).lstrip("/") + (f"?{parts.query}" if parts.query else "")
    if ".." in path.split("/"):
        raise ValueError(f"url: {url!r} leads out of its host")
    root = os.environ.get(MIRROR)
    copy = Path(root) / parts.netloc / path if root else None
    return copy if copy and copy.is_file() else None


def _verify(where: Path | str, actual: str, checksum: str, help_line: str) -> None:
    if not actual.startswith(checksum):
        raise InputError(f"{where}: sha256 is {actual}, expected {checksum}: remove or replace it; {help_line}")


def _download(url: str, draft: Path, name: str, timeout: float) -> None:
    """Write ``url`` to ``draft``, with a few attempts when the connection breaks half-way."""
    draft.write_bytes(b"")
    for attempt in range(1, _ATTEMPTS + 1):
        try:
            _continue(url, draft, name, timeout)
            return
        except urllib.error.HTTPError:
            raise
        except (OSError, http.client.HTTPException):
            if attempt == _ATTEMPTS:
                raise


def _continue(url: str, draft: Path, name: str, timeout: float) -> None:
    """One connection: append what is missing if the server can start in the middle, else begin again."""
    have = draft.stat().st_size
    headers = {"User-Agent": "vqa"} | ({"Range": f"bytes={have}-"} if have else {})
    with urllib.request.urlopen(urllib.request.Request(url, headers=headers), timeout=timeout) as answer:
        resumes = answer.status == 206 and answer.headers.get("Content-Range", "").startswith(f"bytes {have}-")
        have = have if resumes else 0
        length = answer.headers.get("Content-Length")
        total = have + int(length) if length else None
        bar = tqdm(desc=name, total=total, initial=have, unit="B", unit_scale=True, disable=None)
        with bar, draft.open("ab" if resumes else "wb") as stream:
            while chunk := answer.read(_CHUNK):
                stream.write(chunk)
                bar.update(len(chunk))
    if total is not None and draft.stat().st_size != total:
        raise http.client.IncompleteRead(b"", total - draft.stat().st_size)
