"""Describe every video of one data set by a frozen extractor: ``python -m stages.extract ROW``.

Reads ``prepared/DATASET/`` and what the row names; writes ``features/EXTRACTOR/DATASET/``: ``features.npy`` (items x
rows x channels, float32; zeros behind the rows of shorter items), ``lengths.npy`` (rows of every item) and the item
list that they follow.
"""

import shutil
from pathlib import Path

import numpy as np

from stages.common import argument
from vqa.data.items import Part, open_datasets
from vqa.device import set_up
from vqa.extract import load_extractor
from vqa.extract.base import describe
from vqa.extract.networks import load_networks
from vqa.io import atomic, run_stage
from vqa.settings.params import load


def main() -> None:
    """Extract by the row named on the command line."""
    params = load()
    name = argument(__doc__, "extraction", params.extractions)
    row, common = params.extractions[name], params.common
    extractor = load_extractor(row.extractor, params.extractors[row.extractor], row.changes)
    device = set_up(common)
    load_networks(extractor, row.extractor, common.seed, params.checksums, device)
    part = Part(open_datasets([row.dataset])[row.dataset], "all")
    features, lengths = describe(part, extractor, row.extractor)
    out = Path("features") / row.extractor / row.dataset
    for file, array in (("features", features), ("lengths", lengths)):
        with atomic(out / f"{file}.npy") as draft, draft.open("wb") as stream:
            np.save(stream, array, allow_pickle=False)
    with atomic(out / "items.csv") as draft:
        shutil.copyfile(Path("prepared") / row.dataset / "items.csv", draft)


if __name__ == "__main__":
    run_stage(main)
