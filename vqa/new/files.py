"""Names of a label list to the files that they mean, and what these files are."""

from collections import Counter, defaultdict
from collections.abc import Iterable
from pathlib import Path, PurePosixPath

import av

from vqa.data.images import is_image
from vqa.data.labels import stays_inside
from vqa.data.listed import can_be_listed, composed, shown
from vqa.data.paths import for_ffmpeg
from vqa.io import InputError
from vqa.sources.unread import unread_note

# Bytes of decoded frames up to which they are kept: beyond, trainings decode the files again in every epoch.
STORE_LIMIT = 6 * 2**30


def match_files(names: Iterable[str], folder: Path) -> dict[str, str]:
    """The file of every name, as its path below the folder.

    A name is a path below the folder, or the end of one, with or without what comes after the last dot; accents may be
    composed otherwise.

    Raises:
        InputError: one line: no such folder, or how many names mean no file or several, with the first of them; or
            a file whose name a list cannot hold.
    """
    if not folder.is_dir():
        raise InputError(f"{folder}: no such folder")
    ends: dict[str, set[str]] = defaultdict(set)
    for path in sorted(folder.rglob("*")):
        if path.is_file() and not any(part.startswith(".") for part in path.relative_to(folder).parts):
            for end in _ends(composed(path.relative_to(folder).as_posix())):
                ends[end].add(path.relative_to(folder).as_posix())
    found: dict[str, str] = {}
    missing: list[str] = []
    several: list[str] = []
    for name in names:
        files = _files(name.replace("\\", "/"), ends)
        if len(files) == 1:
            found[name] = _listable(folder, next(iter(files)))
        else:
            (several if files else missing).append(name)
    if missing:
        count = f"no file for {len(missing)} of {len(found) + len(missing)} names, as {shown(missing[0])}"
        raise InputError(f"{folder}: {count}{unread_note(folder)}")
    if several:
        fitting = ", ".join(sorted(_files(several[0].replace("\\", "/"), ends))[:3])
        raise InputError(f"{folder}: several files for {len(several)} names, as {shown(several[0])}: {fitting}")
    meant = Counter(found.values())
    twice = [file for file, names in meant.items() if names > 1]
    if twice:
        raise InputError(f"{folder}: two names mean the same file, {twice[0]}")
    return found


def _ends(path: str) -> Iterable[str]:
    """Every end of a path, and the same without its suffix."""
    parts = PurePosixPath(path).parts
    for start in range(len(parts)):
        end = "/".join(parts[start:])
        yield end
        yield end.removesuffix(PurePosixPath(path).suffix)


def _files(name: str, ends: dict[str, set[str]]) -> set[str]:
    """Files that a name means; leading folders that do not exist below the folder are left out of it."""
    parts = PurePosixPath(name).parts
    for start in range(len(parts)):
        files = ends.get(composed("/".join(parts[start:])), set())
        for spelling in (str, composed):  # of two files that differ in accents alone, the very one
            if exact := {file for file in files if spelling(file) == spelling(name)}:
                return exact
        if files:
            return files
    return set()


def _listable(folder: Path, file: str) -> str:
    """The file, if its name can stand in the new list; InputError otherwise."""
    if not (can_be_listed(file) and stays_inside(file)):
        raise InputError(f"{folder}: a list cannot hold the name {file!r}; rename the file")
    return file


def are_images(files: Iterable[str], folder: Path = Path()) -> bool:
    """Whether the files below ``folder`` are images.

    Raises:
        InputError: if some are and some are not.
    """
    kinds = {file: is_image(folder / file) for file in files}
    if len(set(kinds.values())) > 1:
        image, video = (next(file for file, kind in kinds.items() if kind is wanted) for wanted in (True, False))
        raise InputError(f"{image} is an image and {video} is not: make a data set of each")
    return all(kinds.values())


def decoded_bytes(paths: Iterable[Path]) -> int:
    """About how many bytes all decoded frames take, by what the files say of themselves; 0 where they say nothing."""
    return sum(map(_decoded_bytes, paths))


def _decoded_bytes(path: Path) -> int:
    try:
        with for_ffmpeg(path) as name, av.open(name) as container:
            stream = container.streams.best("video")
            seconds = (container.duration or 0) / av.time_base
            frames = stream.frames or int(seconds * float(stream.average_rate or 0)) or 1
            return 3 * frames * stream.width * stream.height
    except (av.error.FFmpegError, OSError, ValueError, AttributeError):
        return 0  # what is wrong with it, the stage prepare says
