"""Decoding: exact frames whatever the codec, and a named error for every kind of broken file."""

import gc
import subprocess
import sys
from pathlib import Path

import av
import numpy as np
import pytest
from clips import broken_videos, numbered_frames, read_number, write_video
from PIL import Image

from vqa.data.decoding import Decoding
from vqa.data.video import MediaError, decode, read_frames

OPEN_GOP = {"x265-params": "keyint=12:open-gop=1:bframes=4:pools=none:frame-threads=1:log-level=none"}


@pytest.mark.parametrize(
    ("suffix", "codec", "options"),
    [(".mp4", "libx264", {}), (".mp4", "libx265", OPEN_GOP), (".webm", "libvpx-vp9", {"deadline": "realtime"})],
)
def test_any_order_of_indices_gives_exactly_those_frames(tmp_path: Path, suffix, codec, options):
    path = write_video(tmp_path / f"clip{suffix}", numbered_frames(60, 128, 64), codec, options)
    wanted = np.array([40, 3, 3, 59, 0, 17, 18, 40])
    frames = read_frames(path, wanted)
    assert frames.dtype == np.uint8
    assert [read_number(frame) for frame in frames] == wanted.tolist()
    alone = [read_frames(path, np.array([index]))[0] for index in wanted]
    assert np.array_equal(frames, np.stack(alone)), "pixels must not depend on which other frames were read"


@pytest.mark.parametrize("width", [48, 50, 64, 72, 90, 151])
def test_narrow_and_odd_widths_decode_to_the_pixels_of_a_second_decoder(tmp_path: Path, width):
    generator = np.random.default_rng(width)
    frames = np.repeat(generator.integers(0, 256, (6, 8, width, 3), dtype=np.uint8), 8, axis=1)
    codec, suffix = ("libvpx-vp9", ".webm") if width % 2 else ("libx264", ".mp4")
    path = write_video(tmp_path / f"clip{suffix}", frames, codec)
    video, probe = decode(path)
    with av.open(str(path)) as container:
        expected = np.stack([frame.to_ndarray(format="rgb24") for frame in container.decode(video=0)])
    assert (probe.n_frames, probe.width, probe.height) == (6, width, 64)
    assert np.array_equal(video, expected)


def test_probe_tells_files_and_pixels_apart(tmp_path: Path):
    first = decode(write_video(tmp_path / "a.mp4", numbered_frames(20)))[1]
    again = decode(write_video(tmp_path / "b.mp4", numbered_frames(20)))[1]
    other = decode(write_video(tmp_path / "c.mp4", 255 - numbered_frames(20)))[1]
    assert (first.n_frames, first.fps, first.rotation, first.codec) == (20, 25.0, 0, "h264")
    assert first.frames_sha256 == again.frames_sha256 != other.frames_sha256
    assert first.sha256 != other.sha256


def test_an_image_is_a_video_of_one_frame(tmp_path: Path):
    pixels = np.random.default_rng(1).integers(0, 256, (30, 40, 3), dtype=np.uint8)
    Image.fromarray(pixels).save(tmp_path / "photo.png")
    video, probe = decode(tmp_path / "photo.png")
    assert np.array_equal(video[0], pixels)
    assert (probe.n_frames, probe.fps, probe.codec) == (1, 0.0, "png")
    (tmp_path / "broken.png").write_bytes(b"\x89PNG")
    with pytest.raises(MediaError, match=r"broken\.png: not an image"):
        decode(tmp_path / "broken.png")


def test_every_kind_of_broken_file_is_named_with_its_fault(tmp_path: Path):
    expected = {
        "truncated": "corrupt after|truncated",
        "empty": "empty file",
        "text": "not a video",
        "header only": "not a video|no frames|truncated",
        "scrambled": "corrupt after",
        "missing": "no such file",
    }
    for kind, path in broken_videos(tmp_path).items():
        with pytest.raises(MediaError, match=expected[kind]) as caught:
            decode(path)
        assert str(path) in str(caught.value)
        assert "\n" not in str(caught.value)


def test_a_cut_between_packets_is_noticed_by_the_declared_count(tmp_path: Path):
    """Every packet that is left decodes, so only the header tells that frames are missing."""
    path = write_video(tmp_path / "clip.mp4", numbered_frames(30), options={"g": "1", "bf": "0"})
    with av.open(str(path)) as container:
        ends = [packet.pos + packet.size for packet in container.demux(video=0) if packet.size]
    path.write_bytes(path.read_bytes()[: ends[19]])
    with pytest.raises(MediaError, match=r"20 of 30|corrupt after"):
        decode(path)


def test_a_frame_beyond_the_end_is_an_error(tmp_path: Path):
    path = write_video(tmp_path / "clip.mp4", numbered_frames(10))
    with pytest.raises(MediaError, match="frame 10 was asked for"):
        read_frames(path, np.array([2, 10]))


def test_the_command_prints_good_files_and_exits_2_for_bad_ones(tmp_path: Path):
    good = write_video(tmp_path / "good.mp4", numbered_frames(10))
    bad = tmp_path / "bad.mp4"
    bad.write_bytes(b"")
    done = subprocess.run(
        [sys.executable, "-m", "vqa.data.video", good, bad], capture_output=True, text=True, check=False
    )
    assert done.returncode == 2
    assert "good.mp4" in done.stdout
    assert done.stderr.startswith("error: ")
    assert "bad.mp4: empty file" in done.stderr
    assert len(done.stderr.splitlines()) == 1


def test_no_frame_stays_in_memory_behind_the_next_one(tmp_path):
    """Hundreds of them are gigabytes, and Python's collector counts objects, not bytes."""

    def alive() -> int:
        return sum(type(thing) is av.VideoFrame for thing in gc.get_objects())

    path = write_video(tmp_path / "a.mp4", numbered_frames(30))
    gc.collect()
    gc.disable()
    try:
        with Decoding(path) as video:
            counts = [alive() for _ in video.frames()]
    finally:
        gc.enable()
    assert 0 < max(counts) <= 3
