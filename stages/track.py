"""Mirror the runs of params into MLflow: ``python -m stages.track [--store sqlite:///mlflow.db]``.

Reads ``run.json``, ``curve.csv``, ``predictions.csv`` and ``metrics.json`` of every run; writes the store, and the
files into ``mlartifacts/``. Runs that are already there are left alone; a second call writes nothing.
"""

import argparse
from pathlib import Path

from vqa.io import run_stage
from vqa.settings.params import load
from vqa.tracking.track import track


def main() -> None:
    """Bring the store up to date and say what was done."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--store", default="sqlite:///mlflow.db", help="MLflow tracking URI (default %(default)s)")
    store = parser.parse_args().store
    params = load()
    print(track(params.runs, Path("runs"), params.common.scale, store, Path("mlartifacts")))


if __name__ == "__main__":
    run_stage(main)
