"""Hold our features of single clips against published rows: ``python -m stages.agreement ROW``.

Reads the clips and the features in ``data/published/``; writes ``runs/ROW/agreement.csv``, a line for every feature of
every clip.
"""

from pathlib import Path
from typing import Any

import numpy as np

from stages.common import argument
from vqa.data.published.entries import ROOT
from vqa.data.published.features import feature_table
from vqa.handcrafted import load_system
from vqa.handcrafted.planes import read_planes
from vqa.io import run_stage, write_csv
from vqa.regression.agreement import agreement
from vqa.settings.params import load


def main() -> None:
    """Compare by the row named on the command line."""
    rows = load().shared["agreements"]
    name = argument(__doc__, "shared.agreement", rows)
    row = rows[name]
    system: Any = load_system(row["features"])
    published = feature_table(row["features"], row["dataset"])

    def describe(clip: Path) -> np.ndarray:
        return getattr(system, row["features"])(*read_planes(clip))

    found = agreement(published, system.FEATURES, describe, ROOT / row["clips"])
    write_csv(Path("runs") / name / "agreement.csv", found)


if __name__ == "__main__":
    run_stage(main)
