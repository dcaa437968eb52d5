"""Compare runs with each other: ``python -m stages.statistics``.

Reads ``reports/paper/``, ``reports/claims.yaml``, the results of the runs that ``params.tables`` and
``params.landscapes`` name, and ``landscapes/``; writes ``reports/statistics/``: pairs of rows (``comparisons.csv``),
means over the parts of claims (``averages.csv``), what the choice of the epoch is worth (``selection_bonus.csv``),
sharpness and gap of trainings (``sharpness_points.csv``) and their correlation (``sharpness_gap.csv``), the
variation over seeds and splits (``spread.csv``), what fusing branches is worth by rule (``fusion.csv``), and how close
features of our own come to published ones (``agreement.csv``).
"""

from pathlib import Path

from vqa.io import run_stage, write_csv
from vqa.regression.outside import read_outside
from vqa.report.tables.agreements import agreements
from vqa.report.tables.bonus import repeated_trainings, selection_bonus
from vqa.report.tables.branches import fusion_gains
from vqa.report.tables.cells import fill, paper_cells
from vqa.report.tables.compare import comparisons
from vqa.report.tables.outside_row import OutsideRow, names_of_tables, read_rows
from vqa.report.tables.results import TrainedRun
from vqa.report.tables.sharpness_gap import correlations, points
from vqa.report.verdicts.average import averages
from vqa.report.verdicts.claims import read_claims
from vqa.report.verdicts.evidence import Printed
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
    reports = Path(params.root) / "reports"
    printed = Printed(reports / "paper")
    frames = {
        name: fill(name, table, paper_cells(name, table, reports / "paper"), runs, params.datasets)
        for name, table in params.tables.items()
    }
    claims = read_claims(reports / "claims.yaml", printed)
    found = points(trained, params, Path("landscapes"))
    files = {
        "comparisons": comparisons(frames, trained, params.datasets, settings),
        "averages": averages(claims, printed, frames, trained, params.datasets, settings),
        "selection_bonus": selection_bonus((trained[name] for name in tabulated), logs),
        "sharpness_points": found,
        "sharpness_gap": correlations(found, trained, params.common.bootstrap, settings, params.common.seed),
        "fusion": fusion_gains([*params.shared["fusions"], *params.quotable], Path("runs")),
        "agreement": agreements(params.shared["agreements"], Path("runs")),
        "spread": repeated_trainings(trained[name] for name in tabulated),
    }
    for name, frame in files.items():
        write_csv(Path("reports") / "statistics" / f"{name}.csv", frame)


if __name__ == "__main__":
    run_stage(main)
