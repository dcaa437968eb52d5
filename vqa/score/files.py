"""Which files are scored, and how their results are written."""

import dataclasses
import json
import os
import re
import sys
from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TextIO

from vqa.data.images import IMAGE_SUFFIXES
from vqa.data.paths import printable
from vqa.io import InputError
from vqa.score.scorer import Result

VIDEO_SUFFIXES = frozenset(
    {".mp4", ".m4v", ".mov", ".mkv", ".webm", ".avi", ".mpg", ".mpeg", ".ts", ".m2ts", ".wmv", ".flv", ".3gp", ".ogv"}
)
_FIELDS = [field.name for field in dataclasses.fields(Result)]
# Rows of a table are written as they come, so that no column can wait for its widest cell.
_WIDTHS = {"status": 7, "score": 8, "fps": 7, "codec": 6}


def files_of(given: str, say: Callable[[str], object] = lambda _: None) -> list[str]:
    """The videos and images of a folder in natural order (clip 2 before clip 10), hidden ones left out.

    Anything else, a folder without any included, stands for itself: scoring it says what is wrong with it. Links to
    folders are followed, each folder once.

    Args:
        given: a file or folder.
        say: is told, in a line, of files that are left out since their suffix is of no video or image.
    """
    if not os.path.isdir(given):
        return [given]
    found: list[str] = []
    others: Counter[str] = Counter()
    seen = {os.path.realpath(given)}

    # A folder that may not be read stands for itself too.
    walk = os.walk(given, followlinks=True, onerror=lambda error: found.append(str(error.filename)))
    for folder, below, names in walk:
        real = {os.path.realpath(os.path.join(folder, name)): name for name in sorted(below) if name[0] != "."}
        below[:] = [name for place, name in real.items() if place not in seen]
        seen.update(real)
        for name in names:
            if name.startswith("."):
                continue
            suffix = Path(name).suffix.lower()
            if suffix in VIDEO_SUFFIXES | IMAGE_SUFFIXES:
                found.append(os.path.join(folder, name))
            else:
                others[suffix or "none"] += 1
    if others and found:
        kinds = ", ".join(printable(suffix) for suffix in sorted(others))
        say(f"{printable(given)}: {others.total()} files are left out, no videos or images by their suffix ({kinds})")
    return sorted(found, key=_natural) or [given]


def _natural(path: str) -> list[list[str | int]]:
    return [
        [int(piece) if piece.isdecimal() else piece.casefold() for piece in re.split(r"(\d+)", part)]
        for part in Path(path).parts
    ]


def row(cells: Iterable[str | float | None], widths: Iterable[int]) -> str:
    """A row of a Markdown table, numbers rounded."""

    def cell(value: str | float | None) -> str:
        text = "" if value is None else f"{value:.4f}" if isinstance(value, float) else str(value)
        return " ".join(text.replace("|", "\\|").split())

    return "|" + "|".join(f" {cell(value):<{width}} " for value, width in zip(cells, widths, strict=True)) + "|"


def report(results: Iterable[Result], names: list[str], as_json: bool, write: Callable[[str], object]) -> int:
    """Write the results of the files ``names`` one by one as they come; returns how many of them have no score."""
    widths = [max(len(field), _WIDTHS.get(field, 0)) for field in _FIELDS]
    widths[0] = max(4, *(len(printable(name)) for name in names)) if names else 4
    if not as_json:
        write(row(_FIELDS, widths))
        write("|" + "|".join(":" + "-" * (width + 1) for width in widths) + "|")
    failed = 0
    for result in results:
        shown = dataclasses.replace(result, file=printable(result.file), reason=printable(result.reason))
        if as_json:
            write(json.dumps(dataclasses.asdict(shown), ensure_ascii=False))
        else:
            write(row(dataclasses.astuple(shown), widths))
        failed += result.score is None
    return failed


@contextmanager
def written_to(out: Path | None) -> Iterator[TextIO]:
    """A stream to write lines to: standard output, or ``out``, which appears when the block is done.

    Until then the lines lie in ``out`` with ``.part`` behind its name, where they stay if there are any and the block
    does not come to its end, killed or not.

    Raises:
        InputError: if there is nothing to write to.
    """
    if out is None:
        if sys.stdout is None:
            raise InputError("standard output is closed; name a file, --out FILE")
        yield sys.stdout
        return
    # A pipe or a device is written to as it is: a file in its place would be of no use to anybody.
    straight = out.exists() and not out.is_file()
    draft = out if straight else out.with_name(f"{out.name}.part")
    try:
        out.parent.mkdir(parents=True, exist_ok=True)
        stream = draft.open("w", encoding="utf-8")
    except OSError as error:
        raise InputError(f"--out {out}: cannot be written ({error.strerror})") from None
    try:
        with stream:
            yield stream
        if not straight:
            os.replace(draft, out)
    finally:
        if not straight and draft.exists() and not draft.stat().st_size:
            draft.unlink()
