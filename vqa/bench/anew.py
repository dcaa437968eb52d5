"""Stages run anew in fresh clones, and how what they write differs from what ``dvc.lock`` says.

Nothing but the commit, the lock and the outputs of the stages that a stage needs is in its clone, so that nothing can
be restored: the command runs in a shell of its own, without DVC and its run cache. What a stage reads are files of the
lock, whatever other stages gave anew; a difference is found where it arises. The evaluation of a run that was trained
anew is the exception: it follows in the clone of the training and says what the new weights are worth.
"""

import hashlib
import os
import shutil
import signal
import subprocess
import time
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor, as_completed
from dataclasses import dataclass
from pathlib import Path

from vqa.bench.locked import Lock, Locked
from vqa.io import InputError
from vqa.training.scratch import FOLDER as SCRATCH

SHOWN = 3


@dataclass(frozen=True)
class Source:
    """What is cloned.

    Attributes:
        root: the project's folder.
        scale: the folder of the scale, seen from there.
        lock: of the scale.
    """

    root: Path
    scale: Path
    lock: Lock


@dataclass(frozen=True)
class Rerun:
    """A stage that was run anew.

    Attributes:
        stage: its name.
        seconds: of its command, from start to end.
        differing: paths of its outputs that are not the lock's, are missing or are not in it.
        failure: the last line that it wrote, if it failed; else empty.
        folder: of the scale, in the clone that it ran in.
    """

    stage: str
    seconds: float
    differing: tuple[str, ...]
    failure: str
    folder: Path

    @property
    def same(self) -> bool:
        """Whether it gave the same bytes."""
        return not self.differing and not self.failure

    def difference(self) -> str:
        """What differs, in words; empty if nothing does."""
        if self.failure:
            return f"failed: {self.failure}"
        more = f" and {len(self.differing) - SHOWN} more" if len(self.differing) > SHOWN else ""
        return ", ".join(self.differing[:SHOWN]) + more


class Runs:
    """Runs stages anew, several at a time.

    Args:
        source: what they are stages of.
        folder: for clones and what stages say.
        jobs: stages at a time.
        keep: whether clones stay in which all was the same.
    """

    def __init__(self, source: Source, folder: Path, jobs: int, keep: bool) -> None:
        self._source, self._folder, self._jobs, self._keep = source, folder, jobs, keep
        self._processes: set[subprocess.Popen] = set()
        self._stopped = False

    def run(self, groups: Sequence[Sequence[str]]) -> Iterator[list[Rerun]]:
        """Run groups of stages, each group one after the other in a clone of its own, in no fixed order.

        Args:
            groups: names of stages; what a later one reads of an earlier one is what that gave anew.

        Raises:
            InputError: if the clone or the cache lacks something.
        """
        with ThreadPoolExecutor(self._jobs) as pool:
            try:
                waiting = [pool.submit(self._run, [self._source.lock.stage(name) for name in g]) for g in groups]
                for done in as_completed(waiting):
                    yield done.result()
            except BaseException:
                self._stop()
                pool.shutdown(wait=False, cancel_futures=True)
                raise

    def _run(self, stages: list[Locked]) -> list[Rerun]:
        clone = self._folder / stages[0].name.replace("/", "_")
        git(self._source.root, "clone", "--quiet", "--shared", ".", str(clone))
        scale = clone / self._source.scale
        shutil.copyfile(self._source.root / self._source.scale / "dvc.lock", scale / "dvc.lock")
        made = {path for stage in stages for path in stage.made}
        reads = {path: md5 for stage in stages for path, md5 in stage.reads.items() if path not in made}
        self._source.lock.lay_out(reads, scale)
        done = [self._run_one(stage, scale) for stage in stages]
        if not self._keep and all(one.same for one in done):
            shutil.rmtree(clone)
        return done

    def _run_one(self, stage: Locked, scale: Path) -> Rerun:
        log = self._folder / f"{stage.name.replace('/', '_')}.log"
        started = time.monotonic()
        with log.open("wb") as stream:
            process = subprocess.Popen(
                stage.command,
                shell=True,
                cwd=scale,
                env={key: value for key, value in os.environ.items() if key != SCRATCH},  # nothing is made already
                stdout=stream,
                stderr=stream,
                start_new_session=True,
            )
            self._processes.add(process)
            if self._stopped:
                self._stop()
            code = process.wait()
            self._processes.discard(process)
        seconds = time.monotonic() - started
        said = log.read_text(errors="replace").strip().splitlines()
        failure = (said[-1] if said else f"exit code {code}") if code else ""
        return Rerun(stage.name, seconds, tuple(differing(stage, scale)), failure, scale)

    def _stop(self) -> None:
        self._stopped = True
        for process in list(self._processes):
            if process.poll() is None:
                os.killpg(process.pid, signal.SIGTERM)


def differing(stage: Locked, folder: Path) -> list[str]:
    """Files of the outputs below ``folder`` that are not those of the lock, are missing, or are not in it."""
    names: list[str] = []
    for out, files in stage.outs.items():
        there = {path.relative_to(folder).as_posix() for path in (folder / out).rglob("*") if path.is_file()}
        names += [name for name, md5 in files.items() if _md5(folder / name) != md5]
        names += sorted(there - files.keys())
    return names


def git(folder: Path, *arguments: str) -> str:
    """What git says, without the line's end.

    Raises:
        InputError: if it fails, with the last line of its message.
    """
    done = subprocess.run(["git", *arguments], cwd=folder, capture_output=True, text=True, check=False)
    if done.returncode:
        raise InputError(f"git {arguments[0]} failed in {folder}: {' '.join(done.stderr.splitlines()[-1:])}")
    return done.stdout.rstrip("\n")


def _md5(path: Path) -> str:
    if not path.is_file():
        return "missing"
    with path.open("rb") as stream:
        return hashlib.file_digest(stream, lambda: hashlib.md5(usedforsecurity=False)).hexdigest()
