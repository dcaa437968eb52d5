"""The folder of a new scale: parameters, labels, where the files are, a link to the graph, and what it is."""

import os
import re
import shutil
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pandas as pd

from vqa.data.items import Cut
from vqa.data.own import Source, look, write_sources
from vqa.io import InputError, write_csv
from vqa.new.elsewhere import trained_weights, weights_of_elsewhere
from vqa.new.files import STORE_LIMIT, are_images, decoded_bytes, match_files
from vqa.new.labels import read_any_labels
from vqa.new.recipe import Recipe, check_methods, compose
from vqa.new.text import page, params_text
from vqa.settings.params import load
from vqa.settings.plain import read_yaml
from vqa.settings.scales import SHIPPED
from vqa.settings.strict import build

# Fewer items of one part than these say nothing at all.
FEWEST = 4
SIZES = {"demo": Path("params.yaml"), "paper": Path("paper") / "params.yaml"}


@dataclass(frozen=True)
class Request:
    """What ``vqa new`` is asked for.

    Attributes:
        folder: to make, inside the project.
        videos: folder of the files, at any depth.
        labels: label list, see :func:`vqa.new.labels.read_any_labels`.
        methods: one block of ``methods`` or several.
        test: share of the items that test, cut at random.
        split: header of a column that says ``train`` or ``test``, in place of ``test``.
        size: ``demo`` or ``paper``: whose networks and recipes.
        gamma: relative size of the perturbations.
        name: header of the column with the names, where it is no usual one.
        mos: the same for the MOS.
    """

    folder: Path
    videos: Path
    labels: Path
    methods: tuple[str, ...] = ("fastvqa",)
    test: float = 0.2
    split: str | None = None
    size: str = "demo"
    gamma: float = 0.0001
    name: str | None = None
    mos: str | None = None

    def __post_init__(self) -> None:
        if self.split is None and not 0 < self.test < 1:
            raise InputError(f"--test {self.test:g}: not a share between 0 and 1")
        if self.size not in SIZES:
            raise InputError(f"--size {self.size}: not one of {', '.join(SIZES)}")
        if self.gamma <= 0:
            raise InputError(f"--gamma {self.gamma:g}: must be above 0")


def new_scale(request: Request, project: Path, say: Callable[[str], object]) -> None:
    """Make the folder of a new scale, which appears only when it is complete.

    Args:
        request: what is asked for.
        project: the project's folder.
        say: is told what was found and decided, line by line.

    Raises:
        InputError: one line: a folder that cannot be, labels or files that do not fit, a method that is none.
    """
    folder, name = _target(request, project)
    labels = read_any_labels(request.labels, request.name, request.mos, request.split)
    say(labels.said)
    files = match_files(labels.table.name, request.videos)
    known_folder = project / SIZES[request.size].parent
    known = build(dict[str, Any], read_yaml(project / SIZES[request.size]), str(SIZES[request.size]))
    images = are_images(files.values(), request.videos)
    check_methods(request.methods, known, images)
    table = _split(labels.table.assign(name=labels.table.name.map(files)), request, known["common"]["seed"])
    say(_summary(table, request))
    listed = set(table.name)
    if unlisted := sum(path.is_file() for path in request.videos.rglob("*")) - len(listed):
        say(f"{request.videos}: {unlisted} other files are not in the list and are left alone")
    size = decoded_bytes(request.videos / file for file in listed)
    store = size <= STORE_LIMIT
    say(f"decoded frames: about {size / 2**30:.1f} GiB, {'kept' if store else 'not kept, every epoch decodes again'}")
    transfers, extra, said = weights_of_elsewhere(request.methods, name, known, known_folder, request.size)
    for line in said:
        say(line)
    recipe = Recipe(
        scale=folder.name,
        name=name,
        title=folder.name.replace("_", "-"),
        root=os.path.relpath(project, folder),
        methods=request.methods,
        gamma=request.gamma,
        n_train=int((table.split == "train").sum()),
        frame_store=store,
        transfers=transfers,
        extra=extra,
    )
    content = compose(recipe, known)
    draft = folder.with_name(f".{folder.name}.partial")
    shutil.rmtree(draft, ignore_errors=True)
    draft.mkdir(parents=True)
    try:
        _write(draft, project, recipe, content, table, request)
        folder.parent.mkdir(parents=True, exist_ok=True)
        if folder.exists():
            folder.rmdir()
        os.replace(draft, folder)
    finally:
        shutil.rmtree(draft, ignore_errors=True)
    rows = f"{len(content['runs'])} trainings, {len(transfers)} weights scored as they are"
    say(f"{folder}: {rows}; next: vqa repro --scale {request.folder}")


def _target(request: Request, project: Path) -> tuple[Path, str]:
    """The folder to make, and the name of its data set."""
    folder = request.folder.resolve()
    if folder == project or not folder.is_relative_to(project):
        raise InputError(f"{request.folder}: must be a new folder inside the project, {project}")
    if folder.exists() and (not folder.is_dir() or any(folder.iterdir())):
        raise InputError(f"{request.folder}: exists already; name another, or remove it first")
    if request.videos.resolve().is_relative_to(folder):
        raise InputError(
            f"{request.videos}: is inside {request.folder}, which is yet to be made; keep the files elsewhere"
        )
    name = re.sub(r"^(?=[0-9])", "set", re.sub(r"[^a-z0-9]", "", folder.name.lower()))
    if not name or name in SHIPPED:
        raise InputError(
            f"{request.folder}: its last part names the scale, and cannot be {folder.name!r}; name another"
        )
    return folder, name


def _split(table: pd.DataFrame, request: Request, seed: int) -> pd.DataFrame:
    """Label list ``name,mos,split``: by the column, or cut at random as the released code cuts."""
    if request.split is None:
        parts = Cut(seed, 1 - request.test).parts(len(table))
        table = table.assign(split="train")
        table.loc[table.index[parts["test"]], "split"] = "test"
    for part in ("train", "test"):
        if (count := int((table.split == part).sum())) < FEWEST:
            raise InputError(f"{request.labels}: {count} items to {part}; at least {FEWEST} are needed")
    return table[["name", "mos", "split"]]


def _summary(table: pd.DataFrame, request: Request) -> str:
    counts = table.split.value_counts()
    how = f"by column {request.split!r}" if request.split else f"at random, {1 - request.test:g} of them to train"
    return (
        f"{len(table)} items, MOS {table.mos.min():g} to {table.mos.max():g}; "
        f"{counts['train']} train and {counts['test']} test, {how}"
    )


def _write(
    draft: Path, project: Path, recipe: Recipe, content: dict[str, Any], table: pd.DataFrame, request: Request
) -> None:
    """Fill the draft of the folder, which lies beside it."""
    (draft / "params.yaml").write_text(params_text(content), encoding="utf-8")
    load(draft / "params.yaml")
    write_csv(draft / "labels.csv", table)
    (draft / "dvc.yaml").symlink_to(Path(recipe.root) / "dvc.yaml")
    ignored = (project / "paper" / ".gitignore").read_text(encoding="utf-8")
    (draft / ".gitignore").write_text(f"{ignored}/weights/\n", encoding="utf-8")
    for row in content["transfers"].values():
        weights = Path(row["weights"])
        if weights.parts[0] == "weights":
            (draft / "weights").mkdir(exist_ok=True)
            shutil.copyfile(trained_weights(project / SIZES[request.size].parent, weights.stem), draft / weights)
    videos = request.videos.resolve()
    shown = os.path.relpath(videos, draft) if videos.is_relative_to(project) else str(videos)
    seen = look(Source(str(videos), str(draft / "labels.csv")))
    write_sources({recipe.name: Source(shown, "labels.csv", seen)}, draft / "sources.yaml")
    text = page(recipe, request.folder.name, request.labels.name, request.size, len(table))
    (draft / "README.md").write_text(text, encoding="utf-8")
