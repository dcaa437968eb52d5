"""Hand-crafted systems as extractors: the numbers of the systems themselves, and clips that the public code refuses."""

from fractions import Fraction
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
from odd_videos import base

from vqa.extract import load_extractor
from vqa.extract.handcrafted import SPARE_FRAMES
from vqa.handcrafted import load_system
from vqa.handcrafted.planes import read_planes
from vqa.handcrafted.videval import Light, frame_features, samples, videval
from vqa.settings.strict import ParamsError

BLOCKS: dict[str, dict[str, Any]] = {
    "tlvqm": {"module": "handcrafted", "system": "tlvqm"},
    "videval": {"module": "handcrafted", "system": "videval", "light": {"rate": 6, "cap": 64}},
}


def row(name: str, path: Path) -> np.ndarray:
    """What the extractor says of a file."""
    extractor = load_extractor(name, BLOCKS[name])
    item: Any = SimpleNamespace(fps=25.0)
    extractor.check(item)
    source: Any = SimpleNamespace(path=path)
    found = extractor.rows(item, source)
    assert found.dtype == np.float32
    return found


@pytest.mark.parametrize("name", BLOCKS)
def test_a_usual_clip_has_the_numbers_of_the_system(tmp_path: Path, name: str) -> None:
    path = base(tmp_path / "clip.mp4", 40, size=(96, 80))
    planes = read_planes(path)
    module = load_system(name)
    more = {"light": Light(6, 64)} if name == "videval" else {}
    with np.errstate(all="ignore"):
        expected = getattr(module, name)(*planes[:3], min(planes.fps, 40 - SPARE_FRAMES), **more)
    np.testing.assert_array_equal(row(name, path)[0], expected.astype(np.float32))
    assert len(expected) == len(module.FEATURES)


@pytest.mark.parametrize("name", BLOCKS)
@pytest.mark.parametrize(
    ("n_frames", "size", "rate"),
    [(30, (151, 85), 30), (30, (96, 54), 25), (9, (96, 80), 30), (14, (80, 96), 24), (40, (96, 80), 5)],
    ids=["odd", "small", "nine frames", "fourteen frames", "slow"],
)
def test_clips_that_the_public_code_refuses(
    tmp_path: Path, name: str, n_frames: int, size: tuple[int, int], rate: int
) -> None:
    codec = {"codec": "libvpx-vp9"} if size[0] % 2 else {}
    path = base(tmp_path / ("clip.webm" if codec else "clip.mp4"), n_frames, size=size, rate=Fraction(rate), **codec)
    found = row(name, path)
    assert found.shape == (1, len(load_system(name).FEATURES))
    assert np.isfinite(found).mean() > 0.9


def test_an_image_is_refused() -> None:
    item: Any = SimpleNamespace(fps=0.0)
    with pytest.raises(ValueError, match=r"^an image, which tlvqm cannot describe$"):
        load_extractor("tlvqm", BLOCKS["tlvqm"]).check(item)


def test_every_other_frame_is_a_clip_of_half_the_rate(tmp_path: Path) -> None:
    path = base(tmp_path / "clip.mp4", 60, size=(96, 80))
    y, u, v, fps = read_planes(path)
    block = {**BLOCKS["tlvqm"], "every": 2}
    source: Any = SimpleNamespace(path=path)
    item: Any = SimpleNamespace(fps=fps)
    found = load_extractor("tlvqm", block).rows(item, source)[0]
    expected = load_system("tlvqm").tlvqm(y[::2], u[::2], v[::2], fps / 2)
    np.testing.assert_array_equal(found, expected.astype(np.float32))
    with pytest.raises(ParamsError, match="every: 0 must be 1 at least"):
        load_extractor("tlvqm", {**block, "every": 0})


def test_only_videval_has_a_light_version() -> None:
    with pytest.raises(ParamsError, match="VIDEVAL alone has a light version"):
        load_extractor("tlvqm", {**BLOCKS["tlvqm"], "light": {"rate": 6, "cap": 64}})
    with pytest.raises(ParamsError, match="cap 63 at least 64"):
        load_extractor("videval", {**BLOCKS["videval"], "light": {"rate": 6, "cap": 63}})


def test_the_light_version_looks_at_fewer_frames_of_the_same_clip() -> None:
    assert list(samples(20, 4)) == [1, 5, 9, 13, 17]
    assert list(samples(20)) == list(range(1, 18, 2))
    y = np.random.default_rng(1).integers(0, 256, (20, 64, 66), dtype=np.uint8)
    u = v = y[:, ::2, ::2].copy()
    np.testing.assert_array_equal(frame_features(y, u, v, step=4), frame_features(y, u, v)[::2])


def test_the_cap_scales_frames_down_before_they_are_looked_at() -> None:
    y = np.random.default_rng(2).integers(0, 256, (24, 128, 160), dtype=np.uint8)
    u = v = y[:, ::2, ::2].copy()
    light = Light(6, 64)
    small = [light.capped(plane, 128) for plane in (y, u, v)]
    assert [plane.shape for plane in small] == [(24, 64, 80), (24, 32, 40), (24, 32, 40)]
    np.testing.assert_array_equal(videval(y, u, v, 12.0, light), videval(*small, 12.0, light))
    assert light.capped(small[0], 64) is small[0]
