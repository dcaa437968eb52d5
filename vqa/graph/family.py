"""Processes that end with the one which started them, however that one ends: Linux tells them.

A killed process cannot clean up after itself. Without this its children would go on writing while the next attempt at
the same stage runs.
"""

import contextlib
import ctypes
import os
import resource
import signal
import time

import psutil

_PR_SET_PDEATHSIG, _PR_SET_CHILD_SUBREAPER = 1, 36


def end_with(parent: int) -> None:
    """Let this process be killed when ``parent``, the process that started it, ends; at once if it ended already.

    Args:
        parent: process id, asked for before the fork.
    """
    ctypes.CDLL(None, use_errno=True).prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)
    if os.getppid() != parent:
        os._exit(1)


def adopt_orphans() -> None:
    """Become the parent of all descendants whose own parent ends, so that :func:`end_descendants` finds them."""
    ctypes.CDLL(None, use_errno=True).prctl(_PR_SET_CHILD_SUBREAPER, 1)


def end_descendants(patience: float = 3.0) -> None:
    """End all that this process started, and all that those did; by force after ``patience`` seconds."""
    me, until = psutil.Process(), time.monotonic() + patience
    while family := [each for each in me.children(recursive=True) if alive(each.pid)]:
        for each in family:
            with contextlib.suppress(psutil.NoSuchProcess):
                each.terminate() if time.monotonic() < until else each.kill()
        time.sleep(0.1)
        with contextlib.suppress(ChildProcessError):
            while os.waitpid(-1, os.WNOHANG)[0]:
                pass


def alive(number: int) -> bool:
    """Whether a process is there that has not ended; one that is not buried yet has."""
    with contextlib.suppress(psutil.NoSuchProcess):
        return psutil.Process(number).status() != psutil.STATUS_ZOMBIE
    return False


def children_cpu() -> float:
    """Processor seconds of all children that ended so far, and of theirs."""
    usage = resource.getrusage(resource.RUSAGE_CHILDREN)
    return usage.ru_utime + usage.ru_stime
