"""Fill and render the tables of params: ``python -m stages.tables``.

Reads ``reports/paper/`` (the paper's numbers) and, of the runs that ``params.tables`` names, ``metrics.json`` and
``predictions.csv``; writes ``reports/tables/``: per table the long form (``.csv``) and two pages (``.md``, ``.tex``).
"""

import shutil
from pathlib import Path

from vqa.io import atomic, run_stage, write_csv
from vqa.params import load
from vqa.report.render import latex, markdown
from vqa.report.results import TrainedRun
from vqa.report.tables import fill, read_paper, read_table


def main() -> None:
    """Write all tables anew."""
    params = load()
    rows = [row for table in params.tables.values() for row in table.rows.values()]
    names = dict.fromkeys(name for row in rows for name in row)
    runs = {name: TrainedRun(name, params.runs[name], Path("runs") / name, params.common) for name in names}
    paper, out = Path(params.root) / "reports" / "paper", Path("reports") / "tables"
    filled = {
        name: fill(name, table, read_paper(paper / f"{name}.csv"), runs, params.datasets)
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
