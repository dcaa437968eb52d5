"""One build at a time in a folder: the second waits, and says for whom."""

import contextlib
import json
from collections.abc import Iterator
from datetime import datetime
from pathlib import Path

from vqa.graph.family import alive
from vqa.held import held
from vqa.io import write_json

HOLDER = Path(".state") / "repro.lock"


@contextlib.contextmanager
def turn(holder: Path = HOLDER) -> Iterator[None]:
    """Hold the folder, after whoever holds it; a process that died holds nothing.

    Args:
        holder: file that is locked, and says by whom.
    """

    def waiting(who: str) -> None:
        print(f"another build is at work here ({who or 'just begun'}): waiting for it", flush=True)

    with held(holder, waiting, lambda: f" since {datetime.now():%H:%M}"):
        forget_the_dead(next((one for one in (Path.cwd(), *Path.cwd().parents) if (one / ".dvc").is_dir()), Path()))
        yield


def forget_the_dead(root: Path) -> None:
    """Take what processes held that ended but are not buried yet out of DVC's list of files in use.

    DVC asks whether a process of that number exists, and where nobody buries the dead it would ask for ever.

    Args:
        root: folder that holds ``.dvc``.
    """
    file = root / ".dvc" / "tmp" / "rwlock"
    if not file.is_file():
        return
    held = json.loads(file.read_text() or "{}")
    read = {path: [each for each in holders if alive(each["pid"])] for path, holders in held.get("read", {}).items()}
    write = {path: holder for path, holder in held.get("write", {}).items() if alive(holder["pid"])}
    write_json(file, {"write": write, "read": {path: holders for path, holders in read.items() if holders}})
