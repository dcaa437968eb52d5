"""Bring one data set to ``data/DATASET``: ``python -m stages.fetch DATASET``.

A synthetic data set is made on the spot, from its block in ``synthetic.yaml``: nothing is downloaded.
"""

from pathlib import Path

from stages.common import argument
from vqa.data.synthetic.build import build
from vqa.data.synthetic.spec import SyntheticSpec
from vqa.io import run_stage
from vqa.params import load, load_synthetic
from vqa.strict import ParamsError


def main() -> None:
    """Make the data set named on the command line."""
    params = load()
    name = argument(__doc__, "dataset", params.datasets)
    block = load_synthetic(name)
    try:
        spec = SyntheticSpec.from_dict(name, block)
    except ValueError as error:
        raise ParamsError(f"synthetic.yaml: {error}") from None
    build(spec, Path("data") / name, params.common.seed)


if __name__ == "__main__":
    run_stage(main)
