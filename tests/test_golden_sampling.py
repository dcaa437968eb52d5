"""Frame indices and fragments against the released samplers (sections 4 and 5 of the golden contract)."""

import zlib
from collections.abc import Iterator
from contextlib import contextmanager

import golden
import numpy as np
import pytest
import torch
from golden import assert_close
from torch import Tensor

from vqa.sampling import fragments
from vqa.sampling.fragments import FragmentSampling
from vqa.sampling.temporal import TemporalSampling, clip_offsets, frame_indices, offset_range

TEMPORAL = golden.load("temporal")
FRAGMENTS = golden.load("fragments")
SAMPLERS = {"fast": ("random", "wrap"), "sama_train": ("random", "clamp"), "sama_test": ("centre", "clamp")}


def temporal_rule(sampler: str, clips: int, frames: int, interval: int) -> TemporalSampling:
    offset, past_end = SAMPLERS[sampler]
    return TemporalSampling(frames, interval, clips, offset, past_end)


@pytest.mark.parametrize("key", [key for key in TEMPORAL.groups("", "rand_high") if not key.startswith("other_")])
def test_frame_indices(key: str) -> None:
    sampler, clips = key.rsplit("_S", 1)
    rule = temporal_rule(sampler, int(clips), int(TEMPORAL.scalar("clip_len")), int(TEMPORAL.scalar("interval")))
    unused = torch.Generator()
    for row, n_frames in enumerate(TEMPORAL["lengths"].tolist()):
        drawn_below = int(TEMPORAL[f"{key}/rand_high"][row])
        if rule.offset == "random":
            assert offset_range(n_frames, rule) == max(1, drawn_below)
        for repetition, expected in enumerate(TEMPORAL[f"{key}/idx"][row]):
            offsets = TEMPORAL.tensor(f"{key}/offset")[row, repetition].clamp(min=0)
            if rule.offset == "centre":
                offsets = clip_offsets(n_frames, rule, unused)
            assert np.array_equal(frame_indices(n_frames, rule, offsets).numpy(), expected), n_frames


@pytest.mark.parametrize("key", TEMPORAL.groups("", "clip_interval_segments_N"))
def test_frame_indices_of_other_rules(key: str) -> None:
    frames, interval, clips, n_frames = TEMPORAL[f"{key}/clip_interval_segments_N"].tolist()
    rule = temporal_rule("fast", clips, frames, interval)
    assert offset_range(n_frames, rule) == max(1, int(TEMPORAL.scalar(f"{key}/rand_high")))
    offsets = TEMPORAL.tensor(f"{key}/offset").clamp(min=0)
    assert np.array_equal(frame_indices(n_frames, rule, offsets).numpy(), TEMPORAL[f"{key}/idx"])


@contextmanager
def stored_draws(prefix: str, size: tuple[int, int], rule: FragmentSampling) -> Iterator[None]:
    """Offsets of the sampler replaced by the stored ones: heights first, from the range that is drawn from."""
    draws = iter(zip(("off_h", "off_w"), size, rule.grid, rule.patch, strict=True))

    def randint(high: int, shape: tuple[int, ...], **_: object) -> Tensor:
        name, side, cells, patch = next(draws)
        offsets = FRAGMENTS.tensor(f"{prefix}/{name}")
        assert high == max(1, side // cells - patch)
        assert offsets.shape == shape
        return offsets

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(fragments.torch, "randint", randint)
        yield


def assert_truncated_alike(actual: np.ndarray, expected: np.ndarray, level: float) -> None:
    """At most one grey level apart, for at most 1 % of the entries: truncation amplifies rounding."""
    difference = np.abs(actual.astype(np.float64) - expected)
    assert difference.max() <= level * 1.001
    assert np.mean(difference > level / 2) <= 0.01


@pytest.mark.parametrize("case", FRAGMENTS.text("names"))
def test_fragments(case: str) -> None:
    C, T, H, W, rows, cols, ph, pw, aligned = FRAGMENTS[f"{case}/param"].tolist()
    video = golden.u8(f"fragments/{case}", (C, T, H, W), FRAGMENTS.seed)
    assert_close(golden.check(video), FRAGMENTS[f"{case}/video_check"], 0)
    if f"{case}/video" in FRAGMENTS:
        assert np.array_equal(video, FRAGMENTS[f"{case}/video"])
    rule = FragmentSampling((rows, cols), (ph, pw), aligned)
    with stored_draws(case, (H, W), rule):
        out = fragments.sample_fragments(torch.from_numpy(video), rule, torch.Generator())

    assert out.dtype == torch.uint8
    assert out.shape == tuple(FRAGMENTS[f"{case}/out_shape"])
    values = out.numpy()
    whole = f"{case}/out" in FRAGMENTS
    expected = FRAGMENTS[f"{case}/out"] if whole else FRAGMENTS[f"{case}/sub"]
    sample = values if whole else values.ravel()[:: int(FRAGMENTS.scalar(f"{case}/sub_stride"))]
    enlarged = min(H / (rows * ph), W / (cols * pw)) < 1
    if enlarged:
        assert_truncated_alike(sample, expected, 1)
    else:
        assert np.array_equal(sample, expected)
        assert zlib.crc32(values.tobytes()) == FRAGMENTS.scalar(f"{case}/crc32")
    assert_close(values.mean(axis=(2, 3)), FRAGMENTS[f"{case}/frame_mean"], 0.02 if enlarged else 1e-9)


@pytest.mark.parametrize("case", FRAGMENTS.text("pipeline_names"))
def test_whole_item(case: str) -> None:
    prefix = f"pipeline/{case}"
    n_frames, H, W, clips = FRAGMENTS[f"{prefix}/param"].tolist()
    frames = golden.u8(prefix, (n_frames, H, W, 3), FRAGMENTS.seed)
    indices = FRAGMENTS[f"{prefix}/frame_inds"]
    temporal = TemporalSampling(frames=len(indices) // clips, clips=clips)
    starts = torch.from_numpy(indices).view(clips, -1)[:, 0]
    offsets = starts - torch.arange(clips) * (n_frames // clips)
    assert int(offsets.min()) >= 0
    assert int(offsets.max()) < offset_range(n_frames, temporal)
    assert np.array_equal(frame_indices(n_frames, temporal, offsets).numpy(), indices)

    rule = FragmentSampling(aligned=temporal.frames)
    clip = torch.from_numpy(frames[indices]).permute(3, 0, 1, 2)
    with stored_draws(prefix, (H, W), rule):
        item = fragments.sample_fragments(clip, rule, torch.Generator()).float()
    mean, std = (FRAGMENTS.tensor(f"norm_{name}", torch.float32)[:, None, None, None] for name in ("mean", "std"))
    item = (item - mean) / std

    enlarged = min(H / rule.size[0], W / rule.size[1]) < 1
    if enlarged:
        sample = item.numpy().ravel()[:: int(FRAGMENTS.scalar(f"{prefix}/item.stride"))]
        assert_truncated_alike(sample, FRAGMENTS[f"{prefix}/item.sub"], float(1 / std.min()))
    else:
        golden.assert_summary(item, FRAGMENTS, f"{prefix}/item", 1e-5)
    per_clip = item.double().view(3, clips, temporal.frames, -1).mean(-1).transpose(0, 1)
    atol = 0.02 / float(std.min()) if enlarged else 1e-5
    assert_close(per_clip, FRAGMENTS[f"{prefix}/clip_channel_frame_mean"], atol)
