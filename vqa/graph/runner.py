"""Reproduce the DVC graph with several stages side by side; DVC stays the only judge of what is up to date.

DVC itself runs one stage after the other. Its own primitive for doing more is ``repro -s STAGE`` in several processes:
with ``-s`` a process touches its own stage alone, so this module only has to start stages in an order that the graph
allows. One slot per GPU where there are GPUs, else one per core. What stages import is imported once
(:mod:`vqa.graph.warm`). With a cluster, the stages that take long run there, in slots of its own
(:mod:`vqa.graph.cluster.driver`).
"""

from __future__ import annotations

import contextlib
import itertools
import multiprocessing
import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from multiprocessing.context import ForkProcess
from pathlib import Path
from typing import TYPE_CHECKING

import networkx as nx
import pandas as pd
from tqdm import tqdm

from vqa.graph.dvc_stage import record_entries, reproduce_stage, yaml_parsed_once
from vqa.graph.family import children_cpu, end_with
from vqa.graph.plan import FINGERPRINTS, kind, plan
from vqa.graph.turn import turn
from vqa.graph.warm import WarmProcess, preload
from vqa.io import write_csv

if TYPE_CHECKING:
    from vqa.graph.cluster.away import Away

LOGS = Path(".state") / "logs"
TIMINGS = Path(".state") / "timings.csv"

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
    slot: int | None  # None: on a worker
    process: ForkProcess
    started: float


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


def reproduce(
    jobs: int, devices: list[str], targets: Sequence[str] = (), cluster: Callable[[], Away] | None = None
) -> Outcome:
    """Reproduce all stale stages, or some and what they need; a failure stops only what depends on it.

    The output of each stage goes to ``.state/logs/<stage>.log``; the end of a failed one is printed. If another process
    does this in the same folder, it is waited for.

    Args:
        jobs: stages at a time here, at least 1.
        devices: GPUs (:func:`gpus`); slot k sees the one at k modulo their number. Empty: the CPU.
        targets: see :func:`vqa.graph.plan.plan`.
        cluster: starts one, for the stages that it takes; it is closed at the end.

    Raises:
        InputError: for a target that is no stage.
    """
    with turn(), cluster() if cluster else contextlib.nullcontext() as away:
        # First, so that an edit which changes no fingerprint makes nothing else stale.
        if not refresh_fingerprints():
            return Outcome(failed=[FINGERPRINTS])
        with yaml_parsed_once():
            with _FORK.Pool(1) as pool:
                graph, waiting, fingerprints = pool.apply(plan, (targets,))
            return _Build(graph, waiting, fingerprints, jobs, devices, away).run()


def refresh_fingerprints() -> bool:
    """Note the code and the params as they are, in the first stage of the graph; whether it succeeded."""
    LOGS.mkdir(parents=True, exist_ok=True)
    with yaml_parsed_once(), _FORK.Pool(1) as pool:
        return pool.apply(_prepare) == 0


class _Build:
    """One pass over the graph."""

    def __init__(
        self,
        graph: nx.DiGraph,
        waiting: list[str],
        fingerprints: dict[str, Path],
        jobs: int,
        devices: list[str],
        away: Away | None,
    ) -> None:
        self.graph, self.waiting, self.fingerprints = graph, waiting, fingerprints
        self.devices, self.away = devices, away
        self.total, self.slots = len(waiting), list(range(jobs))
        self.running: list[_Running] = []
        self.loaded: set[Path] = set()
        self.outcome = Outcome()

    def run(self) -> Outcome:
        """Until nothing waits or runs, or a signal comes."""
        bar = tqdm(total=self.total, unit="stage", disable=None, dynamic_ncols=True)
        before = signal.signal(signal.SIGTERM, signal.default_int_handler)  # a kill stops the stages too, like Ctrl-C
        try:
            while self.waiting or self.running:
                for stage in self._ready():
                    self._start(stage)
                bar.set_postfix_str(self._state(), refresh=False)
                time.sleep(0.02)
                for text in self.away.news() if self.away else ():
                    bar.write(text, file=sys.stdout)
                for line in self._ended():
                    bar.update()
                    bar.write(line, file=sys.stdout)
        finally:
            for entry in self.running:
                _stop(entry.process)
            # Once, at the end: a writing takes seconds. What a kill leaves behind is written next time.
            recorder = _FORK.Process(target=record_entries)
            recorder.start()
            recorder.join()
            bar.close()
            _record(self.outcome)
            signal.signal(signal.SIGTERM, before)
        return self.outcome

    def _ready(self) -> list[str]:
        """The first waiting stages that need nothing which still waits or runs, as many as there is room for."""
        unfinished = {*self.waiting, *(entry.stage for entry in self.running)}
        here = len(self.slots)
        there = self.away.stages - sum(entry.slot is None for entry in self.running) if self.away else 0
        chosen: list[str] = []
        for stage in self.waiting:
            if not here and not there:
                break
            if not unfinished.isdisjoint(self.graph.successors(stage)):
                continue
            goes = self._goes(stage)
            if there if goes else here:
                chosen.append(stage)
                here, there = here - (not goes), there - goes
        return chosen

    def _goes(self, stage: str) -> bool:
        return self.away is not None and self.away.takes(kind(stage))

    def _start(self, stage: str) -> None:
        self.waiting.remove(stage)
        fingerprint = self.fingerprints.get(stage)
        if self.away and self._goes(stage):
            ancestors = sorted(nx.descendants(self.graph, stage))
            process = _FORK.Process(target=_ask, args=(self.away, stage, ancestors, fingerprint, os.getpid()))
            slot = None
        else:
            slot = self.slots.pop(0)
            if fingerprint and fingerprint not in self.loaded:
                preload(fingerprint)
                self.loaded.add(fingerprint)
            device = self.devices[slot % len(self.devices)] if self.devices else None
            process = _FORK.Process(target=_reproduce_one, args=(stage, device, os.getpid()))
        process.start()
        self.running.append(_Running(stage, slot, process, time.monotonic()))

    def _ended(self) -> Iterator[str]:
        """A line for every stage that has ended."""
        for entry in list(self.running):
            before = children_cpu()
            if entry.process.is_alive():
                continue
            self.running.remove(entry)
            if entry.slot is not None:
                self.slots.append(entry.slot)
            self.outcome.cpu[entry.stage] = children_cpu() - before
            if self.away and entry.slot is None:
                self.outcome.cpu[entry.stage] += self.away.cpu(entry.stage)
            self._finish(entry)
            yield self._line(entry)

    def _finish(self, done: _Running) -> None:
        outcome = self.outcome
        outcome.seconds[done.stage] = time.monotonic() - done.started
        if done.process.exitcode == 0:
            return
        outcome.failed.append(done.stage)
        downstream = nx.ancestors(self.graph, done.stage)
        outcome.skipped += [stage for stage in self.waiting if stage in downstream]
        self.waiting[:] = [stage for stage in self.waiting if stage not in downstream]

    def _line(self, done: _Running) -> str:
        outcome = self.outcome
        count = f"[{len(outcome.seconds) + len(outcome.skipped):>{len(str(self.total))}}/{self.total}]"
        line = f"{count} {done.stage}  {outcome.seconds[done.stage]:.1f} s"
        if self.away and done.slot is None:
            line += self.away.where(done.stage)
        if done.stage in outcome.failed:
            tail = _log(done.stage).read_text(errors="replace").strip().splitlines()[-12:]
            line = "\n".join([f"{line}  FAILED, from {_log(done.stage)}:", *(f"    {text}" for text in tail)])
        return line

    def _state(self) -> str:
        state = f"{len(self.running)} running, {len(self.waiting)} waiting, {len(self.outcome.failed)} failed"
        return f"{self.away.workers} workers, {state}" if self.away else state


def _record(outcome: Outcome) -> None:
    """Keep the seconds of every stage from when it last ran, for the bench."""
    now = pd.DataFrame({"seconds": outcome.seconds, "cpu": outcome.cpu}).round(2).rename_axis("stage")
    earlier = pd.read_csv(TIMINGS, index_col="stage") if TIMINGS.is_file() else now[:0]
    write_csv(TIMINGS, now.combine_first(earlier).reindex(columns=["seconds", "cpu"]).reset_index())


def _log(stage: str) -> Path:
    return LOGS / f"{stage.replace('/', '_')}.log"


def _stop(process: ForkProcess) -> None:
    """End a child with all that it started; the process group is its own, see :func:`_begin`."""
    assert process.pid is not None, "it was started"
    try:
        os.killpg(process.pid, signal.SIGTERM)
    except ProcessLookupError:  # not yet the leader of its group, or already gone
        process.terminate()
    process.join()


def _reproduce_one(stage: str, device: str | None, parent: int) -> None:
    """In a child process: let DVC reproduce one stage, its output in a log."""
    _begin(stage, parent)
    if device is not None:
        os.environ["CUDA_VISIBLE_DEVICES"] = device
    with WarmProcess() as warm:
        sys.exit(reproduce_stage(stage, lambda command, _: warm.run(command)))


def _ask(away: Away, stage: str, ancestors: list[str], fingerprint: Path | None, parent: int) -> None:
    """In a child process: let DVC reproduce one stage, its command on a worker."""
    _begin(stage, parent)
    sys.exit(away.driver.reproduce(stage, ancestors, fingerprint))


def _begin(stage: str, parent: int) -> None:
    end_with(parent)
    os.setsid()
    _to_log(stage, 1, 2)


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
