"""``vqa repro``: bring a scale up to date, several stages at a time."""

import os
import time
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from vqa.cli.scale import Scale, entered
from vqa.io import InputError

if TYPE_CHECKING:
    from vqa.graph.cluster.away import Away

LOCAL = "local"
EXAMPLE = "Examples: `vqa repro`, `vqa repro --scale real`, `vqa repro evaluate@A15-fastvqa-konvid1k-awp1e-4`"


def repro(
    stages: Annotated[
        list[str] | None, typer.Argument(metavar="STAGE", help="these alone and what they need; default: all")
    ] = None,
    jobs: Annotated[int, typer.Option(help="stages at a time; 0: one per GPU, else per core")] = 0,
    engine: Annotated[str, typer.Option(help="local; or parsl, ray, threads: long stages run on workers")] = LOCAL,
    cluster: Annotated[Path | None, typer.Option(help="file that says where the workers are")] = None,
    scale: Scale = None,
) -> int:
    """Rebuild everything that is out of date: data, trainings, landscapes, tables, figures, verdicts.

    The same graph and the same bytes as `dvc repro`, which runs one stage after the other. Exit code 1 if a stage
    failed, 2 if what it is built from cannot be had.
    """
    if jobs < 0:
        raise InputError(f"--jobs: {jobs} is negative")
    if (engine == LOCAL) != (cluster is None):
        raise InputError(f"--engine {engine}: --cluster is for the other engines, which need it; see docs/cluster.md")
    cluster = cluster and cluster.absolute()
    with entered(scale):
        return reproduce_scale(stages or [], jobs, engine, cluster)


def reproduce_scale(stages: list[str], jobs: int, engine: str = LOCAL, cluster: Path | None = None) -> int:
    """Run the graph of the scale in the working directory; the exit code."""
    from vqa.data.own import refresh
    from vqa.data.published.reach import check_reach
    from vqa.graph.runner import gpus, reproduce
    from vqa.settings.params import load

    params = load()
    check_reach(params)
    for name in refresh(params):
        print(f"{name}: labels or files are not those that were seen last")
    devices = [] if params.common.device == "cpu" else gpus()
    jobs = jobs or len(devices) or len(os.sched_getaffinity(0))
    started = time.monotonic()
    try:
        outcome = reproduce(jobs, devices, stages, _starter(engine, cluster, Path(params.root)) if cluster else None)
    except KeyboardInterrupt:
        print("stopped; finished stages are kept, and a training goes on after its last full epoch next time")
        return 130
    minutes, seconds = divmod(round(time.monotonic() - started), 60)
    print(f"{len(outcome.seconds)} stages reproduced in {minutes} min {seconds} s, {jobs} at a time")
    if outcome.cpu:
        costs = ", ".join(f"{kind} {cpu:.0f}" for kind, cpu in outcome.cpu_by_kind().items() if cpu >= 0.5)
        print(f"{sum(outcome.cpu.values()):.0f} s of processor time: {costs}")
    if outcome.failed:
        print(f"failed: {', '.join(outcome.failed)}; not started after them: {len(outcome.skipped)}")
        return 1
    if not stages:
        print("tables: reports/tables/   figures: reports/figures/   front page: reports/README.md")
    return 0


def _starter(engine: str, file: Path, root: Path) -> "Callable[[], Away]":
    """What starts an engine; what can be wrong with the cluster file is found out here."""
    from vqa.graph.cluster.away import Away
    from vqa.graph.cluster.engines import ENGINES
    from vqa.settings.cluster import load_cluster

    if engine not in ENGINES:
        raise InputError(f"--engine {engine}: no such engine; there are {LOCAL}, {', '.join(ENGINES)}")
    cluster = load_cluster(file)
    return lambda: Away(engine, cluster, root)
