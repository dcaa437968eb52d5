"""``vqa check``: the gate on regressions."""

import json
from pathlib import Path
from typing import Annotated

import typer

from vqa.cli.scale import Scale, entered
from vqa.io import InputError, write_json

EXAMPLE = "Examples: `vqa check`, `vqa check --scale real`, `vqa check --update`"
FEWEST_SEEDS = 3


def check(
    update: Annotated[bool, typer.Option("--update", help="make the present metrics the baseline")] = False,
    tolerances: Annotated[bool, typer.Option("--tolerances", help="measure the tolerances anew: train")] = False,
    seeds: Annotated[int, typer.Option(help="with --tolerances: trainings of every method, at least 3")] = 6,
    scale: Scale = None,
) -> int:
    """Compare the metrics of every run with the baseline in reports/baselines/.

    Exit code 0 if no test metric fell by more than its tolerance (0 in the environment of the baseline), 1 if one did,
    a run or metric is gone, or the item lists changed; 2 if the baseline or the metrics are not there.

    --update writes the baseline anew and keeps its tolerances. --tolerances trains the first run of every method with
    other seeds and writes how far their metrics lie apart: so much may differ on another kind of machine.
    """
    with entered(scale):
        if tolerances:
            return measure_tolerances(seeds)
        return make_baseline_file() if update else compare_with_baseline()


def make_baseline_file() -> int:
    """Make the metrics of the scale in the working directory the baseline."""
    from vqa.settings.params import load
    from vqa.tracking import check as gate

    params = load()
    path, runs = gate.baseline_path(params), Path("runs")
    metrics, environments = (read(params.runs, runs) for read in (gate.read_results, gate.read_environments))
    tolerances = gate.read_baseline(path)["tolerances"] if path.is_file() else {}
    write_json(path, gate.make_baseline(metrics, environments, params.common.scale, tolerances))
    print(f"{path}: {len(metrics)} runs")
    return 0


def compare_with_baseline() -> int:
    """Print every comparison and what follows; the exit code."""
    from vqa.settings.params import load
    from vqa.tracking import check as gate

    params = load()
    metrics, environments = (read(params.runs, Path("runs")) for read in (gate.read_results, gate.read_environments))
    baseline = gate.read_baseline(gate.baseline_path(params))
    changed = gate.changed_items(metrics, baseline)
    elsewhere = [run for run, environment in environments.items() if environment != baseline["environment"]]
    lines = gate.compare(metrics, baseline, {name: run.method for name, run in params.runs.items()}, elsewhere)
    print(gate.render(lines))
    for text in changed:
        print(f"FAILED: {text}; metrics on other items cannot be compared, make a new baseline with --update")
    print(gate.summary(lines, elsewhere))
    return int(bool(changed) or any(line.verdict in gate.FAILURES for line in lines))


def measure_tolerances(seeds: int) -> int:
    """Train, evaluate, and write the tolerances into the baseline."""
    from vqa.settings.params import load
    from vqa.tracking.check import baseline_path, read_baseline
    from vqa.tracking.tolerances import measure

    if seeds < FEWEST_SEEDS:
        raise InputError(f"--seeds: {seeds} trainings show no spread; {FEWEST_SEEDS} is the least")
    params = load()
    path = baseline_path(params)
    baseline = read_baseline(path)
    baseline["tolerances"] = measure(params, [params.common.seed + 1 + k for k in range(seeds)])
    write_json(path, baseline)
    print(f"{path}: {json.dumps(baseline['tolerances'])}")
    return 0
