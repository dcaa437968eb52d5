"""Write the site of the report: ``python -m stages.site``.

Reads what the stages before it left: ``reports/`` (tables, figures, statistics, verdicts and claims), ``landscapes/``,
``runs/`` and the reports of ``prepared/``; writes ``reports/site/``, a folder of pages that opens from disk.
"""

from pathlib import Path

from vqa.io import run_stage
from vqa.report.site.build import build_site
from vqa.report.site.inputs import read_inputs
from vqa.settings.params import load


def main() -> None:
    """Write the whole site anew."""
    build_site(read_inputs(load(), Path()), Path("reports") / "site")


if __name__ == "__main__":
    run_stage(main)
