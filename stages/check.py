"""Gate on regressions: ``python -m stages.check [--update]``.

Reads ``metrics.json`` and ``run.json`` of the runs in params and ``reports/baselines/<scale>.json``. Exit code 0 if no
test metric fell by more than its tolerance (0 in the environment of the baseline), 1 if one did, a run or metric is
gone, or the item lists changed; 2 if the baseline or the metrics are not there. ``--update`` writes the baseline anew
and keeps its tolerances, which ``python -m stages.tolerances`` measures.
"""

import argparse
from pathlib import Path

from vqa.io import run_stage, write_json
from vqa.settings.params import load
from vqa.tracking.check import (
    FAILURES,
    baseline_path,
    changed_items,
    compare,
    make_baseline,
    read_baseline,
    read_environments,
    read_results,
    render,
    summary,
)


def main() -> int:
    """Compare, or update the baseline."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--update", action="store_true", help="make the present metrics the baseline")
    update = parser.parse_args().update
    params = load()
    path = baseline_path(params)
    metrics, environments = (read(params.runs, Path("runs")) for read in (read_results, read_environments))
    if update:
        tolerances = read_baseline(path)["tolerances"] if path.is_file() else {}
        write_json(path, make_baseline(metrics, environments, params.common.scale, tolerances))
        print(f"{path}: {len(metrics)} runs")
        return 0
    baseline = read_baseline(path)
    changed = changed_items(metrics, baseline)
    elsewhere = [run for run, environment in environments.items() if environment != baseline["environment"]]
    lines = compare(metrics, baseline, {name: run.method for name, run in params.runs.items()}, elsewhere)
    print(render(lines))
    for text in changed:
        print(f"FAILED: {text}; metrics on other items cannot be compared, make a new baseline with --update")
    print(summary(lines, elsewhere))
    return int(bool(changed) or any(line.verdict in FAILURES for line in lines))


if __name__ == "__main__":
    run_stage(main)
