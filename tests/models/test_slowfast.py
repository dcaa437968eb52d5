"""SlowFast: which frames reach which features, pooling by definition, sizes that do not fit, the size of the paper."""

import itertools

import pytest
import torch
from torch import Tensor

from vqa.models.init import initialise
from vqa.models.slowfast import Fusion, SlowFast, SlowFastConfig, slow_frame_indices
from vqa.rng import torch_generator

TINY = SlowFastConfig(width=8, fast_width=1, depths=(1, 1, 1, 1), frames=16, input_size=64)


def noise(*shape: int) -> Tensor:
    return torch.randn(*shape, generator=torch_generator("test", 0, *shape))


def build(config: SlowFastConfig = TINY) -> SlowFast:
    model = SlowFast(config)
    initialise(model, torch_generator("init", 0), linear_std=None, convolutions="kaiming")
    return model.eval()


@pytest.mark.parametrize("n_frames", range(4, 129, 4))
def test_slow_frames_are_spread_from_first_to_last(n_frames: int) -> None:
    indices = slow_frame_indices(n_frames, 4).tolist()
    assert indices[0] == 0
    assert len(indices) == n_frames // 4
    if len(indices) > 1:
        assert indices[-1] == n_frames - 1
        assert {b - a for a, b in itertools.pairwise(indices)} <= {4, 5, 6, 7}


@pytest.mark.parametrize(("frames", "side"), [(16, 64), (24, 96)])
def test_features_by_definition(frames: int, side: int) -> None:
    """Every window of the pooling kernel counts the same, so positions inside the map count more than its edge."""
    model, maps = build(), []
    model.blocks[-1].register_forward_hook(lambda _module, _inputs, output: maps.extend(output))
    with torch.no_grad():
        features = model(noise(2, 3, frames, side, side))
    for feature, source, kernel_frames, channels in zip(features, maps, (4, 16), TINY.channels, strict=True):
        kernel = (kernel_frames, 2, 2)
        windows = source
        for axis, size in zip((2, 3, 4), kernel, strict=True):
            windows = windows.unfold(axis, size, 1)
        assert feature.shape == (2, channels)
        torch.testing.assert_close(feature, windows.mean(dim=(5, 6, 7)).mean(dim=(2, 3, 4)))


def test_slow_features_see_all_frames_and_fast_features_no_slow_ones() -> None:
    model, clip = build(), noise(1, 3, 16, 64, 64)
    skipped = sorted(set(range(16)) - set(slow_frame_indices(16, 4).tolist()))[0]
    changed = clip.clone()
    changed[:, :, skipped] += 1
    with torch.no_grad():
        slow, fast = model(clip)
        slow_changed, fast_changed = model(changed)
        assert not torch.equal(slow, slow_changed)  # through the fusions alone
        assert not torch.equal(fast, fast_changed)
        for block in model.blocks:
            if block.multipathway_fusion is not None:
                block.multipathway_fusion.norm.weight.zero_()
        assert torch.equal(model(clip)[0], model(changed)[0])
        model.blocks[0].multipathway_blocks[0].conv.weight.zero_()
        assert torch.equal(model(clip)[1], fast)


def test_fusion_by_definition() -> None:
    fusion = Fusion(2, 4).eval()
    slow, fast = noise(1, 3, 4, 5, 5), noise(1, 2, 16, 5, 5)
    with torch.no_grad():
        fused = fusion(slow, fast)
    assert torch.equal(fused[:, :3], slow)
    padded = torch.cat([torch.zeros(1, 2, 3, 5, 5), fast, torch.zeros(1, 2, 3, 5, 5)], dim=2)
    for t in range(4):
        expected = torch.einsum("octij,bctyx->boyx", fusion.conv_fast_to_slow.weight, padded[:, :, 4 * t : 4 * t + 7])
        expected = (expected / (1 + fusion.norm.eps) ** 0.5).clamp(min=0)
        torch.testing.assert_close(fused[:, 3:, t], expected)


def test_clips_that_do_not_fit_are_named() -> None:
    model = build()
    too_small = r"feature map of \(4, 1, 1\) is smaller than the pooling kernel \(4, 2, 2\): clips must have 16 frames"
    with pytest.raises(ValueError, match=too_small):
        model(noise(1, 3, 16, 32, 32))
    with pytest.raises(ValueError, match=r"feature map of \(2, 2, 2\) is smaller than the pooling kernel"):
        model(noise(1, 3, 8, 64, 64))
    with pytest.raises(ValueError, match="clips of 18 frames: the number must be a multiple of 4"):
        model(noise(1, 3, 18, 64, 64))


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"depths": (1, 1)}, "a SlowFast network needs positive sizes and four depths"),
        ({"fast_width": 0}, "a SlowFast network needs positive sizes and four depths"),
        ({"frames": 30}, "frames: 30 is not a multiple of alpha 4"),
        ({"input_size": 112 + 4}, "input_size: 116 is not a multiple of 32"),
    ],
)
def test_sizes_that_do_not_fit_are_named(options: dict, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        SlowFastConfig(**options)


@pytest.mark.slow
def test_gradients_at_full_size() -> None:
    model = build(SlowFastConfig()).to(memory_format=torch.channels_last_3d)  # halves the time of this test
    # The published network of 34,566,488 parameters without its classifier of 400 classes.
    assert sum(p.numel() for p in model.parameters()) == 34_566_488 - 400 * (2048 + 256 + 1)
    slow, fast = model(noise(1, 3, 32, 224, 224))
    assert (slow.shape, fast.shape) == ((1, 2048), (1, 256))
    (slow.sum() + fast.sum()).backward()
    for name, parameter in model.named_parameters():
        assert bool(parameter.grad.isfinite().all()), name
        assert bool(parameter.grad.any()), name
