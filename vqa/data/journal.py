"""What probing the files of a data set has given so far, so that a killed preparation goes on from there."""

import json
import os
from collections.abc import Iterable
from dataclasses import asdict, dataclass, field
from pathlib import Path

from vqa.io import atomic


@dataclass(frozen=True)
class Found:
    """What is known of one file.

    Attributes:
        name: of the file, as the label list has it.
        stamp: of the file before it was read (:func:`stamp_of`).
        reason: why it cannot be used; empty if it can.
        facts: :meth:`vqa.data.video.Probe.as_dict`; empty if it cannot be used.
        odd: kinds of its remarks.
        difference: what the usual loader does otherwise (:mod:`vqa.data.usual`).
        stored: bytes of its frames in the frame store.
    """

    name: str
    stamp: list[int] | None
    reason: str = ""
    facts: dict[str, int | float | str] = field(default_factory=dict)
    odd: list[str] = field(default_factory=list)
    difference: str = ""
    stored: int = 0


def stamp_of(path: Path) -> list[int] | None:
    """Size in bytes and time of the last change in ns, which tell that it was replaced; None: not readable."""
    try:
        state = path.stat()
    except (OSError, ValueError):  # ValueError: a zero byte in the name
        return None
    return [state.st_size, state.st_mtime_ns] if os.access(path, os.R_OK) else None


class Journal:
    """A file with one line of JSON for each file that was probed.

    Args:
        path: of the file; what it stands for is up to who names it.
    """

    def __init__(self, path: Path) -> None:
        self._path = path

    def read(self) -> dict[str, Found]:
        """What is known, by the names of the files; a line that was not written to its end is none."""
        known: dict[str, Found] = {}
        if not self._path.is_file():
            return known
        for line in self._path.read_text(encoding="utf-8", errors="replace").splitlines():
            try:
                found = Found(**json.loads(line))
            except (ValueError, TypeError):
                break
            known[found.name] = found
        return known

    def keep(self, known: Iterable[Found]) -> None:
        """Let it hold these lines alone, so that the next one follows a whole one."""
        with atomic(self._path) as draft:
            draft.write_text("".join(map(_line, known)), encoding="utf-8")

    def add(self, found: Found) -> None:
        """Write one more line, at once."""
        with self._path.open("a", encoding="utf-8") as stream:
            stream.write(_line(found))


def _line(found: Found) -> str:
    return json.dumps(asdict(found)) + "\n"
