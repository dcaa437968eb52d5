"""The folder on a worker that a stage runs in: links to the code, the driver's files, a cache that the node shares."""

import contextlib
import fcntl
import json
import os
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from vqa.graph.cluster.travel import PACKAGES
from vqa.graph.turn import forget_the_dead
from vqa.io import atomic


@dataclass(frozen=True)
class Workspace:
    """One folder in ``scratch``, which this process alone uses.

    Attributes:
        root: stands for the project's folder.
        scratch: its parent, which holds the cache.
    """

    root: Path
    scratch: Path

    def fill(self, task: dict[str, Any]) -> Path:
        """Make it what the driver's folder is to the stage; the folder that the stage runs in.

        Trainings that are half done lie in ``state`` where the task has one, so that they outlive this machine.
        """
        folder = self.root / task["folder"]
        for name, text in task["files"].items():
            _write(folder / name, text)
        cache = f"[cache]\n    dir = {self.scratch / 'cache'}\n[core]\n    no_scm = true\n"
        _write(self.root / ".dvc" / "config", task["config"])
        _write(self.root / ".dvc" / "config.local", cache)
        # YAML holds JSON, which is parsed a hundred times faster.
        _write(folder / "dvc.lock", json.dumps({"schema": "2.0", "stages": task["entries"]}))
        common = Path(task["state"] or self.scratch / "state")
        common.mkdir(parents=True, exist_ok=True)
        (folder / ".state").unlink(missing_ok=True)
        (folder / ".state").symlink_to(common)
        return folder


@contextlib.contextmanager
def claimed(scratch: Path, code: str, root: Path) -> Iterator[Workspace]:
    """The first workspace for this code that nobody uses; whoever holds one that died lets go of it.

    Args:
        scratch: holds the workspaces.
        code: digest of the suite's code.
        root: folder of the suite's packages.
    """
    scratch.mkdir(parents=True, exist_ok=True)
    number = 0
    while True:
        place = scratch / f"{code[:12]}-{number}"
        (place / ".dvc").mkdir(parents=True, exist_ok=True)
        claim = os.open(place / ".claim", os.O_RDWR | os.O_CREAT | os.O_CLOEXEC)
        try:
            fcntl.flock(claim, fcntl.LOCK_EX | fcntl.LOCK_NB)
            break
        except BlockingIOError:
            os.close(claim)
            number += 1
    forget_the_dead(place)
    for package in PACKAGES:
        with contextlib.suppress(FileExistsError):
            (place / package).symlink_to(root / package)
    try:
        yield Workspace(place, scratch)
    finally:
        os.close(claim)


def _write(path: Path, text: str) -> None:
    if not path.is_file() or path.read_text(encoding="utf-8") != text:
        with atomic(path) as draft:
            draft.write_text(text, encoding="utf-8")
