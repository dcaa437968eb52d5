"""Which scale a command works on: the one that is asked for, or the one whose folder one stands in."""

import contextlib
import os
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Annotated

import typer

import vqa
from vqa.io import InputError
from vqa.settings.params import root_of
from vqa.settings.scales import SHIPPED

PARAMS = "params.yaml"


def _complete(incomplete: str) -> list[str]:
    with contextlib.suppress(Exception):
        return [name for name in (*SHIPPED, *_own(project())) if name.startswith(incomplete)]
    return []


Scale = Annotated[
    str | None,
    typer.Option(
        help="demo, real, paper, study, or the folder of a scale; default: the one that you stand in",
        metavar="SCALE",
        autocompletion=_complete,
        show_default=False,
    ),
]


def project() -> Path:
    """The project's folder, from where one stands.

    Raises:
        InputError: if there is no scale here or above.
    """
    return _root(_above())


def folder_of(scale: str | None) -> Path:
    """The folder of a scale: ``demo`` is the project's own, the others that are :data:`SHIPPED` are in it.

    Any other is looked for from the working directory, and then from the project's folder.

    Raises:
        InputError: if there is no such scale.
    """
    here = _above()
    if scale is None:
        return here
    root = _root(here)
    places = {"demo": [root], **{name: [root / name] for name in SHIPPED[1:]}}
    for place in places.get(scale, [Path(scale).resolve(), root / scale]):
        if (place / PARAMS).is_file():
            return place
    known = ", ".join([*SHIPPED, *_own(root)])
    raise InputError(f"--scale {scale}: no folder of that name with a {PARAMS}; there are {known}")


@contextlib.contextmanager
def entered(scale: str | None) -> Iterator[Path]:
    """Work in the folder of a scale, with the environment that its stages expect; yields where one stood before."""
    before, folder = Path.cwd(), folder_of(scale)
    root, code = _root(folder), Path(vqa.__file__).resolve().parent
    if (root / "vqa").is_dir() and (root / "vqa").resolve() != code:
        raise InputError(f"this vqa belongs to {code.parent}: use the one of {root}, or `python -m vqa.cli` there")
    path = os.environ.get("PATH", "")
    sys.path.insert(0, str(root))  # stages, for processes that are forked
    os.environ["PATH"] = os.pathsep.join([str(Path(sys.executable).parent), path])
    os.environ.setdefault("DVC_NO_ANALYTICS", "1")
    os.environ.setdefault("MLFLOW_DISABLE_TELEMETRY", "true")
    try:
        with contextlib.chdir(folder):
            yield before
    finally:
        sys.path.remove(str(root))
        os.environ["PATH"] = path


def _above() -> Path:
    """The nearest folder with parameters, here or above."""
    here = Path.cwd()
    for folder in (here, *here.parents):
        if (folder / PARAMS).is_file():
            return folder
    raise InputError(f"{here}: no {PARAMS} here or above; go to the project's folder")


def _root(folder: Path) -> Path:
    return (folder / root_of(folder / PARAMS)).resolve()


def _own(root: Path) -> list[str]:
    """Scales that were made by ``vqa new``, at the top of the project."""
    folders = (path.parent for path in sorted(root.glob(f"*/{PARAMS}")))
    return [folder.name for folder in folders if folder.name not in SHIPPED]
