"""Draw the figures of params: ``python -m stages.figures [FIGURE ...]`` (default: all, into an empty folder).

Reads ``runs/``, ``landscapes/`` and ``reports/statistics/``; writes ``reports/figures/``: every figure as PNG and SVG,
and the plotted numbers of every panel as CSV.
"""

import argparse
import shutil
from pathlib import Path

from tqdm import tqdm

from vqa.io import run_stage
from vqa.report.figures.figure import read_figures, write_figure
from vqa.report.figures.panel import Sources
from vqa.settings.params import load
from vqa.settings.strict import known_name


def main() -> None:
    """Draw what the command line asks for."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("figures", nargs="*", help="keys of params.yaml: figures")
    asked = parser.parse_args().figures
    params, out = load(), Path("reports") / "figures"
    figures = read_figures(params)
    for name in asked:
        known_name("params.yaml: figures", name, figures)
    if not asked:
        shutil.rmtree(out, ignore_errors=True)  # a figure that left params leaves the report too
    for name in tqdm(asked or figures, desc="figures", disable=None):
        write_figure(name, figures[name], Sources(params, Path()), out)


if __name__ == "__main__":
    run_stage(main)
