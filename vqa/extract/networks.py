"""The weights of an extractor's networks: drawn, published, or those of a run."""

from pathlib import Path

import torch
from safetensors import SafetensorError

from vqa.extract.base import Extractor
from vqa.io import InputError
from vqa.methods.base import SEED
from vqa.models.init import initialise
from vqa.rng import torch_generator

# Where published files are kept, seen from the folder of a scale
WEIGHTS = Path("data") / "weights"


def load_networks(
    extractor: Extractor, name: str, seed: int, checksums: dict[str, str], device: torch.device, folder: Path = WEIGHTS
) -> None:
    """Give every network of the extractor its weights, freeze it, and move it to ``device``.

    Args:
        extractor: whose networks are changed.
        name: of the extractor; names the streams of weights that are drawn.
        seed: of these streams.
        checksums: SHA-256 of published files that come without one, by the name of the weights.
        device: to compute on.
        folder: of published files, fetched if they are not there.

    Raises:
        InputError: if a run's weights are missing or are not those of the network.
    """
    for part, (network, initial) in extractor.networks.items():
        position = (name,) if part == name else (name, part)
        initialise(network, torch_generator("init", seed, *position), linear_std=None, convolutions="kaiming")
        if initial.endswith(".safetensors"):
            _load_run(network, Path(initial))
        elif initial != SEED:
            from vqa.models.checkpoints import load_initial

            load_initial(initial, network, checksums, folder)
        network.requires_grad_(False).eval().to(device)


def _load_run(network: torch.nn.Module, file: Path) -> None:
    from safetensors.torch import load_file

    try:
        network.load_state_dict(load_file(file))
    except (OSError, RuntimeError, SafetensorError):
        raise InputError(f"{file}: missing, or not weights of this network; `dvc repro` its run again") from None
