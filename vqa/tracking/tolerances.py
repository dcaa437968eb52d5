"""How far metrics lie apart between trainings that differ in the seed alone (``vqa check --tolerances``).

Rounding that differs, as on another kind of machine, moves a training less than another seed does.
"""

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import yaml

from vqa.io import InputError
from vqa.settings.params import Params
from vqa.tracking.check import METRICS, flatten

FOLDER = Path(".state") / "tolerances"
READ = ("data", "prepared", "features", "zero_shot", "initial", "sources.yaml")


def measure(params: Params, seeds: list[int]) -> dict[str, Any]:
    """Train and evaluate the first run of every method that starts from no other run, with each of the seeds.

    Needs the data and initial weights that a build of this scale leaves; works in ``.state/tolerances``.

    Args:
        params: of this scale.
        seeds: of the trainings, three or more.

    Returns:
        ``seeds``; ``methods``: per method and metric the largest distance of a test metric from its mean over the
        trainings, of all test sets and both protocols; ``mean test srcc``: the same for the mean test SRCC.

    Raises:
        InputError: if a stage fails.
    """
    first = {run.method: name for name, run in reversed(params.runs.items()) if run.parent is None}
    _lay_out(params.root, first, seeds)
    limits: dict[str, dict[str, float]] = {}
    means: list[list[float]] = [[] for _ in seeds]
    for method, name in sorted(first.items()):
        print(f"{method}: {name} with seeds {seeds[0]} to {seeds[-1]}")
        tests = _test_metrics(name, params.root)
        limits[method] = {
            metric: max(_spread(values) for key, values in tests.items() if key.endswith(metric)) for metric in METRICS
        }
        for k, own in enumerate(means):
            own += [values[k] for key, values in tests.items() if key.endswith("srcc")]
    mean = _spread([sum(values) / len(values) for values in means])
    return {"seeds": seeds, "methods": limits, "mean test srcc": mean}


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


def _test_metrics(run: str, root: str) -> dict[str, list[float]]:
    """Train and evaluate a run of that scale: test SRCC and PLCC of both protocols by flat name, over the seeds."""
    env = {**os.environ, "PYTHONPATH": str(Path(root).resolve())}
    for stage in ("train", "evaluate"):
        done = subprocess.run([sys.executable, "-m", f"stages.{stage}", run], cwd=FOLDER, env=env, check=False)
        if done.returncode:
            raise InputError(f"stages.{stage} {run} failed in {FOLDER}: build the scale first, `make repro`")
    folds = json.loads((FOLDER / "runs" / run / "metrics.json").read_text())["folds"]
    every = [flatten(fold) for fold in folds.values()]
    # A metric that is not defined, of constant scores, is as far off as can be.
    return {key: [flat[key] or 0.0 for flat in every] for key in every[0] if "/train " not in key}


def _spread(values: list[float]) -> float:
    """Largest distance from the mean, to four digits."""
    mean = sum(values) / len(values)
    return round(max(abs(value - mean) for value in values), 4)
