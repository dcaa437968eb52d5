"""Name all that a run reads which is tested on data sets it never saw: ``python -m stages.zero_shot ROOM``.

Such a run depends on several data sets; this boils them down to one file that changes when one of them does. Reads the
item lists of the data sets of ``params.zero_shot`` in ROOM (``prepared``, or ``motion``: with motion features); writes
``zero_shot/ROOM.json``.
"""

from pathlib import Path

from stages.common import argument
from vqa.io import file_digest, run_stage, write_json
from vqa.settings.params import load

FILES = {"prepared": ["items.csv"], "motion": ["items.csv", "features.npy"]}


def main() -> None:
    """Write the digests for the room named on the command line."""
    params = load()
    room = argument(__doc__, "room", FILES)
    folders = {name: Path(room) / name for name in params.zero_shot}
    digests = {
        name: {file: file_digest(folder / file) for file in (*FILES[room], *_features(folder))}
        for name, folder in folders.items()
    }
    write_json(Path("zero_shot") / f"{room}.json", digests)


def _features(folder: Path) -> list[str]:
    """Published features beside an item list, if there are any."""
    return [f"features/{path.name}" for path in sorted((folder / "features").glob("*.npy"))]


if __name__ == "__main__":
    run_stage(main)
