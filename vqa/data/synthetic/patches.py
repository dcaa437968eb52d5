"""Patches of synthetic videos, each with a MOS from the same formula and the same raters as the video's."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

import numpy as np

from vqa import rng
from vqa.data.patches import Patch
from vqa.data.synthetic import fullref, mos
from vqa.data.synthetic.recipe import Item
from vqa.data.synthetic.spec import SyntheticSpec

# Share of each axis that a patch has
SHARE = 0.4

Frames = Mapping[int, np.ndarray]


def draw_patches(item: Item, seed: int) -> list[Patch]:
    """A box over the whole time, the whole frame for some time, and a box for some time; their MOS are still 0."""
    generator = rng.numpy_generator("synthetic-patches", seed, item.dataset, item.name)

    def part(size: int) -> tuple[int, int]:
        length = max(1, round(SHARE * size))
        first = int(generator.integers(0, size - length + 1))
        return first, first + length

    (left, right), (top, bottom) = part(item.width), part(item.height)
    start, end = part(item.n_frames)
    space = Patch(left, top, right, bottom, 0, item.n_frames, 0.0)
    time = Patch(0, 0, item.width, item.height, start, end, 0.0)
    (left, right), (top, bottom) = part(item.width), part(item.height)
    start, end = part(item.n_frames)
    return [space, time, Patch(left, top, right, bottom, start, end, 0.0)]


def rate_patches(
    item: Item, spec: SyntheticSpec, seed: int, strengths: Mapping[str, float], pristine: Frames, decoded: Frames
) -> list[Patch]:
    """The patches of a video with their MOS, on the data set's scale.

    Args:
        item: the video.
        spec: of its data set.
        seed: of all streams.
        strengths: of its degradations.
        pristine: frames before them, by number, ``(H, W, 3)`` uint8.
        decoded: the same frames of the file; those nearest to a patch's time are compared.
    """
    rated = []
    for number, patch in enumerate(draw_patches(item, seed), start=1):
        inside = [frame for frame in pristine if patch.start <= frame < patch.end]
        middle = (patch.start + patch.end - 1) / 2
        shown = inside or [min(sorted(pristine), key=lambda frame: abs(frame - middle))]
        box = np.s_[patch.top : patch.bottom, patch.left : patch.right]
        similarity = np.mean([fullref.gradient_similarity(pristine[i][box], decoded[i][box]) for i in shown])
        texture = np.mean([fullref.texture(pristine[i][box]) for i in shown])
        quality = mos.true_quality(strengths, float(similarity), float(texture))
        opinion, _ = mos.rate(quality, spec.raters, spec.mos_scale, seed, item.dataset, f"{item.name}/p{number}")
        rated.append(replace(patch, mos=round(opinion, 4)))
    return rated
