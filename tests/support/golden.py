"""Golden vectors: numbers of the released research code, and the recipes that rebuild the inputs they belong to.

The folder holds one ``.npz`` per subject; its own README is the contract. Environment variable ``VQA_GOLDEN`` names
it. Tests read array names, parameters and the seed from the files, so that another folder with the same names and
other values or sizes works unchanged.
"""

import math
import os
import zlib
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from project import ROOT
from torch import nn

DEFAULT_FOLDER = ROOT.parent / "shared" / "golden" / "public"


def generator(key: str, seed: int) -> np.random.Generator:
    """Stream of the recipes: PCG64 seeded with the CRC-32 of the key plus the seed of the file."""
    return np.random.Generator(np.random.PCG64(zlib.crc32(key.encode()) + seed))


def normal(key: str, shape: Sequence[int], seed: int, scale: float = 1.0, mean: float = 0.0) -> np.ndarray:
    """Float64 Gaussian numbers of ``shape``."""
    return generator(key, seed).standard_normal(tuple(shape)) * scale + mean


def u8(key: str, shape: Sequence[int], seed: int) -> np.ndarray:
    """Uniform uint8 numbers of ``shape`` in [0, 255]: raw video."""
    return generator(key, seed).integers(0, 256, size=tuple(shape), dtype=np.uint8)


def structured(key: str, shape: Sequence[int], block: Sequence[int], seed: int) -> np.ndarray:
    """Float32 numbers that are smooth over ``block`` in the last axes, plus fine noise: normalised network input."""
    lead = len(shape) - len(block)
    coarse_shape = (*shape[:lead], *(math.ceil(n / b) for n, b in zip(shape[lead:], block, strict=True)))
    coarse = normal(f"{key}/coarse", coarse_shape, seed)
    for axis, size in enumerate(block, start=lead):
        coarse = coarse.repeat(size, axis=axis)
    coarse = coarse[tuple(slice(n) for n in shape)]
    return (coarse + 0.5 * normal(f"{key}/fine", shape, seed)).astype(np.float32)


def weight(key: str, shape: Sequence[int], seed: int) -> np.ndarray:
    """Float32 value of the parameter or running statistic with this state-dict key."""
    leaf = key.rsplit(".", 1)[-1]
    if leaf in ("relative_position_bias_table", "fragment_position_bias_table"):
        values = normal(key, shape, seed, 0.5)
    elif leaf == "running_mean":
        values = normal(key, shape, seed, 0.1)
    elif leaf == "running_var":
        values = generator(key, seed).random(tuple(shape)) + 0.5
    elif leaf == "logit_scale":
        values = normal(key, shape, seed, 1.5, math.log(10))
    elif len(shape) >= 2:
        values = normal(key, shape, seed, 1 / math.sqrt(math.prod(shape[1:])))
    else:
        values = normal(key, shape, seed, 0.1, 1.0 if leaf == "weight" else 0.0)
    return values.astype(np.float32)


def filled(
    model: nn.Module,
    seed: int,
    name: Callable[[str], str | None] = lambda key: key,
    dtype: torch.dtype = torch.float64,
) -> Any:
    """Evaluation mode, with :func:`weight` of ``name(key)`` in every floating entry of the state; None: as it is."""
    state = model.state_dict()
    for key, value in state.items():
        released = name(key)
        if value.is_floating_point() and released is not None:
            state[key] = torch.from_numpy(weight(released, value.shape, seed))
    model.load_state_dict(state)
    return model.to(dtype).eval()


def keys(model: nn.Module) -> list[str]:
    """Names and shapes of the state as the files write them."""
    return [f"{key} {'x'.join(map(str, value.shape)) or 'scalar'}" for key, value in model.state_dict().items()]


def check(values: np.ndarray) -> np.ndarray:
    """What ``..._check`` arrays hold: the sum in float64 and the first five values."""
    return np.concatenate([[values.sum(dtype=np.float64)], values.ravel()[:5]]).astype(np.float64)


class Vectors:
    """The arrays of one golden file, by name."""

    def __init__(self, path: Path) -> None:
        with np.load(path, allow_pickle=False) as archive:
            self.arrays = dict(archive)
        self.seed = int(self.arrays["seed"][0])

    def __getitem__(self, name: str) -> np.ndarray:
        return self.arrays[name]

    def __contains__(self, name: str) -> bool:
        return name in self.arrays

    def tensor(self, name: str, dtype: torch.dtype | None = None) -> torch.Tensor:
        """One array as a tensor of its own memory, converted to ``dtype`` if one is given."""
        return torch.tensor(self.arrays[name], dtype=dtype)

    def scalar(self, name: str) -> float:
        """The single element of an array of shape (1,)."""
        return self.arrays[name].item()

    def text(self, name: str) -> list[str]:
        """The items of a text array."""
        return self.arrays[name].tobytes().decode().split("\n")

    def under(self, prefix: str) -> dict[str, np.ndarray]:
        """Arrays whose name starts with ``prefix/``, by the rest of the name."""
        return {name[len(prefix) + 1 :]: value for name, value in self.arrays.items() if name.startswith(f"{prefix}/")}

    def groups(self, prefix: str, leaf: str) -> list[str]:
        """Names X, in stored order, for which an array ``prefix`` + X + ``/leaf`` exists."""
        return [n[len(prefix) : -len(leaf) - 1] for n in self.arrays if n.startswith(prefix) and n.endswith(f"/{leaf}")]


def load(subject: str) -> Vectors:
    """Read ``<folder>/<subject>.npz``; where it is missing, skip the whole test module that asks for it."""
    folder = Path(os.environ.get("VQA_GOLDEN") or DEFAULT_FOLDER)
    path = folder / f"{subject}.npz"
    if not path.is_file():
        pytest.skip(
            f"golden vectors: no {subject}.npz; set VQA_GOLDEN to the folder that holds it", allow_module_level=True
        )
    return Vectors(path)


def assert_close(actual: object, expected: np.ndarray, atol: float, rtol: float = 0.0, what: str = "") -> None:
    """Equal shapes and, elementwise, |actual - expected| <= atol + rtol |expected|; NaN equals NaN."""
    if isinstance(actual, torch.Tensor):
        actual = actual.detach().cpu().numpy()
    actual = np.asarray(actual, dtype=np.float64)
    assert actual.shape == expected.shape, f"{what}: shape {actual.shape}, expected {expected.shape}"
    np.testing.assert_allclose(actual, expected, rtol=rtol, atol=atol, err_msg=what)


def assert_summary(actual: torch.Tensor, vectors: Vectors, prefix: str, atol: float) -> None:
    """Compare a big result with its stored shape, [mean, std, min, max] and strided sample (and channel means)."""
    values = actual.detach().double().numpy()
    assert values.shape == tuple(vectors[f"{prefix}.shape"]), prefix
    stat = [values.mean(), values.std(), values.min(), values.max()]
    assert_close(stat, vectors[f"{prefix}.stat"], atol, what=f"{prefix}.stat")
    sample = values.ravel()[:: int(vectors.scalar(f"{prefix}.stride"))]
    assert_close(sample, vectors[f"{prefix}.sub"], atol, what=f"{prefix}.sub")
    if f"{prefix}.channel_mean" in vectors:
        means = np.moveaxis(values, 1, 0).reshape(values.shape[1], -1).mean(axis=1)
        assert_close(means, vectors[f"{prefix}.channel_mean"], atol, what=f"{prefix}.channel_mean")
