"""A dress rehearsal: a few trainings by the networks, recipes and graph of a known scale, on clips that are made.

Its folder is a DVC repository of its own, which neither git nor the project's cache knows of: whatever was run before,
everything is run anew, and nothing stays when the folder is removed.
"""

import os
import shutil
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

from vqa.io import InputError
from vqa.methods import PAPER
from vqa.new.recipe import read_of
from vqa.new.scale import SIZES
from vqa.new.text import params_text
from vqa.settings.params import load
from vqa.settings.plain import read_yaml
from vqa.settings.strict import build, known_name

NAME = "rehearsal"
CLIPS, IMAGES = "clips", "images"
GAMMA = 0.0001
# Trained twice, to the same bytes if all is well: a step of AWP has all that a plain one has.
TWIN = "fastvqa-awp"
AGAIN = f"{TWIN}-again"
# Whose landscape is measured, by fewer points than a scale's.
AROUND = "fastvqa-base"
POINTS = {"points": 11, "directions": 2}
PRODUCTS = 3
COMMENT = ("A dress rehearsal, written anew by every `vqa rehearse`: what differs from the scale that it is for.",)
DVC = "[core]\n    no_scm = true\n    analytics = false\n    check_update = false\n"


@dataclass(frozen=True)
class Shape:
    """Sizes of the data and of the trainings.

    Attributes:
        clips: number of videos by split, their frames and their size.
        images: number of images by split, and their size.
        epochs: of every training.
        workers: processes that load clips; 0: none.
    """

    clips: tuple[dict[str, int], int, str]
    images: tuple[dict[str, int], str]
    epochs: int
    workers: int


def shape_of(size: str) -> Shape:
    """For ``paper`` one or two steps an epoch of every method, on frames as large as KoNViD-1k's and KonIQ-10k's.

    A clip of that size takes five seconds to make, and 60 frames are nearly what a training clip spans.
    """
    known_name("--size", size, SIZES)
    if size == "demo":
        return Shape(({"train": 12, "test": 4}, 32, "128x96"), ({"train": 8, "test": 4}, "128x96"), 2, 0)
    workers = min(8, len(os.sched_getaffinity(0)))
    return Shape(({"train": 16, "test": 4}, 60, "960x540"), ({"train": 64, "test": 16}, "1024x768"), 12, workers)


def rehearsal(project: Path, folder: Path, size: str, precision: str, compiled: bool) -> None:
    """Make the folder of a rehearsal, in the place of an earlier one.

    Args:
        project: the project's folder.
        folder: to make, inside the project.
        size: ``demo`` or ``paper``: whose networks and recipes.
        precision: see :class:`vqa.settings.common.Common`.
        compiled: the same.

    Raises:
        InputError: if the folder holds something else, or lies elsewhere.
    """
    shape, file = shape_of(size), project / SIZES[size]
    known = build(dict[str, Any], read_yaml(file), str(SIZES[size]))
    sources = build(dict[str, Any], read_yaml(project / "sources.yaml"), "sources.yaml")
    content = compose(known, shape, os.path.relpath(project, folder), precision, compiled)
    _clear(project, folder)
    (folder / ".dvc").mkdir(parents=True)
    (folder / ".dvc" / "config").write_text(DVC, encoding="utf-8")
    (folder / ".gitignore").write_text("*\n", encoding="utf-8")
    (folder / "dvc.yaml").symlink_to(Path(content["root"]) / "dvc.yaml")
    (folder / "sources.yaml").write_text(yaml.safe_dump(made(sources, shape), sort_keys=False), encoding="utf-8")
    (folder / "params.yaml").write_text(params_text(content, {"root": COMMENT}), encoding="utf-8")
    load(folder / "params.yaml")


def compose(known: dict[str, Any], shape: Shape, root: str, precision: str, compiled: bool) -> dict[str, Any]:
    """Content of ``params.yaml``: that of the ``known`` scale, but for its rows, epochs, data and initial weights."""
    how = {"scale": NAME, "device": "auto", "loader_workers": shape.workers}
    dataset = {"source": "synthetic", "list": "", "bad_files": "stop", "frame_store": False}
    drawn = {"initial": "seed"}
    runs = {f"{method}-{kind}": _run(method, kind) for method in PAPER for kind in ("base", "awp")}
    runs[AGAIN] = runs[TWIN]
    landscape = known["landscape"]
    return {
        "root": root,
        "common": {**known["common"], **how, "precision": precision, "compile": compiled},
        "datasets": {name: {"title": name.capitalize(), **dataset} for name in (CLIPS, IMAGES)},
        "checksums": {},
        "extractors": {"slowfast": {**known["extractors"]["slowfast"], **drawn}},
        "extractions": {f"slowfast-{CLIPS}": {"extractor": "slowfast", "dataset": CLIPS, "reads": f"data/{CLIPS}"}},
        "methods": {name: {**known["methods"][name], **drawn, "epochs": shape.epochs} for name in PAPER},
        "zero_shot": [],
        "shared": {"zero_shot": {}, "fusions": {}, "agreements": {}, "epochs": []},
        "runs": runs,
        "tables": {},
        "landscape": {
            **landscape,
            "curve": {**landscape["curve"], **POINTS},
            "eigenvalue": {**landscape["eigenvalue"], "max_iterations": PRODUCTS},
        },
        "landscapes": {AROUND: {"method": "fastvqa", "data": f"prepared/{CLIPS}", "weights": ["last_ema"]}},
        "statistics": known["statistics"],
        "figures": {},
        "published": {},
        "regressions": {},
        "quotable": {},
        "transfers": {},
    }


def made(sources: dict[str, Any], shape: Shape) -> dict[str, Any]:
    """Content of ``sources.yaml``: clips and images that are made as those of the demo, of other number and size."""
    (clips, frames, size), (images, picture) = shape.clips, shape.images
    video = {"splits": clips, "frames": [frames, frames], "fps": [30], "sizes": {size: 1}, "odd": {}}
    return {
        CLIPS: {**sources["konvid1k"], **video},
        IMAGES: {**sources["koniq10k"], "splits": images, "sizes": {picture: 1}},
    }


def _run(method: str, kind: str) -> dict[str, Any]:
    data = IMAGES if method == "sama_iqa" else CLIPS
    row: dict[str, Any] = {"method": method, "init": f"initial/{method}.safetensors", "data": read_of(method, data)}
    row |= {"train": data, "test": [f"{data}/test"]}
    return row if kind == "base" else {**row, "perturbation": kind, "gamma": GAMMA}


def _clear(project: Path, folder: Path) -> None:
    """Remove an earlier rehearsal; InputError if the folder is none and holds something."""
    if folder == project or not folder.is_relative_to(project):
        raise InputError(f"--dir {folder}: must be a folder inside the project, {project}")
    if not folder.exists() or (folder.is_dir() and not any(folder.iterdir())):
        return
    config = folder / ".dvc" / "config"
    if not config.is_file() or config.read_text(encoding="utf-8") != DVC:
        raise InputError(f"--dir {folder}: holds something else than a rehearsal; name another, or remove it first")
    shutil.rmtree(folder)
