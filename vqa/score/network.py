"""Which network scores: that of a run, or a published checkpoint."""

from collections.abc import Callable
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import torch

from vqa.extract import load_extractor
from vqa.extract.base import Extractor
from vqa.extract.networks import load_networks
from vqa.io import InputError
from vqa.methods import load_method
from vqa.rng import torch_generator
from vqa.score.scorer import Scorer
from vqa.settings.params import Extraction, Params, Run
from vqa.settings.strict import known_name
from vqa.training.predictions import read_rows
from vqa.training.protocol import trainings, weights_folder

WEIGHTS = "last_ema.safetensors"
# Published files that hold a whole network of a method, by their entries in vqa.models.checkpoints.
CHECKPOINTS = {"fastvqa": ("fastvqa", "dover_technical"), "sama": ("sama_vqa",), "simplevqa": ("simplevqa",)}


@dataclass(frozen=True)
class MosScale:
    """The affine map that gives the clean predictions of the training items the mean and deviation of their MOS.

    An estimate: it says nothing on content unlike the training set's, and may leave the scale at both ends.
    """

    slope: float
    shift: float

    @classmethod
    def of_run(cls, predictions: Path, train: str, fold: int | str) -> "MosScale | None":
        """The map of one training from its ``predictions.csv``; None if the file is missing or its scores constant.

        Args:
            predictions: the file.
            train: data set that the run was trained on.
            fold: name of the training (:class:`vqa.training.protocol.Training`).
        """
        if not predictions.is_file():
            return None
        table = read_rows(predictions).astype({"fold": str})
        chosen = (table.protocol == "clean") & (table.dataset == train) & (table.split == "train")
        rows = table[chosen & (table.fold == str(fold))]
        deviation = rows.prediction.std(ddof=0)
        if not deviation > 0:
            return None
        slope = rows.mos.std(ddof=0) / deviation
        return cls(float(slope), float(rows.mos.mean() - slope * rows.prediction.mean()))

    def __call__(self, score: float) -> float:
        """A score in MOS units."""
        return self.slope * score + self.shift


def trained(name: str | None, params: Params) -> str:
    """Name of the run to score with: ``name``, or the first one of params whose weights are there.

    Raises:
        InputError: if its weights are missing, or those of all runs.
        vqa.settings.strict.ParamsError: if there is no such run.
    """
    if name is not None:
        known_name("params.yaml: runs", name, params.runs)
        if not run_weights(name, params).is_file():
            raise InputError(f"{run_weights(name, params)} is missing: `dvc repro train@{name}` first")
        return name
    for name in params.runs:
        if run_weights(name, params).is_file():
            return name
    if not params.runs:
        raise InputError("params.yaml has no runs; name a published checkpoint, --checkpoint FILE --method METHOD")
    raise InputError(f"no run of params.yaml has weights yet: `dvc repro train@{next(iter(params.runs))}` first")


def run_weights(name: str, params: Params) -> Path:
    """File of a run's last averaged weights; of several trainings, those of the first one."""
    every = trainings(params.runs[name], params.common.seed)
    return weights_folder(Path("runs") / name, every, every[0]) / WEIGHTS


def run_scorer(name: str, params: Params, device: torch.device) -> Scorer:
    """The network of a run, with its MOS scale if it has been evaluated; InputError if its weights do not fit."""
    from safetensors import SafetensorError
    from safetensors.torch import load_file

    run = params.runs[name]
    method = load_method(run.method, params.methods[run.method], run, params.common.precision)
    model, path = method.build(torch_generator("init", params.common.seed)), run_weights(name, params)
    try:
        model.load_state_dict(load_file(path))
    except (RuntimeError, SafetensorError):
        raise InputError(f"{path}: does not fit params.yaml as it is now; `dvc repro train@{name}` again") from None
    fold = trainings(run, params.common.seed)[0].fold
    scale = MosScale.of_run(Path("runs") / name / "predictions.csv", run.train, fold)
    describe, exif = extractors_of(run.train, params, device), params.common.exif_orientation
    return Scorer(model.to(device).eval(), method, device, scale, describe, exif)


def checkpoint_scorer(path: Path, name: str, sha256: str | None, params: Params, device: torch.device) -> Scorer:
    """The network of a published file, which is never unpickled and must have the checksum that is known or stated."""
    from vqa.models.checkpoints import load_published
    from vqa.models.registry import PUBLISHED

    known_name("params.yaml: methods", name, params.methods)
    entries = CHECKPOINTS[name]
    entry = next((entry for entry in entries if PUBLISHED[entry].file == path.name), entries[0])
    plain = Run(method=name, init="", data="", train="", test=())
    method = load_method(name, params.methods[name], plain, params.common.precision)
    model = method.build(torch_generator("init", params.common.seed))
    load_published(entry, path, model, sha256 or params.checksums.get(entry))
    described = next((row.dataset for row in params.extractions.values()), "")
    describe, exif = extractors_of(described, params, device), params.common.exif_orientation
    return Scorer(model.to(device).eval(), method, device, describe=describe, exif=exif)


def extractors_of(dataset: str, params: Params, device: torch.device) -> dict[str, Callable[[], Extractor]]:
    """What describes the videos of ``dataset``, by name; each is made and loaded when it is first called."""

    def making(row: Extraction) -> Callable[[], Extractor]:
        @cache
        def make() -> Extractor:
            extractor = load_extractor(row.extractor, params.extractors[row.extractor], row.changes)
            load_networks(extractor, row.extractor, params.common.seed, params.checksums, device)
            return extractor

        return make

    return {row.extractor: making(row) for row in params.extractions.values() if row.dataset == dataset}
