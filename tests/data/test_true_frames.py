"""Frames are true or refused: cut, joined, mirrored and damaged videos, held against what they were made of."""

import re
from collections.abc import Callable
from fractions import Fraction
from pathlib import Path

import numpy as np
import pytest
from clips import numbered_frames, read_number, write_video
from odd_videos import base, coded_as, encoded, half, remuxed, sound_alone, subtitles_alone, two_streams

from vqa.data.paths import MediaError
from vqa.data.probe import probe_file
from vqa.data.usual import UsualLoader
from vqa.data.video import Probe, decode, read_frames

ONE = 1 << 16
QUIET = "log-level=none:pools=none:frame-threads=1"
OPEN_GROUPS = {"x265-params": f"keyint=50:open-gop=1:bframes=4:{QUIET}"}
NO_COUNT = "no frame count in the header: taken as complete"


def read(path: Path) -> tuple[np.ndarray, Probe]:
    """All frames and the probe, which is the same for those who keep all frames and those who keep some."""
    video, probe = decode(path)
    assert probe == probe_file(path)
    assert (probe.n_frames, probe.height, probe.width) == video.shape[:3]
    wanted = np.array([len(video) - 1, 0, len(video) // 2])
    assert np.array_equal(read_frames(path, wanted), video[wanted]), "whoever asks gets the same frames"
    return video, probe


def numbers(video: np.ndarray) -> list[int]:
    return [read_number(frame) for frame in video]


def said(probe: Probe) -> list[str]:
    return [remark.text for remark in probe.remarks]


def usual(path: Path, video: np.ndarray) -> str:
    """What decord does otherwise."""
    loader = UsualLoader(path)
    for frame in video:
        loader.see(frame)
    return loader.difference()


def mpeg2(path: Path) -> Path:
    return base(path, 50, "mpeg2video", {"g": "12", "bf": "2"})


@pytest.mark.parametrize(
    ("name", "make", "expected", "differs"),
    [
        ("base.mp4", base, range(50), ""),
        ("cut.mp4", lambda path: remuxed(base(path.with_name("b.mp4")), path, start=1), range(25, 50), "counts 50"),
        (
            "cut265.mp4",
            lambda path: remuxed(base(path.with_name("b.mp4"), 100, "libx265", OPEN_GROUPS), path, start=1.36),
            range(34, 100),
            "counts 100",
        ),
        ("m2.mpg", mpeg2, range(50), None),
        ("m2.ts", mpeg2, range(50), "gives another frame 0"),
        ("base.ts", lambda path: remuxed(base(path.with_name("b.mp4")), path), range(50), "breaks off after 0"),
        ("base.mkv", lambda path: remuxed(base(path.with_name("b.mp4")), path), range(50), ""),
        (
            "live.webm",
            lambda path: remuxed(base(path.with_name("b.webm"), 30, "libvpx", {}), path, options={"live": "1"}),
            range(30),
            "cannot open it",
        ),
    ],
)
def test_frames_are_those_that_the_file_shows(tmp_path: Path, name: str, make: Callable, expected: range, differs):
    path = make(tmp_path / name)
    video, probe = read(path)
    assert numbers(video) == list(expected)
    assert probe.fps == 25
    assert said(probe) == ([] if name.endswith("mp4") else [NO_COUNT])
    if differs is not None:
        assert usual(path, video).startswith(differs)
        assert bool(usual(path, video)) == bool(differs)


@pytest.mark.parametrize(
    ("name", "codec", "pix_fmt"),
    [("a.mov", "cfhd", "yuv422p10le"), ("a.avi", "msvideo1", "rgb555le"), ("a.mov", "qtrle", "rgb24")],
)
def test_decoders_that_call_no_frame_a_key_frame_are_believed(tmp_path: Path, name: str, codec: str, pix_fmt: str):
    path = write_video(tmp_path / name, numbered_frames(12, 176, 144), codec, {}, Fraction(25), pix_fmt)
    assert numbers(read(path)[0]) == list(range(12))


def test_a_cut_without_encoding_gives_the_pixels_of_the_whole(tmp_path: Path):
    whole = base(tmp_path / "base.mp4")
    for suffix, start in ((".mp4", 1), (".ts", 0)):
        video = decode(remuxed(whole, tmp_path / f"other{suffix}", start=start))[0]
        assert np.array_equal(video, decode(whole)[0][25 * start :])


@pytest.mark.parametrize(
    ("matrix", "shown", "rotation", "remark"),
    [
        ([-ONE, 0, 0, 0, ONE, 0, 0, 0, 1 << 30], lambda v: v[:, :, ::-1], 0, "mirrored left and right"),
        ([ONE, 0, 0, 0, -ONE, 0, 0, 0, 1 << 30], lambda v: v[:, ::-1], 0, "mirrored top and bottom"),
        ([0, ONE, 0, ONE, 0, 0, 0, 0, 1 << 30], lambda v: v.swapaxes(1, 2), 0, "rows and columns exchanged"),
        ([0, -ONE, 0, -ONE, 0, 0, 0, 0, 1 << 30], lambda v: v.swapaxes(1, 2)[:, ::-1, ::-1], 0, "turned by 180"),
        ([-ONE, 0, 0, 0, -ONE, 0, 0, 0, 1 << 30], lambda v: v[:, ::-1, ::-1], -180, ""),
        ([0, ONE, 0, -ONE, 0, 0, 0, 0, 1 << 30], lambda v: np.rot90(v, -1, (1, 2)), -90, ""),
        ([0, -ONE, 0, ONE, 0, 0, 0, 0, 1 << 30], lambda v: np.rot90(v, 1, (1, 2)), 90, ""),
        ([0] * 9, lambda v: v, 0, ""),
        ([2 * ONE, 0, 0, 0, ONE, 0, 0, 0, 1 << 30], lambda v: v, 0, "stretched"),
    ],
)
def test_the_whole_display_matrix_is_applied(tmp_path: Path, matrix: list[int], shown: Callable, rotation: int, remark):
    whole = base(tmp_path / "base.mp4", 12)
    video, probe = read(remuxed(whole, tmp_path / "shown.mp4", matrix=matrix))
    assert np.array_equal(video, shown(decode(whole)[0]))
    assert probe.rotation == rotation
    mirrored = [text for text in said(probe) if "display matrix" in text]
    assert len(mirrored) == bool(remark)
    assert not remark or remark in mirrored[0]


@pytest.mark.parametrize(
    ("name", "make", "message"),
    [
        (
            "size.mp4",
            lambda path: encoded(path, [numbered_frames(25, 160, 120), numbered_frames(25, 96, 72)]),
            "the frame size changes inside the video, from 160x120 to 96x72 at frame 25",
        ),
        ("sound.mp4", sound_alone, r"has no video stream \(audio alone\)"),
        ("subs.mkv", subtitles_alone, r"has no video stream \(subtitle alone\)"),
        (
            "half.mkv",
            lambda path: half(remuxed(base(path.with_name("b.mp4")), path.with_name("b.mkv")), path, 0.6),
            r"truncated, \d+ frames \(\d\.\d\d s\) of 2\.00 s decode",
        ),
        (
            "half.webm",
            lambda path: half(base(path.with_name("b.webm"), 50, "libvpx", {"deadline": "realtime"}), path, 0.6),
            r"truncated, \d+ frames \(\d\.\d\d s\) of 2\.00 s decode",
        ),
        (
            "keyless.avi",
            lambda path: remuxed(base(path.with_name("b.avi"), 40, "mpeg4", {"g": "20"}), path, skip=3),
            "begins without a key frame",
        ),
        (
            "joined.ts",
            lambda path: joined(remuxed(base(path.with_name("b.mp4"), 25), path)),
            r"corrupt after 2\d frames \(parts are missing, or files were joined\)",
        ),
        (
            "turned.mp4",
            lambda path: remuxed(
                base(path.with_name("b.mp4")), path, matrix=[46341, 46341, 0, -46341, 46341, 0, 0, 0, 1]
            ),
            "its display matrix is neither a turn",
        ),
        ("text.mp4", lambda path: path.write_text("the quick brown fox\n" * 50) and path, "not a video|text"),
        ("text.txt", lambda path: path.write_text("the quick brown fox\n" * 50) and path, "text, not a video"),
        ("folder.mp4", lambda path: path.mkdir() or path, "a folder"),
    ],
)
def test_what_has_no_true_frames_is_named_with_the_reason(tmp_path: Path, name: str, make: Callable, message: str):
    path = make(tmp_path / name)
    for look in (decode, probe_file):
        with pytest.raises(MediaError, match=message) as caught:
            look(path)
        assert str(caught.value).startswith(f"{path}: ")
        assert "\n" not in str(caught.value)


def joined(path: Path) -> Path:
    """A transport stream twice, one after the other."""
    path.write_bytes(path.read_bytes() * 2)
    return path


def test_the_first_group_without_its_key_frame_is_left_out_and_said(tmp_path: Path):
    whole = base(tmp_path / "b.ts", 50, options={"g": "12", "bf": "0", "x264-params": "scenecut=0"})
    video, probe = read(remuxed(whole, tmp_path / "late.ts", skip=7))
    assert numbers(video) == list(range(12, 50))
    assert said(probe) == [NO_COUNT, "what comes before the first key frame is left out (5 packets)"]


def test_the_header_of_an_avi_that_counts_missing_frames_is_a_remark(tmp_path: Path):
    every = base(tmp_path / "b.avi", 50, "mpeg4", {"g": "1"})
    video, probe = read(remuxed(every, tmp_path / "gaps.avi", drop=lambda number: number % 10 in (3, 4, 7)))
    assert numbers(video) == [number for number in range(50) if number % 10 not in (3, 4, 7)]
    assert said(probe) == ["the header counts 50 frames, 35 decode"]
    assert probe.fps == 17.5
    half(tmp_path / "b.avi", tmp_path / "cut.avi")
    with pytest.raises(MediaError, match=r"truncated|corrupt after"):
        decode(tmp_path / "cut.avi")


def test_of_several_streams_one_is_read_by_everyone(tmp_path: Path):
    video, probe = read(two_streams(tmp_path / "two.mp4"))
    assert numbers(video) == list(range(50))
    assert (probe.width, probe.height, probe.n_frames, probe.fps) == (64, 48, 50, 25)
    assert said(probe) == ["2 video streams: number 0, 64x48, is scored"]


@pytest.mark.parametrize(
    ("name", "kind", "text", "arguments"),
    [
        ("a.mp4", "pixels not square", r"not square \(64:45\)", {"sample_aspect_ratio": Fraction(64, 45)}),
        ("a.mp4", "interlaced", "interlaced", {"options": {"x264-params": "interlaced=1"}}),
        ("a.webm", "alpha channel", "alpha", {"pix_fmt": "yuva420p", "codec": "libvpx-vp9"}),
        ("a.mp4", "full range", "full range", {"pix_fmt": "yuvj420p"}),
        ("a.mp4", "more than 8 bits", "10 bits", {"pix_fmt": "yuv420p10le"}),
        ("a.mp4", "high dynamic range", "PQ", {"pix_fmt": "yuv420p10le", "color_trc": 16}),
        ("a.mp4", "high dynamic range", "HLG", {"pix_fmt": "yuv420p10le", "color_trc": 18}),
    ],
)
def test_odd_but_readable_is_said(tmp_path: Path, name: str, kind: str, text: str, arguments: dict):
    if arguments.get("pix_fmt") == "yuv420p10le":
        arguments = {**arguments, "codec": "libx265", "options": {"x265-params": QUIET}}
    video, probe = read(coded_as(tmp_path / name, **{"pix_fmt": "yuv420p", **arguments}))
    assert numbers(video) == list(range(20))
    (found,) = (remark for remark in probe.remarks if remark.kind == kind)
    assert re.search(text, found.text)
    assert {remark.kind for remark in probe.remarks} <= {kind, "more than 8 bits", "no frame count in the header"}


@pytest.mark.parametrize("size", [(151, 85), (70, 33), (33, 143)])
def test_odd_heights_have_the_bytes_that_decord_gives(tmp_path: Path, size: tuple[int, int]):
    width, height = size
    noise = np.random.default_rng(3).integers(0, 256, (4, height, width, 3), dtype=np.uint8)
    path = write_video(tmp_path / "odd.webm", noise, "libvpx-vp9", {"deadline": "realtime"})
    assert usual(path, decode(path)[0]) == ""


def test_the_usual_loader_is_told_apart_frame_by_frame(tmp_path: Path):
    path = base(tmp_path / "base.mp4", 12)
    video = decode(path)[0]
    assert usual(path, video) == ""
    wrong = video.copy()
    wrong[7, 5, 5, 1] ^= 1
    assert usual(path, wrong) == "gives another frame 7"
    assert usual(path, video[:11]) == "counts 12 frames, 11 decode"
    assert usual(path, np.concatenate([video, video[:1]])) == "counts 12 frames, 13 decode"


def test_names_with_a_colon_or_of_other_encodings_are_opened(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    whole = base(tmp_path / "base.mp4", 12)
    monkeypatch.chdir(tmp_path)
    for name in ("12:30.mp4", "caf\udce9.mp4"):
        Path(name).write_bytes(whole.read_bytes())
        assert numbers(decode(Path(name))[0]) == list(range(12))
