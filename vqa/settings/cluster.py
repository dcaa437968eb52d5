"""A cluster file: on which machines stages run, and through what their inputs and outputs travel (docs/cluster.md)."""

from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import yaml

from vqa.settings.strict import ParamsError, build, one_of

PROVIDERS = ("local", "slurm", "pbs", "kubernetes")
TIMED = ("slurm", "pbs")


@dataclass(frozen=True)
class Provider:
    """Who starts the workers; of engine ``parsl`` alone.

    Attributes:
        kind: one of :data:`PROVIDERS`.
        worker_init: shell commands before a worker starts, which make ``python`` that of the suite's environment.
        walltime: of a block, ``HH:MM:SS``; "" where there is none.
        drain: a block takes no stage in its last so many seconds.
        options: what else the provider of this kind takes, by the names of Parsl's documentation (``partition``).
    """

    kind: str = "local"
    worker_init: str = ""
    walltime: str = ""
    drain: int = 0
    options: dict[str, Any] = field(default_factory=dict)

    def __post_init__(self) -> None:
        one_of("kind", self.kind, PROVIDERS)
        parts = self.walltime.split(":") if self.walltime else []
        if parts and (len(parts) != 3 or not all(part.isdigit() for part in parts)):
            raise ValueError(f"walltime: {self.walltime!r} is not HH:MM:SS (in quotes, or YAML reads a number)")
        if bool(parts) != (self.kind in TIMED):
            raise ValueError(f"walltime: blocks of {' and '.join(TIMED)} have one, and only they")
        if self.drain < 0 or (self.drain and self.drain >= self.seconds):
            raise ValueError(f"drain: {self.drain} s is not within the walltime")

    @property
    def seconds(self) -> int:
        """The walltime in seconds, 0 if there is none."""
        hours, minutes, seconds = map(int, self.walltime.split(":")) if self.walltime else (0, 0, 0)
        return 3600 * hours + 60 * minutes + seconds


@dataclass(frozen=True)
class Cluster:
    """Where stages run that may run elsewhere.

    Attributes:
        remote: folder that driver and workers share, or URL of a DVC remote (``ssh://``, ``s3://``); all outputs
            travel through it, by content.
        scratch: folder on every worker for its workspaces and a cache of what it has pulled.
        workers: machines, or blocks of a scheduler, at most.
        slots: stages at a time on each of them; with GPUs one for each.
        gpus: of each worker.
        losses: how often a stage may lose its worker before it counts as failed.
        heartbeat: seconds between signs of life; a worker that gives none three times is lost.
        address: where workers reach the driver, an address of the cluster's own network; with ``ray`` the head,
            ``HOST:PORT``. "": this machine alone.
        state: folder that workers share, for trainings that are half done, so that another machine can go on with
            them; "": ``scratch``, and a training that loses its machine begins anew.
        prepare: data sets are prepared on the workers, where the videos then have to be.
        provider: who starts the workers.
    """

    remote: str
    scratch: str
    workers: int = 1
    slots: int = 1
    gpus: int = 0
    losses: int = 10
    heartbeat: int = 10
    address: str = ""
    state: str = ""
    prepare: bool = False
    provider: Provider = field(default_factory=Provider)

    def __post_init__(self) -> None:
        for name, least in {"workers": 1, "slots": 1, "gpus": 0, "losses": 0, "heartbeat": 1}.items():
            if getattr(self, name) < least:
                raise ValueError(f"{name}: {getattr(self, name)} is less than {least}")
        for name in ("remote", "scratch"):
            if not getattr(self, name):
                raise ValueError(f"{name}: is empty")

    @property
    def stages(self) -> int:
        """At a time, on all workers together."""
        return self.workers * (self.gpus or self.slots)


def load_cluster(path: Path) -> Cluster:
    """Read a cluster file; relative folders in it are relative to its own.

    Raises:
        ParamsError: if it is missing or says what cannot be; one line.
    """
    try:
        content = yaml.safe_load(path.read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError) as error:
        raise ParamsError(f"{path}: cannot be read ({error}); docs/cluster.md has examples") from None
    except yaml.YAMLError as error:
        raise ParamsError(f"{path}: not valid YAML: {' '.join(str(error).split())}") from None
    for name in ("remote", "scratch", "state"):
        if isinstance(content, dict) and isinstance(content.get(name), str) and "://" not in content[name]:
            content[name] = content[name] and str((path.parent / Path(content[name]).expanduser()).resolve())
    return build(Cluster, content, str(path))
