"""Write the front page of the report: ``python -m stages.report``.

Reads ``reports/tables/`` and ``reports/figures/`` as their stages wrote them, and ``prepared/*/report.json``; writes
``reports/README.md``.
"""

from pathlib import Path

from vqa.io import atomic, run_stage
from vqa.report.front import front_page
from vqa.settings.params import load


def main() -> None:
    """Write ``reports/README.md``."""
    params, reports = load(), Path("reports")
    page = front_page(params, reports, Path(params.root) / "reports" / "paper", Path("prepared"))
    with atomic(reports / "README.md") as draft:
        draft.write_text(page, encoding="utf-8")


if __name__ == "__main__":
    run_stage(main)
