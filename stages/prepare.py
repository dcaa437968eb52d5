"""Check one data set and make its item list: ``python -m stages.prepare DATASET``.

Reads ``data/DATASET``; writes ``prepared/DATASET`` (see :mod:`vqa.data.prepare`). A file that cannot be decoded ends
the stage with exit code 2 and its name, or is listed as excluded if the data set's params say so.
"""

from pathlib import Path

from stages.common import argument
from vqa.data.prepare import prepare
from vqa.io import run_stage
from vqa.params import load


def main() -> None:
    """Prepare the data set named on the command line."""
    params = load()
    name = argument(__doc__, "dataset", params.datasets)
    dataset = params.datasets[name]
    report = prepare(Path("data") / name, Path("prepared") / name, dataset.bad_files, dataset.frame_store)
    print(f"{name}: {report['usable']} of {report['listed']} items usable, {len(report['excluded'])} excluded")


if __name__ == "__main__":
    run_stage(main)
