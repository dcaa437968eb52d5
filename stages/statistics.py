"""Compare runs with each other: ``python -m stages.statistics``.

Reads ``reports/paper/``, the results of the runs that ``params.tables`` and ``params.landscapes`` name, and
``landscapes/``; writes ``reports/statistics/``: every pair of rows of a table (``comparisons.csv``), what the choice of
the epoch is worth (``selection_bonus.csv``), sharpness and gap of runs (``sharpness_points.csv``) and their correlation
(``sharpness_gap.csv``), and the variation over seeds and splits (``spread.csv``).
"""

from pathlib import Path

import pandas as pd

from vqa.io import run_stage, write_csv
from vqa.regression.outside import read_outside
from vqa.report.tables.bonus import repeated_trainings, selection_bonus
from vqa.report.tables.cells import fill, paper_cells
from vqa.report.tables.compare import COLUMNS, comparisons
from vqa.report.tables.outside_row import OutsideRow, names_of_tables, read_rows
from vqa.report.tables.results import TrainedRun
from vqa.report.tables.sharpness_gap import correlations, points
from vqa.settings.params import load
from vqa.settings.strict import build
from vqa.stats.config import Statistics


def main() -> None:
    """Write all statistics anew."""
    params = load()
    settings = build(Statistics, params.statistics, "params.yaml: statistics")
    log_names = {row.method: name for name, row in read_outside(params.quotable).items() if row.kind == "log"}
    runs = read_rows([*names_of_tables(params), *params.landscapes, *log_names.values()], params, Path("runs"))
    logs = {method: row for method, name in log_names.items() if isinstance(row := runs[name], OutsideRow)}
    trained = {name: run for name, run in runs.items() if isinstance(run, TrainedRun)}
    tabulated = [name for name in names_of_tables(params) if name in params.runs]
    paper, compared = Path(params.root) / "reports" / "paper", []
    for name, table in params.tables.items():
        frame = fill(name, table, paper_cells(name, table, paper), runs, params.datasets)
        compared.append(comparisons(name, frame, trained, params.datasets, settings))
    found = points(trained, params, Path("landscapes"))
    files = {
        "comparisons": pd.concat(compared, ignore_index=True) if compared else pd.DataFrame(columns=COLUMNS),
        "selection_bonus": selection_bonus((trained[name] for name in tabulated), logs),
        "sharpness_points": found,
        "sharpness_gap": correlations(found, params.common.bootstrap, settings, params.common.seed),
        "spread": repeated_trainings(trained[name] for name in tabulated),
    }
    for name, frame in files.items():
        write_csv(Path("reports") / "statistics" / f"{name}.csv", frame)


if __name__ == "__main__":
    run_stage(main)
