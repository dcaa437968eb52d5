"""Measure how far metrics may move on another kind of machine: ``python -m stages.tolerances [--seeds 6]``.

Trains the first run of every method with other seeds (:mod:`vqa.tracking.tolerances`) and writes what is found into the
baseline file of the scale, for ``python -m stages.check``.
"""

import argparse
import json

from vqa.io import InputError, run_stage, write_json
from vqa.settings.params import load
from vqa.tracking.check import baseline_path, read_baseline
from vqa.tracking.tolerances import measure


def main() -> None:
    """Train, evaluate, and write the tolerances."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--seeds", type=int, default=6, help="trainings of every method, at least 3 (default 6)")
    number = parser.parse_args().seeds
    if number < 3:
        raise InputError(f"--seeds: {number} trainings show no spread; 3 is the least")
    params = load()
    path = baseline_path(params)
    baseline = read_baseline(path)
    baseline["tolerances"] = measure(params, [params.common.seed + 1 + k for k in range(number)])
    write_json(path, baseline)
    print(f"{path}: {json.dumps(baseline['tolerances'])}")


if __name__ == "__main__":
    run_stage(main)
