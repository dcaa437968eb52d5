"""The driver's side of a stage that runs elsewhere: DVC judges it here as ever, and only its command goes away.

Before the command, inputs that the remote lacks are pushed; after it, outputs are pulled and DVC hashes them, so that
``dvc.lock`` is written here alone and says of outputs what was seen here.
"""

import json
import os
import sys
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from dvc.stage.loader import StageLoader
from dvc.stage.serialize import to_single_stage_lockfile
from dvc.utils.serialize import load_yaml

from vqa.graph.cluster.hub import Address
from vqa.graph.cluster.travel import entry_digest, pull, push, with_remote
from vqa.graph.dvc_stage import entry_path, reproduce_stage
from vqa.io import digest
from vqa.settings.cluster import Cluster

THREADS = ("OMP_NUM_THREADS", "MKL_NUM_THREADS", "OPENBLAS_NUM_THREADS")  # sums depend on them
FILES = ("dvc.yaml", "params.yaml", "sources.yaml")
SHIPPED = Path(".state") / "shipped"
ELSEWHERE = ("extract", "train", "evaluate", "landscape")


def goes_elsewhere(kind: str, cluster: Cluster) -> bool:
    """Whether stages of a kind run on workers: those that take long, and data sets where the videos are there."""
    return kind in ELSEWHERE or (kind == "prepare" and cluster.prepare)


@dataclass(frozen=True)
class Driver:
    """Runs commands of stages on workers.

    Attributes:
        cluster: see :class:`vqa.settings.cluster.Cluster`.
        hub: where tasks go.
        code: digest of the suite's code here.
        folder: of the scale, relative to the project's.
        root: the project's folder.
    """

    cluster: Cluster
    hub: Address
    code: str
    folder: str
    root: Path

    def reproduce(self, name: str, ancestors: Iterable[str], fingerprint: Path | None) -> int:
        """As :func:`vqa.graph.dvc_stage.reproduce_stage`, the command on a worker.

        Args:
            name: of the stage.
            ancestors: names of all stages that it needs, directly or not; they are up to date.
            fingerprint: file of its fingerprint, if it has one.
        """
        needed = list(ancestors)
        return reproduce_stage(
            name,
            lambda command, stage: self._run(stage, needed, fingerprint),
            config=with_remote(self.cluster.remote),
        )

    def _run(self, stage: Any, ancestors: list[str], fingerprint: Path | None) -> int:
        entries = _entries(ancestors)
        self._ship(stage.repo, entries)
        names = [*FILES, *([str(fingerprint)] if fingerprint else [])]
        task = {
            "stage": stage.addressing,
            "code": self.code,
            "folder": self.folder,
            "files": {name: Path(name).read_text(encoding="utf-8") for name in names if Path(name).is_file()},
            "entries": entries,
            "fingerprint": str(fingerprint) if fingerprint else None,
            "remote": self.cluster.remote,
            "scratch": self.cluster.scratch,
            "state": self.cluster.state,
            "config": (self.root / ".dvc" / "config").read_text(encoding="utf-8"),
            "environment": {name: os.environ[name] for name in THREADS if name in os.environ},
        }
        try:
            answer = self.hub.ask(task)
        except (EOFError, OSError):
            print("error: the engine ended; what it said is in .state/cluster/engine.log", file=sys.stderr)
            return 1
        print(answer["log"], end="")
        if answer["code"]:
            for entry in entries.values():  # the remote may have lost them: next time it is asked
                self._mark(entry).unlink(missing_ok=True)
            return answer["code"]
        entry = answer["entry"][stage.addressing]
        mine = to_single_stage_lockfile(stage)
        for block in ("cmd", "deps", "params"):
            if mine.get(block) != entry.get(block):
                print(f"error: {answer['host']} made it from other {block} than are here", file=sys.stderr)
                return 1
        StageLoader.fill_from_lock(stage, entry)
        pull(stage.repo, stage.outs, f"outputs of {stage.addressing}")
        self._mark(entry).touch()
        return 0

    def _ship(self, repo: Any, entries: dict[str, Any]) -> None:
        """Push outputs of stages that this driver has not pushed yet."""
        SHIPPED.mkdir(parents=True, exist_ok=True)
        for stage in repo.index.stages:
            entry = entries.get(stage.addressing)
            if entry and not (mark := self._mark(entry)).is_file():
                StageLoader.fill_from_lock(stage, entry)
                push(repo, stage.outs, f"outputs of {stage.addressing}")
                mark.touch()

    def _mark(self, entry: dict[str, Any]) -> Path:
        return SHIPPED / digest(f"{self.cluster.remote} {entry_digest(entry)}")[:32]


def _entries(names: list[str]) -> dict[str, Any]:
    """What the lock says, or will say, of stages."""
    lock = load_yaml("dvc.lock")["stages"] if Path("dvc.lock").is_file() else {}
    found = {}
    for name in names:
        waiting = entry_path(name)
        found[name] = json.loads(waiting.read_text())[name] if waiting.is_file() else lock[name]
    return found
