"""Measure how far metrics may move on another kind of machine: ``python -m stages.tolerances [--seeds 6]``.

Trains the first run of every method with other seeds, evaluates it, and writes into the baseline file of the scale, per
method, the largest distance of a test metric from its mean over those trainings, and the same for the mean test SRCC
over the methods. Rounding that differs moves a training less than another seed does, so this is the most that an intact
suite shows elsewhere. Needs the data and initial weights that a build leaves; works in ``.state/tolerances``.
"""

import argparse
import json
import os
import subprocess
import sys
from pathlib import Path

import yaml

from vqa.check import flatten, read_baseline
from vqa.io import InputError, run_stage, write_json
from vqa.params import load

FOLDER = Path(".state") / "tolerances"
READ = ("data", "prepared", "motion", "zero_shot", "initial", "synthetic.yaml")


def main() -> None:
    """Train, evaluate, and write the tolerances."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--seeds", type=int, default=6, help="trainings of every method, at least 3 (default 6)")
    number = parser.parse_args().seeds
    if number < 3:
        raise InputError(f"--seeds: {number} trainings show no spread; 3 is the least")
    params = load()
    path = Path(params.root) / "reports" / "baselines" / f"{params.common.scale}.json"
    baseline = read_baseline(path)
    seeds = [params.common.seed + 1 + k for k in range(number)]
    first = {run.method: name for name, run in reversed(params.runs.items()) if run.parent is None}
    _lay_out(params.root, first, seeds)
    limits, means = {}, [[] for _ in seeds]
    for method, name in sorted(first.items()):
        print(f"{method}: {name} with seeds {seeds[0]} to {seeds[-1]}")
        tests = _test_metrics(name)
        limits[method] = {
            metric: max(_spread(values) for key, values in tests.items() if key.endswith(metric))
            for metric in ("srcc", "plcc")
        }
        for k, mean in enumerate(means):
            mean += [values[k] for key, values in tests.items() if key.endswith("srcc")]
    mean = _spread([sum(values) / len(values) for values in means])
    baseline["tolerances"] = {"seeds": seeds, "methods": limits, "mean test srcc": mean}
    write_json(path, baseline)
    print(f"{path}: {json.dumps(baseline['tolerances'])}")


def _lay_out(root: str, runs: dict[str, str], seeds: list[int]) -> None:
    """A scale of these runs alone, every one with all the seeds, on the data of this one."""
    content = yaml.safe_load(Path("params.yaml").read_text(encoding="utf-8"))
    own = {name: {**content["runs"][name], "seeds": seeds} for name in runs.values()}
    for row in own.values():
        if row.get("partition"):  # one cut is enough
            row["partition"] = {**row["partition"], "seeds": row["partition"]["seeds"][:1]}
    content |= {"root": str(Path(root).resolve()), "runs": own, "tables": {}, "landscapes": {}, "figures": {}}
    FOLDER.mkdir(parents=True, exist_ok=True)
    (FOLDER / "params.yaml").write_text(yaml.safe_dump(content, sort_keys=False), encoding="utf-8")
    for name in READ:
        (FOLDER / name).unlink(missing_ok=True)
        (FOLDER / name).symlink_to(Path(name).resolve())


def _test_metrics(run: str) -> dict[str, list[float]]:
    """Train and evaluate a run of that scale: test SRCC and PLCC of both protocols by flat name, over the seeds."""
    env = {**os.environ, "PYTHONPATH": str(Path(load().root).resolve())}
    for stage in ("train", "evaluate"):
        done = subprocess.run([sys.executable, "-m", f"stages.{stage}", run], cwd=FOLDER, env=env, check=False)
        if done.returncode:
            raise InputError(f"stages.{stage} {run} failed in {FOLDER}: build the scale first, `make repro`")
    folds = json.loads((FOLDER / "runs" / run / "metrics.json").read_text())["folds"]
    every = [flatten(fold) for fold in folds.values()]
    return {key: [flat[key] for flat in every] for key in every[0] if "/train " not in key}


def _spread(values: list[float]) -> float:
    """Largest distance from the mean, to four digits."""
    mean = sum(values) / len(values)
    return round(max(abs(value - mean) for value in values), 4)


if __name__ == "__main__":
    run_stage(main)
