"""Curves of trainings that are under way, as ``vqa track --live`` streams them.

A training leaves its curve in ``.state/RUN/DIGEST/fold_FOLD.pt`` after every epoch. They are read and never touched:
a training neither knows nor waits. An MLflow run tagged ``vqa.live`` is ``RUNNING`` until that folder is gone, and the
mirror of the finished run (:mod:`vqa.tracking.track`) supersedes it. Its tag ``vqa.epochs`` says how far each fold is
in the store, so that whoever comes next, after a stop, goes on from there.
"""

from __future__ import annotations

import io
import json
import time
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

import pandas as pd

from vqa.settings.params import Params, Run
from vqa.tracking.provenance import provenance
from vqa.tracking.store import LIVE, Point, Store, one_writer
from vqa.tracking.trainings import points_of

if TYPE_CHECKING:
    from mlflow.entities import Run as MlflowRun

EVERY = 3.0  # seconds between two looks
PATIENCE = 30.0  # seconds that a training whose state is gone has to leave its results
STATE, EPOCHS = "vqa.state", "vqa.epochs"

Signature = dict[str, tuple[int, int]]


def in_progress(run: MlflowRun, folder: Path) -> bool:
    """Whether a run is the live one of a training whose state is still there."""
    tags = run.data.tags
    return LIVE in tags and (folder / ".state" / tags["vqa.run"] / tags[STATE]).is_dir()


def states(folder: Path, runs: dict[str, Run]) -> dict[str, Path]:
    """Folder of the state of every training under way, by run; of several the one that was written to last."""
    found = {}
    for name in runs:
        own = {path.parent: stamp for path, (stamp, _) in _files(folder / ".state" / name).items()}
        if own:
            found[name] = max(own, key=lambda state: own[state])
    return found


def read_curve(state: Path) -> pd.DataFrame | None:
    """The curves of all folds so far, as ``curve.csv`` will have them; None if there are none (any more)."""
    import torch

    curves = []
    for file in sorted(state.glob("fold_*.pt")):
        try:
            # Mapped: of weights that may be gigabytes nothing is read.
            saved = torch.load(file, map_location="cpu", weights_only=True, mmap=True)
        except FileNotFoundError:
            continue
        curves.append(pd.read_csv(io.StringIO(saved["curve"])).assign(fold=file.stem.removeprefix("fold_")))
    return pd.concat(curves, ignore_index=True) if curves else None


class Live:
    """The trainings of one scale, looked at again and again.

    Args:
        params: of the scale.
        folder: of the scale.
        uri: of the store.
    """

    def __init__(self, params: Params, folder: Path, uri: str) -> None:
        self.params, self.folder, self.uri = params, folder, uri
        self.tags = provenance(folder, folder / params.root)
        self.seen: dict[str, object] = {}
        self.gone: dict[str, float] = {}
        self.first = True

    def look(self) -> list[str]:
        """Log every epoch that is new, end the runs of trainings that are over; one line for each of both.

        The store is opened only if there is something to write.
        """
        now = states(self.folder, self.params.runs)
        seen: dict[str, object] = {name: (state, _files(state)) for name, state in now.items()}
        if seen == self.seen and not self.gone and not self.first:
            return []
        changed = {name: state for name, state in now.items() if seen[name] != self.seen.get(name)}
        curves = {name: read_curve(state) for name, state in changed.items()}
        self.seen, self.first = seen, False
        lines = []
        with one_writer(self.uri, self.folder):
            store = Store(self.uri, self.params.common.scale, self.folder)
            running = {run.data.tags["vqa.run"]: run for run in store.running()}
            for name, curve in curves.items():
                if curve is not None:
                    running[name] = self._run(store, name, now[name].name, running.get(name))
                    lines += self._log(store, name, curve, running[name])
            for name, run in running.items():
                if in_progress(run, self.folder):
                    self.gone.pop(name, None)
                else:
                    lines += self._end(store, name, run)
        return lines

    def _run(self, store: Store, name: str, state: str, run: MlflowRun | None) -> MlflowRun:
        """The live run of this state: the one that is there, or a new one."""
        if run is not None and run.data.tags[STATE] == state:
            return run
        if run is not None:  # that of a training with other parameters, which was stopped
            store.supersede(run)
            store.client.set_terminated(run.info.run_id, "KILLED")
        tags = {"vqa.run": name, "vqa.scale": self.params.common.scale, LIVE: "true", STATE: state, **self.tags}
        return store.client.create_run(store.experiment, tags=tags, run_name=f"{name} (live)")

    def _log(self, store: Store, name: str, curve: pd.DataFrame, run: MlflowRun) -> list[str]:
        """The epochs of a curve that a live run does not have; one line if there are any."""
        points, epochs = self._new(name, curve, json.loads(run.data.tags.get(EPOCHS, "{}")))
        if not points:
            return []
        run.data.tags[EPOCHS] = json.dumps(epochs)
        store.log(run.info.run_id, points, time.time_ns() // 10**6, tags={EPOCHS: run.data.tags[EPOCHS]})
        fold, epoch = list(epochs.items())[-1]
        return [f"{name}: epoch {epoch}" + (f" of fold {fold}" if self._several(name) else "")]

    def _new(self, name: str, curve: pd.DataFrame, done: dict[str, int]) -> tuple[list[Point], dict[str, int]]:
        """Points of the epochs after those that are done, and the last epoch of every fold then."""
        points: list[Point] = []
        epochs = dict(done)
        for fold, own in curve.groupby(curve["fold"].astype(str), sort=False):
            new = own[own["epoch"] > done.get(str(fold), 0)]
            points += points_of(new, f"curve/fold_{fold}" if self._several(name) else "curve")
            epochs[str(fold)] = max(int(own["epoch"].max()), done.get(str(fold), 0))
        return points, epochs

    def _several(self, name: str) -> bool:
        """Whether a run has several trainings, as :func:`vqa.tracking.trainings.curve_points` asks of a curve."""
        run = self.params.runs[name]
        cuts = len(run.partition.seeds) if run.partition else 1
        return cuts * max(len(run.seeds), 1) > 1

    def _end(self, store: Store, name: str, run: MlflowRun) -> list[str]:
        """End a live run: FINISHED, with the epochs that were missed, once the results are there; KILLED without."""
        results = self.folder / "runs" / name
        if name in self.params.runs and (results / "run.json").is_file() and (results / "curve.csv").is_file():
            lines = self._log(store, name, pd.read_csv(results / "curve.csv"), run)
            status = "FINISHED"
        elif time.monotonic() - self.gone.setdefault(name, time.monotonic()) < PATIENCE:
            return []  # DVC moves results into its cache and back
        else:
            lines, status = [], "KILLED"
        self.gone.pop(name, None)
        store.client.set_terminated(run.info.run_id, status)
        return [*lines, f"{name}: {status.lower()}"]


def follow(live: Live, wait: Callable[[float], object] = time.sleep) -> None:
    """Look for new epochs until interrupted, and print what was found."""
    while True:
        for line in live.look():
            print(line, flush=True)
        wait(EVERY)


def _files(folder: Path) -> dict[Path, tuple[int, int]]:
    """Time and size of every state below a folder; of a folder that vanishes what was there."""
    found = {}
    for path in sorted(folder.rglob("fold_*.pt")):
        try:
            entry = path.stat()
        except FileNotFoundError:
            continue
        found[path] = (entry.st_mtime_ns, entry.st_size)
    return found
