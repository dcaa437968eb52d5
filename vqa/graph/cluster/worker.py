"""What runs on a worker: one stage after the other in a folder of its own, forked from a process that has its imports.

An engine (:mod:`vqa.graph.cluster.engines`) calls :func:`run_task` in a process of its own, which may hold threads. So
the stages are forked from another one, that reads tasks from a pipe and is kept for the next (:func:`_serve`).
"""

import atexit
import contextlib
import json
import os
import signal
import socket
import subprocess
import sys
import threading
import time
from multiprocessing import get_context
from pathlib import Path
from typing import IO, Any

import vqa
from vqa.graph.family import children_cpu, end_with

ROOT = Path(vqa.__file__).resolve().parent.parent
LOG, ENTRY = ".task.log", ".task.json"
_OWN = threading.local()  # an engine calls from its own processes or threads, again and again
LOG_END = 200_000  # characters of a stage's output that travel


def run_task(task: dict[str, Any]) -> dict[str, Any]:
    """Run one stage here.

    Args:
        task: what :class:`vqa.graph.cluster.driver.Driver` asks for: JSON alone.

    Returns:
        ``host``; ``lost`` (text) if what ran the stage died; else ``code``, ``entry`` (of ``dvc.lock``, if it
        succeeded), ``log``, ``seconds`` and ``cpu``.
    """
    host = socket.gethostname()
    if threading.current_thread() is threading.main_thread() and task["orphans_end"]:
        end_with(os.getppid())  # of a pool of workers, which looks for its parent only between two tasks
    server = _server(task["scratch"], task["environment"])
    try:
        assert server.stdin is not None
        assert server.stdout is not None
        server.stdin.write(json.dumps(task) + "\n")
        server.stdin.flush()
        line = server.stdout.readline()
    except OSError as error:
        line = ""
        print(f"{host}: {error}", file=sys.stderr)
    if not line:
        server.kill()
        del _OWN.server
        return {"host": host, "lost": f"the process that runs stages ended with {server.wait()}"}
    return {"host": host, **json.loads(line)}


def _server(scratch: str, environment: dict[str, str]) -> subprocess.Popen[str]:
    """The process that runs stages for this thread; it ends with this process."""
    if hasattr(_OWN, "server"):
        return _OWN.server
    parent = os.getpid()
    path = os.pathsep.join([str(ROOT), os.environ.get("PYTHONPATH", "")])
    _OWN.server = subprocess.Popen(
        [sys.executable, "-m", "vqa.graph.cluster.worker", scratch],
        stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, preexec_fn=lambda: end_with(parent),
        env={**os.environ, **environment, "PYTHONPATH": path},
    )  # fmt: skip
    atexit.register(_OWN.server.kill)
    return _OWN.server


def _serve(scratch: Path, tasks: IO[str], answers: IO[str]) -> None:
    """Run the stages of the tasks that come, a line each, until there are no more."""
    from vqa.graph.cluster.travel import code_digest
    from vqa.graph.cluster.workspace import claimed
    from vqa.graph.dvc_stage import yaml_parsed_once
    from vqa.graph.warm import preload

    code, host, workspace = code_digest(ROOT), socket.gethostname(), None
    with contextlib.ExitStack() as stack:
        stack.enter_context(yaml_parsed_once())
        for line in tasks:
            task = json.loads(line)
            try:
                if task["code"] != code:
                    raise OSError(f"has other code in {ROOT}: its clone is not at the driver's commit, or was edited")
                workspace = workspace or stack.enter_context(claimed(scratch, code, ROOT))
                folder = workspace.fill(task)
                if task["fingerprint"]:
                    preload(folder / task["fingerprint"])
                answer = _in_fork(folder, task)
            except OSError as error:
                answer = {"code": 2, "log": f"error: {host} {' '.join(str(error).split())}\n"}
            answers.write(json.dumps(answer) + "\n")
            answers.flush()


def _in_fork(folder: Path, task: dict[str, Any]) -> dict[str, Any]:
    """Run the stage in a child, its output in a file."""
    log, before, started = folder / LOG, children_cpu(), time.monotonic()
    child = get_context("fork").Process(target=_run, args=(folder, task, log, os.getpid()))
    child.start()
    child.join()
    if child.exitcode is not None and child.exitcode < 0:
        print(f"{task['stage']}: ended by signal {-child.exitcode}", file=log.open("a"))
    done = {"seconds": round(time.monotonic() - started, 2), "cpu": round(children_cpu() - before, 2)}
    content = json.loads((folder / ENTRY).read_text()) if child.exitcode == 0 else None
    text = log.read_text(errors="replace")[-LOG_END:]
    return {"code": 0 if child.exitcode == 0 else child.exitcode or 1, "entry": content, "log": text, **done}


def _run(folder: Path, task: dict[str, Any], log: Path, parent: int) -> None:
    """In the child: inputs from the remote, the stage by DVC, outputs to the remote."""
    from vqa.graph.cluster.travel import pull, push, with_remote
    from vqa.graph.dvc_stage import entry_path, reproduce_stage
    from vqa.graph.warm import WarmProcess

    end_with(parent)
    signal.signal(signal.SIGTERM, signal.SIG_DFL)
    os.chdir(folder)
    output = os.open(log, os.O_WRONLY | os.O_CREAT | os.O_TRUNC)
    for stream in (1, 2):
        os.dup2(output, stream)
    name = task["stage"]

    @contextlib.contextmanager
    def travelling(stage: Any) -> Any:
        needed = [each for each in stage.repo.index.stages if each.addressing in task["entries"]]
        pull(stage.repo, [out for each in needed for out in each.outs], f"inputs of {name}")
        yield
        push(stage.repo, stage.outs, f"outputs of {name}")

    entry_path(name).unlink(missing_ok=True)
    with WarmProcess() as warm:
        code = reproduce_stage(name, lambda command, _: warm.run(command), travelling, with_remote(task["remote"]))
    if code == 0:
        (folder / ENTRY).write_bytes(entry_path(name).read_bytes())
    sys.stdout.flush()
    os._exit(code)


if __name__ == "__main__":
    # What stages print goes to their logs; the pipe is for answers alone.
    pipe = os.fdopen(os.dup(1), "w")
    os.dup2(2, 1)
    _serve(Path(sys.argv[1]), sys.stdin, pipe)
