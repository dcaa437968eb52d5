"""What the result of a stage depends on beside its data, boiled down to a text: code by meaning, and shared params.

A stage that listed every module it imports would carry dozens of dependencies, and a corrected comment would train
every run again. So the modules are found by their import statements, those inside functions included, and each is
digested as its syntax tree without docstrings: comments and formatting do not count, anything that runs does.
"""

import ast
import json
from collections.abc import Iterable
from functools import cache, reduce
from operator import getitem
from pathlib import Path
from typing import Any

from vqa.io import digest

PACKAGES = ("vqa", "stages")


def module_closure(root: Path, modules: Iterable[str]) -> dict[str, Path]:
    """All project modules that ``modules`` need, by dotted name, with their files.

    Args:
        root: folder that holds the packages ``vqa`` and ``stages``.
        modules: dotted names to start from.

    Raises:
        FileNotFoundError: if one of ``modules`` does not exist.
    """
    found: dict[str, Path] = {}
    waiting = list(modules)
    for module in waiting:
        if _module_file(root, module) is None:
            raise FileNotFoundError(f"no module {module} below {root}")
    while waiting:
        module = waiting.pop()
        path = _module_file(root, module)
        if module in found or path is None:
            continue
        found[module] = path
        if "." in module:
            waiting.append(module.rpartition(".")[0])
        waiting += imported_names(path.read_text(encoding="utf-8"))
    return dict(sorted(found.items()))


@cache  # most modules are in the closures of most stages
def imported_names(source: str) -> tuple[str, ...]:
    """Dotted names that the import statements of a module's source could mean, modules or not."""
    names: list[str] = []
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Import):
            names += [alias.name for alias in node.names]
        elif isinstance(node, ast.ImportFrom) and node.module:
            names += [node.module, *(f"{node.module}.{alias.name}" for alias in node.names)]
    return tuple(names)


@cache
def code_digest(source: str) -> str:
    """SHA-256 of a module's syntax tree without docstrings and positions."""
    tree = ast.parse(source)
    for node in ast.walk(tree):
        if isinstance(node, ast.Module | ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef) and _documented(node):
            node.body = node.body[1:]
    return digest(ast.dump(tree))


def fingerprint(root: Path, modules: Iterable[str], params: Any) -> str:
    """Text with one line per module (digest and name) and the params as JSON; equal texts mean equal results."""
    closure = module_closure(root, modules)
    lines = [f"{code_digest(path.read_text(encoding='utf-8'))}  {name}" for name, path in closure.items()]
    return "\n".join([*lines, json.dumps(params, sort_keys=True)]) + "\n"


def blocks_of(params: dict[str, Any], names: tuple[str, ...]) -> dict[str, Any]:
    """The named blocks of params, dots leading inwards."""
    return {name: reduce(getitem, name.split("."), params) for name in names}


def _documented(node: ast.Module | ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef) -> bool:
    first = node.body[0] if node.body else None
    return isinstance(first, ast.Expr) and isinstance(first.value, ast.Constant) and isinstance(first.value.value, str)


def _module_file(root: Path, module: str) -> Path | None:
    if module.split(".")[0] not in PACKAGES:
        return None
    base = root.joinpath(*module.split("."))
    return next((path for path in (base.with_suffix(".py"), base / "__init__.py") if path.is_file()), None)
