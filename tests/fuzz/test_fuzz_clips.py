"""Videos over a grid of containers, codecs, groups of pictures, cuts, matrices and damage: true frames or a name.

What a file should show is known from the file that it was made of: FFmpeg's own frames of a sound one, in its order and
to the last byte. Encoders run in another process, since one of them may abort on an odd request.
"""

import functools
import multiprocessing
import tempfile
from collections.abc import Callable, Iterator
from concurrent.futures import ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from dataclasses import dataclass, replace
from fractions import Fraction
from pathlib import Path
from typing import Any

import av
import numpy as np
import pytest
from clips import numbered_frames, write_video
from fuzzing import LONG, SHORT, assert_one_line, fuzz
from hypothesis import HealthCheck, assume, given, settings
from hypothesis import strategies as st
from odd_videos import remuxed

from vqa.data.paths import MediaError
from vqa.data.probe import probe_file
from vqa.data.usual import UsualLoader
from vqa.data.video import Probe, decode, read_frames
from vqa.io import digest

QUIET = "log-level=none:pools=none:frame-threads=1"
CODECS = {
    "libx264": (".mp4", ".mov", ".mkv", ".ts", ".avi", ".flv", ".m2ts"),
    "libx265": (".mp4", ".mov", ".mkv", ".ts"),
    "mpeg4": (".mp4", ".mov", ".mkv", ".avi", ".3gp"),
    "mpeg2video": (".mpg", ".vob", ".ts", ".mkv", ".mxf"),
    "mpeg1video": (".mpg",),
    "libvpx": (".webm", ".mkv"),
    "libvpx-vp9": (".webm", ".mkv", ".mp4"),
    "libtheora": (".ogv",),
    "mjpeg": (".avi", ".mov", ".mkv"),
    "ffv1": (".mkv", ".avi"),
    "wmv2": (".wmv",),
    "flv": (".flv",),
    "prores": (".mov",),
    "gif": (".gif",),
}
PIXELS = {"prores": "yuv422p10le", "gif": "rgb8", "mjpeg": "yuvj420p"}
WITH_B_FRAMES = ("libx264", "libx265", "mpeg4", "mpeg2video")
TURNS = [(a, 0, 0, d) for a in (-1, 1) for d in (-1, 1)] + [(0, b, c, 0) for b in (-1, 1) for c in (-1, 1)]
# They say how long they are, so that a missing end is noticed.
STATED = (".mp4", ".mov", ".3gp", ".avi", ".mkv", ".webm", ".flv", ".wmv")


@dataclass(frozen=True)
class Clip:
    """A sound video; frozen, so that the same one is made once."""

    codec: str
    suffix: str
    gop: int
    b_frames: int
    open_gop: bool
    rate: Fraction
    n: int
    size: tuple[int, int]


@st.composite
def clips(draw: st.DrawFn) -> Clip:
    codec = draw(st.sampled_from(sorted(CODECS)))
    b_frames = draw(st.sampled_from([0, 2])) if codec in WITH_B_FRAMES else 0
    return Clip(
        codec,
        draw(st.sampled_from(CODECS[codec])),
        draw(st.sampled_from([1, 6, 250])) if not b_frames else draw(st.sampled_from([6, 250])),
        b_frames,
        bool(b_frames) and draw(st.booleans()),
        draw(st.sampled_from([Fraction(25), Fraction(30000, 1001), Fraction(24)])),
        draw(st.sampled_from([1, 13, 30])),
        draw(st.sampled_from([(64, 48), (98, 34)])),
    )


CLIPS = clips()
# FFmpeg does not write every clip that is drawn.
FILTERED = [HealthCheck.too_slow, HealthCheck.filter_too_much]
FEW, MANY = (
    settings(SHORT, max_examples=25, suppress_health_check=FILTERED),
    settings(LONG, suppress_health_check=FILTERED),
)


@functools.cache
def encoders() -> ProcessPoolExecutor:
    return ProcessPoolExecutor(1, mp_context=multiprocessing.get_context("spawn"))


@pytest.fixture(scope="module")
def folder() -> Iterator[Path]:
    with tempfile.TemporaryDirectory() as made:
        yield Path(made)
    encoders().shutdown()
    encoders.cache_clear()
    sound.cache_clear()
    frames_of.cache_clear()


def encode(path: Path, clip: Clip) -> None:
    """In the other process."""
    av.logging.set_level(None)
    options = {"g": str(clip.gop), "bf": str(clip.b_frames)}
    if clip.codec == "libx264":
        options["x264-params"] = f"scenecut=0:open-gop={int(clip.open_gop)}"
    elif clip.codec == "libx265":
        options = {"x265-params": f"keyint={clip.gop}:bframes={clip.b_frames}:open-gop={int(clip.open_gop)}:{QUIET}"}
    elif clip.codec.startswith("libvpx"):
        options |= {"deadline": "realtime", "cpu-used": "8"}
    elif not clip.open_gop:
        options["flags"] = "+cgop"
    content = numbered_frames(clip.n, *clip.size) // 2 + 60
    content[:, : clip.size[1] // 3] = np.random.default_rng(5).integers(0, 256, (clip.size[1] // 3, clip.size[0], 3))
    content[:, : clip.size[1] // 3] += np.arange(clip.n, dtype=np.uint8)[:, None, None, None] * 3
    write_video(path, content, clip.codec, options, clip.rate, PIXELS.get(clip.codec, "yuv420p"))


@functools.cache
def sound(folder: Path, clip: Clip) -> Path | None:
    """The file of a clip; None if FFmpeg cannot make such a thing."""
    path = folder / f"{digest(repr(clip))[:12]}{clip.suffix}"
    try:
        encoders().submit(encode, path, clip).result()
    except (av.error.FFmpegError, ValueError):
        return None
    except BrokenProcessPool:
        encoders.cache_clear()
        return None
    return path


@functools.lru_cache(maxsize=64)
def frames_of(path: Path) -> np.ndarray:
    """FFmpeg's frames of a sound file, from the first to the last, ``(n, H, W, 3)``."""
    with av.open(str(path)) as container:
        return np.stack([frame.to_ndarray(format="rgb24") for frame in container.decode(video=0)])


def outcome(read: Callable[[], Any]) -> Any:
    """What is read, or the refusal."""
    try:
        return read()
    except MediaError as error:
        return error


def look(path: Path, damaged: bool = False) -> tuple[np.ndarray, Probe] | MediaError:
    """What every reader gives of a file, all the same; or the refusal, the same from all.

    What a decoder makes of ``damaged`` pixels without noticing need not be the same the next time.
    """
    loader = UsualLoader(path)
    found = outcome(lambda: decode(path, loader.see))
    assert loader.difference().isprintable()
    again = outcome(lambda: probe_file(path))
    if isinstance(found, MediaError):
        assert_one_line(found, str(path))
        assert str(found) == str(again)
        return found
    video, probe = found
    if damaged:
        probe, again = (replace(one, frames_sha256="") for one in (probe, again))
    assert probe == again
    assert (probe.n_frames, probe.height, probe.width) == video.shape[:3]
    wanted = np.array([len(video) - 1, 0, len(video) // 2])
    assert damaged or np.array_equal(read_frames(path, wanted), video[wanted])
    return video, probe


def remade(source: Path, target: Path, **how: Any) -> None:
    """As :func:`odd_videos.remuxed`; what FFmpeg does not write is no example."""
    target.unlink(missing_ok=True)
    with av.open(str(source)) as container:
        assume(all(packet.dts is not None for packet in container.demux(video=0) if packet.size))
    try:
        remuxed(source, target, **how)
    except (av.error.FFmpegError, ValueError):
        assume(False)
    assume(target.exists() and target.stat().st_size > 0)


def shown(video: np.ndarray, matrix: tuple[int, int, int, int]) -> np.ndarray:
    """Every pixel at the place to which the matrix sends it."""
    a, b, c, d = matrix
    height, width = video.shape[1:3]
    y, x = np.mgrid[:height, :width]
    across, down = a * x + c * y, b * x + d * y
    across, down = across - across.min(), down - down.min()
    out = np.empty((len(video), down.max() + 1, across.max() + 1, 3), np.uint8)
    out[:, down, across] = video
    return out


def sound_is_read(folder: Path, clip: Clip) -> None:
    path = sound(folder, clip)
    assume(path is not None)
    found = look(path)
    assert not isinstance(found, MediaError), found
    assert np.array_equal(found[0], frames_of(path))


def changed_is_read(folder: Path, clip: Clip, suffix: str, start: int, matrix: tuple[int, int, int, int]) -> None:
    path = sound(folder, clip)
    # GIF in MP4 does not know edit lists, and AVI does not say when B frames are shown.
    assume(
        path is not None and start < clip.n and clip.codec != "gif" and not (clip.suffix == ".avi" and clip.b_frames)
    )
    target = folder / f"changed{suffix}"
    with av.open(str(path)) as container:
        times = [frame.time for frame in container.decode(video=0)]
    entries = [matrix[0] << 16, matrix[1] << 16, 0, matrix[2] << 16, matrix[3] << 16, 0, 0, 0, 1 << 30]
    remade(path, target, start=times[start] if start else 0, matrix=entries)
    found = look(target)
    assert not isinstance(found, MediaError), found
    assert np.array_equal(found[0], shown(frames_of(path)[start:], matrix))


def cut_file_is_named_or_a_beginning(folder: Path, clip: Clip, share: float) -> None:
    path = sound(folder, clip)
    assume(path is not None)
    target = folder / f"part{clip.suffix}"
    content = path.read_bytes()
    target.write_bytes(content[: int(len(content) * share)])
    found = look(target)
    if isinstance(found, MediaError):
        return
    video, probe = found
    whole = frames_of(path)
    # Of the last frames some may be missing whose data come later than those of frames that are shown after them.
    whole_bytes = [frame.tobytes() for frame in whole]
    place = -1
    for frame in video:
        assert frame.tobytes() in whole_bytes[place + 1 :], f"frame {place + 1} is not true"
        place = whole_bytes.index(frame.tobytes(), place + 1)
    missing = len(whole) - len(video)
    if clip.suffix in STATED and missing > max(3, clip.rate / 9):  # for fewer, a stated duration is not exact enough
        assert "shorter than stated" in [remark.kind for remark in probe.remarks]


def damaged_file_is_named_or_read(folder: Path, clip: Clip, place: float, bytes_: bytes) -> None:
    path = sound(folder, clip)
    assume(path is not None)
    target, content = folder / f"damaged{clip.suffix}", bytearray(path.read_bytes())
    at = int(len(content) * place)
    content[at : at + len(bytes_)] = bytes_
    target.write_bytes(content)
    look(target, damaged=True)


def joined_files_are_named_or_read(folder: Path, clip: Clip) -> None:
    path = sound(folder, clip)
    assume(path is not None)
    target = folder / f"joined{clip.suffix}"
    target.write_bytes(path.read_bytes() * 2)
    found = look(target)
    if not isinstance(found, MediaError):
        whole = frames_of(path)
        assert any(np.array_equal(found[0], expected) for expected in (whole, np.concatenate([whole, whole])))


def late_start_is_named_or_an_end(folder: Path, clip: Clip, suffix: str, skip: int) -> None:
    path = sound(folder, clip)
    assume(path is not None and skip < clip.n)
    target = folder / f"late{suffix}"
    remade(path, target, skip=skip)
    found = look(target)
    if not isinstance(found, MediaError):
        whole = frames_of(path)
        assert np.array_equal(found[0], whole[len(whole) - len(found[0]) :])


SHARES, SKIPS = st.floats(0.02, 0.999), st.integers(1, 20)
SUFFIXES = st.sampled_from([".mp4", ".mkv", ".ts"])
EDITED, STARTS, MATRICES = st.sampled_from([".mp4", ".mov"]), st.sampled_from([0, 0, 1, 7, 20]), st.sampled_from(TURNS)
PLACES, BYTES = st.floats(0, 0.999), st.binary(min_size=1, max_size=64)


@FEW
@given(clip=CLIPS)
def test_sound_is_read(folder: Path, clip: Clip) -> None:
    sound_is_read(folder, clip)


@fuzz
@MANY
@given(clip=CLIPS)
def test_sound_is_read_long(folder: Path, clip: Clip) -> None:
    sound_is_read(folder, clip)


@FEW
@given(clip=CLIPS, suffix=EDITED, start=STARTS, matrix=MATRICES)
def test_changed_is_read(folder: Path, clip: Clip, suffix: str, start: int, matrix: tuple[int, int, int, int]) -> None:
    changed_is_read(folder, clip, suffix, start, matrix)


@fuzz
@MANY
@given(clip=CLIPS, suffix=EDITED, start=STARTS, matrix=MATRICES)
def test_changed_is_read_long(
    folder: Path, clip: Clip, suffix: str, start: int, matrix: tuple[int, int, int, int]
) -> None:
    changed_is_read(folder, clip, suffix, start, matrix)


@FEW
@given(clip=CLIPS, share=SHARES)
def test_cut_file_is_named_or_a_beginning(folder: Path, clip: Clip, share: float) -> None:
    cut_file_is_named_or_a_beginning(folder, clip, share)


@fuzz
@MANY
@given(clip=CLIPS, share=SHARES)
def test_cut_file_is_named_or_a_beginning_long(folder: Path, clip: Clip, share: float) -> None:
    cut_file_is_named_or_a_beginning(folder, clip, share)


@FEW
@given(clip=CLIPS, place=PLACES, bytes_=BYTES)
def test_damaged_file_is_named_or_read(folder: Path, clip: Clip, place: float, bytes_: bytes) -> None:
    damaged_file_is_named_or_read(folder, clip, place, bytes_)


@fuzz
@MANY
@given(clip=CLIPS, place=PLACES, bytes_=BYTES)
def test_damaged_file_is_named_or_read_long(folder: Path, clip: Clip, place: float, bytes_: bytes) -> None:
    damaged_file_is_named_or_read(folder, clip, place, bytes_)


@FEW
@given(clip=CLIPS)
def test_joined_files_are_named_or_read(folder: Path, clip: Clip) -> None:
    joined_files_are_named_or_read(folder, clip)


@fuzz
@MANY
@given(clip=CLIPS)
def test_joined_files_are_named_or_read_long(folder: Path, clip: Clip) -> None:
    joined_files_are_named_or_read(folder, clip)


@FEW
@given(clip=CLIPS, suffix=SUFFIXES, skip=SKIPS)
def test_late_start_is_named_or_an_end(folder: Path, clip: Clip, suffix: str, skip: int) -> None:
    late_start_is_named_or_an_end(folder, clip, suffix, skip)


@fuzz
@MANY
@given(clip=CLIPS, suffix=SUFFIXES, skip=SKIPS)
def test_late_start_is_named_or_an_end_long(folder: Path, clip: Clip, suffix: str, skip: int) -> None:
    late_start_is_named_or_an_end(folder, clip, suffix, skip)
