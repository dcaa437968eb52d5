"""Rebuild everything that is out of date, several stages at a time: ``python -m stages.repro [--jobs N]``.

The same graph and the same bytes as ``dvc repro``, which runs the stages one after the other.
"""

import argparse
import os
import time

from vqa.data.published.reach import check_reach
from vqa.graph.runner import gpus, reproduce
from vqa.io import InputError, run_stage
from vqa.settings.params import load


def main() -> int:
    """Run the graph; exit code 1 if a stage failed, 2 if what it is built from cannot be had."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--jobs", type=int, default=0, help="stages at a time; 0 (default): one per GPU, else per core")
    jobs = parser.parse_args().jobs
    if jobs < 0:
        raise InputError(f"--jobs: {jobs} is negative")
    params = load()
    check_reach(params)
    devices = [] if params.common.device == "cpu" else gpus()
    jobs = jobs or len(devices) or len(os.sched_getaffinity(0))
    started = time.monotonic()
    try:
        outcome = reproduce(jobs, devices)
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
    print("tables: reports/tables/   figures: reports/figures/   front page: reports/README.md")
    return 0


if __name__ == "__main__":
    run_stage(main)
