"""Items that a method cannot look at are named before anything is computed of them."""

from fractions import Fraction
from pathlib import Path

import pandas as pd
import pytest
from odd_videos import base
from tiny import make

from vqa.data.items import Part, PreparedDataset
from vqa.data.prepare import prepare
from vqa.extract.base import describe
from vqa.extract.slowfast import Config, SlowFastClips
from vqa.io import InputError
from vqa.models.slowfast import SlowFastConfig
from vqa.training.clips import ClipDataset

CONFIG = Config(SlowFastConfig(width=4, fast_width=1, depths=(1, 1, 1, 1), frames=8, input_size=32), "seed", 2)


@pytest.fixture
def clips(tmp_path: Path) -> PreparedDataset:
    """A usual clip, one of half a frame per second and one of 2x2 pixels, prepared."""
    data = tmp_path / "data" / "odd"
    base(data / "usual.mp4", 20)
    base(data / "slow.mp4", 20, rate=Fraction(1, 2))
    base(data / "tiny.mp4", 20, size=(2, 2))
    rows = [(name, 2.5, "train") for name in ("usual.mp4", "slow.mp4", "tiny.mp4")]
    pd.DataFrame(rows, columns=["name", "mos", "split"]).to_csv(data / "labels.csv", index=False)
    prepare(data, tmp_path / "odd", "stop", frame_store=False)
    return PreparedDataset(tmp_path / "odd", data)


def test_a_video_too_slow_for_motion_is_named(clips: PreparedDataset) -> None:
    with pytest.raises(InputError, match=r"^odd: slow\.mp4 cannot be looked at: frame rate 0\.5: .*label list of odd$"):
        describe(Part(clips, "all"), SlowFastClips(CONFIG), "slowfast")


@pytest.mark.parametrize(
    ("method", "message"),
    [
        ("fastvqa", r"^odd: tiny\.mp4 cannot be looked at: frames of 2x2 are smaller than a patch of .*; take it out"),
        ("simplevqa", r"^odd: slow\.mp4 cannot be looked at: frame rate 0\.5"),
        ("sama_iqa", r"^odd: usual\.mp4 .*: a video of 20 frames, which a .* \(and 2 more items\); take them out"),
    ],
)
def test_what_a_method_cannot_look_at_is_named_before_anything_is_computed(
    clips: PreparedDataset, method: str, message: str
) -> None:
    with pytest.raises(InputError, match=message):
        ClipDataset(Part(clips, "all"), make(method), "released", seed=1)


def test_a_method_without_limits_looks_at_all(clips: PreparedDataset) -> None:
    dataset = ClipDataset(Part(clips, "all"), make("sama"), "train", seed=1)
    assert [dataset[0, index][2] for index in range(3)] == [0, 1, 2]


def test_a_value_that_only_the_pixels_show_is_named_too(
    clips: PreparedDataset, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(*_: object) -> None:
        raise ValueError("too dark")

    dataset = ClipDataset(Part(clips, "all"), make("sama"), "train", seed=1)
    monkeypatch.setattr(dataset.method, "cut", refuse)
    with pytest.raises(InputError, match=r"^odd: slow\.mp4 cannot be looked at: too dark; take it out"):
        dataset[0, 1]
