"""Stages in processes that are forked from one which has imported what they need.

A fresh Python imports for three seconds before a training of ten begins. Here the runner imports it once
(:func:`preload`) and forks: a :class:`WarmProcess` waits, while DVC looks at its stage in another process, and runs the
stage when DVC comes to its command. It computes what ``python -m stages.NAME`` would: no stage keeps anything in a
module, and whatever it sets for itself (threads, devices, signals) it sets after the fork.
"""

import contextlib
import gc
import importlib
import multiprocessing
import os
import re
import signal
import sys
from multiprocessing.connection import Connection
from pathlib import Path

from vqa.graph.family import end_with
from vqa.graph.fingerprints import imported_names
from vqa.io import run_stage

_FORK = multiprocessing.get_context("fork")
_COMMAND = re.compile(r"(?:PYTHONPATH=\S+ )?python -m (stages\.\w+)((?: [\w.-]+)*)")


def preload(fingerprint: Path) -> None:
    """Import what a stage with this fingerprint imports, also inside functions; what fails is left to the stage to say.

    Args:
        fingerprint: file in ``fingerprints/``, whose lines name the stage's modules (:mod:`vqa.graph.fingerprints`).
    """
    for line in fingerprint.read_text(encoding="utf-8").splitlines()[:-1]:
        with contextlib.suppress(Exception):
            module = importlib.import_module(line.split()[1])
            for name in imported_names(Path(str(module.__file__)).read_text(encoding="utf-8")):
                # Some are names inside a module; importing those fails at once.
                with contextlib.suppress(ImportError):
                    importlib.import_module(name)
    if "torch" in sys.modules:
        importlib.import_module("torch._dynamo")  # the first optimizer of a process imports it, for 1.6 s
    gc.freeze()  # what is shared with the forks stays shared: their garbage collector leaves it alone


class WarmProcess:
    """A fork of this process that waits for the command of one stage.

    Fork it before anything is opened that two processes must not share. It ends with this process and with its ``with``
    block: Python waits for children at its end, and this one waits for a command.
    """

    def __init__(self) -> None:
        self._channel, other = _FORK.Pipe()
        self._process = _FORK.Process(target=_wait, args=(self._channel, other, os.getpid()))
        self._process.start()
        other.close()

    def run(self, command: str) -> int | None:
        """Run a stage to its end: its exit code, or None for a command that is no ``python -m stages.NAME``."""
        found = _COMMAND.fullmatch(command)
        if found is None:
            return None
        self._channel.send((found[1], found[2].split()))
        self._process.join()
        return self._process.exitcode

    def __enter__(self) -> "WarmProcess":
        return self

    def __exit__(self, *error: object) -> None:
        """Let it go, if it still waits."""
        self._channel.close()
        self._process.join()


def _wait(outer: Connection, inner: Connection, parent: int) -> None:
    end_with(parent)
    outer.close()  # else the end of the other process would not be noticed
    signal.signal(signal.SIGTERM, signal.SIG_DFL)
    try:
        name, arguments = inner.recv()
    except EOFError:
        return
    module = importlib.import_module(name)
    sys.argv = [str(module.__file__), *arguments]
    run_stage(module.main)
