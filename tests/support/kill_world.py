"""A world of tiny data sets and runs in which stages are killed, and what must hold there after each kill.

As DVC does, an attempt begins without the outputs of the one before it; what that one kept for itself stays.
"""

import copy
import os
import re
import shutil
import signal
import time
import zipfile
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import yaml
from nursery import Nursery, steps_of
from project import ROOT
from report_fixture import contents
from safetensors.torch import save_file
from tiny import BLOCKS, METHODS, make, weights, write_dataset

SYNTHETIC = """
made:
  <<: {kind: video, splits: {train: 12, test: 6}, mos_scale: [1, 5], frames: [10, 14], fps: [25], sizes: {64x48: 1},
    codecs: {h264: 1}, content: {texture: 1}, raters: {number: 5, bias_sd: 0.1, noise_sd: 0.2}}
  degradations: {defocus: {probability: 0.8, strength: [0.0, 1.0]}, compression: {probability: 1, strength: [0, 1]}}
"""
CHANGES = yaml.safe_load("""
extractors:
  slowfast:
    <<: {clips: 2, initial: seed}
    network: {width: 2, fast_width: 1, depths: [1, 1, 1, 1], alpha: 4, frames: 8, input_size: 32}
extractions:
  slowfast-made: {extractor: slowfast, dataset: made, reads: data/made}
  slowfast-tiny: {extractor: slowfast, dataset: tiny, reads: data/tiny}
runs:
  fastvqa: {perturbation: awp, gamma: 0.01, keep_epochs: [1]}
  sama: {partition: {seeds: [6, 4], train_share: 0.7}}
  sama_iqa: {perturbation: rwp, gamma: 0.01, data: prepared/image, train: image, test: [image/test]}
  simplevqa: {data: features/slowfast/tiny, keep_epochs: [1, 2]}
landscape:
  curve: {points: 5, span: [-1, 1], directions: 2}
  <<: {batches: 1, rise_at: [0.5, 1.0], curvature_step: 0.05, surface_points: 3}
  worst: {gamma: 0.01, steps: 2}
  eigenvalue: {tolerance: 0.1, max_iterations: 5, batches: 0}
landscapes:
  fastvqa: {method: fastvqa, data: prepared/tiny, weights: [last_ema, epoch_1_raw], surface: true}
""")
ROW = {"data": "prepared/tiny", "train": "tiny", "test": ["tiny/test"]}
DRAFT = re.compile(r"\..+\.\d+\.part")
PICTURES, BYTES = 12, 1 << 18


@dataclass(frozen=True)
class Task:
    """A stage, its arguments, the folder that it writes and the beginnings of paths that it keeps for itself."""

    stage: str
    arguments: tuple[str, ...]
    out: str
    kept: str


TASKS = {f"train {name}": Task("stages.train", (name,), f"runs/{name}", f".state/{name}") for name in METHODS} | {
    "fetch made": Task("stages.fetch", ("made",), "data/made", "data/.made."),
    "fetch spaq": Task("stages.fetch", ("spaq",), "data/spaq", "data/.spaq."),
    "prepare": Task("stages.prepare", ("made",), "prepared/made", ".state/prepare"),
    "extract": Task("stages.extract", ("slowfast-made",), "features/slowfast/made", ".state/extract-slowfast-made"),
    "landscape": Task("stages.landscape", ("fastvqa",), "landscapes/fastvqa", ".state/landscape"),
}


def write_world(folder: Path) -> None:
    """Everything that the stages read which no stage of the world writes."""
    write_dataset(folder)
    write_dataset(folder, "image", n_frames=1)
    raw = yaml.safe_load((ROOT / "params.yaml").read_text())
    raw |= {"root": str(ROOT), "zero_shot": [], "shared": {}, "tables": {}, "figures": {}, **copy.deepcopy(CHANGES)}
    raw["common"] |= {"device": "cpu", "threads": 1, "loader_workers": 0}
    raw["datasets"] = {name: {**raw["datasets"]["konvid1k"]} for name in ("tiny", "image", "made", "spaq")}
    raw["datasets"]["spaq"] |= {"source": "provided"}
    raw["methods"] = {name: copy.deepcopy(BLOCKS[name]) for name in METHODS}
    for name, run in raw["runs"].items():
        raw["runs"][name] = {"method": name, "init": f"initial/{name}.safetensors", **ROW, **run}
    (folder / "params.yaml").write_text(yaml.safe_dump(raw, sort_keys=False))
    (folder / "sources.yaml").write_text(SYNTHETIC)
    (folder / "initial").mkdir()
    for name in METHODS:
        save_file(weights(make(name)), folder / "initial" / f"{name}.safetensors")
    source, generator = folder / "sets" / "spaq", np.random.default_rng(2)
    source.mkdir(parents=True)
    names = [f"{number:05}.jpg" for number in range(PICTURES)]
    with zipfile.ZipFile(source / "TestImage.zip", "w", zipfile.ZIP_DEFLATED) as archive:
        for name in names:
            archive.writestr(f"TestImage/{name}", generator.integers(0, 8, BYTES, np.uint8).tobytes())
    lines = [f"{name},{generator.integers(1, 100)}\n" for name in names]
    (source / "MOS and Image attribute scores.csv").write_text("".join(["Image name,MOS\n", *lines]))


class World:
    """A folder in which every task has run once, undisturbed: what it wrote, and how long it took.

    Attributes:
        wholes: bytes of all files of a task, by their names.
        seconds: from its start to its end.
        own_disk: whether the folder is a disk of its own, of which one may say how large it is.
    """

    own_disk = False

    def __init__(self, folder: Path, nursery: Nursery) -> None:
        self.folder, self.nursery, self.tasks = folder, nursery, dict(TASKS)
        self.wholes: dict[str, dict[str, bytes]] = {}
        self.seconds: dict[str, float] = {}
        write_world(folder)
        for name in TASKS:
            self.learn(name)

    def learn(self, name: str) -> None:
        """Run a task undisturbed."""
        start = time.perf_counter()
        assert self.attempt(name) == 0, self.log
        self.seconds[name] = time.perf_counter() - start
        self.wholes[name] = self.found(name)
        assert self.wholes[name]
        assert not self.kept(name)

    @property
    def log(self) -> str:
        """What the last attempt printed."""
        return (self.folder.parent / "log").read_text()

    def attempt(self, name: str, after: float | None = None, **how: Any) -> int:
        """Run a task, killed ``after`` seconds if it still runs then: its exit code, or minus the signal."""
        task = self.tasks[name]
        shutil.rmtree(self.folder / task.out, ignore_errors=True)
        how["env"] = {"VQA_DATA": str(self.folder / "sets")}
        group = self.nursery.start(self.folder, task.stage, *task.arguments, **how)
        if after is not None:
            time.sleep(after)
            with suppress(ProcessLookupError):
                os.killpg(group, signal.SIGKILL)
        return self.nursery.end()

    def found(self, name: str) -> dict[str, bytes]:
        """Bytes of all files that the task has written so far under names that are not its own."""
        return contents(self.folder / self.tasks[name].out)

    def kept(self, name: str) -> list[Path]:
        """What an attempt has kept for the next one, and drafts."""
        start = str(self.folder / self.tasks[name].kept)
        parent = Path(start).parent
        files = [path for path in parent.rglob("*") if path.is_file() and str(path).startswith(start)]
        return [path for path in files if path.suffix != ".lock"]

    def assert_nothing_is_half(self, name: str) -> None:
        """A file has its name only when it is whole; a data set's folder, only when all its files are there."""
        found = {path: data for path, data in self.found(name).items() if not DRAFT.fullmatch(Path(path).name)}
        whole = self.wholes[name]
        wrong = [path for path, data in found.items() if whole.get(path) != data]
        assert not wrong, f"{name}: {wrong} not as in the end"
        if name.startswith("fetch") and (self.folder / self.tasks[name].out).exists():
            assert found.keys() == whole.keys(), f"{name}: its folder lacks {whole.keys() - found.keys()}"

    def assert_whole(self, name: str, code: int) -> None:
        """The last attempt went to its end, to the bytes of the undisturbed one, and left nothing."""
        assert code == 0, f"{name}: {self.log}"
        found, whole = self.found(name), self.wholes[name]
        assert found.keys() == whole.keys(), f"{name}: {found.keys() ^ whole.keys()}"
        assert not [path for path, data in found.items() if whole[path] != data], name
        assert not self.kept(name), name

    def phase(self, name: str) -> str:
        """How far a killed attempt had come, by what it left."""
        found, kept = self.found(name), self.kept(name)
        draft = any(DRAFT.fullmatch(path.name) for path in kept) or any(DRAFT.fullmatch(Path(p).name) for p in found)
        done = {path for path in found if not DRAFT.fullmatch(Path(path).name)}
        if done == self.wholes[name].keys():
            return "all written"
        if done:
            return "some results written"
        return "inside a write" if draft else "on the way, something kept" if kept else "nothing kept yet"

    def kill_at_random(self, name: str, kills: int, generator: np.random.Generator) -> Counter[str]:
        """Kill a task until so many kills have hit, then let it go to its end: the phases in which they did."""
        phases: Counter[str] = Counter()
        while phases.total() < kills:
            code = self.attempt(name, generator.uniform(0, self.seconds[name]))
            if code == -signal.SIGKILL:
                phases[self.phase(name)] += 1
                self.assert_nothing_is_half(name)
            else:
                self.assert_whole(name, code)
        self.assert_whole(name, self.attempt(name))
        return phases

    def kill_at_steps(self, name: str, last: int, every: int) -> Counter[str]:
        """Kill a task at each of its last steps, or at some, from one and the same state: the phases."""
        places = [(self.folder / self.tasks[name].out).parent, self.folder / ".state"]
        copies = [self.folder.parent / "copies" / str(number) for number in range(len(places))]
        phases: Counter[str] = Counter()
        self.assert_whole(name, self.attempt(name))
        assert self.attempt(name, at=max(1, steps_of(self.folder) - last)) == -signal.SIGKILL
        _copy(places, copies)
        self.assert_whole(name, self.attempt(name))
        total = steps_of(self.folder)
        for step in range(total, max(0, total - last), -every):
            _copy(copies, places)
            assert self.attempt(name, at=step) == -signal.SIGKILL
            phases[self.phase(name)] += 1
            self.assert_nothing_is_half(name)
            self.assert_whole(name, self.attempt(name))
        return phases


def _copy(sources: list[Path], targets: list[Path]) -> None:
    for source, target in zip(sources, targets, strict=True):
        shutil.rmtree(target, ignore_errors=True)
        if source.is_dir():
            shutil.copytree(source, target)


@contextmanager
def killing(folder: Path) -> Iterator[World]:
    """A world below ``folder``, with the process that its stages are forked from."""
    nursery = Nursery()
    (folder / "scale").mkdir(parents=True, exist_ok=True)
    try:
        yield World(folder / "scale", nursery)
    finally:
        nursery.close()
