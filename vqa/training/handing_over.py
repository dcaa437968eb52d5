"""The end of a training: its weights from the folder that a resume goes on from to that of results."""

import shutil
from pathlib import Path

from vqa.io import atomic


def hand_over_weights(state: Path, out: Path) -> None:
    """Copy ``state/weights`` to ``out/weights``; every file appears whole, an older folder goes.

    Drafts that a killed attempt left in the one are no part of the other.
    """
    shutil.rmtree(out / "weights", ignore_errors=True)
    for file in sorted((state / "weights").rglob("*.safetensors")):
        with atomic(out / file.relative_to(state)) as draft:
            shutil.copyfile(file, draft)


def forget(states: Path) -> None:
    """Remove the folder ``states`` of all that was kept for a resume.

    What a resume begins with goes first: it must not find that and miss predictions or weights of the epochs before.
    """
    for file in list(states.rglob("*.pt")):
        file.unlink()
    shutil.rmtree(states)
