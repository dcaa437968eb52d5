"""Draw samples of every data set with their MOS: ``python -m stages.contact_sheet``.

Reads ``prepared/``; writes ``reports/contact_sheet.png``.
"""

from pathlib import Path

from vqa.data.items import open_datasets
from vqa.io import run_stage
from vqa.report.figures.contact_sheet import contact_sheet
from vqa.settings.params import load


def main() -> None:
    """Draw all data sets of params, in their order."""
    params = load()
    datasets = open_datasets(params.datasets)
    titled = {}
    for name, dataset in datasets.items():
        made = " (synthetic)" if params.datasets[name].source == "synthetic" else ""
        titled[params.datasets[name].title + made] = dataset
    contact_sheet(titled, Path("reports") / "contact_sheet.png")


if __name__ == "__main__":
    run_stage(main)
