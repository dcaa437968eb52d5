"""The demo data: repeatable to the byte, odd where it says so, and ordered in quality as it claims."""

from __future__ import annotations

import csv
import dataclasses
import hashlib
import itertools
from pathlib import Path

import av
import decord
import numpy as np
import pytest
from PIL import Image
from scipy.stats import spearmanr

from vqa import rng
from vqa.data.synthetic import degrade, encode, fullref, mos
from vqa.data.synthetic.build import LABEL_COLUMNS, TRUTH_COLUMNS, build, make_item
from vqa.data.synthetic.content import make_scene
from vqa.data.synthetic.recipe import Item, allocate, plan
from vqa.data.synthetic.spec import CODECS, DEGRADATIONS, FAMILIES, ODD_CASES, SyntheticSpec

SEED = 7
CLIPS = {
    "kind": "video",
    "splits": {"train": 20, "test": 8, "1080p": 2},
    "mos_scale": [1, 5],
    "frames": [16, 18],
    "fps": [24, 30],
    "sizes": {"96x54": 2, "54x96": 1},
    "split_sizes": {"1080p": {"128x72": 1}},
    "codecs": {"h264": 0.6, "vp9": 0.2, "hevc": 0.2},
    "content": dict.fromkeys(FAMILIES, 1),
    "degradations": {name: {"probability": 0.5, "strength": [0.1, 1.0]} for name in DEGRADATIONS},
    "raters": {"number": 12, "bias_sd": 0.1, "noise_sd": 0.3},
    "odd": dict.fromkeys(ODD_CASES, 2),
}
PICTURES = {
    "kind": "image",
    "splits": {"train": 110, "test": 10},
    "mos_scale": [0, 100],
    "sizes": {"128x96": 1},
    "codecs": {"jpeg": 0.8, "png": 0.2},
    "content": {"photo": 0.7, "landscape": 0.3},
    "degradations": {
        "defocus": {"probability": 0.6, "strength": [0.1, 1.0]},
        "downscale": {"probability": 0.6, "strength": [0.1, 1.0]},
        "compression": {"probability": 1.0, "strength": [0.0, 1.0]},
    },
    "raters": {"number": 16, "bias_sd": 0.1, "noise_sd": 0.36},
}


@pytest.fixture(scope="module")
def clips(tmp_path_factory: pytest.TempPathFactory) -> Path:
    out = tmp_path_factory.mktemp("built") / "clips"
    build(SyntheticSpec.from_dict("clips", CLIPS), out, SEED)
    return out


@pytest.fixture(scope="module")
def pictures(tmp_path_factory: pytest.TempPathFactory) -> Path:
    out = tmp_path_factory.mktemp("built") / "pictures"
    build(SyntheticSpec.from_dict("pictures", PICTURES), out, SEED)
    return out


def rows(path: Path) -> list[dict[str, str]]:
    with path.open(newline="") as file:
        return list(csv.DictReader(file))


def digests(folder: Path) -> dict[str, str]:
    files = sorted(path for path in folder.rglob("*") if path.is_file())
    return {str(path.relative_to(folder)): hashlib.sha256(path.read_bytes()).hexdigest() for path in files}


def test_rebuild_is_byte_identical_for_any_number_of_jobs(clips: Path, tmp_path: Path) -> None:
    build(SyntheticSpec.from_dict("clips", CLIPS), tmp_path / "again", SEED, jobs=2)
    assert digests(clips) == digests(tmp_path / "again")
    assert not list(clips.parent.glob(".*partial"))


def test_every_x264_call_gives_the_same_stream() -> None:
    frames = list(rng.numpy_generator("test", SEED).integers(0, 256, (40, 54, 96, 3), dtype=np.uint8))
    for codec in CODECS["video"]:
        streams = {encode.encode_video(frames, codec, 30, 25, "mkv") for _ in range(4)}
        assert len(streams) == 1, codec


def test_an_item_does_not_depend_on_the_others() -> None:
    spec = SyntheticSpec.from_dict("clips", CLIPS)
    more = dataclasses.replace(spec, splits={**spec.splits, "1080p": 5})
    assert [item for item in plan(more, SEED) if item.split == "test"] == [
        item for item in plan(spec, SEED) if item.split == "test"
    ]


def test_tables_have_the_stated_columns_and_stay_on_the_scale(clips: Path) -> None:
    labels, truth = rows(clips / "labels.csv"), rows(clips / "truth.csv")
    assert tuple(labels[0]) == LABEL_COLUMNS
    assert tuple(truth[0]) == TRUTH_COLUMNS
    assert [row["name"] for row in labels] == [row["name"] for row in truth]
    counts = {split: sum(row["split"] == split for row in labels) for split in CLIPS["splits"]}
    assert counts == CLIPS["splits"]
    for label, row in zip(labels, truth, strict=True):
        assert 1 <= float(label["mos"]) <= 5
        assert len(label["mos"].partition(".")[2]) == 4
        assert 0 <= float(row["quality"]) <= 1
        assert 0 <= float(row["full_reference"]) <= 1
        assert all(0 <= float(row[name]) <= 1 for name in DEGRADATIONS)
    assert len({row["content_id"] for row in truth}) == len(truth)
    assert {row["family"] for row in truth} == set(FAMILIES)
    assert {row["odd"] for row in truth} == {"", *ODD_CASES}


def test_files_are_what_the_truth_says(clips: Path) -> None:
    names = {"h264": "h264", "hevc": "hevc", "vp9": "vp9"}
    for row in rows(clips / "truth.csv"):
        path = clips / row["name"]
        with av.open(str(path)) as container:
            stream = container.streams.video[0]
            frames = list(container.decode(video=0))
            assert stream.codec_context.name == names[row["codec"]]
            assert stream.codec_context.pix_fmt == row["pixel_format"]
            assert "creation_time" not in {**container.metadata, **stream.metadata}
        turned = int(row["rotation"]) % 180 == 90
        stored = (frames[0].height, frames[0].width) if turned else (frames[0].width, frames[0].height)
        assert stored == (int(row["width"]), int(row["height"]))
        assert -frames[0].rotation == int(row["rotation"])
        assert len(frames) == int(row["n_frames"]) < 64
        gaps = {round(float(b.time - a.time) * int(row["fps"])) for a, b in itertools.pairwise(frames)}
        assert gaps == ({1, 2} if row["variable_rate"] == "True" else {1})
        reader = decord.VideoReader(str(path), num_threads=1)
        assert len(reader) == len(frames)
        shapes = {reader.next().shape for _ in range(len(reader))}
        assert shapes == {(int(row["height"]), int(row["width"]), 3)}


def test_odd_cases_are_odd(clips: Path) -> None:
    for row in rows(clips / "truth.csv"):
        case = ODD_CASES.get(row["odd"])
        if case is None:
            continue
        if case.size:
            assert (int(row["width"]), int(row["height"])) == case.size
        if case.frames:
            assert case.frames[0] <= int(row["n_frames"]) <= case.frames[1]
        if case.codec:
            assert row["codec"] == case.codec
        assert (row["pixel_format"], int(row["rotation"])) == (case.pixel_format, case.rotation)


def test_rotated_clip_is_displayed_upright(clips: Path) -> None:
    row = next(row for row in rows(clips / "truth.csv") if row["odd"] == "rotated")
    shown = decord.VideoReader(str(clips / row["name"]), num_threads=1).next().asnumpy()
    np.testing.assert_array_equal(shown, encode.decode_video((clips / row["name"]).read_bytes(), [0], 90)[0])


def test_hevc_has_open_groups_of_pictures(clips: Path) -> None:
    """After a later key frame in coded order come frames that are shown before it."""
    row = next(row for row in rows(clips / "truth.csv") if row["odd"] == "open_gop")
    with av.open(str(clips / row["name"])) as container:
        packets = [packet for packet in container.demux(video=0) if packet.pts is not None]
    key = next(i for i, packet in enumerate(packets) if packet.is_keyframe and i > 0)
    assert packets[key + 1].pts < packets[key].pts


@pytest.mark.parametrize("name", [name for name in DEGRADATIONS if name not in ("shake", "drops")])
@pytest.mark.parametrize("codec", ["h264", "vp9", "jpeg"])
def test_a_stronger_degradation_lowers_quality_and_similarity(name: str, codec: str) -> None:
    qualities, similarities = zip(*(_measure(name, strength, codec) for strength in (0.0, 0.35, 0.7, 1.0)), strict=True)
    assert all(np.diff(qualities) < 0), qualities
    assert all(np.diff(similarities) < 0), similarities


@pytest.mark.parametrize("name", ["shake", "drops"])
def test_shake_and_drops_lower_quality(name: str) -> None:
    """They are not in the full-reference measure, whose reference moves and freezes with the clip."""
    qualities = [_measure(name, strength, "h264")[0] for strength in (0.0, 0.5, 1.0)]
    assert all(np.diff(qualities) < 0), qualities


def _measure(name: str, strength: float, codec: str) -> tuple[float, float]:
    image = codec == "jpeg"
    item = Item(
        dataset="monotone", split="test", name="images/a.jpg" if image else "videos/a.mkv", width=160, height=90,
        n_frames=1 if image else 9, fps=25, codec=codec, pixel_format="yuv420p", rotation=0, variable_rate=False,
        family="photo", odd="", strengths={"compression": 0.1, name: strength},
    )  # fmt: skip
    truth = make_item(item, SEED)[1]
    return truth["quality"], truth["full_reference"]


def test_dropped_frames_repeat_their_predecessor() -> None:
    shown = degrade.drop_frames(30, 1.0, rng.numpy_generator("test", SEED))
    repeats = sum(a == b for a, b in itertools.pairwise(shown))
    assert repeats == round(degrade.DROP_SHARE * 30)
    assert shown[0] == 0
    assert degrade.drop_frames(5, 0.0, rng.numpy_generator("test", SEED)) == [0, 1, 2, 3, 4]


def test_pristine_frames_are_crisp_in_every_family() -> None:
    """A slight blur must take away much of the finest detail, else blur could not be seen."""
    for family in FAMILIES:
        scene = make_scene(family, (160, 90), True, rng.numpy_generator("test", SEED, family))
        frame = np.asarray(scene.world)[:90, :160]
        blurred = degrade.Degrader({"defocus": 0.5}, (160, 90), rng.numpy_generator("test", SEED))(frame)
        assert _laplacian(blurred) < 0.5 * _laplacian(frame), family


def test_mos_follows_the_truth_and_truth_is_spread(pictures: Path) -> None:
    quality = np.array([float(row["quality"]) for row in rows(pictures / "truth.csv")])
    opinion = np.array([float(row["mos"]) for row in rows(pictures / "labels.csv")])
    assert quality.std() > 0.18
    assert 0.9 < spearmanr(quality, opinion)[0] < 0.99


def test_quality_order_is_in_the_pixels(pictures: Path) -> None:
    detail = []
    for row in rows(pictures / "labels.csv"):
        with Image.open(pictures / row["name"]) as image:
            detail.append(_laplacian(np.asarray(image.convert("RGB"))))
    assert spearmanr(detail, [float(row["mos"]) for row in rows(pictures / "labels.csv")])[0] > 0.6


def _laplacian(frame: np.ndarray) -> float:
    plane = fullref.luma(frame)
    fine = 4 * plane[1:-1, 1:-1] - plane[:-2, 1:-1] - plane[2:, 1:-1] - plane[1:-1, :-2] - plane[1:-1, 2:]
    return float(np.abs(fine).mean())


def test_measures_agree_with_hand_values() -> None:
    flat, step = np.full((8, 8, 3), 90, np.uint8), np.full((8, 8, 3), 90, np.uint8)
    step[:, 4:] = 190
    assert fullref.gradient_similarity(step, step) == pytest.approx(1)
    # Two of six columns have a gradient of 100 that the flat frame lacks: 170 / (100^2 + 170) there, 1 elsewhere.
    assert fullref.gradient_similarity(flat, step) == pytest.approx((4 + 2 * 170 / 10170) / 6, abs=1e-5)
    assert mos.true_quality({"defocus": 0.0}, 1.0, 0.5) == 1.0


def test_allocate_keeps_proportions() -> None:
    keys = allocate({"a": 3.0, "b": 1.0, "c": 0.0}, 9, rng.numpy_generator("test", SEED))
    assert sorted(keys) == ["a"] * 7 + ["b"] * 2


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"colour": 1}, "unknown key 'colour'"),
        ({"codecs": {"h266": 1}}, "unknown key 'h266'"),
        ({"content": {"cats": 1}}, "unknown key 'cats'"),
        ({"odd": {"sideways": 1}}, "unknown key 'sideways'"),
        ({"odd": {"short": 99}}, "do not fit"),
        ({"sizes": {"151x85": 1}}, "must be even"),
        ({"sizes": {"wide": 1}}, "cannot read"),
        ({"frames": [10, 200]}, "within 1..63"),
        ({"mos_scale": [5, 1]}, "must be [low, high]"),
        ({"kind": "hologram"}, "kind is 'hologram'"),
        ({"kind": "image", "codecs": {"png": 1}}, "images have no frames"),
        ({"degradations": {"noise": {"probability": 2, "strength": [0, 1]}}}, "inside [0, 1]"),
        ({"raters": {"number": 0, "bias_sd": 0, "noise_sd": 0}}, "number >= 1"),
        ({"splits": {"train": 2.5, "1080p": 1}}, "2.5 is not a whole number"),
        ({"splits": {"1080p": 0}}, "splits must hold"),
        ({"degradations": {"noise": {"probability": 1, "strength": [0, 1], "hue": 1}}}, "cannot read"),
    ],
)
def test_bad_specs_are_refused_in_one_line(change: dict, message: str) -> None:
    with pytest.raises(ValueError, match="synthetic data set 'bad'") as error:
        SyntheticSpec.from_dict("bad", {**CLIPS, **change})
    assert message in str(error.value)
    assert "\n" not in str(error.value)


def test_a_missing_key_is_named() -> None:
    with pytest.raises(ValueError, match="missing key 'raters'"):
        SyntheticSpec.from_dict("bad", {key: value for key, value in CLIPS.items() if key != "raters"})


def test_build_leaves_foreign_folders_alone(tmp_path: Path) -> None:
    (tmp_path / "thesis.tex").write_text("years of work")
    with pytest.raises(ValueError, match="not a built data set"):
        build(SyntheticSpec.from_dict("clips", CLIPS), tmp_path, SEED)
    assert (tmp_path / "thesis.tex").exists()
