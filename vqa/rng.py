"""Named random streams: every random act of the suite draws from a generator made here.

A stream is named by what it is for (``"init"``, ``"order"``, ``"crop"``, ``"perturb"`` ...) and by where it is used
(seed, epoch, item, step ...). Two runs that share purpose, seed and position see the same numbers, whatever else
they draw: a baseline and its AWP twin share initialisation, order and crops, and the number of loader workers or a
resume in the middle of a run changes nothing. No function here or elsewhere touches a global generator.
"""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    import torch


def stream_seed(purpose: str, seed: int, *position: int | str) -> int:
    """Return a 63-bit integer that identifies one stream.

    Args:
        purpose: what the stream is for, for example ``"crop"``.
        seed: the run's seed.
        position: any integers or strings that say where in the run the stream is used, for example epoch and item.

    The mapping is SHA-256 of the printed key, so it is the same on every platform and never changes with Python's
    hash randomisation.
    """
    key = "/".join([purpose, str(int(seed)), *(str(part) for part in position)])
    return int.from_bytes(hashlib.sha256(key.encode()).digest()[:8], "big") >> 1


def torch_generator(purpose: str, seed: int, *position: int | str, device: str = "cpu") -> torch.Generator:
    """Return a fresh :class:`torch.Generator` on ``device``, seeded with :func:`stream_seed`."""
    import torch  # here, because the data stages need NumPy streams only and torch takes over a second to import

    generator = torch.Generator(device=device)
    generator.manual_seed(stream_seed(purpose, seed, *position))
    return generator


def numpy_generator(purpose: str, seed: int, *position: int | str) -> np.random.Generator:
    """Return a fresh NumPy generator (PCG64), seeded with :func:`stream_seed`."""
    return np.random.Generator(np.random.PCG64(stream_seed(purpose, seed, *position)))
