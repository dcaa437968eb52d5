"""Names of Caffe2 blobs of SlowFast to those of pytorchvideo, which our network has (MULTIBRANCH_B 14.1.3)."""

import re

from vqa.models.keymaps import State

_NORM = {"bn_s": "weight", "bn_b": "bias", "bn_rm": "running_mean", "bn_riv": "running_var"}
_KIND = rf"(?P<kind>w|{'|'.join(_NORM)})"
_STEM = re.compile(rf"(?P<fast>t_)?(?:conv1_(?P<w>w)|res_conv1_(?P<bn>{'|'.join(_NORM)}))")
_BRANCH = re.compile(rf"(?P<fast>t_)?res(?P<stage>[2-5])_(?P<block>\d+)_branch(?P<branch>1|2[abc])_{_KIND}")
_FUSION = re.compile(rf"t_(?:pool1|res(?P<stage>[2-4])_\d+_branch2c_bn)_subsample_(?P<kind>w|{'|'.join(_NORM)})")
# What training kept beside the weights
_LEFT = ("momentum", "lr", "model_iter")


def slowfast_from_caffe2(state: State) -> State:
    """The blobs of a published SlowFast as ``blocks.*``; those of the optimizer go, others keep their names.

    A leading ``t_`` means the fast pathway.
    """
    return {_name(blob): value for blob, value in state.items() if not any(word in blob for word in _LEFT)}


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
