"""Build a whole synthetic data set into a folder: media files, ``labels.csv`` and ``truth.csv``."""

from __future__ import annotations

import csv
import functools
import multiprocessing
import os
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
from tqdm import tqdm

from vqa import rng
from vqa.data.patches import FILE as PATCHES
from vqa.data.patches import Patch, write_patches
from vqa.data.synthetic import encode, fullref, mos
from vqa.data.synthetic.content import make_scene
from vqa.data.synthetic.degrade import Degrader, drop_frames
from vqa.data.synthetic.patches import Frames, rate_patches
from vqa.data.synthetic.recipe import Item, plan
from vqa.data.synthetic.scene import path
from vqa.data.synthetic.spec import DEGRADATIONS, SyntheticSpec

LABEL_COLUMNS = ("name", "mos", "split")
TRUTH_COLUMNS = (
    "name", "quality", "full_reference", "texture", *DEGRADATIONS, "family", "content_id", "odd", "codec", "rate",
    "pixel_format", "width", "height", "n_frames", "fps", "rotation", "variable_rate", "rater_std",
)  # fmt: skip
REFERENCE_FRAMES = 3


def build(spec: SyntheticSpec, out: Path, seed: int, jobs: int = 1) -> None:
    """Make the data set ``spec`` in the folder ``out``, byte for byte the same for equal ``spec`` and ``seed``.

    The folder appears only when it is complete; an older build at the same place is replaced.

    Args:
        spec: the data set.
        out: folder to make, with ``videos/`` or ``images/``; ``labels.csv`` (name, mos on the data set's scale with 4
            decimals, split); ``patches.csv`` if the spec wants patches; ``truth.csv`` (:data:`TRUTH_COLUMNS`: true
            quality in [0, 1], full-reference measure, strengths, content, coding; width and height as displayed; for
            tests, never for training).
        seed: seed of all random streams.
        jobs: number of processes; it does not change a byte.

    Raises:
        ValueError: if ``jobs`` < 1, or ``out`` is a folder that holds something else.
    """
    out = Path(out)
    if jobs < 1:
        raise ValueError(f"jobs is {jobs}, must be at least 1")
    if out.exists() and any(out.iterdir()) and not (out / "labels.csv").exists():
        raise ValueError(f"{out} holds files that are not a built data set; remove it or choose another folder")
    partial = out.with_name(f".{out.name}.partial")
    shutil.rmtree(partial, ignore_errors=True)
    (partial / f"{spec.kind}s").mkdir(parents=True)
    items = plan(spec, seed)
    work = functools.partial(_make_file, spec=spec, out=partial, seed=seed)
    made = list(tqdm(_map(work, items, jobs), total=len(items), desc=f"make {spec.name}", disable=None))
    rows = [row for row, _ in made]
    if spec.patches:
        write_patches(partial / PATCHES, {row["name"]: patches for row, patches in made})
    _write_csv(partial / "truth.csv", TRUTH_COLUMNS, rows)
    _write_csv(partial / "labels.csv", LABEL_COLUMNS, rows)
    if out.exists():
        shutil.rmtree(out)
    os.replace(partial, out)


def make_item(item: Item, seed: int) -> tuple[bytes, dict[str, Any], tuple[Frames, Frames]]:
    """Return an item's file, what is true about it, and some frames by number, pristine and as decoded.

    True are its quality, full-reference measure, texture, content and strengths.
    """
    key = (item.dataset, item.name)
    size = (item.width, item.height)
    scene = make_scene(item.family, size, item.is_video, rng.numpy_generator("synthetic-content", seed, *key))
    camera = rng.numpy_generator("synthetic-camera", seed, *key)
    poses = path(scene.motion, scene.world.size, size, item.n_frames, item.strengths.get("shake", 0.0), camera)
    drops = rng.numpy_generator("synthetic-drops", seed, *key)
    shown = drop_frames(item.n_frames, item.strengths.get("drops", 0.0), drops)
    degrader = Degrader(item.strengths, size, rng.numpy_generator("synthetic-degrade", seed, *key))
    frames: list[np.ndarray] = []
    pristine: dict[int, np.ndarray] = {}
    wanted = set(np.linspace(0, item.n_frames - 1, REFERENCE_FRAMES).round().astype(int).tolist())
    for index, source in enumerate(shown):
        repeat = index > 0 and source == shown[index - 1]
        frame = scene.render(poses[source], source, size)
        frames.append(frames[-1] if repeat else degrader(frame))
        if index in wanted:
            pristine[index] = frame
    rate = encode.rate_parameter(item.codec, item.strengths.get("compression", 0.0))
    if item.is_video:
        times = _uneven_times(item, rng.numpy_generator("synthetic-times", seed, *key)) if item.variable_rate else None
        container = item.name.rpartition(".")[2]
        data = encode.encode_video(
            frames, item.codec, rate, item.fps, container, item.pixel_format, item.rotation, times
        )  # fmt: skip
        decoded = encode.decode_video(data, wanted, item.rotation)
    else:
        data = encode.encode_image(frames[0], item.codec, rate)
        decoded = {0: encode.decode_image(data)}
    similarity = float(np.mean([fullref.gradient_similarity(pristine[i], decoded[i]) for i in sorted(wanted)]))
    texture = float(np.mean([fullref.texture(pristine[i]) for i in sorted(wanted)]))
    strengths = dict(item.strengths)
    if item.codec == "png":
        strengths["compression"] = 0.0
    quality = mos.true_quality(strengths, similarity, texture)
    return data, {
        "quality": quality, "full_reference": similarity, "texture": texture, "rate": rate,
        "content_id": scene.content_id, **dict.fromkeys(DEGRADATIONS, 0.0), **strengths,
    }, (pristine, decoded)  # fmt: skip


def _make_file(item: Item, spec: SyntheticSpec, out: Path, seed: int) -> tuple[dict[str, str], list[Patch]]:
    data, truth, seen = make_item(item, seed)
    (out / item.name).write_bytes(data)
    opinion, deviation = mos.rate(truth["quality"], spec.raters, spec.mos_scale, seed, item.dataset, item.name)
    row = {**vars(item), **truth, "mos": opinion, "rater_std": deviation}
    strengths = {name: truth[name] for name in DEGRADATIONS}
    patches = rate_patches(item, spec, seed, strengths, *seen) if spec.patches else []
    return {key: f"{value:.4f}" if isinstance(value, float) else str(value) for key, value in row.items()}, patches


def _map(work: Any, items: list[Item], jobs: int) -> Iterator[tuple[dict[str, str], list[Patch]]]:
    if jobs == 1:
        yield from map(work, items)
        return
    with multiprocessing.get_context("spawn").Pool(jobs) as pool:
        yield from pool.imap(work, items, chunksize=4)


def _uneven_times(item: Item, generator: np.random.Generator) -> list[int]:
    """Return time stamps with a pause of one frame at about one frame in four, as a telephone in low light makes."""
    steps = 1 + (generator.random(item.n_frames) < 0.25)
    return [0, *np.cumsum(steps[1:]).tolist()]


def _write_csv(path_: Path, columns: tuple[str, ...], rows: list[dict[str, str]]) -> None:
    with path_.open("w", newline="") as file:
        writer = csv.DictWriter(file, columns, extrasaction="ignore", lineterminator="\n")
        writer.writeheader()
        writer.writerows(rows)
