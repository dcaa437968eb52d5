"""``vqa repro``: bring a scale up to date, several stages at a time."""

import os
import time
from typing import Annotated

import typer

from vqa.cli.scale import Scale, entered
from vqa.io import InputError

EXAMPLE = "Examples: `vqa repro`, `vqa repro --scale real`, `vqa repro evaluate@A15-fastvqa-konvid1k-awp1e-4`"


def repro(
    stages: Annotated[
        list[str] | None, typer.Argument(metavar="STAGE", help="these alone and what they need; default: all")
    ] = None,
    jobs: Annotated[int, typer.Option(help="stages at a time; 0: one per GPU, else per core")] = 0,
    scale: Scale = None,
) -> int:
    """Rebuild everything that is out of date: data, trainings, landscapes, tables, figures, verdicts.

    The same graph and the same bytes as `dvc repro`, which runs one stage after the other. Exit code 1 if a stage
    failed, 2 if what it is built from cannot be had.
    """
    if jobs < 0:
        raise InputError(f"--jobs: {jobs} is negative")
    with entered(scale):
        return reproduce_scale(stages or [], jobs)


def reproduce_scale(stages: list[str], jobs: int) -> int:
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
        outcome = reproduce(jobs, devices, stages)
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
