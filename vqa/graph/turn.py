"""One build at a time in a folder: the second waits, and says for whom."""

import contextlib
import fcntl
import os
import time
from collections.abc import Iterator
from datetime import datetime
from pathlib import Path

HOLDER = Path(".state") / "repro.lock"


@contextlib.contextmanager
def turn(holder: Path = HOLDER) -> Iterator[None]:
    """Hold the folder, after whoever holds it; a process that died holds nothing.

    Args:
        holder: file that is locked, and says by whom.
    """
    holder.parent.mkdir(parents=True, exist_ok=True)
    with holder.open("a+") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            file.seek(0)
            print(f"another build is at work here ({file.read().strip() or 'just begun'}): waiting for it", flush=True)
            while True:
                with contextlib.suppress(BlockingIOError):
                    fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
                    break
                time.sleep(0.2)
        file.truncate(0)
        file.write(f"process {os.getpid()} since {datetime.now():%H:%M}")
        file.flush()
        yield
