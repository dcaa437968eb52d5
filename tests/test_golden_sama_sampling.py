"""SAMA samplers for video and images against the released ones (section 7 of the golden contract)."""

from collections.abc import Iterator
from contextlib import contextmanager

import golden
import numpy as np
import pytest
import torch
from golden import assert_close
from torch import Tensor

from vqa.methods.fastvqa import MEAN, STD
from vqa.sampling import fragments, pyramid
from vqa.sampling.pyramid import MASK_PIXELS, PyramidSampling, checkerboard, sample_pyramid
from vqa.sampling.temporal import TemporalSampling, clip_offsets, frame_indices, offset_range
from vqa.sampling.window_mask import WindowMaskSampling, prepare_image, sample_window_mask

SAMA = golden.load("sama")
VIDEO_MODES = {
    "sama": "sama",
    "c": "sama-c",
    "mix": "sama-mix",
    "spm": "sama-spm",
    "swm": "sama-swm",
    "frag": "fragments",
}
IMAGE_MODES = {"sama": "window", "sama-spm": "pixel", "fragment": "fragments"}
TRAIN_MODES = {"swm": "window", "spm": "pixel", "fragment": "fragments"}
IMAGENET = np.array([[0.485, 0.456, 0.406], [0.229, 0.224, 0.225]])


def lines(name: str) -> list[list[str]]:
    return [line.split() for line in SAMA.text(name)]


@contextmanager
def stored_draws(prefix: str) -> Iterator[None]:
    """Draws of the samplers replaced by the stored ones, heights first; where none are stored, none may be made."""
    kind = next((kind for kind in ("u", "off") if f"{prefix}/{kind}_h" in SAMA), None)
    draws = iter(SAMA.tensor(f"{prefix}/{kind}_{axis}") for axis in "hw") if kind else iter(())

    def rand(shape: tuple[int, ...], **_: object) -> Tensor:
        values = next(draws)
        assert kind == "u"
        assert values.shape == shape
        return values

    def randint(high: int, shape: tuple[int, ...], **_: object) -> Tensor:
        values = next(draws)
        assert kind == "off"
        assert int(values.max()) < high
        assert values.numel() == np.prod(shape)
        return values.view(shape)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(pyramid.torch, "rand", rand)
        patch.setattr(fragments.torch, "randint", randint)
        yield
    assert next(draws, None) is None, "a stored draw was not used"


@contextmanager
def recorded_sizes() -> Iterator[list[list[int]]]:
    """Sizes of all interpolations, in order."""
    sizes, interpolate = [], pyramid.F.interpolate

    def recording(values: Tensor, **options: object) -> Tensor:
        sizes.append(list(options["size"]))
        return interpolate(values, **options)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(pyramid.F, "interpolate", recording)
        yield sizes


def assert_result(out: Tensor, prefix: str, atol: float) -> None:
    """Compare a result with its stored whole, or its strided sample."""
    values = out.double().numpy()
    if f"{prefix}/out_shape" in SAMA:
        assert values.shape == tuple(SAMA[f"{prefix}/out_shape"])
    if f"{prefix}/out" in SAMA:
        assert_close(values, SAMA[f"{prefix}/out"], atol, what=prefix)
    else:
        assert_close(values.ravel()[:: int(SAMA.scalar(f"{prefix}/sub_stride"))], SAMA[f"{prefix}/sub"], atol)


@pytest.mark.parametrize(("mode", "case"), lines("names"))
def test_videos(mode: str, case: str) -> None:
    prefix = f"sample/{case}"
    C, T, H, W, rows, cols, ph, pw, aligned, train = SAMA[f"{prefix}/param"].tolist()
    video = golden.u8(f"sama/{case}", (C, T, H, W), SAMA.seed)
    assert_close(golden.check(video), SAMA[f"{prefix}/video_check"], 0)
    expected_sizes = SAMA[f"{prefix}/interp_sizes"]
    offset = "random" if train else "centre"
    rule = PyramidSampling(VIDEO_MODES[mode], grid=(rows, cols), patch=(ph, pw), aligned=aligned, offset=offset)
    with stored_draws(prefix), recorded_sizes() as sizes:
        out = sample_pyramid(torch.from_numpy(video), rule, torch.Generator())

    assert out.dtype == torch.float32
    assert_result(out, prefix, 1e-2)
    assert_close(out.double().mean(dim=(2, 3)), SAMA[f"{prefix}/frame_mean"], 1e-2)
    # The public code also resizes to the size that the frames have, enlarged or not, which changes nothing.
    full, resized = (H, W), []
    for size in map(tuple, expected_sizes.tolist()):
        resized += [size] if size != full else []
        full = max(full, size)
    assert [tuple(size) for size in sizes] == resized
    if mode != "frag":
        fitting = pyramid.enlarged_size((H, W), rule.fragments.size)
        levels = pyramid.level_sizes(fitting, rule)
        assert levels * (T // aligned) == [tuple(size) for size in expected_sizes[-rule.levels * (T // aligned) :]]


@pytest.mark.parametrize("name", [name for name in SAMA.arrays if name.startswith("mask/")])
def test_masks(name: str) -> None:
    expected = SAMA[name]
    cell = PyramidSampling().patch if "swm" in name else (MASK_PIXELS, MASK_PIXELS)
    assert np.array_equal(checkerboard(expected.shape, cell).numpy(), expected.astype(bool))


@pytest.mark.parametrize("phase", SAMA.text("pipeline_names"))
def test_whole_video_item(phase: str) -> None:
    prefix = f"pipeline/{phase}"
    n_frames, H, W, clips = SAMA[f"{prefix}/param"].tolist()
    frames = golden.u8(f"sama_pipeline/{phase}", (n_frames, H, W, 3), SAMA.seed)
    expected = SAMA[f"{prefix}/frame_inds"]
    train = f"{prefix}/u_h" in SAMA
    offset = "random" if train else "centre"
    temporal = TemporalSampling(len(expected) // clips, clips=clips, offset=offset, past_end="clamp")
    if train:
        offsets = torch.from_numpy(expected).view(clips, -1)[:, 0] - torch.arange(clips) * (n_frames // clips)
        assert 0 <= int(offsets.min()) <= int(offsets.max()) < offset_range(n_frames, temporal)
    else:
        offsets = clip_offsets(n_frames, temporal, torch.Generator())
    indices = frame_indices(n_frames, temporal, offsets)
    assert np.array_equal(indices.numpy(), expected)

    clip = torch.from_numpy(frames[indices.numpy()]).permute(3, 0, 1, 2)
    with stored_draws(prefix):
        item = sample_pyramid(clip, PyramidSampling(offset=offset), torch.Generator())
    item = (item - torch.tensor(MEAN)[:, None, None, None]) / torch.tensor(STD)[:, None, None, None]
    golden.assert_summary(item, SAMA, f"{prefix}/item", 1e-3)
    assert_close(item.double().mean(dim=(2, 3)), SAMA[f"{prefix}/channel_frame_mean"], 1e-3)


def assert_cell_means(out: Tensor, prefix: str, atol: float) -> None:
    expected = SAMA[f"{prefix}/cell_mean"]
    _, rows, cols = expected.shape
    means = out.double().view(3, rows, out.shape[1] // rows, cols, out.shape[2] // cols).mean(dim=(2, 4))
    assert_close(means, expected, atol)


@pytest.mark.parametrize(("mode", "case"), lines("iqa_names"))
def test_whole_image_item(mode: str, case: str) -> None:
    prefix = f"iqa/{case}"
    H, W, rows, cols, ph, pw = SAMA[f"{prefix}/param"].tolist()
    image = golden.u8(f"iqa/{case}", (H, W, 3), SAMA.seed)
    assert_close(golden.check(image), SAMA[f"{prefix}/img_check"], 0)
    if f"{prefix}/img" in SAMA:
        assert np.array_equal(image, SAMA[f"{prefix}/img"])

    pixels = torch.from_numpy(prepare_image(image, ph * rows)).permute(2, 0, 1) / 255.0
    mean, std = torch.tensor(IMAGENET, dtype=torch.float32)[..., None, None]
    rule = WindowMaskSampling(IMAGE_MODES[mode], (rows, cols), (ph, pw), offset="centre")
    out = sample_window_mask((pixels - mean) / std, rule, torch.Generator())
    assert_result(out, prefix, 5e-4)
    assert_cell_means(out, prefix, 5e-4)


@pytest.mark.parametrize("name", [name for name in SAMA.groups("iqa/", "param") if name.startswith("train_")])
def test_training_draws_of_images(name: str) -> None:
    prefix = f"iqa/{name}"
    H, W, rows, cols, ph, pw = SAMA[f"{prefix}/param"].tolist()
    image = golden.normal(f"iqa/{name}", (3, H, W), SAMA.seed).astype(np.float32)
    rule = WindowMaskSampling(TRAIN_MODES[name.split("_")[1]], (rows, cols), (ph, pw))
    with stored_draws(prefix):
        out = sample_window_mask(torch.from_numpy(image), rule, torch.Generator())
    assert_result(out, prefix, 5e-4)
    assert_cell_means(out, prefix, 5e-4)
