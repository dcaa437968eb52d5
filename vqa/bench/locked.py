"""What ``dvc.lock`` says of stages: their commands, the files that they wrote, and those of the stages before them.

Files are named by their path in the scale's folder, and told apart by the MD5 that DVC keeps of each; the bytes
themselves lie in DVC's cache. Here both are read and nothing is written.
"""

import json
import os
import shutil
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import networkx as nx
from dvc.repo import Repo

from vqa.graph.plan import own_index
from vqa.io import InputError

Files = dict[str, str]


@dataclass(frozen=True)
class Locked:
    """A stage as the lock has it.

    Attributes:
        name: of the stage, ``train@RUN`` for example.
        command: a line for the shell.
        outs: MD5 by path of all files of every output, a file or a folder.
        reads: the same of all files that the stages wrote which it needs, those that these need included.
    """

    name: str
    command: str
    outs: dict[str, Files]
    reads: Files

    @property
    def made(self) -> Files:
        """The files of all outputs."""
        return {path: md5 for files in self.outs.values() for path, md5 in files.items()}


class Lock:
    """The graph of the scale in the working directory, with its lock and cache; to be closed.

    Attributes:
        names: of all stages, every one after those that it needs.

    Raises:
        InputError: if the scale was not built here.
    """

    def __init__(self) -> None:
        if not Path("dvc.lock").is_file():
            raise InputError(f"{Path.cwd()}: no dvc.lock: this scale was not built here, `vqa repro` first")
        repo = Repo(".")
        self.close: Callable[[], None] = repo.close
        self._place: Callable[[str], str] = repo.cache.local.oid_to_path
        self._listed: dict[str, list[dict[str, str]]] = {}
        index = own_index(repo)
        self._stages: dict[str, Any] = {stage.addressing: stage for stage in index.stages}
        self._graph = nx.DiGraph((b.addressing, a.addressing) for a, b in index.graph.edges)
        self._graph.add_nodes_from(self._stages)
        position = {name: number for number, name in enumerate(self._stages)}
        self.names: list[str] = list(nx.lexicographical_topological_sort(self._graph, key=position.get))

    def stage(self, name: str) -> Locked:
        """One stage.

        Raises:
            InputError: if it, or a stage that it needs, was not built here.
        """
        stage = self._stages[name]
        outs = {out.def_path: self._files(out) for out in stage.outs}
        # All that is upstream: zero_shot names data sets that it does not hold, and features are of items of others.
        before = [self._stages[each] for each in sorted(nx.ancestors(self._graph, name))]
        reads = {path: md5 for each in before for out in each.outs for path, md5 in self._files(out).items()}
        return Locked(name, str(stage.cmd), outs, reads)

    def out_of_date(self, names: list[str]) -> list[str]:
        """Those whose inputs in the working directory are not the ones that the lock has of them."""
        return [name for name in names if any(dep.status() for dep in self._stages[name].deps)]

    def path(self, md5: str) -> Path:
        """The file in the cache."""
        return Path(self._place(md5))

    def lay_out(self, files: Files, folder: Path) -> None:
        """Put files of the cache below ``folder``, as links where the file system has them.

        Raises:
            InputError: if the cache does not have one of them.
        """
        for name, md5 in files.items():
            (folder / name).parent.mkdir(parents=True, exist_ok=True)
            try:
                os.link(self.path(md5), folder / name)
            except FileNotFoundError:
                raise _missing(name) from None
            except OSError:  # another file system
                shutil.copyfile(self.path(md5), folder / name)

    def _files(self, out: Any) -> Files:
        """MD5 of every file of an output, a folder's by what the cache has listed of it."""
        md5 = out.hash_info.value
        if not md5:
            raise InputError(f"{out.stage.addressing} is not in dvc.lock: `vqa repro` first")
        if not md5.endswith(".dir"):
            return {out.def_path: md5}
        if md5 not in self._listed:
            try:
                self._listed[md5] = json.loads(self.path(md5).read_text(encoding="utf-8"))
            except OSError:
                raise _missing(out.def_path) from None
        return {f"{out.def_path}/{entry['relpath']}": entry["md5"] for entry in self._listed[md5]}


def _missing(path: str) -> InputError:
    return InputError(f"{path} is not in DVC's cache as dvc.lock has it: `vqa repro` first")
