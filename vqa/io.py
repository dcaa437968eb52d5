"""Small file helpers: atomic writes, digests, and one-line errors with exit code 2 for the stages."""

from __future__ import annotations

import dataclasses
import errno
import hashlib
import io
import json
import os
import signal
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import TYPE_CHECKING, Any

from vqa.settings.strict import ParamsError

if TYPE_CHECKING:
    import pandas as pd


class InputError(Exception):
    """Bad input from outside: the one-line message says what is wrong, where, and what to do."""


@contextmanager
def atomic(path: Path) -> Iterator[Path]:
    """Yield a path beside ``path`` to write to; it takes the place of ``path`` only if the block succeeds."""
    path.parent.mkdir(parents=True, exist_ok=True)
    draft = path.with_name(f".{path.name}.{os.getpid()}.part")
    try:
        yield draft
        os.replace(draft, path)
    finally:
        draft.unlink(missing_ok=True)


def write_json(path: Path, content: Any) -> None:
    """Write ``content`` (dataclasses included) as indented JSON, atomically; NaN is written as null."""
    with atomic(path) as draft:
        draft.write_text(json.dumps(_finite(content), indent=2, allow_nan=False) + "\n")


def write_csv(path: Path, table: pd.DataFrame) -> None:
    """Write a table as CSV without index, atomically; floats keep every digit."""
    with atomic(path) as draft:
        table.to_csv(draft, index=False, lineterminator="\n")


def _finite(content: Any) -> Any:
    if dataclasses.is_dataclass(content) and not isinstance(content, type):
        content = dataclasses.asdict(content)
    if isinstance(content, dict):
        return {key: _finite(value) for key, value in content.items()}
    if isinstance(content, list | tuple):
        return [_finite(value) for value in content]
    return None if isinstance(content, float) and content != content else content


def digest(content: str | bytes) -> str:
    """SHA-256 of a text or of bytes, in hexadecimal."""
    return hashlib.sha256(content.encode() if isinstance(content, str) else content).hexdigest()


def file_digest(path: Path) -> str:
    """SHA-256 of a file, in hexadecimal."""
    with path.open("rb") as stream:
        return hashlib.file_digest(stream, "sha256").hexdigest()


def versions(*packages: str) -> list[str]:
    """Names and versions of those of the packages that are there."""
    found = []
    for name in packages:
        with suppress(PackageNotFoundError):
            found.append(f"{name} {version(name)}")
    return found


def run_stage(main: Callable[[], int | None]) -> None:
    """Run the main function of a stage or command: bad input is one line on stderr and exit code 2, no traceback.

    Names of files may hold what the terminal's encoding cannot show; it is printed as escapes. Who closes the pipe that
    is written to, as ``head`` does, ends the command in silence, with the exit code of a shell for that.
    """
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="backslashreplace")
    try:
        code = main() or 0
        if sys.stdout is not None:
            sys.stdout.flush()
        sys.exit(code)
    except BrokenPipeError:
        # Python writes what is left once more at its end, to nobody.
        for stream in (sys.stdout, sys.stderr):
            os.dup2(os.open(os.devnull, os.O_WRONLY), stream.fileno())
        sys.exit(128 + signal.SIGPIPE)
    except Exception as error:
        if _is_memory(error):
            print("error: not enough memory; give it more, or run fewer stages at a time (--jobs)", file=sys.stderr)
        elif isinstance(error, InputError | ParamsError):
            print(f"error: {error}", file=sys.stderr)
        elif isinstance(error, OSError) and error.errno in (errno.ENOSPC, errno.EDQUOT):
            print(f"error: {error.filename or 'output'}: {error.strerror}; make room", file=sys.stderr)
        else:
            raise
        sys.exit(2)


def _is_memory(error: Exception) -> bool:
    """PyTorch says by a RuntimeError what others say by their own kinds of MemoryError, and the system by a number."""
    if isinstance(error, OSError):
        return error.errno == errno.ENOMEM
    return isinstance(error, MemoryError) or "can't allocate memory" in str(error) or "CUDA out of memory" in str(error)
