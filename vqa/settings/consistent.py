"""What no single value of ``params.yaml`` can be held against: names, and rows that name each other."""

from __future__ import annotations

import itertools
import re
from collections.abc import Iterable
from pathlib import Path
from typing import TYPE_CHECKING

from vqa.settings.strict import ParamsError, known_name

if TYPE_CHECKING:
    from vqa.settings.params import Params, Run

# Folders, stages of DVC, keys of MLflow and columns of tables are called so. A name of digits would come back from a
# table as a number, and DVC takes a dot for a step down into params.
_NAME = re.compile(r"[A-Za-z][A-Za-z0-9_-]{0,79}")
_SPLIT = re.compile(r"[A-Za-z0-9][A-Za-z0-9_-]{0,79}")
_WORDS = "letters, digits, - and _, 80 at most"


def check(params: Params, file: str) -> None:
    """Raise ParamsError, in one line with the place in ``file``, for the first thing that cannot be."""
    named = ("datasets", "extractors", "extractions", "methods", "runs", "tables", "figures")
    for place in (*named, "published", "regressions", "quotable", "transfers"):
        _check_names(f"{file}: {place}", getattr(params, place))
    _check_folders(file, params)
    for name in params.zero_shot:
        known_name(f"{file}: zero_shot", name, params.datasets)
    for name, row in params.extractions.items():
        known_name(f"{file}: extractions.{name}.extractor", row.extractor, params.extractors)
        known_name(f"{file}: extractions.{name}.dataset", row.dataset, params.datasets)
    for name, run in params.runs.items():
        _check_run(f"{file}: runs.{name}", run, params)
        _check_parent(f"{file}: runs.{name}.init", name, run, params)
    for name, transfer in params.transfers.items():
        known_name(f"{file}: transfers.{name}.method", transfer.method, params.methods)
        _check_part(f"{file}: transfers.{name}.test", transfer.test, params)
    filling = {**params.runs, **params.regressions, **params.quotable, **params.transfers}
    for name, table in params.tables.items():
        for place, rows in (("rows", table.rows), ("added", table.added)):
            for key in itertools.chain(*rows.values()):
                known_name(f"{file}: tables.{name}.{place}", key, filling)
    for name in params.landscapes:
        known_name(f"{file}: landscapes", name, params.runs)


def _check_names(where: str, names: Iterable[str]) -> None:
    for name in names:
        if not _NAME.fullmatch(name):
            raise ParamsError(f"{where}: the name {name!r} must begin with a letter and have {_WORDS}")


def _check_folders(file: str, params: Params) -> None:
    """Raise ParamsError if two rows would write the same folder of ``runs/``."""
    places: dict[str, str] = {}
    for place in ("runs", "regressions", "quotable", "transfers"):
        for name in getattr(params, place):
            if name in places:
                raise ParamsError(f"{file}: {place}: {name!r} stands under {places[name]} too; give it another name")
            places[name] = place


def _check_part(where: str, part: str, params: Params) -> None:
    dataset, _, split = part.partition("/")
    known_name(where, dataset, params.datasets)
    if not split:
        raise ParamsError(f"{where}: {dataset!r} must be dataset/split, for example {dataset}/test")
    if not _SPLIT.fullmatch(split):
        raise ParamsError(f"{where}: the split {split!r} must have {_WORDS}")


def _check_run(where: str, run: Run, params: Params) -> None:
    """Raise ParamsError at ``where`` if the run names something that is not there, or data that do not fit."""
    known_name(f"{where}.method", run.method, params.methods)
    known_name(f"{where}.train", run.train, params.datasets)
    for part in run.test:
        _check_part(f"{where}.test", part, params)
    extractors = [row.extractor for row in params.extractions.values() if row.dataset == run.train]
    fitting = [f"prepared/{run.train}", *(f"features/{name}/{run.train}" for name in extractors)]
    if run.datasets != [run.train]:
        fitting = [f"zero_shot/{room}.json" for room in ("prepared", *extractors)]
        for dataset in run.datasets:
            known_name(f"{where}.test: zero_shot", dataset, params.zero_shot)
    if run.data not in fitting:
        raise ParamsError(f"{where}.data: its train and test sets need {' or '.join(fitting)}, not {run.data!r}")


def _check_parent(where: str, name: str, run: Run, params: Params) -> None:
    """Raise ParamsError at ``where`` if the run cannot start from what it names."""
    if run.parent is None:
        if run.init != f"initial/{run.method}.safetensors":
            raise ParamsError(f"{where}: must be initial/{run.method}.safetensors or a file in runs/RUN/weights")
        return
    known_name(where, run.parent, params.runs)
    names, parent = list(params.runs), params.runs[run.parent]
    if names.index(run.parent) >= names.index(name):
        raise ParamsError(f"{where}: {run.parent} must stand above the run that starts from it")
    if parent.method != run.method:
        raise ParamsError(f"{where}: {run.parent} is of another method")
    cuts = parent.partition.seeds if parent.partition else (0,)
    if run.starts_by_seed:
        own, theirs = (one.seeds or (params.common.seed,) for one in (run, parent))
        if Path(run.init).parts[2:] != ("weights",):
            raise ParamsError(f"{where}: must be runs/{run.parent}/weights or a file in it")
        if len(cuts) > 1 or not set(own) <= set(theirs):
            raise ParamsError(f"{where}: {run.parent} has not one training of every seed; name a file of its weights")
        return
    if len(cuts) * len(parent.seeds or (0,)) > 1 and len(Path(run.init).parts) != 5:
        many, one = ("trainings", "SEED-CUT") if parent.seeds else ("cuts", "SEED")
        raise ParamsError(f"{where}: {run.parent} has several {many}; name one, runs/{run.parent}/weights/{one}/FILE")
