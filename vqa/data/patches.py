"""Space-time patches of a video with opinions of their own, and their list (MULTIBRANCH_B 14.3.4)."""

from dataclasses import dataclass, fields
from pathlib import Path

import pandas as pd

from vqa.io import InputError, write_csv

# The list beside a data set's labels, and how many patches a video of it has: one in space, one in time, one in both
FILE, NUMBER = "patches.csv", 3


@dataclass(frozen=True)
class Patch:
    """A part of a video and its MOS.

    Attributes:
        left: first column of pixels.
        top: first row.
        right: behind the last column.
        bottom: behind the last row.
        start: first frame.
        end: behind the last frame.
        mos: mean opinion score of the part.
    """

    left: int
    top: int
    right: int
    bottom: int
    start: int
    end: int
    mos: float


PLACE = tuple(field.name for field in fields(Patch))
COLUMNS = ("name", "patch", *PLACE)


def read_patches(path: Path) -> dict[str, list[Patch]]:
    """The patches of every video by its name, in their order; none if there is no such file.

    Raises:
        InputError: naming the file and the video, if it is no such list or a video has not exactly three.
    """
    if not path.is_file():
        return {}
    try:
        table = pd.read_csv(path, dtype={"name": str}, keep_default_na=False)
        rows = table[list(COLUMNS)].astype({**dict.fromkeys(("patch", *PLACE[:-1]), int), "mos": float})
    except (KeyError, ValueError) as error:
        raise InputError(f"{path}: not a list of patches with the columns {', '.join(COLUMNS)} ({error})") from None
    found: dict[str, list[Patch]] = {}
    for name, part in rows.sort_values("patch", kind="stable").groupby("name", sort=False):
        if part.patch.tolist() != list(range(1, NUMBER + 1)):
            raise InputError(f"{path}: {name} has the patches {part.patch.tolist()}, and 1, 2 and 3 are needed")
        found[str(name)] = [Patch(**row) for row in part[list(PLACE)].to_dict("records")]
    return found


def check_patches(path: Path, patches: dict[str, list[Patch]], items: pd.DataFrame) -> None:
    """Raise InputError for the first video of ``items`` (an item list) whose patches leave it, or that has none."""
    for item in items.itertuples():
        if item.name not in patches:
            raise InputError(f"{path}: {item.name} has no patches; list three, or remove the file")
        for number, patch in enumerate(patches[item.name], start=1):
            inside = 0 <= patch.left < patch.right <= item.width and 0 <= patch.top < patch.bottom <= item.height
            if not (inside and 0 <= patch.start < patch.end <= item.n_frames):
                size = f"{item.width}x{item.height} with {item.n_frames} frames"
                raise InputError(f"{path}: patch {number} of {item.name} is not inside of the video, {size}")


def write_patches(path: Path, patches: dict[str, list[Patch]]) -> None:
    """Write the list of :func:`read_patches`."""
    rows = [
        {"name": name, "patch": number, **vars(patch)}
        for name, own in patches.items()
        for number, patch in enumerate(own, start=1)
    ]
    write_csv(path, pd.DataFrame(rows, columns=list(COLUMNS)))
