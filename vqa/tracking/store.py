"""One MLflow store: found or made, by one writer at a time, and written in batches.

An :class:`Entry` is what one MLflow run shall hold. It is known by a tag of its own (``vqa.run``, ``vqa.table``) and by
``vqa.fingerprint``, the SHA-256 of the files that it is read from: same fingerprint, nothing is written; another, and a
new MLflow run is made and the old one tagged ``vqa.superseded``. Links between runs are tags that are kept up to date.
"""

from __future__ import annotations

import math
import os
import sys
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import quote, unquote, urlsplit

from vqa.held import held

if TYPE_CHECKING:
    from mlflow.entities import DatasetInput
    from mlflow.entities import Run as MlflowRun

BATCH, PARAM_BATCH = 1000, 100  # the most that MLflow takes in one call: entries of all kinds, parameters or tags
PARENT, TABLES, BASELINE = "mlflow.parentRunId", "vqa.tables", "vqa.baseline"
LINKS = (PARENT, TABLES, BASELINE)
FINGERPRINT, SUPERSEDED, LIVE = "vqa.fingerprint", "vqa.superseded", "vqa.live"
ARTIFACTS = "mlartifacts"
KINDS = ("vqa.run", "vqa.table", "vqa.figures")

Point = tuple[str, float, int]
"""Name, value and step of one point of a metric."""


@dataclass(frozen=True)
class Content:
    """All that is written once: tags, parameters, points of metrics, data sets, and files to copy."""

    tags: dict[str, str] = field(default_factory=dict)
    params: dict[str, str] = field(default_factory=dict)
    points: Iterable[Point] = ()
    inputs: tuple[DatasetInput, ...] = ()
    files: tuple[Path, ...] = ()


@dataclass(frozen=True)
class Entry:
    """What one MLflow run shall hold.

    Attributes:
        kind: the tag that it is known by, one of :data:`KINDS`.
        name: value of that tag, and name of the MLflow run.
        fingerprint: of the files behind it.
        read: reads those files; asked only if the entry has to be written.
        links: tags of :data:`LINKS` that follow the params, but the parent; an empty one is none.
        parent: name of the table that it is shown under, if any.
    """

    kind: str
    name: str
    fingerprint: str
    read: Callable[[], Content]
    links: dict[str, str] = field(default_factory=dict)
    parent: str | None = None


def lock_file(uri: str, folder: Path) -> Path:
    """File whose lock the writer of a store holds: beside a store that is a file, else in the scale's ``folder``."""
    parts = urlsplit(uri)
    if parts.scheme in ("sqlite", "file", ""):
        # sqlite:///a.db lies in the working directory, sqlite:////a.db in the root.
        place = unquote(parts.path[1:] if parts.scheme == "sqlite" else parts.path)
        store = Path(place).resolve()
        return store.parent / ".state" / f"{store.name}.lock"
    return folder / ".state" / f"{quote(uri, safe='')}.lock"


@contextmanager
def one_writer(uri: str, folder: Path) -> Iterator[None]:
    """Hold the store alone; waits for another process that holds it, and says on stderr which."""

    def waiting(who: str) -> None:
        print(f"{uri}: waiting for {who or 'another process'}, which writes to it", file=sys.stderr)

    with held(lock_file(uri, folder), waiting):
        yield


class Store:
    """The experiment ``vqa-<scale>`` of a store, made if it is not there; the caller is :func:`one_writer`.

    Args:
        uri: tracking URI, for example ``sqlite:///mlflow.db``.
        scale: of the experiment.
        folder: of the scale; artifacts of a new experiment go to ``mlartifacts/`` in it.
    """

    def __init__(self, uri: str, scale: str, folder: Path) -> None:
        os.environ["MLFLOW_DISABLE_TELEMETRY"] = "true"  # this and the next are read at import
        os.environ.setdefault("MLFLOW_LOGGING_LEVEL", "WARNING")
        from mlflow.tracking import MlflowClient

        self.client = MlflowClient(tracking_uri=uri)
        name = f"vqa-{scale}"
        found = self.client.get_experiment_by_name(name)
        if found is None:
            location = (folder / ARTIFACTS).resolve().as_uri()
            self.experiment = str(self.client.create_experiment(name, artifact_location=location))
        else:
            self.experiment = str(found.experiment_id)

    def present(self) -> dict[tuple[str, str], list[MlflowRun]]:
        """Runs that are not superseded, by the tag that they are known by and its value."""
        found: dict[tuple[str, str], list[MlflowRun]] = {}
        for run in self._search(""):
            if kind := next((tag for tag in KINDS if tag in run.data.tags), None):
                found.setdefault((kind, run.data.tags[kind]), []).append(run)
        return found

    def running(self) -> list[MlflowRun]:
        """Live runs that are not superseded and have not ended."""
        return list(self._search(f"tags.`{LIVE}` = 'true' and attributes.status = 'RUNNING'"))

    def _search(self, condition: str) -> Iterator[MlflowRun]:
        token = None
        while True:
            page = self.client.search_runs([self.experiment], condition, max_results=1000, page_token=token)
            yield from (run for run in page if SUPERSEDED not in run.data.tags)
            token = page.token
            if not token:
                return

    def write(self, entry: Entry, links: dict[str, str], tags: dict[str, str]) -> str:
        """A new MLflow run with all of an entry; its fingerprint comes last, so that a killed call is made good.

        Args:
            entry: what to write.
            links: its links, the parent's id included.
            tags: what all runs of this call say.

        Returns:
            Id of the run.
        """
        content = entry.read()
        own = {entry.kind: entry.name, **content.tags, **links, **tags}
        run = self.client.create_run(self.experiment, tags=own, run_name=entry.name)
        run_id = run.info.run_id
        self.log(run_id, content.points, run.info.start_time, content.params)
        if content.inputs:
            self.client.log_inputs(run_id, datasets=list(content.inputs))
        for file in content.files:
            self.client.log_artifact(run_id, str(file))
        self.client.set_tag(run_id, FINGERPRINT, entry.fingerprint)
        self.client.set_terminated(run_id)
        return str(run_id)

    def log(
        self,
        run_id: str,
        points: Iterable[Point],
        stamp: int,
        params: dict[str, str] | None = None,
        tags: dict[str, str] | None = None,
    ) -> None:
        """Log points and parameters in as few calls as MLflow allows; tags with the last of them.

        Args:
            run_id: of the run.
            points: those that are not finite are left out.
            stamp: time of all points, milliseconds since 1970.
            params: parameters of the run.
            tags: at most 100.
        """
        from mlflow.entities import Metric, Param, RunTag

        metrics = [Metric(name, value, stamp, step) for name, value, step in points if math.isfinite(value)]
        settings = [Param(key, value) for key, value in (params or {}).items()]
        last = [RunTag(key, value) for key, value in (tags or {}).items()]
        while metrics or settings or last:
            some, settings = settings[:PARAM_BATCH], settings[PARAM_BATCH:]
            room = BATCH - len(some)
            batch, metrics = metrics[:room], metrics[room:]
            final = last if not (metrics or settings) and len(batch) + len(some) + len(last) <= BATCH else []
            self.client.log_batch(run_id, metrics=batch, params=some, tags=final)
            last = [] if final else last

    def link(self, run: MlflowRun, links: dict[str, str]) -> None:
        """Make the links of a run that is there these ones; a link that is right is not written again."""
        for tag in LINKS:
            before, after = run.data.tags.get(tag), links.get(tag)
            if after is None and before is not None:
                self.client.delete_tag(run.info.run_id, tag)
            elif after is not None and after != before:
                self.client.set_tag(run.info.run_id, tag, after)

    def supersede(self, run: MlflowRun) -> None:
        """Mark a run that another one has taken the place of; one that was cut off or live is ended."""
        self.client.set_tag(run.info.run_id, SUPERSEDED, "true")
        if run.info.status == "RUNNING":
            self.client.set_terminated(run.info.run_id, "FINISHED" if LIVE in run.data.tags else "KILLED")
