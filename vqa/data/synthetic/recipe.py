"""The plan of a data set: every item's shape, codec, content family and degradation strengths, before a pixel exists.

Quotas rather than independent draws: each split gets each size, codec, family and degradation in the proportion that
the spec states, so that small splits are still fair samples. Content from a bad camera tends to be bad in every way: an
item has one severity, spread evenly over [0, 1] in each split, and the strengths of its degradations follow it.
"""

from __future__ import annotations

from collections.abc import Hashable, Mapping
from dataclasses import dataclass
from typing import TypeVar

import numpy as np

from vqa import rng
from vqa.data.synthetic.spec import ODD_CASES, OddCase, SyntheticSpec

Key = TypeVar("Key", bound=Hashable)

SUFFIX = {"h264": "mp4", "hevc": "mp4", "vp9": "webm", "jpeg": "jpg", "png": "png"}
SEVERITY_JITTER = 0.08


@dataclass(frozen=True)
class Item:
    """One clip or image to be made.

    ``width`` and ``height`` are as displayed (after ``rotation``, degrees clockwise), ``strengths`` are in [0, 1] for
    every degradation of the spec (0 where it does not occur), ``odd`` names the odd case or is empty, ``name`` is the
    path relative to the data set's folder.
    """

    dataset: str
    split: str
    name: str
    width: int
    height: int
    n_frames: int
    fps: int
    codec: str
    pixel_format: str
    rotation: int
    variable_rate: bool
    family: str
    odd: str
    strengths: Mapping[str, float]

    @property
    def is_video(self) -> bool:
        return self.name.startswith("videos/")


def plan(spec: SyntheticSpec, seed: int) -> list[Item]:
    """Return all items of a data set, split by split; a pure function of its arguments."""
    odd = _odd_cases(spec, seed)
    return [item for split in spec.splits for item in _plan_split(spec, split, odd, seed)]


def allocate(weights: Mapping[Key, float], n: int, generator: np.random.Generator) -> list[Key]:
    """Return ``n`` keys in random order whose counts are as near to the weights as whole numbers allow."""
    keys = list(weights)
    share = np.array([weights[key] for key in keys], dtype=float)
    share *= n / share.sum()
    counts = np.floor(share).astype(int)
    for index in np.argsort(counts - share, kind="stable")[: n - counts.sum()]:
        counts[index] += 1
    return [keys[index] for index in generator.permutation(np.repeat(np.arange(len(keys)), counts))]


def _odd_cases(spec: SyntheticSpec, seed: int) -> dict[tuple[str, int], str]:
    places = [(split, i) for split, n in spec.splits.items() if split not in spec.split_sizes for i in range(n)]
    order = rng.numpy_generator("synthetic-odd", seed, spec.name).permutation(len(places))
    cases = [case for case, n in spec.odd.items() for _ in range(n)]
    return {places[place]: case for place, case in zip(order, cases, strict=False)}


def _plan_split(spec: SyntheticSpec, split: str, odd: Mapping[tuple[str, int], str], seed: int) -> list[Item]:
    n = spec.splits[split]
    generator = rng.numpy_generator("synthetic-plan", seed, spec.name, split)
    sizes = allocate(spec.split_sizes.get(split, spec.sizes), n, generator)
    codecs = allocate(spec.codecs, n, generator)
    families = allocate(spec.content, n, generator)
    rates = allocate(dict.fromkeys(spec.fps, 1.0), n, generator)
    strengths = _strengths(spec, n, generator)
    items = []
    for i in range(n):
        case_name = odd.get((split, i), "")
        case = ODD_CASES.get(case_name, OddCase())
        codec = case.codec or codecs[i]
        width, height = case.size or sizes[i]
        low, high = case.frames or spec.frames
        suffix = "mkv" if case.variable_rate else SUFFIX[codec]
        items.append(
            Item(
                dataset=spec.name,
                split=split,
                name=f"{spec.kind}s/{spec.name}_{split}_{i:04d}.{suffix}",
                width=width,
                height=height,
                n_frames=int(generator.integers(low, high + 1)),
                fps=rates[i],
                codec=codec,
                pixel_format=case.pixel_format,
                rotation=case.rotation,
                variable_rate=case.variable_rate,
                family=families[i],
                odd=case_name,
                strengths={key: float(values[i]) for key, values in strengths.items()},
            )
        )
    return items


def _strengths(spec: SyntheticSpec, n: int, generator: np.random.Generator) -> dict[str, np.ndarray]:
    severity = (generator.permutation(n) + generator.random(n)) / max(n, 1)
    strengths = {}
    for key, part in spec.degradations.items():
        occurs = np.array(allocate({1.0: part.probability, 0.0: 1 - part.probability}, n, generator))
        level = np.clip(severity + generator.normal(0, SEVERITY_JITTER, n), 0, 1)
        strengths[key] = occurs * (part.strength[0] + (part.strength[1] - part.strength[0]) * level)
    return strengths
