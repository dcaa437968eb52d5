"""Frames that are read without what they do not need are those of all frames, to the last byte."""

import contextlib
import hashlib
import itertools
from collections.abc import Callable
from pathlib import Path

import av
import numpy as np
import pytest
from clips import write_video
from mirror import mirror_folder
from odd_videos import remuxed

from vqa.data.decoding import Decoding
from vqa.data.paths import MediaError
from vqa.data.video import iterate_frames, read_frames
from vqa.data.wanted import needed

N = 70
QUIET = "pools=none:frame-threads=1:log-level=none"


def moving(n: int = N, width: int = 96, height: int = 64) -> np.ndarray:
    """Frames of a texture that moves and changes, with two cuts, so that all kinds of frames are used."""
    generator = np.random.default_rng(1)
    texture = generator.integers(0, 256, (3, height // 4 + n, width // 4 + n, 3), dtype=np.uint8)
    texture = texture.repeat(4, 1).repeat(4, 2)
    frames = [texture[3 * k // n, k : k + height, 2 * k : 2 * k + width] for k in range(n)]
    return np.stack(frames) // 2 + generator.integers(0, 60, (n, height, width, 3), dtype=np.uint8)


def clip(path: Path, params: str, codec: str = "libx264") -> Path:
    name = "x265-params" if codec == "libx265" else "x264-params"
    return write_video(path, moving(), codec, {name: params} if codec.startswith("libx26") else {})


def digests(path: Path) -> list[bytes]:
    return [hashlib.sha256(frame.tobytes()).digest() for frame in iterate_frames(path)]


def assert_read_as_counted(path: Path, every: list[bytes] | None = None) -> None:
    """Random sets of frames, and those of a clip that runs past the end, are those that counting gives (``every``)."""
    every, generator = every or digests(path), np.random.default_rng(5)
    sets = [generator.integers(len(every), size=size) for size in (1, 1, 2, 5, 20)]
    for indices in (*sets, (generator.integers(len(every)) + 2 * np.arange(32)) % len(every)):
        frames = read_frames(path, indices)
        read = [hashlib.sha256(frame.tobytes()).digest() for frame in frames]
        assert read == [every[index] for index in indices], indices


def spared(path: Path, number: int) -> int:
    """Packets that are not decoded for one frame."""
    with Decoding(path) as video:
        return sum(1 for packet in av_packets(path) if packet.size) - sum(1 for _ in needed(video, {number}))


def av_packets(path: Path) -> list[av.Packet]:
    with av.open(str(path)) as container:
        return list(container.demux(video=0))


@pytest.mark.parametrize("suffix", [".mp4", ".mkv", ".flv"])
@pytest.mark.parametrize(
    "params",
    [
        "bframes=3",
        "bframes=5:b-pyramid=none:ref=4:weightp=2",
        "bframes=16:b-adapt=0:b-pyramid=strict",
        "bframes=2:keyint=9:min-keyint=2:aud=1:slices=4",
        "bframes=0:keyint=12",
        "bframes=3:nal-hrd=vbr:vbv-maxrate=900:vbv-bufsize=900:keyint=30",
        "bframes=3:keyint=8:min-keyint=8:constrained-intra=1:cabac=0:8x8dct=0",
    ],
)
def test_what_nobody_needs_is_not_decoded(tmp_path: Path, params: str, suffix: str):
    path = clip(tmp_path / f"clip{suffix}", params)
    assert_read_as_counted(path)
    assert spared(path, N - 1) > N // 4


@pytest.mark.parametrize(
    ("name", "params", "codec"),
    [
        ("open.mp4", "bframes=3:open-gop=1:keyint=10:min-keyint=2", "libx264"),
        ("refreshed.mp4", "intra-refresh=1:bframes=2:keyint=20", "libx264"),
        ("fields.mp4", "interlaced=1:bframes=2", "libx264"),
        ("stream.ts", "bframes=3", "libx264"),
        ("old.avi", "bframes=3", "libx264"),
        ("hevc.mp4", f"bframes=4:open-gop=1:keyint=12:temporal-layers=2:{QUIET}", "libx265"),
        ("vp9.webm", "", "libvpx-vp9"),
    ],
)
def test_every_frame_is_decoded_where_it_is_not_certain(tmp_path: Path, name: str, params: str, codec: str):
    path = clip(tmp_path / name, params, codec)
    assert_read_as_counted(path)
    assert spared(path, N - 1) <= 0


def repacked(source: Path, target: Path, change: Callable[[list[av.Packet]], list[av.Packet]]) -> Path:
    """The packets of a video, changed."""
    with av.open(str(source)) as old, av.open(str(target), "w") as new:
        stream = new.add_stream_from_template(old.streams.video[0])
        for packet in change([packet for packet in old.demux(video=0) if packet.size]):
            packet.stream = stream
            new.mux(packet)
    return target


def as_decoded(packets: list[av.Packet]) -> list[av.Packet]:
    """Time stamps in the order of decoding, as tools write them that know no other."""
    for packet, pts in zip(packets, sorted(packet.pts for packet in packets), strict=True):
        packet.pts = packet.dts = pts
    return packets


def exchanged(packets: list[av.Packet]) -> list[av.Packet]:
    """A frame and one to which no other refers have each other's time stamps."""
    used, last = packets[19], packets[21]
    assert (bytes(used)[4] & 96, bytes(last)[4] & 96) == (64, 0)
    used.pts, last.pts = last.pts, used.pts
    return packets


def noted(packets: list[av.Packet]) -> list[av.Packet]:
    """A note to the decoder with a later frame: a recovery point."""
    note = bytes([0, 0, 0, 4, 6, 6, 1, 0x84])
    packets[20] = changed(packets[20], note + bytes(packets[20]))
    return packets


def twice(packets: list[av.Packet]) -> list[av.Packet]:
    """Two pictures in one packet."""
    packets[20] = changed(packets[20], bytes(packets[20]) + bytes(packets.pop(21)))
    return packets


def changed(packet: av.Packet, content: bytes) -> av.Packet:
    new = av.Packet(content)
    new.pts, new.dts, new.time_base, new.duration = packet.pts, packet.dts, packet.time_base, packet.duration
    return new


def of_a_used_one(packets: list[av.Packet]) -> list[av.Packet]:
    """One is missing to which others refer."""
    return packets[:19] + packets[20:]


@pytest.mark.parametrize("change", [as_decoded, exchanged, noted, twice, of_a_used_one])
def test_odd_packets_are_all_decoded(tmp_path: Path, change: Callable):
    source = clip(tmp_path / "source.mp4", "bframes=2:b-adapt=0:b-pyramid=none:ref=1:scenecut=0")
    assert spared(repacked(source, tmp_path / "same.mkv", lambda packets: packets), 40) > 0
    path = repacked(source, tmp_path / "odd.mkv", change)
    assert_read_as_counted(path)
    assert spared(path, 40) <= 0


def test_frames_that_an_edit_list_hides_are_decoded(tmp_path: Path):
    path = remuxed(clip(tmp_path / "whole.mp4", "bframes=3"), tmp_path / "cut.mp4", start=1)
    assert_read_as_counted(path)
    assert spared(path, 40) == 25  # hidden and not spared


def test_the_decoder_has_to_hold_back_enough(tmp_path: Path):
    """One that does not gives frames out of order, or drops them: which, only decoding tells."""
    path = clip(tmp_path / "clip.mp4", "bframes=5:b-adapt=0:b-pyramid=normal")
    with Decoding(path) as video:
        assert video.context.reorder_depth == 2
        assert sum(1 for _ in needed(video, {40})) < N
    with Decoding(path) as video:
        video.context.reorder_depth = 1
        assert sum(1 for _ in needed(video, {40})) > N - 5


def test_what_comes_with_the_first_packet_is_never_left_out(tmp_path: Path):
    with Decoding(clip(tmp_path / "clip.mp4", "bframes=0:keyint=10:scenecut=0")) as video:
        assert [number for number, _ in needed(video, {44})] == [0, *range(40, 50)]


def test_a_fault_that_counting_passes_over_is_left_to_it(tmp_path: Path):
    """A used picture that refers to what is not there, by a bit in its head: what is made up for it is of no frame."""
    path = clip(tmp_path / "clip.mp4", "bframes=3:b-adapt=0")
    content, used = path.read_bytes(), [packet.pos for packet in av_packets(path) if bytes(packet)[4:5] == b"A"]
    for place, bit in itertools.product(used[10:], range(70, 80)):
        damaged = bytearray(content)
        damaged[place + bit // 8] ^= 128 >> bit % 8
        path.write_bytes(damaged)
        with contextlib.suppress(MediaError):
            assert len(digests(path)) == N
            with Decoding(path) as video:
                try:
                    list(needed(video, {N - 1}))
                except MediaError:
                    assert len(read_frames(path, np.array([N - 1]))) == 1
                    return
    pytest.fail("no bit makes such a fault")


def test_a_frame_that_is_not_the_expected_one_ends_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    path = clip(tmp_path / "clip.mp4", "bframes=3")
    every = Decoding.frames

    def frames(video: Decoding, packets: object = None):
        return (frame for number, frame in enumerate(every(video, packets)) if packets is None or number != 6)

    monkeypatch.setattr(Decoding, "frames", frames)
    with Decoding(path) as video:
        assert sum(1 for _ in needed(video, {40})) == 6
    assert_read_as_counted(path)


def test_a_frame_beyond_the_end_and_a_fault_are_named_as_by_counting(tmp_path: Path):
    path = clip(tmp_path / "clip.mp4", "bframes=3")
    with pytest.raises(MediaError, match=f"frame {N} was asked for"):
        read_frames(path, np.array([3, N]))
    content = path.read_bytes()
    path.write_bytes(content[: len(content) // 2])
    with pytest.raises(MediaError, match="corrupt after") as counted:
        list(iterate_frames(path))
    with pytest.raises(MediaError) as read:
        read_frames(path, np.array([N - 1]))
    assert str(read.value) == str(counted.value)


def test_published_clips_are_read_as_counted():
    spare = 0
    for path in sorted(mirror_folder().rglob("*")):
        if path.suffix in (".mp4", ".mkv", ".mov", ".avi", ".webm"):
            try:
                every = digests(path)
            except MediaError:
                continue
            assert_read_as_counted(path, every)
            spare += spared(path, 2) > 0
    assert spare >= 8
