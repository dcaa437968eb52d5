"""Motion features of one data set: ``python -m stages.motion DATASET``.

Reads ``prepared/DATASET/``; writes ``motion/DATASET/``: ``features.npy`` (items x clips x channels, float32) and the
item list that its rows follow.
"""

import shutil
from pathlib import Path

import numpy as np

from stages.common import argument
from vqa.data.items import Part, open_datasets
from vqa.device import set_up
from vqa.io import atomic, run_stage
from vqa.settings.params import load
from vqa.settings.strict import build
from vqa.training.motion import Clips, Config, build_network, extract


def main() -> None:
    """Extract the features of the data set named on the command line."""
    params = load()
    name = argument(__doc__, "dataset", params.motion)
    config = build(Config, params.slowfast, "params.yaml: slowfast")
    clips = build(Clips, params.motion[name], f"params.yaml: motion.{name}").clips
    device = set_up(params.common)
    sha256 = params.checksums.get(config.initial)
    model = build_network(config, params.common.seed, Path("data") / "weights", sha256)
    features = extract(Part(open_datasets([name])[name], "all"), model, clips, config, device)
    out = Path("motion") / name
    with atomic(out / "features.npy") as draft, draft.open("wb") as stream:
        np.save(stream, features, allow_pickle=False)
    with atomic(out / "items.csv") as draft:
        shutil.copyfile(Path("prepared") / name / "items.csv", draft)


if __name__ == "__main__":
    run_stage(main)
