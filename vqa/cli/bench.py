"""``vqa bench``: how fast the parts are."""

import os
import subprocess
import tempfile
import time
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Annotated

import typer

from vqa.cli.scale import Scale, entered

EXAMPLE = "Example: `vqa bench`, after `vqa repro`"


def bench(
    scale: Scale = None,
    gpu: Annotated[bool, typer.Option("--gpu", help="the full-size networks, on the GPU that is there")] = False,
    only: Annotated[list[str] | None, typer.Option(help="with --gpu: these methods; may be given again")] = None,
) -> None:
    """Measure speed and print it: sampling, training steps, landscapes, the graph, its stages. It changes nothing.

    Ratios compare ways of doing the same in one process; the rest is wall time on the machine that is named. With
    `--gpu` the networks of the paper scale are measured, and the table is kept in `reports/benchmarks/`.
    """
    if gpu:
        with entered(scale or "paper"):
            _measure_gpu(only or [])
        return
    with entered(scale):
        _measure()


def _measure_gpu(only: list[str]) -> None:
    """Print and keep one table: every network in fp32 and bf16."""
    import torch

    from vqa.bench.networks import measure, networks, product_rate, write_table
    from vqa.device import set_up
    from vqa.io import InputError
    from vqa.settings.common import PRECISIONS
    from vqa.settings.params import load
    from vqa.settings.strict import known_name

    if not torch.cuda.is_available():
        raise InputError("--gpu: no CUDA device is visible")
    params = load()
    device, card = set_up(params.common), torch.cuda.get_device_name()
    first = networks(params)
    for method in only:
        known_name("--only", method, first)
    fp32, bf16 = (product_rate(dtype, device) for dtype in (torch.float32, torch.bfloat16))
    print(f"{card}; one large product: {fp32:.0f} TFLOP/s in fp32, {bf16:.0f} in bf16", flush=True)
    rows = []
    for method in only or first:
        for precision in PRECISIONS:
            for row in measure(params, first[method], precision, device):
                print(*(f"{value:.2f}" if isinstance(value, float) else value for value in row.values()), flush=True)
                rows.append(row)
    table, path = write_table(rows, Path(params.root) / "reports" / "benchmarks", card)
    print(f"\n{table.to_markdown(index=False, floatfmt='.1f')}\n\nkept in {path}")


def _measure() -> None:
    """Print four tables of the scale in the working directory."""
    import pandas as pd
    import torch

    from vqa.bench.machine import processor
    from vqa.bench.networks import measure, networks
    from vqa.bench.sampling import sampling
    from vqa.graph.plan import kind
    from vqa.graph.runner import TIMINGS
    from vqa.settings.params import load

    params = load()
    torch.set_num_threads(params.common.threads)
    print(f"machine: {processor()}, {len(os.sched_getaffinity(0))} cores; one thread per process\n")
    with tempfile.TemporaryDirectory() as folder:
        ways = sampling(Path(folder))
    _, slowest = list(ways.values())[-1]
    rows = [(way, 1000 * wall, 1000 * cpu, slowest / cpu) for way, (wall, cpu) in ways.items()]
    header = ["way", "ms per clip", "ms of a processor", "throughput ratio"]
    _table("fragments of a 32-frame clip at 960x540", header, rows)
    for method, run in list(networks(params).items())[:1]:  # a scale of features has none
        numbers = pd.DataFrame(measure(params, run, params.common.precision, torch.device("cpu")))
        header = ["what", "items", "ms", "ratio", "items/s"]
        _table(f"a batch through {method}'s network", header, numbers[header].to_numpy())
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
