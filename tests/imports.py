"""Which project files a module needs, by its import statements, those inside functions included."""

import ast
from pathlib import Path

ROOT = Path(__file__).parent.parent
PACKAGES = ("vqa", "stages")


def needed(*modules: str) -> set[str]:
    """Paths, relative to the project, of ``modules`` (dotted) and of all project modules that they import."""
    found: dict[str, Path] = {}
    waiting = list(modules)
    while waiting:
        module = waiting.pop()
        path = _path(module)
        if module in found or path is None:
            continue
        found[module] = path
        if "." in module:
            waiting.append(module.rpartition(".")[0])
        for node in ast.walk(ast.parse(path.read_text())):
            if isinstance(node, ast.Import):
                waiting += [alias.name for alias in node.names]
            elif isinstance(node, ast.ImportFrom) and node.module:
                waiting += [node.module, *(f"{node.module}.{alias.name}" for alias in node.names)]
    return {str(path.relative_to(ROOT)) for path in found.values() if _has_code(path)}


def _has_code(path: Path) -> bool:
    """An ``__init__.py`` with a docstring at most is no input worth a dependency."""
    return path.name != "__init__.py" or len(ast.parse(path.read_text()).body) > 1


def _path(module: str) -> Path | None:
    if module.split(".")[0] not in PACKAGES:
        return None
    base = ROOT.joinpath(*module.split("."))
    return next((path for path in (base.with_suffix(".py"), base / "__init__.py") if path.is_file()), None)
