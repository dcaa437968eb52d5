"""Judge the paper's claims and numbers by ours: ``python -m stages.verdicts``.

Reads what the paper says (``reports/claims.yaml``, ``reports/paper/``), how often verdicts err on planted truths
(``reports/court.csv``) and what we found (``reports/tables/``,
``reports/statistics/``, ``landscapes/*/sharpness.csv``, ``runs/*/curve.csv``); writes ``reports/claims.csv`` (claims),
``reports/verdicts.csv`` (cells) and ``reports/verdicts.md`` (both, to be read).
"""

from pathlib import Path

from vqa.io import atomic, run_stage, write_csv
from vqa.report.verdicts.claims import read_claims
from vqa.report.verdicts.evidence import Printed, read_evidence, read_rates
from vqa.report.verdicts.judge import Court
from vqa.report.verdicts.page import unjudged_page, verdict_page
from vqa.report.verdicts.verdict import cell_rows, claim_rows, judge_all
from vqa.settings.params import load
from vqa.settings.strict import build
from vqa.stats.config import Statistics


def main() -> None:
    """Write the three files."""
    params, reports = load(), Path("reports")
    source = Path(params.root) / "reports"
    printed = Printed(source / "paper")
    claims = read_claims(source / "claims.yaml", printed)
    settings = build(Statistics, params.statistics, "params.yaml: statistics")
    folders = (reports / "tables", reports / "statistics", Path("runs"), Path("landscapes"))
    ours = read_evidence(*folders, params.common.released.weights, settings)
    court = Court(ours, printed, settings)
    stand_ins = [name for name, table in params.tables.items() if table.stand_in]
    own = {name: table.title for name, table in params.tables.items() if table.columns}
    synthetic = any(dataset.source == "synthetic" for dataset in params.datasets.values())
    judged, cells = judge_all(claims, court), cell_rows(court, stand_ins, synthetic)
    rates = read_rates(source / "court.csv")
    text = unjudged_page(court, own) if params.own else verdict_page(judged, cells, court, params.common, rates, own)
    write_csv(reports / "claims.csv", claim_rows(judged))
    write_csv(reports / "verdicts.csv", cells)
    with atomic(reports / "verdicts.md") as draft:
        draft.write_text(text, encoding="utf-8")


if __name__ == "__main__":
    run_stage(main)
