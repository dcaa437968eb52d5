"""Augmentation: one draw for all frames of a clip, decided by the seed alone."""

import pytest
import torch
from torch import Tensor

from vqa.rng import torch_generator
from vqa.sampling.augment import POLICIES, augment

DRAWING = [policy for policy in POLICIES if policy != "none"]
SEEDS = range(12)


def photo(frames: int) -> Tensor:
    """A clip of one smooth, colourful frame shown ``frames`` times."""
    coarse = torch.rand(1, 3, 5, 6, generator=torch_generator("photo", 0)) * 255
    frame = torch.nn.functional.interpolate(coarse, size=(40, 48), mode="bilinear").to(torch.uint8)
    return frame.repeat(frames, 1, 1, 1)


@pytest.mark.usefixtures("global_rng_untouched")
@pytest.mark.parametrize("policy", DRAWING)
def test_all_frames_share_one_draw(policy: str) -> None:
    clip = photo(4)
    changed = 0
    for seed in SEEDS:
        out = augment(clip, policy, seed)
        assert out.dtype == torch.uint8
        assert out.shape == clip.shape
        assert bool((out == out[:1]).all()), f"frames of one clip differ at seed {seed}"
        changed += not torch.equal(out, clip)
    assert changed > len(SEEDS) / 3


@pytest.mark.usefixtures("global_rng_untouched")
@pytest.mark.parametrize("policy", DRAWING)
def test_the_seed_decides(policy: str) -> None:
    clip = photo(2)
    outs = [augment(clip, policy, seed) for seed in SEEDS]
    torch.rand(3, generator=torch.Generator())
    assert all(torch.equal(out, augment(clip, policy, seed)) for seed, out in zip(SEEDS, outs, strict=True))
    assert len({out.numpy().tobytes() for out in outs}) > len(SEEDS) / 3


@pytest.mark.parametrize("policy", DRAWING)
def test_the_global_generator_does_not_leak_in(policy: str) -> None:
    clip = photo(1)
    outs = []
    with torch.random.fork_rng(devices=[]):
        for state in (1, 2):
            torch.default_generator.manual_seed(state)
            outs.append(torch.stack([augment(clip, policy, seed) for seed in SEEDS]))
    assert torch.equal(*outs)


def test_the_clip_is_not_written_to() -> None:
    clip = photo(2)
    before = clip.clone()
    for policy in POLICIES:
        for seed in SEEDS:
            augment(clip, policy, seed)
    assert torch.equal(clip, before)


def test_none_is_the_identity_and_others_are_refused() -> None:
    clip = photo(2)
    assert augment(clip, "none", 0) is clip
    with pytest.raises(ValueError, match="augmentation: 'cutmix' is not one of none, autoaugment"):
        augment(clip, "cutmix", 0)
