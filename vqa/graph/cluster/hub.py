"""The engine in a process of its own, so that its threads, output and signals stay out of the one that forks stages.

Each stage that runs elsewhere has a process here too, in which DVC waits for its command: it asks the hub over a socket
that only this user can open. The hub retries what a lost worker had, and tells the runner what happened.
"""

import contextlib
import multiprocessing
import os
import shutil
import signal
import tempfile
import threading
import time
from collections.abc import Iterator
from dataclasses import dataclass
from multiprocessing.connection import Client, Connection, Listener
from pathlib import Path
from typing import Any

from vqa.graph.cluster.engines import Engine, Task, is_loss, start
from vqa.graph.family import adopt_orphans, end_descendants
from vqa.io import InputError
from vqa.settings.cluster import Cluster

_FORK = multiprocessing.get_context("fork")
_LOOK = 2.0  # seconds between two questions for the number of workers


@dataclass(frozen=True)
class Event:
    """What the hub tells the runner.

    Attributes:
        kind: ``ready``, ``refused``, ``workers``, ``lost`` or ``done``.
        stage: that it is about, or "".
        text: of a refusal or a loss.
        numbers: of ``workers``; seconds and processor seconds of ``done``.
        host: of ``done``.
    """

    kind: str
    stage: str = ""
    text: str = ""
    numbers: tuple[float, ...] = ()
    host: str = ""


@dataclass(frozen=True)
class Address:
    """Where a process of a stage reaches the hub."""

    path: str
    key: bytes

    def ask(self, task: Task) -> Task:
        """Have a task run, and wait for what it returns; EOFError if the hub is gone."""
        with Client(self.path, "AF_UNIX", authkey=self.key) as channel:
            channel.send(task)
            return channel.recv()


class Hub:
    """The runner's end of it."""

    def __init__(self, engine: str, cluster: Cluster, logs: Path) -> None:
        self._folder = tempfile.mkdtemp(prefix="vqa-hub-")  # 0700
        self.address = Address(str(Path(self._folder) / "socket"), os.urandom(32))
        self._channel, other = _FORK.Pipe()
        self._process = _FORK.Process(target=_serve, args=(engine, cluster, logs, self.address, other, self._channel))
        self._process.start()
        other.close()
        first: Event = self._channel.recv()
        if first.kind == "refused":
            self.close()
            raise InputError(first.text)

    def events(self) -> Iterator[Event]:
        """What has happened since the last call; EOFError if the hub died."""
        while self._channel.poll():
            yield self._channel.recv()

    def close(self) -> None:
        """Let all workers go; nothing of the hub is left behind."""
        with contextlib.suppress(OSError):
            self._channel.send("close")
        self._process.join(60)
        if self._process.is_alive():
            self._process.kill()
            self._process.join()
        self._channel.close()
        shutil.rmtree(self._folder, ignore_errors=True)


def _serve(name: str, cluster: Cluster, logs: Path, address: Address, channel: Connection, other: Connection) -> None:
    """Carry tasks until the runner closes its end of the channel, in whatever way."""
    other.close()
    os.setsid()
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, signal.SIG_IGN)  # the runner decides when it ends
    adopt_orphans()
    shutil.rmtree(logs, ignore_errors=True)  # of the last run
    logs.mkdir(parents=True)
    output = os.open(logs / "engine.log", os.O_WRONLY | os.O_CREAT | os.O_TRUNC)
    for stream in (1, 2):
        os.dup2(output, stream)
    told = threading.Lock()

    def tell(event: Event) -> None:
        with told, contextlib.suppress(OSError):
            channel.send(event)

    try:
        engine = start(name, cluster, logs)
        listener = Listener(address.path, "AF_UNIX", authkey=address.key)
        threading.Thread(target=_accept, args=(listener, engine, cluster, tell), daemon=True).start()
        threading.Thread(target=_count, args=(engine, tell), daemon=True).start()
        tell(Event("ready"))
        with contextlib.suppress(EOFError, OSError):
            channel.recv()
        closer = threading.Thread(target=engine.close, daemon=True)
        closer.start()
        closer.join(15)
    except InputError as error:
        tell(Event("refused", text=str(error)))
    finally:
        end_descendants()
        os._exit(0)


def _count(engine: Engine, tell: Any) -> None:
    before = -1
    while True:
        with contextlib.suppress(Exception):  # an engine that is busy is asked again
            now = engine.workers()
            if now != before:
                tell(Event("workers", numbers=(now,)))
                before = now
        time.sleep(_LOOK)


def _accept(listener: Listener, engine: Engine, cluster: Cluster, tell: Any) -> None:
    while True:
        with contextlib.suppress(OSError, EOFError, multiprocessing.AuthenticationError):
            asking = listener.accept()
            threading.Thread(target=_carry, args=(asking, engine, cluster.losses, tell), daemon=True).start()


def _carry(asking: Connection, engine: Engine, losses: int, tell: Any) -> None:
    """One task to its end, on another worker if the first is lost."""
    with contextlib.suppress(EOFError, OSError), asking:
        task = asking.recv()
        answer = _until_done(task, engine, losses, tell)
        numbers = (answer.get("seconds", 0.0), answer.get("cpu", 0.0))
        tell(Event("done", task["stage"], numbers=numbers, host=answer["host"]))
        asking.send(answer)


def _until_done(task: Task, engine: Engine, losses: int, tell: Any) -> Task:
    why = ""
    for attempt in range(1, losses + 2):
        try:
            answer = engine.submit(task).result()
        except Exception as error:
            text = " ".join(str(error).split())
            if not is_loss(error):
                return {"code": 1, "host": "", "log": f"error: the engine gave up: {type(error).__name__}: {text}\n"}
            answer = {"lost": text.partition(". ")[0][:160]}  # Ray goes on for a paragraph
        if "lost" not in answer:
            return answer
        why = answer["lost"]
        if attempt <= losses:
            tell(Event("lost", task["stage"], f"lost its worker ({why}), attempt {attempt + 1}"))
    return {"code": 1, "host": "", "log": f"error: lost its worker {losses + 1} times; the last time: {why}\n"}
