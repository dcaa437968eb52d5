"""What stores of clips a scale would use, what they take and what they save, before one of them is made.

Numbers are estimates: from the item lists, or before there are any from the catalogue's counts and usual items; from a
grey clip that is cut here and now; and from the rates below, which were measured on videos of 960x540.
"""

import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

import numpy as np
import pandas as pd
import torch

from vqa.bench.hours import items_of
from vqa.bench.networks import Noise
from vqa.data.catalog import CATALOG
from vqa.data.items import Item
from vqa.methods import load_method
from vqa.methods.base import PHASES, Method, Storable
from vqa.rng import torch_generator
from vqa.settings.params import Params, Run
from vqa.training.clips import look, released_epochs, tensors
from vqa.training.protocol import trainings
from vqa.training.readers import picked

# Of one core: decoding 240 frames takes half a second; what part of that the clips of one epoch alone take
SECONDS_PER_PIXEL = 4.2e-9
DECODED = {"train": 0.5, "released": 0.8, "clean": 0.8}
VIDEO = (240, 960, 540)
# What compression leaves of the bytes of a kind, and how many bytes a core compresses in a second
LEFT = {torch.uint8: 0.23, torch.float32: 0.45}
PACKED = 350e6


@dataclass(frozen=True)
class Clip:
    """One clip of an item: bytes, seconds to cut and to compress it, and whether each epoch has its own."""

    size: float
    cut: float
    pack: float
    drawn: bool


@dataclass
class Store:
    """One store.

    Attributes:
        data: name of the data set.
        method: module that samples.
        phase: in which.
        epochs: how many ask for clips.
        clip: one of them.
        reads: split, and share of it where it is cut at random, of all trainings and others that go through it.
    """

    data: str
    method: str
    phase: str
    epochs: int
    clip: Clip
    reads: list[tuple[str, float]] = field(default_factory=list)

    @property
    def splits(self) -> set[str]:
        """Of the data set, those that are looked at."""
        return {split for split, _ in self.reads}

    def row(self, params: Params) -> dict[str, float | str]:
        """Its line of a plan: clips, gigabytes, core-hours to make it, and without it for all readers."""
        items, pixels = _extent(self.data, self.splits, params)
        each = self.epochs if self.clip.drawn else 1
        decode, looked = pixels * SECONDS_PER_PIXEL, 0.0
        for split in self.splits:
            seen, watched = _extent(self.data, {split}, params)
            each_epoch = seen * self.clip.cut + watched * SECONDS_PER_PIXEL * DECODED[self.phase]
            looked += sum(share for name, share in self.reads if name == split) * self.epochs * each_epoch
        return {
            "data set": self.data,
            "method": self.method,
            "phase": self.phase,
            "clips": items * each,
            "GB": items * each * self.clip.size / 1e9,
            "core-hours": (decode + items * each * (self.clip.cut + self.clip.pack)) / 3600,
            "without": looked / 3600,
        }


def stores(params: Params) -> tuple[list[Store], list[str]]:
    """All stores that trainings, landscapes and transfers of a scale would use, and the methods that have none."""
    found: dict[str, Store] = {}
    clips: dict[str, Clip] = {}
    without: dict[str, None] = {}
    for run, method, phase, epochs, seed, splits in _uses(params):
        if not isinstance(method, Storable):
            without[run.method] = None
            continue
        for data, split in splits:
            if params.datasets[data].frame_store or data not in CATALOG:
                continue
            about, usual = look(data, method, phase, seed, epochs), CATALOG[data].usual
            shape = usual if usual[0] == 1 else VIDEO  # all frames of a large video are too many to hold
            rule = repr((about["method"], phase, about["looks"], shape))
            if rule not in clips:
                clips[rule] = _one_clip(method, phase, *shape)
            store = found.setdefault(repr(about), Store(data, about["method"], phase, len(epochs), clips[rule]))
            whole, share = (split, 1.0) if run.partition is None or split == "all" else ("all", _share(run, split))
            store.reads.append((whole, share))
    return list(found.values()), list(without)


def _share(run: Run, split: str) -> float:
    """The share of a data set that a random cut leaves to a split."""
    assert run.partition, "a run that is cut"
    return run.partition.train_share if split == "train" else 1 - run.partition.train_share


def plan(params: Params) -> tuple[pd.DataFrame, list[str]]:
    """What the stores of each data set and method come to, and the methods that have none.

    Returns:
        Columns ``data set``, ``method``, ``clips``, ``GB`` (of which ``GB to train``), ``core-hours`` to make them, and
        ``without``: core-hours of all trainings, landscapes and tests that would read them, without them.
    """
    found, without = stores(params)
    table = pd.DataFrame([store.row(params) for store in found])
    if table.empty:
        return table, without
    table.insert(4, "GB to train", table.GB.where(table.phase == "train", 0.0))
    return table.drop(columns="phase").groupby(["data set", "method"], as_index=False).sum(), without


def _uses(params: Params) -> Iterator[tuple[Run, Method, str, Sequence[int], int, list[tuple[str, str]]]]:
    """Run, its method, phase, epochs, seed and splits of everything that goes through clips."""

    def method_of(run: Run) -> Method:
        return load_method(run.method, params.methods[run.method], run)

    for name, run in params.runs.items():
        method = method_of(run)
        tested = released_epochs(method, params.common.released.draw)
        for training in trainings(run, params.common.seed):
            yield run, method, "train", range(1, method.epochs + 1), training.seed, run.splits[:1]
            yield run, method, "released", tested, training.seed, run.splits[1:]
            yield run, method, "clean", (0,), training.seed, run.splits
        if name in params.landscapes:
            plain = replace(run, augmentation="none")
            yield plain, method_of(plain), "train", (0,), params.common.seed, run.splits[:2]
    for row in params.transfers.values():
        dataset, _, split = row.test.partition("/")
        run = Run(row.method, row.weights, row.data, dataset, (row.test,))
        for phase in PHASES[1:]:
            yield run, method_of(run), phase, (0,), params.common.seed, [(dataset, split)]


@dataclass(frozen=True)
class _Decoded(Noise):
    """An item whose frames are in memory, as those of a video are of which all clips are cut."""

    every: np.ndarray

    def frames(self, indices: np.ndarray) -> np.ndarray:
        """Frames ``(n, H, W, 3)`` uint8 RGB."""
        return picked(self.every, indices)


def _one_clip(method: Method, phase: str, n_frames: int, width: int, height: int) -> Clip:
    """What cutting a grey clip costs here; the quickest of three times, after one that does not count."""
    item = Item("grey", 3.0, n_frames, height, width, 30.0, "h264" if n_frames > 1 else "png", 0, 0)
    read, took = _Decoded(0, np.full((n_frames, height, width, 3), 128, np.uint8)), []
    for _ in range(4):
        streams: list[tuple[torch.Generator, torch.Tensor]] = []

        def stream(purpose: str, streams: list = streams) -> torch.Generator:
            streams.append((made := torch_generator(purpose, 0), made.get_state()))
            return made

        started = time.process_time()
        inputs = method.sample(item, read, phase, stream)
        took.append(time.process_time() - started)
    every = tensors(inputs)
    size = sum(tensor.nbytes for tensor in every)
    drawn = any(not torch.equal(generator.get_state(), before) for generator, before in streams)
    kept = sum(tensor.nbytes * LEFT.get(tensor.dtype, 1.0) for tensor in every)
    return Clip(kept, min(took[1:]), size / PACKED, drawn)


def _extent(data: str, splits: set[str], params: Params) -> tuple[int, float]:
    """Items of some splits, and the pixels of all their frames."""
    path = Path("prepared") / data / "items.csv"
    if path.is_file():
        table = pd.read_csv(path, keep_default_na=False)
        rows = table if "all" in splits else table[table.split.isin(splits)]
        return len(rows), float((rows.n_frames * rows.width * rows.height).sum())
    frames, width, height = CATALOG[data].usual
    items = sum(items_of(params, data, split) for split in ({"all"} if "all" in splits else splits))
    return items, items * float(frames * width * height)
