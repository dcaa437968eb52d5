"""Which files are scored, and how their results are written."""

import dataclasses
import json
import os
import re
from collections.abc import Callable, Iterable
from pathlib import Path

import pandas as pd

from vqa.data.images import IMAGE_SUFFIXES
from vqa.score.scorer import Result

VIDEO_SUFFIXES = frozenset(
    {".mp4", ".m4v", ".mov", ".mkv", ".webm", ".avi", ".mpg", ".mpeg", ".ts", ".m2ts", ".wmv", ".flv", ".3gp", ".ogv"}
)


def files_of(given: str) -> list[str]:
    """The videos and images of a folder in natural order (clip 2 before clip 10), hidden ones left out.

    Anything else, a folder without any included, stands for itself: scoring it says what is wrong with it.
    """
    if not os.path.isdir(given):
        return [given]
    found = []
    for folder, below, names in os.walk(given):
        below[:] = [name for name in below if not name.startswith(".")]
        known = (name for name in names if Path(name).suffix.lower() in VIDEO_SUFFIXES | IMAGE_SUFFIXES)
        found += [os.path.join(folder, name) for name in known if not name.startswith(".")]
    return sorted(found, key=_natural) or [given]


def _natural(path: str) -> list[list[str | int]]:
    return [
        [int(piece) if piece.isdecimal() else piece.casefold() for piece in re.split(r"(\d+)", part)]
        for part in Path(path).parts
    ]


def table(results: list[Result]) -> str:
    """Results as a Markdown table, numbers rounded."""

    def cell(value: str | float | None) -> str:
        text = "" if value is None else f"{value:.4f}" if isinstance(value, float) else str(value)
        return text.replace("|", "\\|").replace("\n", " ")

    rows = [[cell(value) for value in dataclasses.astuple(result)] for result in results]
    names = [field.name for field in dataclasses.fields(Result)]
    return pd.DataFrame(rows, columns=names).to_markdown(index=False, disable_numparse=True)


def report(results: Iterable[Result], as_json: bool, write: Callable[[str], object]) -> int:
    """Write the results, JSON lines one by one as they come; returns how many files have no score."""
    seen = []
    for result in results:
        seen.append(result)
        if as_json:
            write(json.dumps(dataclasses.asdict(result), ensure_ascii=False))
    if not as_json:
        write(table(seen))
    return sum(result.score is None for result in seen)
