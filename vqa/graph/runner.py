"""Reproduce the DVC graph with several stages side by side; DVC stays the only judge of what is up to date.

DVC itself runs one stage after the other. Its own primitive for doing more is ``repro -s STAGE`` in several processes:
with ``-s`` a process touches its own stage alone, so this module only has to start stages in an order that the graph
allows. One slot per GPU where there are GPUs, else one per core. What stages import is imported once
(:mod:`vqa.graph.warm`).
"""

import difflib
import itertools
import multiprocessing
import os
import resource
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from multiprocessing.context import ForkProcess
from pathlib import Path

import networkx as nx
import pandas as pd
from dvc.repo import Repo
from dvc.repo.index import Index
from tqdm import tqdm

from vqa.graph.dvc_stage import record_entries, reproduce_stage, yaml_parsed_once
from vqa.graph.warm import WarmProcess, preload
from vqa.io import InputError, write_csv

LOGS = Path(".state") / "logs"
TIMINGS = Path(".state") / "timings.csv"
FINGERPRINTS = "fingerprints"

# Forked children find DVC imported. The parent itself never opens a repository, so that no lock, thread or database
# connection is inherited.
_FORK = multiprocessing.get_context("fork")


@dataclass
class Outcome:
    """What happened to the stages.

    Attributes:
        seconds: from start to end, of every stage that ran.
        cpu: seconds of processor time that its processes took.
        failed: those that failed.
        skipped: those that could not start after them.
    """

    seconds: dict[str, float] = field(default_factory=dict)
    cpu: dict[str, float] = field(default_factory=dict)
    failed: list[str] = field(default_factory=list)
    skipped: list[str] = field(default_factory=list)

    def cpu_by_kind(self) -> dict[str, float]:
        """Seconds of processor time by kind of stage, ``train`` for all ``train@RUN``; the costliest first."""
        return pd.Series(self.cpu, dtype=float).groupby(kind).sum().sort_values(ascending=False).to_dict()


@dataclass
class _Running:
    stage: str
    slot: int
    process: ForkProcess
    started: float


def kind(stage: str) -> str:
    """What comes before the @ of a stage's name."""
    return stage.partition("@")[0]


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


def gpus() -> list[str]:
    """The visible NVIDIA GPUs as ``CUDA_VISIBLE_DEVICES`` names them, without importing torch."""
    visible = os.environ.get("CUDA_VISIBLE_DEVICES")
    if visible is not None:
        parts = [part.strip() for part in visible.split(",") if part.strip()]
        return list(itertools.takewhile(lambda part: not part.startswith("-"), parts))  # as CUDA reads the list
    if shutil.which("nvidia-smi") is None:
        return []
    listing = subprocess.run(["nvidia-smi", "-L"], capture_output=True, text=True, check=False)
    return [str(k) for k in range(sum(line.startswith("GPU ") for line in listing.stdout.splitlines()))]


def reproduce(jobs: int, devices: list[str], targets: Sequence[str] = ()) -> Outcome:
    """Reproduce all stale stages, or some and what they need; a failure stops only what depends on it.

    The output of each stage goes to ``.state/logs/<stage>.log``; the end of a failed one is printed.

    Args:
        jobs: stages at a time, at least 1.
        devices: GPUs (:func:`gpus`); slot k sees the one at k modulo their number. Empty: the CPU.
        targets: see :func:`plan`.

    Raises:
        InputError: for a target that is no stage.
    """
    # First, so that an edit which changes no fingerprint makes nothing else stale.
    if not refresh_fingerprints():
        return Outcome(failed=[FINGERPRINTS])
    with yaml_parsed_once():
        with _FORK.Pool(1) as pool:
            graph, waiting, fingerprints = pool.apply(plan, (targets,))
        return _reproduce_all(graph, waiting, fingerprints, jobs, devices)


def refresh_fingerprints() -> bool:
    """Note the code and the params as they are, in the first stage of the graph; whether it succeeded."""
    LOGS.mkdir(parents=True, exist_ok=True)
    with yaml_parsed_once(), _FORK.Pool(1) as pool:
        return pool.apply(_prepare) == 0


def _reproduce_all(
    graph: nx.DiGraph, waiting: list[str], fingerprints: dict[str, Path], jobs: int, devices: list[str]
) -> Outcome:
    outcome = Outcome()
    running: list[_Running] = []
    loaded: set[Path] = set()
    slots, total = list(range(jobs)), len(waiting)
    bar = tqdm(total=total, unit="stage", disable=None, dynamic_ncols=True)
    signal.signal(signal.SIGTERM, signal.default_int_handler)  # a kill stops the stages too, like Ctrl-C
    try:
        while waiting or running:
            for stage in _ready(graph, waiting, running, len(slots)):
                waiting.remove(stage)
                slot, fingerprint = slots.pop(0), fingerprints.get(stage)
                if fingerprint and fingerprint not in loaded:
                    preload(fingerprint)
                    loaded.add(fingerprint)
                device = devices[slot % len(devices)] if devices else None
                process = _FORK.Process(target=_reproduce_one, args=(stage, device))
                process.start()
                running.append(_Running(stage, slot, process, time.monotonic()))
            time.sleep(0.02)
            for entry in list(running):
                before = _children_cpu()
                if entry.process.is_alive():
                    continue
                running.remove(entry)
                slots.append(entry.slot)
                outcome.cpu[entry.stage] = _children_cpu() - before
                _finish(entry, outcome, graph, waiting)
                bar.update()
                bar.write(_line(entry, outcome, total), file=sys.stdout)
    finally:
        for entry in running:
            _stop(entry.process)
        # Once, at the end: a writing takes seconds. What a kill leaves behind is written next time, see record_entries.
        recorder = _FORK.Process(target=record_entries)
        recorder.start()
        recorder.join()
        bar.close()
        _record(outcome)
    return outcome


def _children_cpu() -> float:
    """Processor seconds of all children that ended so far, and of theirs."""
    usage = resource.getrusage(resource.RUSAGE_CHILDREN)
    return usage.ru_utime + usage.ru_stime


def _ready(graph: nx.DiGraph, waiting: list[str], running: list[_Running], free: int) -> list[str]:
    """The first ``free`` waiting stages that need nothing which still waits or runs."""
    unfinished = {*waiting, *(entry.stage for entry in running)}
    return [stage for stage in waiting if unfinished.isdisjoint(graph.successors(stage))][:free]


def _finish(done: _Running, outcome: Outcome, graph: nx.DiGraph, waiting: list[str]) -> None:
    outcome.seconds[done.stage] = time.monotonic() - done.started
    if done.process.exitcode == 0:
        return
    outcome.failed.append(done.stage)
    downstream = nx.ancestors(graph, done.stage)
    outcome.skipped += [stage for stage in waiting if stage in downstream]
    waiting[:] = [stage for stage in waiting if stage not in downstream]


def _line(done: _Running, outcome: Outcome, total: int) -> str:
    count = f"[{len(outcome.seconds) + len(outcome.skipped):>{len(str(total))}}/{total}]"
    line = f"{count} {done.stage}  {outcome.seconds[done.stage]:.1f} s"
    if done.stage in outcome.failed:
        tail = _log(done.stage).read_text(errors="replace").strip().splitlines()[-12:]
        line = "\n".join([f"{line}  FAILED, from {_log(done.stage)}:", *(f"    {text}" for text in tail)])
    return line


def _record(outcome: Outcome) -> None:
    """Keep the seconds of every stage from when it last ran, for the bench."""
    now = pd.DataFrame({"seconds": outcome.seconds, "cpu": outcome.cpu}).round(2).rename_axis("stage")
    earlier = pd.read_csv(TIMINGS, index_col="stage") if TIMINGS.is_file() else now[:0]
    write_csv(TIMINGS, now.combine_first(earlier).reindex(columns=["seconds", "cpu"]).reset_index())


def _log(stage: str) -> Path:
    return LOGS / f"{stage.replace('/', '_')}.log"


def _stop(process: ForkProcess) -> None:
    """End a child with all that it started; the process group is its own, see :func:`_reproduce_one`."""
    assert process.pid is not None, "it was started"
    try:
        os.killpg(process.pid, signal.SIGTERM)
    except ProcessLookupError:  # not yet the leader of its group, or already gone
        process.terminate()
    process.join()


def _reproduce_one(stage: str, device: str | None) -> None:
    """In a child process: let DVC reproduce one stage, its output in a log."""
    os.setsid()
    _to_log(stage, 1, 2)
    if device is not None:
        os.environ["CUDA_VISIBLE_DEVICES"] = device
    warm = WarmProcess()
    code = reproduce_stage(stage, warm.run)
    warm.close()
    sys.exit(code)


def _prepare() -> int:
    """Bring the lock and the fingerprints up to date; the exit code of the latter."""
    _to_log(FINGERPRINTS, 1)
    record_entries()
    code = reproduce_stage(FINGERPRINTS)
    record_entries()
    return code


def _to_log(stage: str, *streams: int) -> None:
    """Send output streams of this process, and of what it starts, to the stage's log."""
    log = os.open(_log(stage), os.O_WRONLY | os.O_CREAT | os.O_TRUNC)
    for stream in streams:
        os.dup2(log, stream)
