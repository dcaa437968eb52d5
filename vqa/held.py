"""A file that one process holds at a time, and that says which."""

import fcntl
import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path


@contextmanager
def held(file: Path, waiting: Callable[[str], None], more: Callable[[], str] = str) -> Iterator[None]:
    """Hold a file, after whoever holds it; a process that died holds nothing.

    Args:
        file: made if it is not there.
        waiting: called once if another holds it, with what that one wrote into it, "" if nothing yet.
        more: text that is written into it after the number of this process, asked for when it is held.
    """
    file.parent.mkdir(parents=True, exist_ok=True)
    with file.open("a+") as stream:
        try:
            fcntl.flock(stream, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            stream.seek(0)
            waiting(stream.read().strip())
            fcntl.flock(stream, fcntl.LOCK_EX)
        stream.truncate(0)
        stream.write(f"process {os.getpid()}{more()}")
        stream.flush()
        yield
