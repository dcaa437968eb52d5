"""The extractors of BVQA-2022 and VSFA on small networks: which frames, and that nothing depends on pieces."""

from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
import torch

from vqa.extract import load_extractor
from vqa.models import pooled
from vqa.models.fast_pathway import FastPathwayConfig
from vqa.models.init import initialise
from vqa.rng import torch_generator
from vqa.settings.strict import ParamsError

RESNET = {"width": 2, "depths": [1, 1, 1, 1]}
BLOCKS: dict[str, dict[str, Any]] = {
    "vsfa": {"backbone": RESNET, "initial": "seed", "every": 1, "short_side": 0},
    "bvqa2022": {
        **{"spatial": RESNET, "spatial_initial": "seed", "motion": RESNET, "motion_initial": "seed"},
        **{"motion_statistics": "imagenet", "block": 8, "kept": 4, "short_side": 0},
    },
}
SPATIAL, MOTION = 2 * 2 * 4 * 8, 2 * 2 * 4 * 8


def extractor(name: str, **changes: Any) -> Any:
    made = load_extractor(name, BLOCKS[name], changes)
    for part, (network, _) in made.networks.items():
        initialise(network, torch_generator("init", 0, part), linear_std=None, convolutions="kaiming")
        network.eval()
    return made


def video(n: int, height: int = 40, width: int = 48) -> np.ndarray:
    return np.random.default_rng(n).integers(0, 256, (n, height, width, 3), dtype=np.uint8)


def described(made: Any, frames: np.ndarray, seen: list[int] | None = None) -> np.ndarray:
    """Rows of a video; ``seen`` collects how many frames are read at a time."""

    def read(indices: np.ndarray) -> np.ndarray:
        if seen is not None:
            seen.append(len(indices))
        return frames[indices]

    item: Any = SimpleNamespace(n_frames=len(frames), height=frames.shape[1], width=frames.shape[2])
    source: Any = SimpleNamespace(frames=read)
    made.check(item)
    with torch.inference_mode():
        rows = made.rows(item, source)
    assert rows.dtype == np.float32
    assert np.isfinite(rows).all()
    return rows


@pytest.mark.parametrize("n", [1, 3, 8, 9, 16, 17, 21])
def test_rows_of_bvqa2022_are_those_of_their_frames(n: int) -> None:
    made, frames = extractor("bvqa2022"), video(n)
    rows = described(made, frames)
    # Whole blocks that a frame follows, four rows each, and of the last eight frames those that come after them
    inside = [0, 2, 4, 7] if n >= 8 else [int(k * (n - 1) / 3) for k in range(4)]
    starts = [start for start in range(0, n, 8) if start + 8 < n]
    numbers = [start + k for start in starts for k in inside]
    last = [max(0, n - 8) + k for k in inside]
    numbers += [number for number in last if number >= 8 * len(starts)]
    assert rows.shape == (len(numbers), SPATIAL + MOTION)
    with torch.inference_mode():
        alone = torch.cat([made.spatial_rows(torch.from_numpy(frames[[number]])) for number in numbers])
        clip = made.motion_rows(torch.from_numpy(frames[last]))
    np.testing.assert_allclose(rows[:, :SPATIAL], alone, rtol=1e-4, atol=1e-5)
    kept = sum(number >= 8 * len(starts) for number in last)
    np.testing.assert_allclose(rows[-kept:, SPATIAL:], clip[-kept:], rtol=1e-4, atol=1e-5)


def test_rows_of_vsfa_are_those_of_every_frame_or_of_some() -> None:
    frames = video(7)
    rows = described(extractor("vsfa"), frames)
    assert rows.shape == (7, SPATIAL)
    alone = np.concatenate([described(extractor("vsfa"), frames[[number]]) for number in range(7)])
    np.testing.assert_allclose(rows, alone, rtol=1e-4, atol=1e-5)
    np.testing.assert_allclose(described(extractor("vsfa", every=3), frames), rows[::3], rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize("name", BLOCKS)
def test_rows_do_not_depend_on_how_many_frames_are_computed_together(
    name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    frames, seen = video(19), []
    together = described(extractor(name), frames, seen)
    assert max(seen) <= 32
    monkeypatch.setattr(pooled.pooled_frames, "__defaults__", (1,))
    np.testing.assert_allclose(described(extractor(name), frames), together, rtol=1e-4, atol=1e-5)


def test_long_videos_are_read_in_pieces() -> None:
    seen: list[int] = []
    described(extractor("vsfa"), video(70), seen)
    assert seen == [32, 32, 6]
    seen.clear()
    described(extractor("bvqa2022"), video(70), seen)
    assert seen == [4] * 9


def test_statistics_of_the_motion_network() -> None:
    frames = video(5)
    by_imagenet = described(extractor("bvqa2022"), frames)
    by_kinetics = described(extractor("bvqa2022", motion_statistics="kinetics"), frames)
    assert np.array_equal(by_imagenet[:, :SPATIAL], by_kinetics[:, :SPATIAL])
    assert not np.allclose(by_imagenet[:, SPATIAL:], by_kinetics[:, SPATIAL:])


@pytest.mark.parametrize("name", BLOCKS)
def test_large_frames_are_scaled_where_the_recipe_says_so(name: str) -> None:
    frames = video(4, 80, 96)
    assert not np.allclose(described(extractor(name, short_side=40), frames), described(extractor(name), frames))
    small = video(4)
    assert np.array_equal(described(extractor(name, short_side=40), small), described(extractor(name), small))


@pytest.mark.parametrize("name", BLOCKS)
def test_what_does_not_fit_is_named(name: str) -> None:
    with pytest.raises(ValueError, match="frames of 32x20 are too small: a side must exceed 32"):
        described(extractor(name), video(3, 20, 32))
    assert described(extractor(name), video(3, 20, 33)).any()
    with pytest.raises(ParamsError, match="short_side"):
        extractor(name, short_side=-1)
    with pytest.raises(ValueError, match="four positive depths"):
        FastPathwayConfig(depths=(1, 1, 1))
    with pytest.raises(ParamsError, match="motion_statistics: 'none' is not one of imagenet, kinetics"):
        extractor("bvqa2022", motion_statistics="none")
