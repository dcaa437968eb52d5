"""Systems whose features are written by hand, from the stored planes of a video to a vector of named numbers.

TLVQM and VIDEVAL, as their public MATLAB code computes them (VIDEVAL_TLVQM). Sections in this room are of that text.

It may use data (decoding) and io; it knows no network.
"""

import importlib
from typing import Any

# Each is a module of its name, which has FEATURES and a function of its name that makes them.
SYSTEMS = ("tlvqm", "videval")


def load_system(name: str) -> Any:
    """The module of one of :data:`SYSTEMS`."""
    return importlib.import_module(f"{__name__}.{name}")
