"""``vqa bench``: how fast the parts are."""

import os
import subprocess
import tempfile
import time
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from vqa.cli.scale import Scale, entered
from vqa.io import InputError
from vqa.settings.params import Params, load

if TYPE_CHECKING:
    import pandas as pd

EXAMPLE = "Examples: `vqa bench`, after `vqa repro`; `vqa bench --hours reports/benchmarks/CARD.csv`"


def bench(
    scale: Scale = None,
    gpu: Annotated[bool, typer.Option("--gpu", help="the full-size networks, on the GPU that is there")] = False,
    only: Annotated[list[str] | None, typer.Option(help="with --gpu: these methods; may be given again")] = None,
    hours: Annotated[
        Path | None, typer.Option(help="GPU hours and cost of the scale by this kept table; measures nothing")
    ] = None,
    price: Annotated[float, typer.Option(help="USD for one hour of a GPU, with --gpu and --hours")] = 2.5,
) -> None:
    """Measure speed and print it: sampling, training steps, landscapes, the graph, its stages. It changes nothing.

    Ratios compare ways of doing the same in one process; the rest is wall time on the machine that is named. With
    `--gpu` the networks of the paper scale are measured, and the table is kept in `reports/benchmarks/`; what all runs
    of that scale would take by it is printed too, and `--hours` prints that of any kept table, on any machine.
    """
    if hours is not None:
        table = _kept(hours)
        with entered(scale or "paper"):
            _print_hours(load(), table, price)
        return
    if gpu:
        with entered(scale or "paper"):
            _measure_gpu(only or [], price)
        return
    with entered(scale):
        _measure()


def _measure_gpu(only: list[str], price: float) -> None:
    """Print and keep one table: every network in fp32 and bf16; and what the scale takes by it."""
    import torch

    from vqa.bench.networks import measure, networks, product_rate, write_table
    from vqa.device import set_up
    from vqa.settings.common import PRECISIONS
    from vqa.settings.strict import known_name

    if not torch.cuda.is_available():
        raise InputError("--gpu: no CUDA device is visible")
    params = load()
    device, card = set_up(params.common), torch.cuda.get_device_name()
    first = networks(params)
    for method in only:
        known_name("--only", method, first)
    types = zip(PRECISIONS, (torch.float32, torch.bfloat16), strict=True)
    peaks = {precision: product_rate(dtype, device) for precision, dtype in types}
    said = ", ".join(f"{rate:.0f} TFLOP/s in {precision}" for precision, rate in peaks.items())
    print(f"{card}; one large product: {said}", flush=True)
    rows = []
    for method in only or first:
        for precision in PRECISIONS:
            for row in measure(params, first[method], precision, device):
                print(*(f"{value:.2f}" if isinstance(value, float) else value for value in row.values()), flush=True)
                rows.append(row)
    table, path = write_table(rows, Path(params.root) / "reports" / "benchmarks", card, peaks)
    print(f"\n{table.to_markdown(index=False, floatfmt='.2f')}\n\nkept in {path}\n")
    _print_sampling()
    if all(dataset.source == "provided" for dataset in params.datasets.values()):  # of others no number is published
        _print_hours(params, table, price)


def _print_sampling() -> None:
    """Print what a core of the loader brings, with and without stores, beside reading by index."""
    from vqa.bench.sampling import sampling

    with tempfile.TemporaryDirectory() as folder:
        ways = sampling(Path(folder))
    _, slowest = list(ways.values())[-1]
    rows = [(way, 1000 * wall, 1000 * cpu, 1 / cpu, slowest / cpu) for way, (wall, cpu) in ways.items()]
    header = ["way", "ms per clip", "ms of a core", "clips/s of a core", "throughput ratio"]
    _table("fragments of a 32-frame clip at 960x540", header, rows)


def _kept(path: Path) -> "pd.DataFrame":
    """A table that `--gpu` kept."""
    import pandas as pd

    try:
        table = pd.read_csv(path)
    except (OSError, ValueError) as error:
        raise InputError(f"--hours {path}: cannot be read ({error}); name a table of reports/benchmarks") from None
    if missing := {"method", "precision", "what", "items", "ms"} - set(table):
        raise InputError(f"--hours {path}: no column {sorted(missing)[0]!r}; name a table of reports/benchmarks")
    return table


def _print_hours(params: Params, table: "pd.DataFrame", price: float) -> None:
    """Print one table for every precision: hours of GPU and cost of all runs, method by method."""
    from vqa.bench.hours import by_group, hours

    for precision in table.precision.unique():
        runs, said = hours(params, table, precision, price)
        print(f"GPU hours of the scale {params.common.scale} in {precision}, at {price:g} USD for one (--price)\n")
        print(by_group(runs).to_markdown(index=False, floatfmt=".2f", intfmt=","), end="\n\n")
        print("\n".join(f"- {line}" for line in said), end="\n\n")
    print(
        "The GPU alone; it waits where the loader brings fewer clips a second than it takes (clips: all that training\n"
        "and tests sample). Frozen extractors and rows that are only scored are not in it. Tests follow every epoch,\n"
        "with averaged and raw weights; hessian: at most, for the top eigenvalues of landscapes."
    )


def _measure() -> None:
    """Print four tables of the scale in the working directory."""
    import pandas as pd
    import torch

    from vqa.bench.machine import processor
    from vqa.bench.networks import measure, networks
    from vqa.graph.plan import kind
    from vqa.graph.runner import TIMINGS

    params = load()
    torch.set_num_threads(params.common.threads)
    print(f"machine: {processor()}, {len(os.sched_getaffinity(0))} cores; one thread per process\n")
    _print_sampling()
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
