"""Stages in real processes that can be killed, forked from one that has imported what they need.

A fresh Python imports for seconds before a tiny stage begins, so that nearly every kill would hit an import. And what
forks must have trained nothing: autograd that has run once cannot be forked, so that it is not the process of a test.
"""

import importlib
import json
import os
import resource
import signal
import subprocess
import sys
import tempfile
import traceback
from pathlib import Path
from typing import Any

from project import ROOT

STAGES = ("train", "fetch", "prepare", "landscape", "extract")
INSIDE = ("vqa.methods.fastvqa", "vqa.methods.sama", "vqa.methods.sama_iqa", "vqa.methods.simplevqa")
# Audit events of Python by which a file or a folder appears, gets another name or goes; "open" is one for writing.
STEPS = ("open", "os.rename", "os.remove", "os.rmdir", "os.mkdir", "os.link")
LONGEST = 300  # seconds; some library may wait for ever for what it had no memory for
WRITING = os.O_WRONLY | os.O_RDWR | os.O_CREAT


class Nursery:
    """A process that forks one child for each attempt, one after the other."""

    def __init__(self) -> None:
        env = {
            **os.environ,
            "OMP_NUM_THREADS": "1",
            "PYTHONPATH": os.pathsep.join([str(ROOT), *filter(None, sys.path)]),
        }
        pipe = subprocess.PIPE
        self._process = subprocess.Popen([sys.executable, __file__], env=env, stdin=pipe, stdout=pipe, text=True)
        assert self._read() == "ready\n"

    def start(self, folder: Path, stage: str, *arguments: str, **how: Any) -> int:
        """Start a stage in ``folder``; what it prints is in ``log`` beside it.

        Args:
            folder: working directory.
            stage: module with a function ``main``.
            arguments: of its command line.
            how: ``memory``: bytes that it may have beyond those of the nursery; ``file``: bytes that a file may have;
                ``at``: the step at which it kills itself, from 1; ``env``: more of the environment.

        Returns:
            The id of its process, and of the group that it leads.
        """
        line = json.dumps({"folder": str(folder), "stage": stage, "arguments": arguments, **how})
        assert self._process.stdin is not None
        self._process.stdin.write(f"{line}\n")
        self._process.stdin.flush()
        return int(self._read())

    def end(self) -> int:
        """Wait for what was started: its exit code, or minus the signal that ended it."""
        return int(self._read())

    def close(self) -> None:
        assert self._process.stdin is not None
        self._process.stdin.close()
        self._process.wait()

    def _read(self) -> str:
        assert self._process.stdout is not None
        return self._process.stdout.readline()


def steps_of(folder: Path) -> int:
    """How many steps the stage had that ran to its end in ``folder``."""
    return int((folder.parent / "steps").read_text())


def _serve() -> None:
    from vqa.graph.fingerprints import fingerprint
    from vqa.graph.warm import preload

    with tempfile.NamedTemporaryFile("w") as listed:
        listed.write(fingerprint(ROOT, [*(f"stages.{name}" for name in STAGES), *INSIDE], None))
        listed.flush()
        preload(Path(listed.name))
    print("ready", flush=True)
    for line in sys.stdin:
        child = os.fork()
        if not child:
            _run(json.loads(line))
        print(child, flush=True)
        _, status = os.waitpid(child, 0)
        print(os.waitstatus_to_exitcode(status), flush=True)


def _run(job: dict[str, Any]) -> None:
    """Become the stage: a session of its own, its limits, its output; never returns."""
    from vqa.io import run_stage

    os.setsid()
    signal.alarm(LONGEST)
    os.chdir(job["folder"])
    os.environ.update(job.get("env", {}))
    log = os.open("../log", os.O_WRONLY | os.O_CREAT | os.O_TRUNC)
    for number in (0, 1, 2):
        os.dup2(os.open(os.devnull, os.O_RDONLY) if number == 0 else log, number)
    code: Any = 1
    try:
        module = importlib.import_module(job["stage"])
        sys.argv = [str(module.__file__), *job["arguments"]]
        counted = _count(job.get("at", 0))
        _limit(job)
        run_stage(module.main)
    except SystemExit as stop:
        code = stop.code
        Path("../steps").write_text(str(counted[0]))
    except BaseException:
        traceback.print_exc()
    finally:
        sys.stdout.flush()
        os._exit(code)


def _count(last: int) -> list[int]:
    """Count steps from now on, and end at the one with the number ``last``, before it is taken."""
    seen = [0]

    def hook(event: str, arguments: tuple) -> None:
        if event in STEPS and (event != "open" or (isinstance(arguments[2], int) and arguments[2] & WRITING)):
            seen[0] += 1
            if seen[0] == last:
                os.kill(os.getpid(), signal.SIGKILL)

    sys.addaudithook(hook)
    return seen


def _limit(job: dict[str, Any]) -> None:
    if "memory" in job:
        pages = int(Path("/proc/self/statm").read_text().split()[0])
        most = pages * resource.getpagesize() + job["memory"]
        resource.setrlimit(resource.RLIMIT_AS, (most, most))
    if "file" in job:
        signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
        resource.setrlimit(resource.RLIMIT_FSIZE, (job["file"], job["file"]))


if __name__ == "__main__":
    _serve()
