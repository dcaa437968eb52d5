"""How outputs of stages travel between driver and workers: by content, through a DVC remote."""

import hashlib
import json
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from dvc.exceptions import DvcException
from dvc.repo import Repo

from vqa.io import digest

REMOTE = "cluster"
PACKAGES = ("vqa", "stages")


class TravelError(DvcException):
    """What should have come or gone did not; the message is one line."""


def with_remote(url: str) -> dict[str, Any]:
    """DVC's configuration with the remote of a cluster, which is believed nothing: what comes is hashed again."""
    return {"remote": {REMOTE: {"url": url, "verify": True}}}


def push(repo: Repo, outs: Iterable[Any], what: str) -> None:
    """Bring the content of outputs (DVC's objects) from the cache to the remote.

    Raises:
        TravelError: if some of it did not arrive.
    """
    objects = {one for out in outs for found in out.get_used_objs().values() for one in found}
    try:
        failed = repo.cloud.push(objects, remote=REMOTE).failed if objects else set()
    except (OSError, DvcException) as error:
        raise TravelError(f"{what}: the remote takes nothing ({_line(error)})") from None
    if failed:
        raise TravelError(f"{what}: {len(failed)} of {len(objects)} files did not reach the remote; is it full?")


def pull(repo: Repo, outs: Iterable[Any], what: str) -> None:
    """Bring outputs (DVC's objects, with the hashes that are wanted) from the remote into cache and working tree.

    Raises:
        TravelError: if some of it is not there, or is not what its hash says.
    """
    wanted = [out for out in outs if out.hash_info and out.status()]
    try:
        used = [out.get_used_objs(remote=REMOTE) for out in wanted]
        if empty := [str(out) for out, found in zip(wanted, used, strict=True) if not any(found.values())]:
            raise TravelError(f"{what}: {empty[0]} is not in the remote")
        objects = {one for found in used for ids in found.values() for one in ids}
        failed = repo.cloud.pull(objects, remote=REMOTE).failed if objects else set()
        if failed:
            raise TravelError(f"{what}: {len(failed)} of {len(objects)} files are not in the remote")
        for out in wanted:
            out.checkout(force=True)
    except TravelError:
        raise
    except (OSError, DvcException) as error:
        raise TravelError(f"{what}: cannot be had from the remote ({_line(error)})") from None


def code_digest(root: Path) -> str:
    """SHA-256 over all Python files of the suite below ``root``: a worker with others is refused."""
    total = hashlib.sha256()
    for path in sorted(path for package in PACKAGES for path in (root / package).rglob("*.py")):
        total.update(f"{path.relative_to(root)} {digest(path.read_bytes())}\n".encode())
    return total.hexdigest()


def entry_digest(entry: Mapping[str, Any]) -> str:
    """SHA-256 of what an entry of ``dvc.lock`` says of outputs."""
    return digest(json.dumps(entry.get("outs", []), sort_keys=True))


def _line(error: BaseException) -> str:
    return " ".join(str(error.__cause__ or error).split()) or type(error).__name__
