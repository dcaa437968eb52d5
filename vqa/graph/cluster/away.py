"""A cluster as the runner sees it: how many stages it takes, which, and what is heard of them."""

import contextlib
import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from vqa.graph.cluster.driver import Driver, goes_elsewhere
from vqa.graph.cluster.hub import Event, Hub
from vqa.graph.cluster.travel import code_digest
from vqa.graph.cluster.worker import ROOT
from vqa.settings.cluster import Cluster

LOGS = Path(".state") / "cluster"


class Away:
    """An engine with its workers, from when it is made to the end of its ``with`` block.

    Attributes:
        driver: what a process of a stage needs of it.
        stages: that are given to it at a time: one more for each worker than it runs, so that none waits for this side.
        workers: that take stages now.
    """

    def __init__(self, engine: str, cluster: Cluster, root: Path) -> None:
        """Start the engine.

        Args:
            engine: see :data:`vqa.graph.cluster.engines.ENGINES`.
            cluster: see :class:`vqa.settings.cluster.Cluster`.
            root: the project's folder, in which the working directory is.

        Raises:
            vqa.io.InputError: if the engine cannot be had.
        """
        self._cluster, self.stages, self.workers = cluster, cluster.stages + cluster.workers, 0
        self._done: dict[str, Event] = {}
        self._hub = Hub(engine, cluster, LOGS.absolute())
        root = root.resolve()
        folder = os.path.relpath(Path.cwd(), root)
        self.driver = Driver(cluster, self._hub.address, code_digest(ROOT), folder, root)

    def __enter__(self) -> "Away":
        return self

    def __exit__(self, *error: Any) -> None:
        self._hub.close()

    def takes(self, kind: str) -> bool:
        """Whether stages of a kind run there."""
        return goes_elsewhere(kind, self._cluster)

    def news(self) -> Iterator[str]:
        """Lines to print on what has happened since the last call."""
        with contextlib.suppress(EOFError):  # the hub is gone: its stages fail by themselves
            for event in self._hub.events():
                if event.kind == "workers":
                    self.workers = round(event.numbers[0])
                elif event.kind == "lost":
                    yield f"{event.stage} {event.text}"
                elif event.kind == "done":
                    self._done[event.stage] = event

    def cpu(self, stage: str) -> float:
        """Processor seconds that a stage took there."""
        return self._done[stage].numbers[1] if stage in self._done else 0.0

    def where(self, stage: str) -> str:
        """Where a stage ran and how long it took there, to be added to its line."""
        done = self._done.get(stage)
        return f" ({done.numbers[0]:.1f} s on {done.host})" if done and done.host else ""
