"""Draw the figures of params: ``python -m stages.figures``.

Reads ``curve.csv`` of the runs that ``params.figures`` names; writes ``reports/figures/``: per figure a ``.png``, a
``.svg`` and the plotted numbers (``.csv``). Other files in that folder are left alone.
"""

from pathlib import Path

import pandas as pd

from vqa.io import InputError, run_stage, write_csv
from vqa.params import load
from vqa.report.figures import curve_numbers, draw_curves
from vqa.report.style import save


def main() -> None:
    """Write all figures."""
    params = load()
    for stem, figure in params.figures.items():
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
