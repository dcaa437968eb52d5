"""The folder in which a user keeps a data set: every file, those in archives included, by its name."""

import os
from dataclasses import dataclass
from pathlib import Path

from vqa.io import InputError
from vqa.sources.archives import Archive, find_archives, members
from vqa.sources.unread import UnreadError, unread_note


@dataclass(frozen=True)
class Place:
    """Where one file is: a plain file, or a member of an archive.

    Attributes:
        path: of the file, or inside the archive.
        size: in bytes.
        archive: the archive, or None for a plain file.
    """

    path: str
    size: int
    archive: Archive | None = None

    def __str__(self) -> str:
        return self.path if self.archive is None else f"{self.archive}: {self.path}"


class Folder:
    """All files of a user's folder, those in archives included, by the ends of their paths.

    Args:
        path: the folder; archives are looked for at its top.

    Raises:
        InputError: if an archive is damaged or not safe (:mod:`vqa.sources.archives`).
    """

    def __init__(self, path: Path) -> None:
        self.path, self.archives = path, find_archives(path)
        self._plain: dict[str, list[Place]] = {}
        self._packed: dict[str, list[Place]] = {}
        inside = {file for archive in self.archives for file in archive.paths}
        for folder, names, files in os.walk(path, followlinks=True):
            names[:] = sorted(name for name in names if not name.startswith("."))
            for name in sorted(files):
                file = Path(folder) / name
                if file not in inside and not name.startswith(".") and file.is_file():
                    self._plain.setdefault(name, []).append(Place(file.as_posix(), file.stat().st_size))
        self._refused: dict[Path, str] = {}
        for archive in self.archives:
            try:
                content = members(archive)
            except UnreadError as error:  # what was unpacked by hand may lie beside it
                self._refused |= dict.fromkeys(archive.paths, error.reason)
                continue
            for member, size in content.items():
                self._packed.setdefault(member.rpartition("/")[2], []).append(Place(member, size, archive))

    @property
    def empty(self) -> bool:
        """Whether there is no file at all."""
        return not self._plain and not self.archives

    @property
    def unread(self) -> str:
        """What to add to a message about missing files (:func:`vqa.sources.unread.unread_note`)."""
        read = {path for archive in self.archives for path in archive.paths} - self._refused.keys()
        return unread_note(self.path, read, self._refused)

    def find(self, name: str) -> Place | None:
        """The one file whose path ends with ``name``, whole parts; plain files come before those in archives.

        Raises:
            InputError: if there are several.
        """
        for places in (self._plain, self._packed):
            found = [
                place for place in places.get(name.rpartition("/")[2], ()) if f"/{place.path}".endswith(f"/{name}")
            ]
            if len(found) > 1:
                raise InputError(f"{self.path}: {name} is there more than once: {found[0]} and {found[1]}; keep one")
            if found:
                return found[0]
        return None
