"""Methods by name: each module of this package binds sampling, model, loss and recipe of one method."""

from __future__ import annotations

import importlib
import pkgutil
from typing import TYPE_CHECKING, Any

from vqa.params import Run
from vqa.strict import ParamsError

if TYPE_CHECKING:
    from vqa.methods.base import Method


def method_module(name: str) -> str:
    """Dotted name of the module of method ``name``; ParamsError with the known ones if there is none."""
    known = sorted(module.name for module in pkgutil.iter_modules(__path__) if module.name != "base")
    if name not in known:
        raise ParamsError(f"params.yaml: methods.{name}: there is no such method; known are {', '.join(known)}")
    return f"{__name__}.{name}"


def load_method(name: str, block: dict[str, Any], run: Run) -> Method:
    """Make the method ``name`` from its block of params, with what ``run`` changes in its recipe.

    Raises:
        ParamsError: if there is no module ``vqa.methods.<name>`` or the block does not fit it.
    """
    return importlib.import_module(method_module(name)).make(block, run, f"params.yaml: methods.{name}")
