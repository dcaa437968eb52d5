"""Whether a scale can run on this machine: what is here, what is missing, and what to do about it."""

import os
import shutil
import sys
import tempfile
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from importlib.metadata import PackageNotFoundError, version
from importlib.util import find_spec
from pathlib import Path

import av
import numpy as np
import torch

from vqa.cpu import has_avx2
from vqa.data.own import look, own_source
from vqa.data.paths import MediaError
from vqa.data.provided import source_folder
from vqa.data.published.reach import check_reach
from vqa.data.video import read_frames
from vqa.io import InputError
from vqa.settings.cluster import load_cluster
from vqa.settings.params import Params
from vqa.settings.strict import ParamsError

GOOD, NOTE, BAD = "good", "note", "bad"
PYTHONS = ((3, 11), (3, 12))
QUIET = {"x265-params": "log-level=none"}
ENCODERS = ("libx264", "libx265", "libvpx-vp9")


@dataclass(frozen=True)
class Needs:
    """What a scale takes, measured where it was run, estimated for the paper's (docs/paper.md).

    Attributes:
        disk: GiB that its outputs and DVC's cache of them take, without videos of one's own.
        time: in words, with the machine that it is for.
        gpu: GiB of memory of a GPU, 0 if none is needed.
    """

    disk: float
    time: str
    gpu: int = 0


NEEDS = {
    "demo": Needs(8, "half an hour to an hour on two cores"),
    "real": Needs(1, "20 to 40 minutes on two cores"),
    "study": Needs(20, "two to six hours on two cores"),
    "paper": Needs(100, "weeks of GPUs", 24),
}


@dataclass(frozen=True)
class Finding:
    """One thing that was looked at.

    Attributes:
        state: ``good``; ``note``: the scale runs, with the consequence that is said; ``bad``: it cannot.
        what: was found.
        remedy: what to do, "" where there is nothing to do.
    """

    state: str
    what: str
    remedy: str = ""


def examine(params: Params, root: Path, cluster: Path | None = None) -> Iterator[Finding]:
    """All findings on the scale in the working directory, the quick ones first.

    Args:
        params: of the scale.
        root: the project's folder, which holds the lock of packages.
        cluster: file of a cluster that is to be used.
    """
    yield _python()
    yield packages(root / "requirements.lock")
    yield _processor()
    yield _gpu(params)
    yield _disk(params)
    yield from _data(params)
    yield _store(Path())
    if cluster:
        yield from _cluster(cluster)
    for encoder in ENCODERS:
        yield _decoder(encoder)


def _python() -> Finding:
    found = sys.version_info[:2]
    name = f"Python {'.'.join(map(str, found))}"
    if PYTHONS[0] <= found <= PYTHONS[1]:
        return Finding(GOOD, name)
    return Finding(BAD, f"{name} is not one of 3.11 and 3.12", "make venv PYTHON=python3.11")


def packages(lock: Path) -> Finding:
    """Installed versions against those of the file ``lock``."""
    wanted = dict(line.split(" ")[0].split("==") for line in lock.read_text().splitlines() if "==" in line[:80])
    other, missing = [], []
    for name, pin in wanted.items():
        try:
            if version(name) != pin:
                other.append(f"{name} {version(name)}, not {pin}")
        except PackageNotFoundError:
            missing.append(name)
    if missing:
        return Finding(BAD, f"packages of the lock are missing: {_few(missing)}", "make venv")
    if other:
        return Finding(NOTE, f"packages are not the lock's, so bytes may differ: {_few(other)}", "make venv")
    return Finding(GOOD, f"{len(wanted)} packages as in {lock.name}")


def _few(names: list[str], most: int = 3) -> str:
    return ", ".join(names[:most]) + (f" and {len(names) - most} more" if len(names) > most else "")


def _processor() -> Finding:
    if has_avx2():
        return Finding(GOOD, f"processor with AVX2, {len(os.sched_getaffinity(0))} cores for this process")
    return Finding(NOTE, "no AVX2: numbers differ from the committed ones in their last digits")


def _gpu(params: Params) -> Finding:
    needs = NEEDS.get(params.common.scale, Needs(0, "")).gpu
    if not torch.cuda.is_available():
        if params.common.device == "cuda":
            return Finding(BAD, "common.device is cuda, and no CUDA device is visible", "common.device: auto or cpu")
        if needs:
            return Finding(BAD, f"no GPU: this scale needs one of {needs} GiB", "run it where there is one")
        return Finding(GOOD, "no GPU, and none is needed")
    known = [torch.cuda.get_device_properties(number) for number in range(torch.cuda.device_count())]
    small = [gpu.name for gpu in known if gpu.total_memory < needs * 2**30]
    if small:
        return Finding(NOTE, f"less than {needs} GiB of memory: {_few(small)}", "precision: bf16")
    return Finding(GOOD, ", ".join(f"{gpu.name} with {gpu.total_memory / 2**30:.0f} GiB" for gpu in known))


def _disk(params: Params) -> Finding:
    free, needs = shutil.disk_usage(Path()).free / 2**30, NEEDS.get(params.common.scale)
    if needs is None:
        return Finding(GOOD, f"{free:.0f} GiB of disk are free")
    said = f"{free:.0f} GiB of disk are free; the scale takes up to {needs.disk:g} GiB and {needs.time}"
    return Finding(GOOD, said) if free >= needs.disk or Path("runs").is_dir() else Finding(BAD, said, "make room")


def _data(params: Params) -> Iterator[Finding]:
    """Whether every data set is there, or can be made or had."""
    missing = []
    for name, dataset in params.datasets.items():
        if (Path("data") / name).is_dir() or dataset.source in ("synthetic", "published"):
            continue
        try:
            if dataset.source == "own":
                look(own_source(name))
            elif not source_folder(name).is_dir():
                raise InputError(f"no folder {source_folder(name)}")
        except InputError as error:
            missing.append((name, str(error)))
    for name, why in missing[:1]:
        more = f" (and {len(missing) - 1} more data sets)" if missing[1:] else ""
        yield Finding(BAD, f"{name}: {why}{more}")
    try:
        check_reach(params)
    except InputError as error:
        yield Finding(BAD, str(error))
    else:
        if not missing:
            yield Finding(GOOD, f"{len(params.datasets)} data sets are here, or can be made or fetched")


def _store(place: Path) -> Finding:
    if os.access(place, os.W_OK):
        return Finding(GOOD, "this folder can be written to: outputs, and MLflow's mlflow.db")
    return Finding(BAD, "this folder cannot be written to", "clone to one of your own")


def _cluster(file: Path) -> Iterator[Finding]:
    """Whether a cluster file can be used from here; the workers are not asked."""
    try:
        cluster = load_cluster(file)
    except ParamsError as error:
        yield Finding(BAD, str(error))
        return
    yield Finding(GOOD, f"{file.name}: {cluster.stages} stages at a time on {cluster.workers} workers")
    if missing := [name for name in ("parsl", "ray") if find_spec(name) is None]:
        install = "pip install --no-deps --require-hashes -r requirements-cluster.lock"
        yield Finding(NOTE, f"engines that are not installed: {', '.join(missing)}", install)
    tool = {"slurm": "sbatch", "pbs": "qsub"}.get(cluster.provider.kind)
    if tool and shutil.which(tool) is None:
        yield Finding(BAD, f"{tool} is not here", "run the driver where jobs can be submitted")
    if "://" in cluster.remote:
        yield Finding(NOTE, f"remote {cluster.remote}: not tried")
        return
    try:
        Path(cluster.remote).mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryFile(dir=cluster.remote):
            pass
    except OSError as error:
        yield Finding(BAD, f"remote {cluster.remote}: {error.strerror}", "name a folder that all can write to")
    else:
        yield Finding(GOOD, f"remote {cluster.remote} can be written to")


def _decoder(encoder: str, read: Callable[[Path, np.ndarray], np.ndarray] = read_frames) -> Finding:
    """Ten frames, each brighter than the one before, through an encoder of FFmpeg and back."""
    wanted = np.arange(10)
    frames = (20 + 20 * wanted[:, None, None, None] + np.zeros((1, 64, 64, 3))).astype(np.uint8)
    with tempfile.TemporaryDirectory() as made:
        clip = Path(made) / "clip.mp4"
        try:
            with av.open(str(clip), "w") as container:
                stream = container.add_stream(encoder, rate=25, options=QUIET)
                stream.width, stream.height, stream.pix_fmt, stream.thread_count = 64, 64, "yuv420p", 1
                for frame in frames:
                    container.mux(stream.encode(av.VideoFrame.from_ndarray(frame, format="rgb24")))
                container.mux(stream.encode())
        except (av.error.FFmpegError, ValueError) as error:
            return Finding(NOTE, f"no encoder {encoder} ({error}): its decoder was not tried")
        try:
            levels = read(clip, wanted).reshape(10, -1).mean(axis=1)
        except MediaError as error:
            return Finding(BAD, f"a clip by {encoder} does not decode: {error}", "make venv")
    if (np.abs(levels - frames[:, 0, 0, 0]) > 4).any():
        return Finding(BAD, f"a clip by {encoder} does not decode to its own frames", "make venv")
    return Finding(GOOD, f"a clip by {encoder} decodes frame by frame")
