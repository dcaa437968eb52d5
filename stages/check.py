"""Gate on regressions: ``python -m stages.check [--update]``.

Reads ``runs/*/metrics.json`` of the runs in params and ``reports/baselines/<scale>.json``. Exit code 0 if no test
metric fell by more than its tolerance, 1 if one did, a run or metric is gone, or the item lists changed; 2 if the
baseline or the metrics are not there. ``--update`` writes the baseline anew and keeps its tolerances.
"""

import argparse
from pathlib import Path

from vqa.check import (
    FAILURES,
    TOLERANCES,
    changed_items,
    compare,
    make_baseline,
    read_baseline,
    read_metrics,
    render,
    summary,
)
from vqa.io import run_stage, write_json
from vqa.params import load


def main() -> int:
    """Compare, or update the baseline."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--update", action="store_true", help="make the present metrics the baseline")
    update = parser.parse_args().update
    params = load()
    scale, path = params.common.scale, Path(params.root) / "reports" / "baselines" / f"{params.common.scale}.json"
    metrics = read_metrics(params.runs, Path("runs"))
    if update:
        tolerances = read_baseline(path)["tolerances"] if path.is_file() else TOLERANCES
        write_json(path, make_baseline(metrics, scale, tolerances))
        print(f"{path}: {len(metrics)} runs")
        return 0
    baseline = read_baseline(path)
    changed = changed_items(metrics, baseline)
    lines = compare(metrics, baseline)
    print(render(lines))
    for text in changed:
        print(f"FAILED: {text}; metrics on other items cannot be compared, make a new baseline with --update")
    print(summary(lines))
    return int(bool(changed) or any(line.verdict in FAILURES for line in lines))


if __name__ == "__main__":
    run_stage(main)
