"""One stage through DVC, with its entry of ``dvc.lock`` kept aside and written together with others.

DVC rewrites the whole lock after every stage, which for a hundred and fifty stages takes longer than any of them. Here
everything else is DVC's own: what is up to date, its run cache, its outputs. An entry that a killed process leaves
behind is written by the next one; were it lost, DVC would find the outputs in its run cache.
"""

import json
import os
import sys
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext, suppress
from pathlib import Path
from typing import Any

import dvc.repo.reproduce
import dvc.scm  # DVC imports it late; here it is imported once for all forks
import dvc.stage.run
import dvc.stage.serialize
from dvc.exceptions import DvcException
from dvc.repo import Repo
from dvc.stage.exceptions import StageCmdFailedError
from dvc.utils import strictyaml
from dvc.utils.serialize import ParseError, _yaml, modify_yaml

from vqa.graph.family import end_with
from vqa.io import write_json

ENTRIES = Path(".state") / "lock"
_IN_SHELL = dvc.stage.run._run
PARSED = ("dvc.yaml", "dvc.lock", "params.yaml", "sources.yaml")


def reproduce_stage(
    name: str,
    run: Callable[[str, Any], int | None] | None = None,
    around: Callable[[Any], AbstractContextManager[None]] | None = None,
    config: dict[str, Any] | None = None,
) -> int:
    """Reproduce one stage alone; its lock entry, if it ran, waits in ``.state/lock`` for :func:`record_entries`.

    Args:
        name: of the stage.
        run: runs its command, for DVC's object of the stage, and returns the exit code; or None to leave the command to
            DVC, which starts a shell.
        around: what is done before DVC looks whether the stage is up to date, and after it is.
        config: adds to the configuration of DVC.

    Returns:
        Exit code: 0, or 1 after a message on stderr.
    """
    before, parent = dvc.stage.run._run, os.getpid()
    current: list[Any] = []

    def run_command(executable: str, command: str, **options: Any) -> None:
        code = run(command, current[0]) if run else None
        if code is None:
            _IN_SHELL(executable, command, preexec_fn=lambda: end_with(parent), **options)
        elif code:
            raise StageCmdFailedError(command, code)

    def keep(stage: Any, **options: Any) -> Any:
        current.append(stage)
        with around(stage) if around else nullcontext():
            done = stage.reproduce(**options)
        if done:
            write_json(entry_path(name), dvc.stage.serialize.to_lockfile(done))
        return done

    dvc.stage.run._run = run_command
    try:
        with Repo(".", _wait_for_lock=True, config=config) as repo:
            repo.reproduce(name, single_item=True, repro_fn=keep)
    except (DvcException, OSError) as error:  # of the latter, a full disk
        print(f"error: {error.__cause__ or error}", file=sys.stderr)
        return 1
    finally:
        dvc.stage.run._run = before
    return 0


def entry_path(name: str) -> Path:
    """Where the lock entry of a stage waits."""
    return ENTRIES / f"{name.replace('/', '_')}.json"


@contextmanager
def yaml_parsed_once() -> Iterator[None]:
    """Let DVC parse the same YAML text once, in this process and in those that it forks inside the block.

    DVC parses params anew for each stage, and the lock in each process. The files that it always reads are parsed
    when the block begins.
    """
    parse, parsed = _yaml.parse_yaml, {}

    def once(text: str, path: str, typ: str = "safe") -> Any:
        if typ != "safe":  # to be edited
            return parse(text, path, typ)
        if text not in parsed:
            parsed[text] = parse(text, path, typ)
        return parsed[text]

    _yaml.parse_yaml = strictyaml.parse_yaml = once
    try:
        for path in PARSED:
            with suppress(OSError, ParseError):  # DVC itself says what is wrong with it
                once(Path(path).read_text(encoding="utf-8"), path)
        yield
    finally:
        _yaml.parse_yaml = strictyaml.parse_yaml = parse


def record_entries() -> None:
    """Write all entries that are not yet there into ``dvc.lock``."""
    paths = sorted(ENTRIES.glob("*.json"))
    if not paths:
        return
    entries = {name: entry for path in paths for name, entry in json.loads(path.read_text()).items()}
    with Repo(".", _wait_for_lock=True) as repo, repo.lock, modify_yaml("dvc.lock") as lock:
        lock.setdefault("schema", "2.0")
        # By name, so that the file does not depend on which stage ended first.
        lock["stages"] = dict(sorted({**lock.get("stages", {}), **entries}.items()))
    for path in paths:
        path.unlink()
