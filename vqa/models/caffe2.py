"""Published SlowFast weights of Caffe2: their file, and their names to those of our network (MULTIBRANCH_B 14.1.3)."""

import re
from pathlib import Path

import numpy as np
import torch

from vqa.io import InputError
from vqa.models.keymaps import State
from vqa.sources.unpickle import read_pickle

_NORM = {"bn_s": "weight", "bn_b": "bias", "bn_rm": "running_mean", "bn_riv": "running_var"}
_KIND = rf"(?P<kind>w|{'|'.join(_NORM)})"
_STEM = re.compile(rf"(?P<fast>t_)?(?:conv1_(?P<w>w)|res_conv1_(?P<bn>{'|'.join(_NORM)}))")
_BRANCH = re.compile(rf"(?P<fast>t_)?res(?P<stage>[2-5])_(?P<block>\d+)_branch(?P<branch>1|2[abc])_{_KIND}")
_FUSION = re.compile(rf"t_(?:pool1|res(?P<stage>[2-4])_\d+_branch2c_bn)_subsample_(?P<kind>w|{'|'.join(_NORM)})")
# What training kept beside the weights
_LEFT = ("momentum", "lr", "model_iter")


def read_caffe2(path: Path) -> State:
    """The blobs of a pickle of Caffe2, without those that training kept beside the weights; nothing in it is run.

    Raises:
        InputError: in one line, if the file is no such pickle.
    """
    content = read_pickle(path)
    blobs = content.get("blobs") if isinstance(content, dict) else None
    if not isinstance(blobs, dict):
        raise InputError(f"{path}: holds no blobs of Caffe2")
    kept = {name: blob for name, blob in blobs.items() if not any(word in str(name) for word in _LEFT)}
    if wrong := [name for name, blob in kept.items() if not (isinstance(blob, np.ndarray) and blob.dtype.kind == "f")]:
        raise InputError(f"{path}: blob {wrong[0]!r} is no array of numbers")
    return {name: torch.from_numpy(blob) for name, blob in kept.items()}


def slowfast_from_caffe2(state: State) -> State:
    """The blobs of a published SlowFast as ``blocks.*``; a leading ``t_`` means the fast pathway.

    The classifier's, ``pred_w`` and ``pred_b``, keep their names.
    """
    return {_name(blob): value for blob, value in state.items()}


def _name(blob: str) -> str:
    if match := _STEM.fullmatch(blob):
        part = "conv.weight" if match["w"] else f"norm.{_NORM[match['bn']]}"
        return f"blocks.0.multipathway_blocks.{_pathway(match)}.{part}"
    if match := _FUSION.fullmatch(blob):
        part = "conv_fast_to_slow.weight" if match["kind"] == "w" else f"norm.{_NORM[match['kind']]}"
        return f"blocks.{int(match['stage'] or 1) - 1}.multipathway_fusion.{part}"
    if match := _BRANCH.fullmatch(blob):
        stem = f"blocks.{int(match['stage']) - 1}.multipathway_blocks.{_pathway(match)}.res_blocks.{match['block']}"
        letter = match["branch"][1:]  # of the three convolutions; the shortcut has none
        conv, norm = (
            (f"branch2.conv_{letter}", f"branch2.norm_{letter}") if letter else ("branch1_conv", "branch1_norm")
        )
        return f"{stem}.{conv}.weight" if match["kind"] == "w" else f"{stem}.{norm}.{_NORM[match['kind']]}"
    return blob


def _pathway(match: re.Match[str]) -> int:
    return int(match["fast"] is not None)
