"""Bring one data set to ``data/DATASET``: ``python -m stages.fetch DATASET``.

A synthetic data set is made on the spot, from its block in ``synthetic.yaml``; a provided one is checked and linked
from ``$VQA_DATA/DATASET`` (see :mod:`vqa.data.provided`). Nothing is downloaded.
"""

import sys
from pathlib import Path

from stages.common import argument
from vqa.io import run_stage
from vqa.params import load, load_synthetic
from vqa.strict import ParamsError


def main() -> None:
    """Make or link the data set named on the command line."""
    params = load()
    name = argument(__doc__, "dataset", params.datasets)
    out = Path("data") / name
    if params.datasets[name].source == "synthetic":
        make(name, out, params.common.seed)
    else:
        # Here, like the imports of make: neither way to a data set needs the libraries of the other.
        from vqa.data.provided import provide, source_folder

        for line in provide(name, source_folder(name), out):
            print(f"warning: {line}", file=sys.stderr)


def make(name: str, out: Path, seed: int) -> None:
    """Make the synthetic data set ``name`` in the folder ``out``; ParamsError if its block is not valid."""
    from vqa.data.synthetic.build import build
    from vqa.data.synthetic.spec import SyntheticSpec

    block = load_synthetic(name)
    try:
        spec = SyntheticSpec.from_dict(name, block)
    except ValueError as error:
        raise ParamsError(f"synthetic.yaml: {error}") from None
    build(spec, out, seed)


if __name__ == "__main__":
    run_stage(main)
