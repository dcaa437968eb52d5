"""Fill and render the tables of params: ``python -m stages.tables``.

Reads ``reports/paper/`` (the paper's numbers) and, of the runs that ``params.tables`` names, ``metrics.json`` and
``predictions.csv``, or ``results.csv`` of rows that were not trained here; writes ``reports/tables/``: per table the
long form (``.csv``) and two pages (``.md``, ``.tex``).
"""

import shutil
from pathlib import Path

from vqa.io import atomic, run_stage, write_csv
from vqa.report.tables.cells import fill, paper_cells, read_table
from vqa.report.tables.outside_row import names_of_tables, read_rows
from vqa.report.tables.render import latex, markdown
from vqa.settings.params import load


def main() -> None:
    """Write all tables anew."""
    params = load()
    runs = read_rows(names_of_tables(params), params, Path("runs"))
    paper, out = Path(params.root) / "reports" / "paper", Path("reports") / "tables"
    filled = {
        name: fill(name, table, paper_cells(name, table, paper), runs, params.datasets)
        for name, table in params.tables.items()
    }
    shutil.rmtree(out, ignore_errors=True)  # a table that left params leaves the report too
    out.mkdir(parents=True)
    for name, frame in filled.items():
        write_csv(out / f"{name}.csv", frame)
        frame = read_table(out / f"{name}.csv")  # the pages show what the file holds, not more digits
        for suffix, page in ((".md", markdown), (".tex", latex)):
            with atomic(out / f"{name}{suffix}") as draft:
                draft.write_text(page(params.tables[name].title, frame, params.common), encoding="utf-8")


if __name__ == "__main__":
    run_stage(main)
