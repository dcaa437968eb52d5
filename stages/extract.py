"""Describe every video of one data set by a frozen extractor: ``python -m stages.extract ROW``.

Reads ``prepared/DATASET/`` and what the row names; writes ``features/EXTRACTOR/DATASET/``: ``features.npy`` (items x
rows x channels, float32; zeros behind the rows of shorter items), ``lengths.npy`` (rows of every item) and the item
list that they follow. A killed run goes on from ``.state/`` after its last full piece of items.
"""

import shutil
from pathlib import Path

import numpy as np
from safetensors.torch import save

from stages.common import argument
from vqa.data.items import Part, open_datasets
from vqa.device import set_up
from vqa.extract import extractor_module, load_extractor
from vqa.extract.base import ROWS, describe
from vqa.extract.networks import load_networks
from vqa.graph.fingerprints import fingerprint
from vqa.io import atomic, digest, file_digest, run_stage
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
    # All that determines the result names the folder of a resume, so that it never goes on from something else.
    prepared, states = Path("prepared") / row.dataset, Path(".state") / f"extract-{name}"
    block = params.extractors[row.extractor]
    code = fingerprint(Path(params.root), ["stages.extract", extractor_module(row.extractor, block)], block)
    weights = [digest(save(network.state_dict())) for network, _ in extractor.networks.values()]
    lists = [file_digest(path) for path in sorted(prepared.glob("*.csv"))]
    state = states / digest(repr((code, row.changes, weights, lists)))[:16]
    _, lengths = describe(part, extractor, row.extractor, state, max(1, common.loader_workers))
    out = Path("features") / row.extractor / row.dataset
    with atomic(out / "lengths.npy") as draft, draft.open("wb") as stream:
        np.save(stream, lengths, allow_pickle=False)
    with atomic(out / "items.csv") as draft:
        shutil.copyfile(prepared / "items.csv", draft)
    with atomic(out / ROWS) as draft:
        shutil.move(state / ROWS, draft)  # not copied: of a large data set it is tens of gigabytes
    shutil.rmtree(states)


if __name__ == "__main__":
    run_stage(main)
