"""Names of published state dicts to the names of our models, and of Swin V2 back again.

A key map takes a whole state dict, because one entry of ours can be several of theirs, and keeps what it does not know
under the name it had, so that the loader can say what is unexpected.
"""

import re
from collections.abc import Callable

import torch
import torch.nn.functional as F
from torch import Tensor

from vqa.models.convnext3d import LENGTHS, inflated

State = dict[str, Tensor]
KeyMap = Callable[[State], State]

# With the dot in front, since Swin V2 also has a "cpb_mlp.0", which is called so on both sides.
_MLP = {".mlp.0.": ".mlp.fc1.", ".mlp.3.": ".mlp.fc2."}
_V2_PATCH = {"features.0.0.": "patch_embed.proj.", "features.0.2.": "patch_embed.norm."}
_BACKBONE = re.compile(r"(patch_embed|layers|features|norm)\.")


def renamed(rules: dict[str, str]) -> KeyMap:
    """Key map that replaces the prefix of a key by the first rule that fits; "" fits every key."""

    def apply(state: State) -> State:
        named = {}
        for key, value in state.items():
            prefix = next((prefix for prefix in rules if key.startswith(prefix)), None)
            named[key if prefix is None else rules[prefix] + key.removeprefix(prefix)] = value
        return named

    return apply


def swin3d_from_torchvision(state: State) -> State:
    """torchvision's ``swin3d_t`` to ``fragments_backbone.*`` (METHODS 3.4): ``features`` holds blocks from 0 on."""
    named = {_repository_name(key, first=0): value for key, value in state.items()}
    return {f"fragments_backbone.{key}" if _BACKBONE.match(key) else key: value for key, value in named.items()}


def swinv2_from_published(state: State) -> State:
    """SwinTransformer repository's Swin V2 (names without prefix) to ``backbone.*`` with torchvision's names.

    The biases of queries and values become one bias of queries, keys and values, with zeros for the keys.
    """
    named = {}
    for key, value in state.items():
        stem = key.removesuffix("q_bias")
        if stem != key and f"{stem}v_bias" in state:
            key, value = f"{stem}qkv.bias", torch.cat([value, torch.zeros_like(value), state[f"{stem}v_bias"]])
        elif key.endswith("v_bias") and f"{key.removesuffix('v_bias')}q_bias" in state:
            continue
        named[f"backbone.{_library_name(key)}" if _BACKBONE.match(key) else key] = value
    return named


def swinv2_to_published(state: State) -> State:
    """Inverse of :func:`swinv2_from_published`; the bias of the keys, which takes no part, is left out."""
    named = {}
    for key, value in state.items():
        if not key.startswith("backbone."):
            named[key] = value
            continue
        key = key.removeprefix("backbone.")
        patch = next((theirs for theirs in _V2_PATCH if key.startswith(theirs)), None)
        key = _repository_name(key, 1) if patch is None else _V2_PATCH[patch] + key.removeprefix(patch)
        if key.endswith("qkv.bias"):
            stem = key.removesuffix("qkv.bias")
            named[f"{stem}q_bias"], _, named[f"{stem}v_bias"] = value.chunk(3)
        else:
            named[key] = value
    return named


def _repository_name(key: str, first: int) -> str:
    """``features.N...`` of torchvision as ``layers.S.{blocks,downsample}...``; stage 0 starts at N = ``first``."""
    match = re.fullmatch(r"features\.(\d+)\.(.+)", key)
    if not match or int(match[1]) < first:
        return key
    stage, is_merging = divmod(int(match[1]) - first, 2)
    rest = match[2]
    for theirs, ours in _MLP.items():
        rest = rest.replace(theirs, ours)
    return f"layers.{stage}.{'downsample' if is_merging else 'blocks'}.{rest}"


def _library_name(key: str) -> str:
    """The name in torchvision's Swin V2 of a key of the SwinTransformer repository."""
    for theirs, ours in _V2_PATCH.items():
        key = key.replace(ours, theirs)
    match = re.fullmatch(r"layers\.(\d+)\.(blocks|downsample)\.(.+)", key)
    if not match:
        return key
    rest = match[3]
    for theirs, ours in _MLP.items():
        rest = rest.replace(ours, theirs)
    return f"features.{1 + 2 * int(match[1]) + (match[2] == 'downsample')}.{rest}"


def prefixed(prefix: str, key_map: KeyMap) -> KeyMap:
    """``key_map``, and ``prefix`` before every name."""
    return lambda state: {prefix + key: value for key, value in key_map(state).items()}


def convnext_inflated(state: State) -> State:
    """ConvNeXt's published names to those of DOVER's aesthetic backbone, kernels inflated (MULTIBRANCH_A 13.1.2)."""
    named = dict(state)
    for key, value in state.items():
        if value.ndim == 4:
            stem, block = key.startswith("downsample_layers.0."), re.match(r"stages\.\d+\.(\d+)\.", key)
            named[key] = inflated(value, 2 if stem else LENGTHS[int(block[1]) % len(LENGTHS)] if block else 1)
    return named


_TO_TIMM = (
    (r"downsample_layers\.0\.(\d)\.", r"stem_\1."),
    (r"downsample_layers\.(\d)\.", r"stages_\1.downsample."),
    (r"stages\.(\d)\.", r"stages_\1.blocks."),
    (r"\.dwconv\.", ".conv_dw."),
    (r"\.pwconv(\d)\.", r".mlp.fc\1."),
)


def convnext_of_timm(state: State) -> State:
    """ConvNeXt's published names to those of timm's feature extractor."""
    named = {}
    for key, value in state.items():
        for pattern, replacement in _TO_TIMM:
            key = re.sub(pattern, replacement, key)
        named[key] = value
    return named


def enlarged_patches(state: State) -> State:
    """FAST-VQA's state with patches of 6 x 6 pixels in place of 4 x 4, whose answer to an even patch is the same.

    The authors' own enlargement is lost (discrepancy Z4); this is the one that MULTIBRANCH_A 13.2.4 proposes.
    """
    key, named = "fragments_backbone.patch_embed.proj.weight", dict(state)
    if key in state:
        kernel, side = state[key], 6
        old = kernel.shape[-2] * kernel.shape[-1]
        larger = F.interpolate(kernel.flatten(0, 2)[:, None], (side, side), mode="bilinear", align_corners=False)
        named[key] = larger.reshape(*kernel.shape[:3], side, side) * (old / side**2)
    return named
