"""Reproduce the DVC graph with several stages side by side; DVC stays the only judge of what is up to date.

DVC itself runs one stage after the other. Its own primitive for doing more is ``repro -s STAGE`` in several processes:
with ``-s`` a process touches its own stage alone, so this module only has to start stages in an order that the graph
allows. One slot per GPU where there are GPUs, else one per core.
"""

import itertools
import multiprocessing
import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

import networkx as nx
import pandas as pd
from dvc.repo import Repo
from tqdm import tqdm

from vqa.dvc_stage import params_parsed_once, record_entries, reproduce_stage, waiting_entries
from vqa.io import write_csv

LOGS = Path(".state") / "logs"
TIMINGS = Path(".state") / "timings.csv"
FINGERPRINTS = "fingerprints"
# Lock entries that are written at a time: each writing costs seconds, and holds up stages that start or end.
BATCH = 16

# Forked children find DVC imported. The parent itself never opens a repository, so that no lock, thread or database
# connection is inherited.
_FORK = multiprocessing.get_context("fork")


@dataclass
class Outcome:
    """What happened: seconds of every stage that ran, the failed ones, and those that could not start after them."""

    seconds: dict[str, float] = field(default_factory=dict)
    failed: list[str] = field(default_factory=list)
    skipped: list[str] = field(default_factory=list)


@dataclass
class _Running:
    stage: str
    slot: int
    process: multiprocessing.Process
    started: float


def plan() -> tuple[nx.DiGraph, list[str]]:
    """The graph of stage names, edges from a stage to what it waits for, and the stages to reproduce.

    Those are the stages that DVC calls changed and everything downstream of them; DVC skips what turns out to be up
    to date after all. Stages of other scales, with a dvc.yaml in a folder of their own, are left out.
    """
    with Repo(".") as repo, params_parsed_once():
        own = [stage.addressing for stage in repo.index.stages if ":" not in stage.addressing]
        graph = nx.DiGraph((a.addressing, b.addressing) for a, b in repo.index.graph.edges).subgraph(own).copy()
        graph.add_nodes_from(own)
        position = {name: number for number, name in enumerate(own)}
        changed = [name for name in repo.status(targets=["dvc.yaml"]) if name in graph]
    stale = set(changed).union(*(nx.ancestors(graph, name) for name in changed))
    order = nx.lexicographical_topological_sort(graph.reverse(copy=False), key=position.get)
    return graph, [name for name in order if name in stale]


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


def reproduce(jobs: int, devices: list[str]) -> Outcome:
    """Reproduce all stale stages; a failure stops only what depends on it.

    The output of each stage goes to ``.state/logs/<stage>.log``; the end of a failed one is printed.

    Args:
        jobs: stages at a time, at least 1.
        devices: GPUs (:func:`gpus`); slot k sees the one at k modulo their number. Empty: the CPU.
    """
    LOGS.mkdir(parents=True, exist_ok=True)
    with _FORK.Pool(1) as pool:
        # First, so that an edit which changes no fingerprint makes nothing else stale.
        if pool.apply(_prepare) != 0:
            return Outcome(failed=[FINGERPRINTS])
    with _FORK.Pool(1) as pool:
        graph, waiting = pool.apply(plan)
    outcome, running = Outcome(), []
    slots = list(range(jobs))
    total, recorder = len(waiting), _start(record_entries)
    bar = tqdm(total=total, unit="stage", disable=None, dynamic_ncols=True)
    signal.signal(signal.SIGTERM, signal.default_int_handler)  # a kill stops the stages too, like Ctrl-C
    try:
        while waiting or running:
            for stage in _ready(graph, waiting, running, len(slots)):
                waiting.remove(stage)
                slot = slots.pop(0)
                device = devices[slot % len(devices)] if devices else None
                process = _FORK.Process(target=_reproduce_one, args=(stage, device))
                process.start()
                running.append(_Running(stage, slot, process, time.monotonic()))
            time.sleep(0.02)
            for done in [entry for entry in running if not entry.process.is_alive()]:
                running.remove(done)
                slots.append(done.slot)
                _finish(done, outcome, graph, waiting)
                bar.update()
                bar.write(_line(done, outcome, total), file=sys.stdout)
            if len(waiting_entries()) >= BATCH and not recorder.is_alive():
                recorder = _start(record_entries)
    finally:
        for entry in running:
            _stop(entry.process)
        recorder.join()
        _start(record_entries).join()
        bar.close()
        _record(outcome)
    return outcome


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
    earlier = pd.read_csv(TIMINGS).set_index("stage").seconds.to_dict() if TIMINGS.is_file() else {}
    seconds = {**earlier, **{stage: round(took, 2) for stage, took in outcome.seconds.items()}}
    write_csv(TIMINGS, pd.DataFrame({"stage": seconds.keys(), "seconds": seconds.values()}))


def _log(stage: str) -> Path:
    return LOGS / f"{stage.replace('/', '_')}.log"


def _stop(process: multiprocessing.Process) -> None:
    """End a child with all that it started; the process group is its own, see :func:`_reproduce_one`."""
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
    sys.exit(reproduce_stage(stage))


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


def _start(work: Callable[[], None]) -> multiprocessing.Process:
    process = _FORK.Process(target=work)
    process.start()
    return process
