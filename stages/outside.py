"""Results of one row that others published: ``python -m stages.outside ROW``.

Reads ``data/published/ENTRY/``; writes ``runs/ROW/results.csv``.
"""

from pathlib import Path

from stages.common import argument
from vqa.io import run_stage, write_csv
from vqa.regression.outside import published_results, read_outside
from vqa.settings.params import load


def main() -> None:
    """Write the results of the row named on the command line."""
    params = load()
    name = argument(__doc__, "quotable", params.quotable)
    row = read_outside(params.quotable)[name]
    results = published_results(row, params.common.bootstrap, params.common.seed)
    write_csv(Path("runs") / name / "results.csv", results)


if __name__ == "__main__":
    run_stage(main)
