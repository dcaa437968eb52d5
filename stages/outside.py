"""Results of one row that others published: ``python -m stages.outside ROW``.

Reads ``data/published/ENTRY/``; writes ``runs/ROW/``: ``results.csv``, and ``fusion.csv``, what its branches are worth
under every rule of fusing them, without rows where it has none.
"""

from pathlib import Path

from stages.common import argument
from vqa.io import run_stage, write_csv
from vqa.regression.outside import published_results, read_outside
from vqa.regression.published_fusion import published_fusion
from vqa.settings.params import load


def main() -> None:
    """Write the results of the row named on the command line."""
    params = load()
    name = argument(__doc__, "quotable", params.quotable)
    row = read_outside(params.quotable)[name]
    draw, out = (params.common.bootstrap, params.common.seed), Path("runs") / name
    write_csv(out / "results.csv", published_results(row, *draw))
    write_csv(out / "fusion.csv", published_fusion(row, draw))


if __name__ == "__main__":
    run_stage(main)
