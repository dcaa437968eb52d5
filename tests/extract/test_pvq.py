"""PVQ's extractor on small networks: which frames and clips make up a region's rows, and in which order."""

from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
import torch
import torch.nn.functional as F

from vqa.data.patches import Patch
from vqa.extract import load_extractor
from vqa.extract.pvq import inside
from vqa.models.init import initialise
from vqa.rng import torch_generator
from vqa.settings.strict import ParamsError

BLOCK: dict[str, Any] = {
    **{"frames": {"width": 2, "depths": [1, 1, 1, 1]}, "frames_initial": "seed", "every": 1},
    **{"clips": {"width": 1, "depths": [1, 1, 1, 1]}, "clips_initial": "seed", "clip_count": 5, "clip_length": 8},
    **{"steps": 4, "pooling": "adaptive"},
}
STILL, MOVING = 4 * 16, 4 * 8
HEIGHT, WIDTH = 70, 100
PATCHES = [
    Patch(10, 5, 60, 40, 0, 20, 1.0),
    Patch(0, 0, WIDTH, HEIGHT, 6, 17, 2.0),
    Patch(40, 20, 99, 70, 3, 12, 3.0),
]


def extractor(**changes: Any) -> Any:
    made = load_extractor("pvq", BLOCK, changes)
    for part, (network, _) in made.networks.items():
        initialise(network, torch_generator("init", 0, part), linear_std=None, convolutions="kaiming")
        network.eval()
    return made


def video(n: int) -> np.ndarray:
    return np.random.default_rng(n).integers(0, 256, (n, HEIGHT, WIDTH, 3), dtype=np.uint8)


def described(made: Any, frames: np.ndarray, patches: list[Patch] | None = None) -> np.ndarray:
    item: Any = SimpleNamespace(n_frames=len(frames), height=HEIGHT, width=WIDTH)
    source: Any = SimpleNamespace(frames=lambda indices: frames[indices], patches=lambda: patches or [])
    made.check(item)
    with torch.inference_mode():
        rows = made.rows(item, source)
    assert rows.dtype == np.float32
    assert np.isfinite(rows).all()
    return rows


def quarters(maps: torch.Tensor, patch: Patch | None) -> torch.Tensor:
    """``(n, 4 C)``: maxima of the quarters of a region, cell by cell."""
    box = (0, 0, WIDTH, HEIGHT) if patch is None else (patch.left, patch.top, patch.right, patch.bottom)
    left, top, right, bottom = (int(corner / 32 + 0.5) for corner in box)
    found = []
    for y in ((top, -(-(bottom - top + 1) // 2) + top), ((bottom - top + 1) // 2 + top, bottom + 1)):
        for x in ((left, -(-(right - left + 1) // 2) + left), ((right - left + 1) // 2 + left, right + 1)):
            found.append(maps[:, :, y[0] : y[1], x[0] : x[1]].amax(dim=(2, 3)))
    return torch.stack(found, dim=2).flatten(1)


def in_time(rows: torch.Tensor, wanted: list[int], steps: int = 4) -> np.ndarray:
    return F.adaptive_avg_pool1d(rows[wanted].T[None], steps)[0].T.numpy()


def test_rows_by_definition() -> None:
    made, frames = extractor(), video(20)
    rows = described(made, frames, PATCHES)
    assert rows.shape == (4 * 4, STILL + MOVING)
    pixels = torch.from_numpy(frames).permute(0, 3, 1, 2) / 255
    starts = [0, 3, 6, 9, 12]  # five clips of eight frames in twenty
    with torch.inference_mode():
        stills = made.networks["frames"][0](pixels)
        clips = torch.cat([made.networks["clips"][0](pixels[s : s + 8].transpose(0, 1)[None])[:, :, 0] for s in starts])
    expected = []
    for box, still, moving in (
        (None, range(20), range(5)),
        (PATCHES[0], range(20), range(5)),
        (None, range(6, 17), [2, 3]),  # frames 6 to 13 and 9 to 16
        (PATCHES[2], range(3, 12), [1]),  # frames 3 to 10
    ):
        parts = [in_time(quarters(stills, box), list(still)), in_time(quarters(clips, box), list(moving))]
        expected.append(np.concatenate(parts, axis=1))
    np.testing.assert_allclose(rows, np.concatenate(expected), rtol=1e-4, atol=1e-5)
    np.testing.assert_allclose(described(made, frames), rows[:4], rtol=1e-4, atol=1e-5)


def test_some_of_the_frames() -> None:
    frames = video(20)
    every = described(extractor(steps=20), frames)[:, :STILL]
    some = described(extractor(every=3, steps=7), frames)[:, :STILL]
    np.testing.assert_allclose(some, every[::3], rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize(("first", "last", "found"), [(0, 20, [0, 1, 2]), (4, 13, [1]), (5, 9, [1]), (18, 20, [2])])
def test_clips_of_a_segment_or_the_nearest(first: int, last: int, found: list[int]) -> None:
    spans = torch.tensor([0, 5, 12])[:, None] + torch.arange(8)
    assert inside(spans, first, last).tolist() == found


def test_time_is_not_pooled_as_in_the_released_notebook() -> None:
    frames = video(20)
    rows = described(extractor(pooling="notebook"), frames)
    every = described(extractor(steps=20), frames)[:, :STILL]
    starts = [0, 6, 11, 16]
    expected = np.concatenate([every[start : start + 4] for start in starts])
    np.testing.assert_allclose(rows[:, :STILL], expected, rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize("n", [1, 5, 8, 15])
@pytest.mark.parametrize("length", [8, 16])
def test_short_videos(n: int, length: int) -> None:
    patches = [Patch(0, 0, 50, 50, 0, n, 1.0), Patch(0, 0, WIDTH, HEIGHT, 0, 1, 1.0), Patch(9, 9, 90, 60, 0, n, 1.0)]
    assert described(extractor(clip_length=length), video(n), patches).shape == (16, STILL + MOVING)
    assert described(extractor(clip_length=length, pooling="notebook"), video(n)).shape == (16, STILL + MOVING)


def test_rows_do_not_depend_on_how_many_frames_are_computed_together(monkeypatch: pytest.MonkeyPatch) -> None:
    made, frames = extractor(), video(20)
    together = described(made, frames, PATCHES)
    monkeypatch.setattr("vqa.extract.pvq.AT_A_TIME", 3 * HEIGHT * WIDTH)
    monkeypatch.setattr("vqa.extract.pvq.CLIPS_AT_A_TIME", 1)
    np.testing.assert_allclose(described(made, frames, PATCHES), together, rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize("changes", [{"clip_length": 12}, {"every": 0}, {"steps": 1}, {"clip_count": 0}])
def test_sizes_that_do_not_fit(changes: dict[str, Any]) -> None:
    with pytest.raises(ParamsError, match="clip_length 8 or 16, steps at least 2"):
        extractor(**changes)
    with pytest.raises(ParamsError, match="pooling: 'mean' is not one of adaptive, notebook"):
        extractor(pooling="mean")
