"""Bring one data set to ``data/DATASET``: ``python -m stages.fetch DATASET``.

A synthetic data set is made on the spot, from its block in ``sources.yaml``; a provided one is checked and linked
from ``$VQA_DATA/DATASET``, which is filled first where no form is in the way (see :mod:`vqa.data.provided`); a
published one is labels and features that others computed (see :mod:`vqa.data.published.datasets`); the user's own is
linked from where ``sources.yaml`` says (see :mod:`vqa.data.own`). What is downloaded comes from the folder that
``VQA_MIRROR`` names, if it is there.
"""

import sys
from pathlib import Path

from stages.common import argument
from vqa.io import run_stage
from vqa.settings.params import Dataset, load, load_source
from vqa.settings.strict import ParamsError


def main() -> None:
    """Make or link the data set named on the command line."""
    params = load()
    name = argument(__doc__, "dataset", params.datasets)
    fetch(name, params.datasets[name], Path("data") / name, params.common.seed)


def fetch(name: str, dataset: Dataset, out: Path, seed: int) -> None:
    """Bring the data set ``name`` to ``out``; InputError, in one line, if that cannot be."""
    # The imports are here and in make because no way to a data set needs the libraries of the others.
    listed = dataset.list
    lines = []
    if dataset.source == "synthetic":
        make(name, out, seed)
    elif dataset.source == "own":
        from vqa.data.own import own_source
        from vqa.data.provided import link_listed

        source = own_source(name)
        link_listed(Path(source.labels), Path(source.videos), out)
    elif dataset.source == "published":
        from vqa.data.published.datasets import fetch_features

        lines = fetch_features(name, out, listed)
    else:
        from vqa.data.provided import provide, source_folder

        lines = provide(name, source_folder(name), out, listed)
    for line in lines:
        print(f"warning: {line}", file=sys.stderr)


def make(name: str, out: Path, seed: int) -> None:
    """Make the synthetic data set ``name`` in the folder ``out``; ParamsError if its block is not valid."""
    from vqa.data.synthetic.build import build
    from vqa.data.synthetic.spec import SyntheticSpec

    block = load_source(name)
    try:
        spec = SyntheticSpec.from_dict(name, block)
    except ValueError as error:
        raise ParamsError(f"sources.yaml: {error}") from None
    build(spec, out, seed)


if __name__ == "__main__":
    run_stage(main)
