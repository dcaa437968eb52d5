"""Why a stage would run: what differs from the entry that ``dvc.lock`` has of it, in words.

DVC says that a fingerprint or a row of params was modified; here it is said which module, and which value.
"""

import json
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import networkx as nx
from dvc.dependency.param import ParamsDependency
from dvc.repo import Repo

from vqa.graph.plan import FINGERPRINTS, members, own_index

_WORDS = {"deleted": "is missing", "modified": "changed", "new": "is new", "not in cache": "is missing"}
_SHOWN, _WIDTH = 3, 60


def why(targets: Sequence[str]) -> dict[str, list[str]]:
    """The reasons for which stages would run, by stage; none of one that is up to date.

    Fingerprints must be those of the present code and params (:func:`vqa.graph.runner.refresh_fingerprints`).

    Args:
        targets: stages, or groups of them such as ``evaluate``.

    Raises:
        vqa.io.InputError: for a target that is no stage.
    """
    found: dict[str, list[str]] = {}
    with Repo(".") as repo:
        index = own_index(repo)
        graph, stages = index.graph, {stage.addressing: stage for stage in index.stages}
        own: dict[str, list[tuple[str, str]]] = {}
        for name in [name for target in targets for name in members(target, list(stages))]:
            before = [stage.addressing for stage in nx.descendants(graph, stages[name])]
            own |= {each: list(_own_reasons(stages[each])) for each in (*before, name) if each not in own}
            stale = [each for each in before if own[each]]
            made = [Path(out.def_path) for each in stale for out in stages[each].outs]
            # What a stage that would run makes anew is no reason of its own.
            found[name] = [text for path, text in own[name] if not any(_overlap(path, out) for out in made)]
            if stale:
                first = max(stale, key=lambda each: len(nx.ancestors(graph, stages[each])))
                more = f", and {len(stale) - 1} more that it needs" if len(stale) > 1 else ""
                found[name].append(f"{first} would{more}: {own[first][0][1]}")
    return found


def _overlap(one: str, other: Path) -> bool:
    return bool(one) and (Path(one).is_relative_to(other) or other.is_relative_to(one))


def _own_reasons(stage: Any) -> Iterator[tuple[str, str]]:
    """What differs from the stage's entry: its command, what it reads, what it wrote; each with the path, if any."""
    if not any(out.exists for out in stage.outs):
        yield "", "it has not run here"
        return
    if stage.changed_stage():
        yield "", "its command changed"
    for dep in stage.deps:
        state = dep.status()
        if not state:
            continue
        path = Path(dep.def_path)
        if isinstance(dep, ParamsDependency) and dep.hash_info.value and dep.exists:
            yield from (("", text) for text in _shortened(_differences(dep.hash_info.value, dep.read_params())))
        elif path.parts[0] == FINGERPRINTS and path.suffix == ".txt" and dep.hash_info and dep.exists:
            old = Path(stage.repo.cache.local.oid_to_path(dep.hash_info.value))
            yield from (("", text) for text in _shortened(_of_fingerprint(old, path)))
        else:
            yield from ((dep.def_path, f"{dep.def_path} {_WORDS.get(word, word)}") for word in state.values())
    for out in stage.outs:
        yield from ((out.def_path, f"{out.def_path} {_WORDS.get(word, word)}") for word in out.status().values())


def _of_fingerprint(old: Path, new: Path) -> Iterator[str]:
    """Modules and shared params that differ between two fingerprints (:func:`vqa.graph.fingerprints.fingerprint`)."""
    if not old.is_file():
        yield f"{new} changed, and what it was is not in the cache"
        return
    before, after = (_parts(path.read_text(encoding="utf-8")) for path in (old, new))
    for name in sorted(before[0].keys() | after[0].keys()):
        if name not in after[0]:
            yield f"module {name} is no longer used"
        elif name not in before[0]:
            yield f"module {name} is used now"
        elif before[0][name] != after[0][name]:
            yield f"module {name} changed"
    yield from _differences(before[1], after[1])


def _parts(text: str) -> tuple[dict[str, str], Any]:
    """Digests of a fingerprint by module, and its params."""
    *modules, params = text.splitlines()
    return {name: digest for digest, name in (line.split() for line in modules)}, json.loads(params)


def _differences(old: Any, new: Any, where: str = "") -> Iterator[str]:
    """Values that differ between two nests, each with its place in dots."""
    if not (isinstance(old, dict) and isinstance(new, dict)):
        if old != new:
            yield f"{where} was {_value(old)}, is {_value(new)}"
        return
    for key in dict.fromkeys([*old, *new]):
        place = f"{where}.{key}" if where else str(key)
        if key not in new:
            yield f"{place} is gone, was {_value(old[key])}"
        elif key not in old:
            yield f"{place} is new: {_value(new[key])}"
        else:
            yield from _differences(old[key], new[key], place)


def _value(value: Any) -> str:
    text = json.dumps(value)
    return text if len(text) <= _WIDTH else f"{text[: _WIDTH - 3]}..."


def _shortened(reasons: Iterator[str]) -> Iterator[str]:
    every = list(reasons)
    yield from every[:_SHOWN]
    if len(every) > _SHOWN:
        yield f"{len(every) - _SHOWN} more of its kind"
