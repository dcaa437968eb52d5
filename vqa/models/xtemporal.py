"""Names of X-Temporal's SlowFast to those of :mod:`vqa.models.fast_pathway` (MULTIBRANCH_B 14.4.3)."""

import re

from vqa.models.keymaps import State

_STEM = re.compile(r"fast_(conv|bn)1\.(.+)")
_BLOCK = re.compile(r"fast_res([2-5])\.(\d+)\.(conv[123]|bn[123]|downsample\.[01])\.(.+)")
_INNER = {
    **{f"conv{number}": f"branch2.conv_{letter}" for number, letter in enumerate("abc", start=1)},
    **{f"bn{number}": f"branch2.norm_{letter}" for number, letter in enumerate("abc", start=1)},
    **{"downsample.0": "branch1_conv", "downsample.1": "branch1_norm"},
}


def fast_from_xtemporal(state: State) -> State:
    """The fast pathway of a published SlowFast as ``blocks.*``; all else is called ``slow_`` and its own name."""
    return {_name(key.removeprefix("module.")): value for key, value in state.items()}


def _name(key: str) -> str:
    if stem := _STEM.fullmatch(key):
        return f"blocks.0.multipathway_blocks.1.{'conv' if stem[1] == 'conv' else 'norm'}.{stem[2]}"
    if block := _BLOCK.fullmatch(key):
        stage, number, inner, rest = block.groups()
        return f"blocks.{int(stage) - 1}.multipathway_blocks.1.res_blocks.{number}.{_INNER[inner]}.{rest}"
    return f"slow_{key}"
