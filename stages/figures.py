"""Draw one figure of params, or all of them: ``python -m stages.figures [FIGURE]``.

Reads ``curve.csv`` of the run that the figure names; writes ``reports/figures/FIGURE.png``, ``.svg`` and the plotted
numbers (``.csv``). Other files in that folder are left alone.
"""

import argparse
from pathlib import Path

import pandas as pd

from vqa.io import InputError, run_stage, write_csv
from vqa.params import load
from vqa.report.figures import curve_numbers, draw_curves
from vqa.report.style import save
from vqa.strict import known_name


def main() -> None:
    """Draw what the command line asks for."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("figure", nargs="?", help="a key of params.yaml: figures (default: all)")
    asked = parser.parse_args().figure
    params = load()
    if asked is not None:
        known_name("params.yaml: figures", asked, params.figures)
    for stem, figure in params.figures.items():
        if asked not in (None, stem):
            continue
        source, test = Path("runs") / figure.run / "curve.csv", params.runs[figure.run].test[0]
        if not source.is_file():
            raise InputError(f"{source} is missing: train the run first, `dvc repro train@{figure.run}`")
        numbers = curve_numbers(pd.read_csv(source), test, figure.metric)
        dataset = params.datasets[test.partition("/")[0]].title
        out = Path("reports") / "figures" / stem
        write_csv(out.with_suffix(".csv"), numbers)
        save(draw_curves(numbers, figure, dataset, params.common), out)


if __name__ == "__main__":
    run_stage(main)
