"""Names of X-Temporal's SlowFast for those of :mod:`vqa.models.fast_pathway` (MULTIBRANCH_B 14.4.3)."""

import re

_STEM = re.compile(r"blocks\.0\.multipathway_blocks\.1\.(conv|norm)\.(.+)")
_BLOCK = re.compile(r"blocks\.(\d)\.multipathway_blocks\.1\.res_blocks\.(\d+)\.(.+)")
_INNER = {
    **{f"branch2.conv_{letter}": f"conv{number}" for number, letter in enumerate("abc", start=1)},
    **{f"branch2.norm_{letter}": f"bn{number}" for number, letter in enumerate("abc", start=1)},
    **{"branch1_conv": "downsample.0", "branch1_norm": "downsample.1"},
}


def xtemporal_key(key: str) -> str:
    """The name that an entry of the fast pathway has in the published file.

    Raises:
        ValueError: for a name that is not one of the fast pathway's.
    """
    if stem := _STEM.fullmatch(key):
        return f"fast_{'conv' if stem[1] == 'conv' else 'bn'}1.{stem[2]}"
    block = _BLOCK.fullmatch(key)
    inner = next((name for name in _INNER if block and block[3].startswith(f"{name}.")), None)
    if block is None or inner is None:
        raise ValueError(f"{key}: not a name of the fast pathway")
    return f"fast_res{int(block[1]) + 1}.{block[2]}.{_INNER[inner]}{block[3].removeprefix(inner)}"
