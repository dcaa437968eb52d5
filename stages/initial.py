"""Write the weights that a method's trainings start from: ``python -m stages.initial METHOD``.

Drawn from the seed, or published weights mapped to our names, as the method's block of params says; those are fetched
to ``data/weights/`` and checked. Writes ``initial/METHOD.safetensors``.
"""

from pathlib import Path

from safetensors.torch import save_file

from stages.common import argument
from vqa.io import atomic, run_stage
from vqa.methods import load_method
from vqa.methods.base import SEED
from vqa.rng import torch_generator
from vqa.settings.params import Run, load

WEIGHTS = Path("data") / "weights"


def main() -> None:
    """Write the initial weights of the method named on the command line."""
    params = load()
    name = argument(__doc__, "method", params.methods)
    plain = Run(method=name, init=f"initial/{name}.safetensors", data="", train="", test=())
    method = load_method(name, params.methods[name], plain)
    model = method.build(torch_generator("init", params.common.seed))
    if method.initial != SEED:
        from vqa.models.checkpoints import load_initial

        load_initial(method.initial, model, params.checksums, WEIGHTS)
    with atomic(Path("initial") / f"{name}.safetensors") as draft:
        save_file({key: value.contiguous() for key, value in model.state_dict().items()}, draft)


if __name__ == "__main__":
    run_stage(main)
