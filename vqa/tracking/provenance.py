"""From which build and which code a run came into the store, as tags.

They say where the files were when they were mirrored, and are no part of a fingerprint: a lock that changed for another
stage, or a commit of a corrected comment, makes no run new.
"""

import subprocess
from pathlib import Path

from vqa.io import file_digest


def provenance(folder: Path, root: Path) -> dict[str, str]:
    """Tags of all runs that one call writes.

    Args:
        folder: of the scale; ``vqa.lock`` is the SHA-256 of the ``dvc.lock`` in it, if there is one.
        root: of the project; ``vqa.commit`` is what is checked out there, with ``+dirty`` if tracked files differ.
    """
    tags = {"mlflow.source.name": "vqa track", "mlflow.source.type": "LOCAL"}
    lock = folder / "dvc.lock"
    if lock.is_file():
        tags["vqa.lock"] = file_digest(lock)
    commit = _git(root, "rev-parse", "--verify", "HEAD")
    if commit:
        changed = _git(root, "status", "--porcelain", "--untracked-files=no")
        tags |= {"vqa.commit": commit + ("+dirty" if changed else ""), "mlflow.source.git.commit": commit}
    return tags


def _git(folder: Path, *arguments: str) -> str:
    """What git says in a folder; nothing where there is no repository, or no git."""
    try:
        done = subprocess.run(["git", "-C", folder, *arguments], capture_output=True, text=True, check=False)
    except FileNotFoundError:
        return ""
    return done.stdout.strip() if done.returncode == 0 else ""
