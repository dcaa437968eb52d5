"""What is to be done: DVC's graph of one scale, and which of its stages are out of date."""

import difflib
from collections.abc import Sequence
from pathlib import Path

import networkx as nx
from dvc.repo import Repo
from dvc.repo.index import Index

from vqa.io import InputError

FINGERPRINTS = "fingerprints"


def plan(targets: Sequence[str] = ()) -> tuple[nx.DiGraph, list[str], dict[str, Path]]:
    """What is to be done.

    Args:
        targets: stages, or names of groups of them (``evaluate`` for all ``evaluate@RUN``), that alone are wanted,
            with what they need; all if empty.

    Returns:
        The graph of stage names, edges from a stage to what it waits for. The stages to reproduce: those that DVC
        calls changed and everything downstream of them; DVC skips what turns out to be up to date after all. And the
        file of every stage's fingerprint.

    Raises:
        InputError: for a target that is no stage.
    """
    with Repo(".") as repo, repo.lock:
        index = own_index(repo)
        stages = {stage.addressing: stage for stage in index.stages}
        own, fingerprints = list(stages), {}
        for name, stage in stages.items():
            for path in (Path(dep.def_path) for dep in stage.deps):
                if path.parts[0] == FINGERPRINTS and path.suffix == ".txt":
                    fingerprints[name] = path
        graph = nx.DiGraph((a.addressing, b.addressing) for a, b in index.graph.edges)
        graph.add_nodes_from(own)
        position = {name: number for number, name in enumerate(own)}
        changed = [name for name, stage in stages.items() if stage.status()]
    stale = set(changed).union(*(nx.ancestors(graph, name) for name in changed))
    if targets:
        wanted = {name for target in targets for name in members(target, own)}
        stale &= wanted.union(*(nx.descendants(graph, name) for name in wanted))
    order = nx.lexicographical_topological_sort(graph.reverse(copy=False), key=position.get)
    return graph, [name for name in order if name in stale], fingerprints


def own_index(repo: Repo) -> Index:
    """The stages of this folder's dvc.yaml and their graph; those of the other scales' are not read."""
    return Index.from_file(repo, str(Path("dvc.yaml").absolute()))


def members(target: str, names: list[str]) -> list[str]:
    """The stages that a target means: itself, or all of a group."""
    found = [name for name in names if target in (name, kind(name))]
    if not found:
        close = difflib.get_close_matches(target, [*names, *map(kind, names)], n=1)
        hint = f" (did you mean {close[0]}?)" if close else ""
        raise InputError(f"{target}: no such stage{hint}; `dvc stage list` has them all")
    return found


def kind(stage: str) -> str:
    """What comes before the @ of a stage's name."""
    return stage.partition("@")[0]
