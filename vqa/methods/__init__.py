"""Methods by name: each module of this package binds sampling, model, loss and recipe of one method.

A block of params is read by the module of its name, or by the one that its key ``module`` names: so a method can have
several blocks, each with initial weights of its own.

It may use data (items), models, optim, sampling, settings and io; it knows no training.
"""

from __future__ import annotations

import importlib
import pkgutil
from typing import TYPE_CHECKING, Any

from vqa.settings.params import Run
from vqa.settings.strict import ParamsError

if TYPE_CHECKING:
    from vqa.methods.base import Method


# Those that the paper perturbs. They read pictures, and of features SimpleVQA's motion alone.
PAPER = ("fastvqa", "sama", "sama_iqa", "simplevqa")


def method_module(name: str, block: dict[str, Any] | None = None) -> str:
    """Dotted name of the module that reads block ``name``; ParamsError with the known ones if there is none."""
    module = (block or {}).get("module", name)
    known = sorted(module.name for module in pkgutil.iter_modules(__path__) if module.name not in ("base", "recipe"))
    if module not in known:
        raise ParamsError(f"params.yaml: methods.{name}: there is no such method; known are {', '.join(known)}")
    return f"{__name__}.{module}"


def load_method(name: str, block: dict[str, Any], run: Run, precision: str = "fp32") -> Method:
    """Make the method ``name`` from its block of params, with what ``run`` changes in its recipe.

    Its network computes in ``precision`` (:mod:`vqa.models.precision`).

    Raises:
        ParamsError: if there is no such module in ``vqa.methods`` or the block does not fit it.
    """
    recipe = {key: value for key, value in block.items() if key != "module"}
    method = importlib.import_module(method_module(name, block)).make(recipe, run, f"params.yaml: methods.{name}")
    method.precision = precision
    return method
