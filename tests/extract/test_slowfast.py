"""Motion features: which frames a clip shows, how they are scaled, the order of the features, seeds."""

from pathlib import Path
from unittest import mock

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from PIL import Image
from tiny import CPU, open_dataset, same_tensors, write_dataset

from vqa.data.items import Item, Part
from vqa.extract.base import describe
from vqa.extract.networks import load_networks
from vqa.extract.slowfast import AT_A_TIME, MEAN, STD, Config, SlowFastClips, clip_frames, make
from vqa.models.slowfast import SlowFastConfig
from vqa.settings.strict import ParamsError

NETWORK = SlowFastConfig(width=4, fast_width=1, depths=(1, 1, 1, 1), frames=8, input_size=32)


def config(clips: int = 2) -> Config:
    """So many clips by a small network."""
    return Config(NETWORK, "seed", clips)


def drawn(seed: int, folder: Path) -> SlowFastClips:
    """The extractor with weights of a seed."""
    extractor = SlowFastClips(config())
    load_networks(extractor, "slowfast", seed, {}, CPU, folder)
    return extractor


def toy(n_frames: int, fps: float, height: int = 32, width: int = 32) -> tuple[Item, np.ndarray]:
    """An item and its frames, noise that differs in every one."""
    frames = np.random.default_rng(n_frames).integers(0, 256, (n_frames, height, width, 3), dtype=np.uint8)
    return Item("toy.mp4", 3.0, n_frames, height, width, fps, "h264", 0, 0), frames


def small(frame: np.ndarray, side: int = 32) -> np.ndarray:
    """``(3, side, side)``: one frame through Pillow's bilinear filter in floating point, normalised."""
    channels = [Image.fromarray(frame[..., c].astype(np.float32)) for c in range(3)]
    scaled = [np.array(channel.resize((side, side), Image.Resampling.BILINEAR)) for channel in channels]
    return (np.stack(scaled) / 255 - MEAN) / STD


@pytest.mark.parametrize(
    ("n_frames", "fps", "count", "size"),
    [
        (12, 5.0, 2, (32, 32)),  # the second clip ends past the last frame
        (12, 5.0, 5, (32, 32)),  # two seconds for five clips: the last one is repeated
        (30, 5.0, 3, (48, 80)),  # six seconds, of which three are looked at
        (3, 25.0, 2, (20, 36)),  # shorter than a second and than a clip, enlarged
        (21, 6.6, 3, (32, 64)),  # a frame rate that is rounded
    ],
)
def test_clips_by_definition(n_frames: int, fps: float, count: int, size: tuple[int, int]) -> None:
    item, frames = toy(n_frames, fps, *size)
    found = clip_frames(item, lambda indices: frames[indices], config(count))
    assert found.shape == (count, 3, 8, 32, 32)
    assert found.dtype == torch.float32
    seconds = max(1, n_frames // round(fps))
    for clip in range(count):
        start = min(clip, seconds - 1) * round(fps)
        for t in range(8):
            frame = frames[min(start + t, n_frames - 1)]
            np.testing.assert_allclose(found[clip, :, t], small(frame), atol=1e-4)


def test_every_frame_is_read_once() -> None:
    item, frames = toy(12, 5.0)
    asked = []
    clip_frames(item, lambda indices: (asked.extend(indices.tolist()), frames[indices])[1], config(4))
    assert asked == list(range(12))


def test_few_frames_are_in_single_precision_at_a_time() -> None:
    item, frames = toy(200, 25.0)
    with mock.patch("vqa.extract.slowfast.F.interpolate", wraps=F.interpolate) as resized:
        together = clip_frames(item, lambda indices: frames[indices], config(12))
    assert [len(call.args[0]) for call in resized.call_args_list] == [AT_A_TIME, 64 - AT_A_TIME]
    with mock.patch("vqa.extract.slowfast.AT_A_TIME", 1):
        assert torch.equal(clip_frames(item, lambda indices: frames[indices], config(12)), together)


def test_features_have_the_order_of_the_items(tmp_path: Path) -> None:
    write_dataset(tmp_path, train=3, test=2)
    data = open_dataset(tmp_path)
    part, extractor = Part(data, "all"), drawn(3, tmp_path)
    model, _ = extractor.networks["slowfast"]
    features, lengths = describe(part, extractor, "slowfast")
    assert lengths.tolist() == [2] * 5
    slow, fast = NETWORK.channels
    assert features.shape == (5, 2, slow + fast)
    assert features.dtype == np.float32
    for item, feature in zip(part.items, features, strict=True):
        video = data.frames(item, np.arange(12))
        clips = clip_frames(item, lambda indices, video=video: video[indices], config())
        with torch.no_grad():
            alone = model(clips)
        np.testing.assert_allclose(feature[:, :slow], alone[0], rtol=1e-4, atol=1e-6)
        np.testing.assert_allclose(feature[:, slow:], alone[1], rtol=1e-4, atol=1e-6)
        np.testing.assert_allclose(feature[1], _second_clip(model, clips), rtol=1e-4, atol=1e-6)
    assert len(np.unique(features, axis=0)) == 5
    np.testing.assert_array_equal(features, describe(part, extractor, "slowfast")[0])


def _second_clip(model: torch.nn.Module, clips: torch.Tensor) -> np.ndarray:
    """Its features without the other clip in the batch: batch norm must not mix them."""
    with torch.no_grad():
        return torch.cat(model(clips[1:]), dim=1)[0].numpy()


def test_the_network_follows_from_the_seed(tmp_path: Path) -> None:
    model, again, other = (drawn(seed, tmp_path).networks["slowfast"][0] for seed in (3, 3, 4))
    assert same_tensors(model.state_dict(), again.state_dict())
    assert not same_tensors(model.state_dict(), other.state_dict())
    assert not model.training
    assert not any(parameter.requires_grad for parameter in model.parameters())
    assert not list(tmp_path.iterdir()), "nothing is fetched for weights that are drawn"


@pytest.mark.parametrize("clips", [0, -1])
def test_a_video_without_clips_is_refused_in_one_line(clips: int) -> None:
    where = "params.yaml: extractors.slowfast"
    block = {"network": {}, "initial": "seed"}
    with pytest.raises(ParamsError, match=f"^{where}: clips: {clips} must be positive$"):
        make({**block, "clips": clips}, where)
    assert make({**block, "clips": 1}, where).config.clips == 1
