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
from vqa.models.keymaps import KeyMap, State, renamed, swin3d_from_torchvision, swinv2_from_published
from vqa.settings.strict import one_of
from vqa.sources.download import obtain

# Old files lack the counters, libraries shape the constants differently, and neither changes a result.
NOT_WEIGHTS = ("relative_position_index", "relative_coords_table", "attn_mask", "num_batches_tracked")


@dataclass(frozen=True)
class Published:
    """One published file of weights.

    Attributes:
        name: of the entry.
        file: name under which the file is kept.
        url: direct address, or None where there is none.
        sha256: of the file where it is known. Otherwise the first digits may stand in the file name (``hash_prefix``);
            with neither, the user has to state it.
        terms: licence and, if there is no direct address, where to get the file.
        source: paper and repository.
        container: key under which the file holds the state dict, "" for the file itself.
        key_map: from the names in the file to ours.
        missing: patterns of our names that the file does not hold: exactly these keep their initial values.
        unexpected: patterns of mapped names that the file holds beyond ours: these are left, each at least once.
    """

    name: str
    file: str
    url: str | None
    terms: str
    source: str
    key_map: KeyMap
    sha256: str | None = None
    container: str = ""
    missing: tuple[str, ...] = ()
    unexpected: tuple[str, ...] = ()

    @property
    def hash_prefix(self) -> str | None:
        """First digits of the SHA-256 in the file name, as the PyTorch hub writes them: ``name-0123abcd.pth``."""
        match = re.search(r"-([0-9a-f]{8,64})\.", self.file)
        return match[1] if match else None


@dataclass(frozen=True)
class LoadReport:
    """What :func:`load_published` did: names in the model that were filled or kept, and names in the file left over."""

    name: str
    sha256: str
    loaded: tuple[str, ...]
    missing: tuple[str, ...]
    unexpected: tuple[str, ...]


_KEPT = renamed({})
_FRAGMENT_TABLES = "*.fragment_position_bias_table"
_KINETICS = "weights trained on Kinetics-400, whose videos have terms of their own"
_IMAGENET = "weights trained on ImageNet, which is for non-commercial research"
_STORAGE = "https://github.com/SwinTransformer/storage/releases/download"

_ENTRIES = (
    Published(
        name="swin3d_t",
        file="swin3d_t-7615ae03.pth",
        url="https://download.pytorch.org/models/swin3d_t-7615ae03.pth",
        terms=f"BSD-3-Clause (torchvision), ported from Apache-2.0; {_KINETICS}",
        source="Video Swin Transformer, arXiv:2106.13230; torchvision Swin3D_T_Weights.KINETICS400_V1",
        key_map=swin3d_from_torchvision,
        missing=(_FRAGMENT_TABLES, "vqa_head.*"),
        unexpected=("head.weight", "head.bias"),
    ),
    Published(
        name="swin3d_t_original",
        file="swin_tiny_patch244_window877_kinetics400_1k.pth",
        url=f"{_STORAGE}/v1.0.4/swin_tiny_patch244_window877_kinetics400_1k.pth",
        terms=f"Apache-2.0 (Video-Swin-Transformer); {_KINETICS}",
        source="Video Swin Transformer, arXiv:2106.13230; github.com/SwinTransformer/Video-Swin-Transformer",
        container="state_dict",
        key_map=renamed({"backbone.": "fragments_backbone."}),
        missing=(_FRAGMENT_TABLES, "vqa_head.*"),
        unexpected=("cls_head.*",),
    ),
    Published(
        name="resnet50",
        file="resnet50-19c8e357.pth",
        url="https://download.pytorch.org/models/resnet50-19c8e357.pth",
        terms=f"BSD-3-Clause (torchvision); {_IMAGENET}",
        source="Deep Residual Learning, arXiv:1512.03385; torchvision ResNet-50, first weights",
        key_map=_KEPT,
        missing=("quality.*",),
        unexpected=("fc.weight", "fc.bias"),
    ),
    Published(
        name="swinv2_t",
        file="swinv2_tiny_patch4_window8_256.pth",
        url=f"{_STORAGE}/v2.0.0/swinv2_tiny_patch4_window8_256.pth",
        terms=f"MIT (Swin-Transformer); {_IMAGENET}",
        source="Swin Transformer V2, arXiv:2111.09883; github.com/microsoft/Swin-Transformer",
        container="model",
        key_map=swinv2_from_published,
        missing=("vqa_head.*",),
        unexpected=("head.weight", "head.bias"),
    ),
    Published(
        name="slowfast_r50",
        file="SLOWFAST_8x8_R50.pyth",
        url="https://dl.fbaipublicfiles.com/pytorchvideo/model_zoo/kinetics/SLOWFAST_8x8_R50.pyth",
        terms=f"Apache-2.0 (pytorchvideo); {_KINETICS}",
        source="SlowFast Networks, arXiv:1812.03982; pytorchvideo slowfast_r50",
        container="model_state",
        key_map=_KEPT,
        unexpected=("blocks.6.proj.weight", "blocks.6.proj.bias"),
    ),
    Published(
        name="fastvqa",
        file="FAST_VQA_B_1_4.pth",
        url="https://github.com/TimothyHTimothy/FAST-VQA/releases/download/v2.0.0/FAST_VQA_B_1_4.pth",
        terms="research code of FAST-VQA: see the repository for its licence; trained on LSVQ",
        source="FAST-VQA, arXiv:2207.02595; github.com/TimothyHTimothy/FAST-VQA",
        container="state_dict",
        key_map=_KEPT,
    ),
    Published(
        name="sama_vqa",
        file="SAMA_VQA_LSVQ.pth",
        url=None,
        terms="research code of SAMA, trained on LSVQ: take the file from the Google Drive folder that the README of "
        "github.com/Sissuire/SAMA names and keep it under the name given here",
        source="SAMA (Scaling and Masking), AAAI 2024; github.com/Sissuire/SAMA",
        container="state_dict",
        key_map=_KEPT,
    ),
    Published(
        name="simplevqa",
        file="UGC_BVQA_model.pth",
        url=None,
        terms="research code of SimpleVQA, trained on LSVQ: take the file from Google Drive, "
        "id 137XJdq3reNMJ9tkBNqKUYTY_dTlcwXc3, and keep it under the name given here",
        source="SimpleVQA, arXiv:2204.14047; github.com/sunwei925/SimpleVQA",
        key_map=renamed({"module.": ""}),
    ),
    Published(
        name="dover_technical",
        file="DOVER.pth",
        url="https://github.com/QualityAssessment/DOVER/releases/download/v0.1.0/DOVER.pth",
        terms="research code of DOVER: see the repository for its licence; trained on LSVQ",
        source="DOVER, arXiv:2211.04894; github.com/QualityAssessment/DOVER",
        key_map=renamed({"technical_backbone.": "fragments_backbone.", "technical_head.": "vqa_head."}),
        unexpected=("aesthetic_backbone.*", "aesthetic_head.*"),
    ),
)

PUBLISHED = {entry.name: entry for entry in _ENTRIES}


def obtain_published(name: str, folder: Path, sha256: str | None = None) -> Path:
    """Bring the file of the entry ``name`` to ``folder`` (:func:`vqa.sources.download.obtain`) and return its path.

    Raises:
        InputError: if no checksum is known and none is stated, or if the file cannot be had.
        ValueError: if there is no such entry.
    """
    entry = _entry(name)
    return obtain(entry.url, entry.file, _checksums(entry, sha256)[-1], entry.terms, folder)


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
