"""``vqa bench``: how fast the parts are."""

import os
import platform
import subprocess
import tempfile
import time
from collections.abc import Iterable, Sequence
from pathlib import Path

from vqa.cli.scale import Scale, entered

EXAMPLE = "Example: `vqa bench`, after `vqa repro`"


def bench(scale: Scale = None) -> None:
    """Measure speed and print it: sampling, training steps, landscapes, the graph, its stages. It changes nothing.

    Ratios compare ways of doing the same in one process; the rest is wall time on the machine that is named.
    """
    with entered(scale):
        _measure()


def _measure() -> None:
    """Print five tables of the scale in the working directory."""
    import pandas as pd
    import torch

    from vqa.bench import landscape_point, sampling, training
    from vqa.graph.runner import TIMINGS, kind
    from vqa.settings.params import load

    params = load()
    torch.set_num_threads(params.common.threads)
    print(f"machine: {_processor()}, {len(os.sched_getaffinity(0))} cores; one thread per process\n")
    with tempfile.TemporaryDirectory() as folder:
        ways = sampling(Path(folder))
    slowest = list(ways.values())[-1]
    rows = [(way, 1000 * took, slowest / took) for way, took in ways.items()]
    _table("fragments of a 32-frame clip at 960x540", ["way", "ms per clip", "throughput ratio"], rows)
    steps = training(params)
    rows = [(kind, 1000 * took, took / steps["none"]) for kind, took in steps.items()]
    _table("one training step of the demo's network", ["perturbation", "ms per step", "cost ratio"], rows)
    point = landscape_point(params)
    rows = [(way, 1000 * took, took / point["forward passes"]) for way, took in point.items()]
    _table("one point of a loss landscape, 64 clips", ["what", "ms", "cost ratio"], rows)
    if not TIMINGS.is_file():
        print("the graph and its stages: not timed yet, run `make repro` first")
        return
    walls = [(" ".join(command), _wall(command)) for command in (["dvc", "status", "-q"], ["dvc", "repro", "-q"])]
    _table("the graph with nothing to do", ["command", "seconds"], walls)
    timings = pd.read_csv(TIMINGS)
    groups = timings.groupby(timings.stage.map(kind), sort=False)
    by_kind = groups.seconds.agg(["count", "sum", "median", "max"]).assign(cpu=groups.cpu.sum()).reset_index()
    _table("stages when they last ran (seconds, side by side with others)", list(by_kind.columns), by_kind.to_numpy())


def _table(title: str, header: list[str], rows: Iterable[Sequence[object]]) -> None:
    import pandas as pd

    print(f"{title}\n{pd.DataFrame(rows, columns=header).to_markdown(index=False, floatfmt='.2f')}\n")


def _wall(command: list[str]) -> float:
    started = time.perf_counter()
    subprocess.run(command, check=False, stdout=subprocess.DEVNULL)
    return time.perf_counter() - started


def _processor() -> str:
    lines = Path("/proc/cpuinfo").read_text().splitlines() if Path("/proc/cpuinfo").is_file() else []
    names = [line.partition(":")[2].strip() for line in lines if line.startswith("model name")]
    return names[0] if names else platform.processor() or platform.machine()
