"""Published weights: where they are, what they must look like, and how they become weights of our models.

Nothing is unpickled, no file is read whose checksum nobody stated, and a file must bring exactly the tensors that its
entry promises. Constants that the models compute themselves, and counters of batches, are never read from a file.
"""

import pickle
import re
from collections.abc import Iterable
from dataclasses import dataclass
from fnmatch import fnmatchcase
from pathlib import Path

import torch
from torch import Tensor, nn

from vqa.io import InputError, file_digest
from vqa.models.caffe2 import read_caffe2
from vqa.models.keymaps import State
from vqa.models.registry import PUBLISHED, Published
from vqa.settings.strict import one_of
from vqa.sources.download import obtain

# Old files lack the counters, libraries shape the constants differently, and neither changes a result.
NOT_WEIGHTS = ("relative_position_index", "relative_coords_table", "attn_mask", "num_batches_tracked")


@dataclass(frozen=True)
class LoadReport:
    """What :func:`load_published` did: names in the model that were filled or kept, and names in the file left over."""

    name: str
    sha256: str
    loaded: tuple[str, ...]
    missing: tuple[str, ...]
    unexpected: tuple[str, ...]


def obtain_published(name: str, folder: Path, sha256: str | None = None) -> Path:
    """Bring the file of the entry ``name`` to ``folder`` (:func:`vqa.sources.download.obtain`) and return its path.

    Raises:
        InputError: if no checksum is known and none is stated, or if the file cannot be had.
        ValueError: if there is no such entry.
    """
    entry = _entry(name)
    return obtain(entry.url, entry.file, _checksums(entry, sha256)[-1], entry.terms, folder)


def load_initial(initial: str, model: nn.Module, checksums: dict[str, str], folder: Path) -> None:
    """Load published weights into ``model`` in place: one entry, or several that each have a part, joined by " + ".

    Args:
        initial: entries of :data:`PUBLISHED`.
        model: the network that they are meant for.
        checksums: SHA-256 of files that come without one, by entry.
        folder: of published files, fetched if they are not there.

    Raises:
        InputError: as :func:`load_published` and :func:`obtain_published` do.
    """
    for name in initial.split(" + "):
        sha256 = checksums.get(name)
        load_published(name, obtain_published(name, folder, sha256), model, sha256)


def load_published(name: str, path: Path, model: nn.Module, sha256: str | None = None) -> LoadReport:
    """Load the published file at ``path`` into ``model`` in place; on any error the model stays as it was.

    Args:
        name: entry of :data:`PUBLISHED`.
        path: ``.safetensors`` (the state dict itself) or anything that PyTorch saved.
        model: the network that the entry is meant for, of any size that fits the file.
        sha256: of the file, all 64 digits; needed where the entry knows none, and checked wherever it is given.

    Raises:
        InputError: one line: no checksum, a wrong one, a file that is not plain tensors, other keys or shapes.
        ValueError: if there is no such entry.
    """
    entry = _entry(name)
    expected = _checksums(entry, sha256)
    if not path.is_file():
        raise InputError(f"{path}: no such file; {entry.file} is at {entry.url or entry.terms}")
    actual = file_digest(path)
    for checksum in expected:
        if not actual.startswith(checksum):
            raise InputError(f"{path}: sha256 is {actual}, {entry.name} must have {checksum}: not the published file")
    state = entry.key_map(_weights(_read(path, entry)))
    own = _weights(model.state_dict())
    missing, unexpected = _compare(entry, path, state, own)
    loaded = {key: value for key, value in state.items() if key in own}
    model.load_state_dict(loaded, strict=False)
    return LoadReport(name, actual, tuple(loaded), missing, unexpected)


def _entry(name: str) -> Published:
    one_of("published weights", name, tuple(PUBLISHED))
    return PUBLISHED[name]


def _checksums(entry: Published, stated: str | None) -> list[str]:
    """Checksums or beginnings of checksums that the file must have, the longest last."""
    if stated is not None and not re.fullmatch(r"[0-9a-fA-F]{64}", stated):
        raise InputError(f"{entry.name}: sha256 {stated!r} is not 64 hexadecimal digits")
    known = [entry.hash_prefix, entry.sha256, stated and stated.lower()]
    if not any(known):
        raise InputError(
            f"{entry.name}: no checksum of {entry.file} is published; state the sha256 of the file that you trust "
            f"(params.yaml: checksums.{entry.name})"
        )
    return sorted((checksum for checksum in known if checksum), key=len)


def _weights(state: State) -> State:
    return {key: value for key, value in state.items() if key.rsplit(".", 1)[-1] not in NOT_WEIGHTS}


def _read(path: Path, entry: Published) -> State:
    """The state dict in a file, without running anything that the file holds."""
    if path.suffix == ".pkl":
        return read_caffe2(path)
    if path.suffix == ".safetensors":
        from safetensors import SafetensorError
        from safetensors.torch import load_file

        try:
            return load_file(path)
        except SafetensorError as error:
            raise InputError(f"{path}: not a safetensors file ({error})") from None
    try:
        with torch.serialization.safe_globals(_numpy_scalars()):
            content = torch.load(path, map_location="cpu", weights_only=True)
    except pickle.UnpicklingError:
        raise InputError(f"{path}: not a file of plain tensors; it may hold code and is not opened") from None
    except (RuntimeError, EOFError, KeyError, ValueError) as error:
        reason = str(error).partition("\n")[0][:100] or type(error).__name__
        raise InputError(f"{path}: PyTorch cannot read it ({reason})") from None
    if entry.container:
        content = content.get(entry.container) if isinstance(content, dict) else None
    pairs = content.items() if isinstance(content, dict) else [(None, None)]
    if not all(isinstance(key, str) and isinstance(value, Tensor) for key, value in pairs):
        place = f"under {entry.container!r}" if entry.container else "at its top"
        raise InputError(f"{path}: holds no state dict {place}, as {entry.name} must")
    return dict(content)


def _numpy_scalars() -> list:
    """Released checkpoints keep their scores as NumPy numbers beside the weights: allow these, by both their names."""
    import numpy as np
    from numpy._core.multiarray import scalar

    kinds = [np.dtypes.Float64DType, np.dtypes.Float32DType, np.dtypes.Int64DType]
    return [scalar, (scalar, "numpy.core.multiarray.scalar"), np.dtype, *kinds]


def _compare(entry: Published, path: Path, state: State, own: State) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """Missing and unexpected names, which must be those of the entry, and shapes, which must be the model's."""
    missing, unexpected = [key for key in own if key not in state], [key for key in state if key not in own]
    may_miss = {key for key in own if _fits(key, entry.missing)}
    faults = {
        "missing": [key for key in missing if key not in may_miss],
        "there though they must not be": sorted(may_miss.difference(missing)),
        "unexpected": [key for key in unexpected if not _fits(key, entry.unexpected)],
        "expected besides but not there": [p for p in entry.unexpected if not any(_fits(k, (p,)) for k in unexpected)],
        "of another shape": [
            f"{key} {tuple(value.shape)} for {tuple(own[key].shape)}"
            for key, value in state.items()
            if key in own and value.shape != own[key].shape
        ],
    }
    if any(faults.values()):
        firsts = {what: ", ".join(keys[:3]) + ", ..." * (len(keys) > 3) for what, keys in faults.items() if keys}
        listed = "; ".join(f"{len(faults[what])} {what} ({first})" for what, first in firsts.items())
        raise InputError(f"{path}: not what {entry.name} must hold: {listed}")
    return tuple(missing), tuple(unexpected)


def _fits(key: str, patterns: Iterable[str]) -> bool:
    return any(fnmatchcase(key, pattern) for pattern in patterns)
