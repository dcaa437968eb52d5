"""Engines that carry tasks to workers, each behind the same four functions; imported only when they are named.

An engine knows nothing of stages: it calls :func:`vqa.graph.cluster.worker.run_task` with a task somewhere and gives
back what that returns.
"""

import logging
import os
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from pathlib import Path
from typing import Any, Protocol

from vqa.graph.cluster.worker import ROOT, run_task
from vqa.io import InputError
from vqa.settings.cluster import TIMED, Cluster, Provider

Task = dict[str, Any]
LOST = ("WorkerLost", "ManagerLost", "WorkerCrashedError", "NodeDiedError", "OutOfMemoryError", "LocalRayletDiedError")
IDLE = 600.0  # seconds after which an idle block of a scheduler is given back


class Engine(Protocol):
    """What carries tasks."""

    def submit(self, task: Task) -> "Future[Task]":
        """Run a task on some worker. The future fails with an error that :func:`is_loss` knows if that one is lost."""

    def workers(self) -> int:
        """How many machines or blocks take tasks now."""

    def close(self) -> None:
        """Give up what runs and let the workers go."""


def is_loss(error: BaseException) -> bool:
    """Whether an error means that the worker is gone, and not that the task is wrong."""
    return any(kind.__name__ in LOST for kind in type(error).__mro__)


def start(name: str, cluster: Cluster, logs: Path) -> Engine:
    """Start an engine by name.

    Args:
        name: one of :data:`ENGINES`.
        cluster: see :class:`vqa.settings.cluster.Cluster`.
        logs: folder for what the engine itself has to say.

    Raises:
        InputError: if its package is not installed, or refuses the cluster.
    """
    try:
        return ENGINES[name](cluster, logs)
    except ImportError as error:
        install = "pip install --no-deps --require-hashes -r requirements-cluster.lock"
        raise InputError(f"--engine {name}: {error.name} is not installed: `{install}`") from None


class Threads:
    """Workspaces on this machine, for a look at a cluster file without a cluster."""

    def __init__(self, cluster: Cluster, logs: Path) -> None:
        self._pool, self._workers = ThreadPoolExecutor(cluster.stages), cluster.workers

    def submit(self, task: Task) -> "Future[Task]":
        return self._pool.submit(run_task, {**task, "orphans_end": False})

    def workers(self) -> int:
        return self._workers

    def close(self) -> None:
        self._pool.shutdown(wait=False, cancel_futures=True)


class Parsl:
    """Parsl's HighThroughputExecutor: blocks of Slurm, PBS or Kubernetes, or processes here; encrypted."""

    def __init__(self, cluster: Cluster, logs: Path) -> None:
        import parsl
        from parsl.executors import HighThroughputExecutor

        per_worker = cluster.gpus or cluster.slots
        provider = cluster.provider
        local = provider.kind == "local"
        os.environ["PYTHONPATH"] = os.pathsep.join([str(ROOT), os.environ.get("PYTHONPATH", "")])  # of local workers
        try:
            self._executor = HighThroughputExecutor(
                label="vqa",
                provider=_provider(provider, cluster.workers),
                address=cluster.address or "127.0.0.1",
                max_workers_per_node=per_worker,
                cores_per_worker=0.001,  # slots say how many stages run at a time, and not the cores
                available_accelerators=cluster.gpus,
                heartbeat_period=cluster.heartbeat,
                heartbeat_threshold=3 * cluster.heartbeat,
                drain_period=provider.seconds - provider.drain if provider.drain else None,
                encrypted=True,
            )
            config = parsl.Config(
                executors=[self._executor],
                run_dir=str(logs),
                strategy="simple",  # asks for a block in the place of one that ended
                max_idletime=float("inf") if local else IDLE,
                usage_tracking=0,
                initialize_logging=False,
            )
            self._kernel = parsl.DataFlowKernel(config)
        except Exception as error:  # many kinds: unknown options, values of the wrong type, a package that is missing
            raise InputError(f"--engine parsl: {type(error).__name__}: {' '.join(str(error).split())}") from None
        self._app = parsl.python_app(run_task, data_flow_kernel=self._kernel)

    def submit(self, task: Task) -> "Future[Task]":
        return self._app({**task, "orphans_end": True})

    def workers(self) -> int:
        return len(self._executor.connected_managers())

    def close(self) -> None:
        self._kernel.cleanup()


def _provider(provider: Provider, workers: int) -> Any:
    """Parsl's provider; blocks of one node each, as many as there are tasks for."""
    from parsl import providers

    kinds: dict[str, Callable[..., Any]] = {
        "local": providers.LocalProvider,
        "slurm": providers.SlurmProvider,
        "pbs": providers.PBSProProvider,
        "kubernetes": providers.KubernetesProvider,
    }
    own: dict[str, Any] = {"worker_init": provider.worker_init, "max_blocks": workers, "nodes_per_block": 1}
    own |= {"walltime": provider.walltime} if provider.kind in TIMED else {}
    own |= {"init_blocks": workers, "min_blocks": workers} if provider.kind == "local" else {"init_blocks": 1}
    options = dict(provider.options)
    if "persistent_volumes" in options:  # pairs, which YAML has no word for
        options["persistent_volumes"] = [tuple(pair) for pair in options["persistent_volumes"]]
    return kinds[provider.kind](**own, **options)


class Ray:
    """A Ray cluster that runs already, which has to ask for a token."""

    def __init__(self, cluster: Cluster, logs: Path) -> None:
        if os.environ.get("RAY_AUTH_MODE") != "token":
            raise InputError(
                "--engine ray: whoever reaches a Ray cluster without tokens runs what they like there: start it and "
                "this command with RAY_AUTH_MODE=token (docs/cluster.md)"
            )
        os.environ["RAY_USAGE_STATS_ENABLED"] = "0"
        import ray

        self._ray = ray
        try:
            ray.init(
                address=cluster.address or "auto",
                log_to_driver=False,
                logging_level=logging.ERROR,
                runtime_env={"env_vars": {"PYTHONPATH": str(ROOT)}} if not cluster.address else None,
            )
        except Exception as error:
            raise InputError(f"--engine ray: no cluster ({' '.join(str(error).split())[:200]})") from None
        # Ray's own retries are off: a loss is counted, and said, in one place for all engines.
        self._app = ray.remote(num_cpus=1, num_gpus=1 if cluster.gpus else 0, max_retries=0)(run_task)

    def submit(self, task: Task) -> "Future[Task]":
        return self._app.remote({**task, "orphans_end": True}).future()

    def workers(self) -> int:
        return sum(node["Alive"] for node in self._ray.nodes())

    def close(self) -> None:
        self._ray.shutdown()


ENGINES: dict[str, Callable[[Cluster, Path], Engine]] = {"parsl": Parsl, "ray": Ray, "threads": Threads}
