"""The files that a list names: by their very names, or by names that differ in how accents are composed alone."""

import os
import unicodedata
from collections.abc import Iterable
from pathlib import Path, PurePosixPath

from vqa.io import InputError
from vqa.sources.unread import unread_note


def composed(name: str) -> str:
    """A name with its accents composed: the one spelling of all that many file systems hold to be one name."""
    return unicodedata.normalize("NFC", name)


def shown(name: str) -> str:
    """A name for a message: as it is, or with escapes where it has letters that cannot be seen."""
    return name if name.isprintable() else repr(name)


def can_be_listed(name: str) -> bool:
    """Whether a name can stand in a list of text, and is read as it was written."""
    unprintable = any(unicodedata.category(char) in ("Cc", "Cs", "Zl", "Zp") for char in name)
    return not unprintable and name == name.strip()


def listed_files(folder: Path, names: Iterable[str]) -> dict[str, Path]:
    """The file of every relative name: of the very name, else the one that differs in accents alone.

    Raises:
        InputError: if files are missing, with their number and the first name.
    """
    entries: dict[Path, dict[str, list[str]]] = {}
    found = {name: _find(folder, name, entries) for name in names}
    missing = [name for name, path in found.items() if path is None]
    if missing:
        count = f"{len(missing)} of {len(found)} files are missing, the first: {shown(missing[0])}"
        raise InputError(f"{folder}: {count}{unread_note(folder)}")
    return {name: path for name, path in found.items() if path is not None}


def _find(folder: Path, name: str, entries: dict[Path, dict[str, list[str]]]) -> Path | None:
    # os.path says no of a name that no file can have, where Path raises.
    if os.path.isfile(folder / name):
        return folder / name
    path = folder
    for part in PurePosixPath(name).parts:
        if path not in entries:
            entries[path] = {}
            for entry in os.listdir(path) if os.path.isdir(path) else ():
                entries[path].setdefault(composed(entry), []).append(entry)
        fitting = entries[path].get(composed(part), [])
        if len(fitting) != 1:
            return None
        path /= fitting[0]
    return path if os.path.isfile(path) else None
