"""Name all that a run reads which is tested on data sets it never saw: ``python -m stages.zero_shot ROOM``.

Such a run depends on several data sets; this boils them down to one file that changes when one of them does. Reads the
item lists and features of the data sets of ``params.zero_shot`` in the folder of the room (``prepared``, or that of an
extractor); writes ``zero_shot/ROOM.json``.
"""

from pathlib import Path

from stages.common import argument
from vqa.io import file_digest, run_stage, write_json
from vqa.settings.params import load


def main() -> None:
    """Write the digests for the room named on the command line."""
    params = load()
    rooms = params.shared["zero_shot"]
    room = argument(__doc__, "room", rooms)
    folders = {name: Path(rooms[room]) / name for name in params.zero_shot}
    digests = {
        name: {str(path.relative_to(folder)): file_digest(path) for path in (folder / "items.csv", *_features(folder))}
        for name, folder in folders.items()
    }
    write_json(Path("zero_shot") / f"{room}.json", digests)


def _features(folder: Path) -> list[Path]:
    """Features beside an item list, extracted or published, and patches, if there are any."""
    return sorted([*folder.glob("*.npy"), *folder.glob("features/*.npy"), *folder.glob("patches.csv")])


if __name__ == "__main__":
    run_stage(main)
