"""Frozen extractors by name: each module of this package describes a video by rows of numbers, once for all trainings.

It may use what methods use, and the hand-crafted systems; no method knows it: methods read what it wrote.
"""

import importlib
import pkgutil
from typing import TYPE_CHECKING, Any

from vqa.settings.strict import ParamsError

if TYPE_CHECKING:
    from vqa.extract.base import Extractor

_PARTS = ("base", "networks")


def extractor_module(name: str, block: dict[str, Any] | None = None) -> str:
    """Dotted name of the module that reads block ``name``: of that name, or the one that its key ``module`` names.

    Raises:
        ParamsError: with the known ones, if there is none.
    """
    module = (block or {}).get("module", name)
    known = sorted(found.name for found in pkgutil.iter_modules(__path__) if found.name not in _PARTS)
    if module not in known:
        raise ParamsError(f"params.yaml: extractors.{name}: there is no such extractor; known are {', '.join(known)}")
    return f"{__name__}.{module}"


def load_extractor(name: str, block: dict[str, Any], changes: dict[str, Any] | None = None) -> "Extractor":
    """Make the extractor ``name`` from its block of params, of which ``changes`` replaces some values.

    Raises:
        ParamsError: if there is no such extractor or the block does not fit it.
    """
    where = f"params.yaml: extractors.{name}"
    whole = {key: value for key, value in {**block, **(changes or {})}.items() if key != "module"}
    return importlib.import_module(extractor_module(name, block)).make(whole, where)
