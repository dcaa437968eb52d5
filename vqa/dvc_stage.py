"""One stage through DVC, with its entry of ``dvc.lock`` kept aside and written together with others.

DVC rewrites the whole lock after every stage, which for a hundred and fifty stages takes longer than any of them. Here
everything else is DVC's own: what is up to date, its run cache, its outputs. An entry that a killed process leaves
behind is written by the next one; were it lost, DVC would find the outputs in its run cache.
"""

import json
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import dvc.dependency.param
import dvc.repo.reproduce
import dvc.stage.serialize
from dvc.exceptions import DvcException
from dvc.repo import Repo
from dvc.utils.serialize import modify_yaml

from vqa.io import write_json

ENTRIES = Path(".state") / "lock"


def reproduce_stage(name: str) -> int:
    """Reproduce one stage alone; its lock entry, if it ran, waits in ``.state/lock`` for :func:`record_entries`.

    Returns:
        Exit code: 0, or 1 after a message on stderr.
    """

    def keep(stage: Any, **options: Any) -> Any:
        done = stage.reproduce(**options)
        if done:
            write_json(ENTRIES / f"{name.replace('/', '_')}.json", dvc.stage.serialize.to_lockfile(done))
        return done

    try:
        with Repo(".", _wait_for_lock=True) as repo:
            repo.reproduce(name, single_item=True, repro_fn=keep)
    except DvcException as error:
        print(f"error: {error.__cause__ or error}", file=sys.stderr)
        return 1
    return 0


@contextmanager
def params_parsed_once() -> Iterator[None]:
    """Let DVC parse every file of params once, while nothing writes to it.

    DVC parses it anew for each stage, which is more than half of the time that it takes to see that all is up to date.
    """
    parse, parsed = dvc.dependency.param.load_path, {}

    def once(path: str, *arguments: Any, **options: Any) -> Any:
        if path not in parsed:
            parsed[path] = parse(path, *arguments, **options)
        return parsed[path]

    dvc.dependency.param.load_path = once
    try:
        yield
    finally:
        dvc.dependency.param.load_path = parse


def waiting_entries() -> list[Path]:
    """Entries that are not yet in ``dvc.lock``."""
    return sorted(ENTRIES.glob("*.json"))


def record_entries() -> None:
    """Write all waiting entries into ``dvc.lock``."""
    paths = waiting_entries()
    if not paths:
        return
    entries = {name: entry for path in paths for name, entry in json.loads(path.read_text()).items()}
    with Repo(".", _wait_for_lock=True) as repo, repo.lock, modify_yaml("dvc.lock") as lock:
        lock.setdefault("schema", "2.0")
        lock.setdefault("stages", {}).update(entries)
    for path in paths:
        path.unlink()
