"""Videos over a grid of containers, codecs, groups of pictures, cuts, matrices and damage: true frames or a name.

What a file should show is known from the file that it was made of: FFmpeg's own frames of a sound one, in its order and
to the last byte.
"""

import functools
import tempfile
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import av
import numpy as np
import pytest
from clip_grid import CLIPS, STATED, Clip, forget, frames_of, sound
from fuzzing import LONG, SHORT, assert_one_line, twins
from hypothesis import HealthCheck, assume, settings
from hypothesis import strategies as st
from odd_videos import remuxed

from vqa.data.paths import MediaError
from vqa.data.probe import probe_file
from vqa.data.usual import UsualLoader
from vqa.data.video import Probe, decode, read_frames

TURNS = [(a, 0, 0, d) for a in (-1, 1) for d in (-1, 1)] + [(0, b, c, 0) for b in (-1, 1) for c in (-1, 1)]
# FFmpeg does not write every clip that is drawn.
FILTERED = [HealthCheck.too_slow, HealthCheck.filter_too_much]
FEW, MANY = (
    settings(SHORT, max_examples=25, suppress_health_check=FILTERED),
    settings(LONG, suppress_health_check=FILTERED),
)


@pytest.fixture(scope="module")
def folder() -> Iterator[Path]:
    with tempfile.TemporaryDirectory() as made:
        yield Path(made)
    forget()


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
    found = outcome(lambda: decode(path))
    again = outcome(lambda: probe_file(path, loader.see))
    assert loader.difference().isprintable()
    if isinstance(found, MediaError):
        assert_one_line(found, str(path))
        assert str(found) == str(again)
        return found
    video, probe = found
    if damaged:
        probe, again = (replace(one, frames_sha256="") for one in (probe, again))
    assert probe == again
    assert (probe.n_frames, probe.height, probe.width) == video.shape[:3]
    some = np.random.default_rng(len(video)).integers(len(video), size=5)
    for wanted in (np.array([len(video) - 1, 0, len(video) // 2]), some, some[:1]):
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
    found = look(path)
    assert not isinstance(found, MediaError), found
    assert np.array_equal(found[0], frames_of(path))


def changed_is_read(folder: Path, clip: Clip, suffix: str, start: int, matrix: tuple[int, int, int, int]) -> None:
    path = sound(folder, clip)
    # GIF in MP4 does not know edit lists, and AVI does not say when B frames are shown.
    assume(start < clip.n and clip.codec != "gif" and not (clip.suffix == ".avi" and clip.b_frames))
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
    target = folder / f"part{clip.suffix}"
    content = path.read_bytes()
    target.write_bytes(content[: int(len(content) * share)])
    found = look(target)
    if isinstance(found, MediaError):
        return
    video, probe = found
    whole = frames_of(path)
    # Of the last frames some may be missing whose data come later than those of frames that are shown after them.
    left = (frame.tobytes() for frame in whole)
    assert all(frame.tobytes() in left for frame in video), "true frames in their order"
    missing = len(whole) - len(video)
    if clip.suffix in STATED and missing > max(3, clip.rate / 9):  # for fewer, a stated duration is not exact enough
        assert "shorter than stated" in [remark.kind for remark in probe.remarks]


def damaged_file_is_named_or_read(folder: Path, clip: Clip, place: float, bytes_: bytes) -> None:
    path = sound(folder, clip)
    target, content = folder / f"damaged{clip.suffix}", bytearray(path.read_bytes())
    at = int(len(content) * place)
    content[at : at + len(bytes_)] = bytes_
    target.write_bytes(content)
    look(target, damaged=True)


def joined_files_are_named_or_read(folder: Path, clip: Clip) -> None:
    path = sound(folder, clip)
    target = folder / f"joined{clip.suffix}"
    target.write_bytes(path.read_bytes() * 2)
    found = look(target)
    if not isinstance(found, MediaError):
        whole = frames_of(path)
        assert any(np.array_equal(found[0], expected) for expected in (whole, np.concatenate([whole, whole])))


def late_start_is_named_or_an_end(folder: Path, clip: Clip, suffix: str, skip: int) -> None:
    path = sound(folder, clip)
    assume(skip < clip.n)
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

TWINS = functools.partial(twins, few=FEW, many=MANY)
test_sound_is_read, test_sound_is_read_long = TWINS(sound_is_read, CLIPS)
test_changed_is_read, test_changed_is_read_long = TWINS(changed_is_read, CLIPS, EDITED, STARTS, MATRICES)
test_cut_file_is_named_or_a_beginning, test_cut_file_is_named_or_a_beginning_long = TWINS(
    cut_file_is_named_or_a_beginning, CLIPS, SHARES
)
test_damaged_file_is_named_or_read, test_damaged_file_is_named_or_read_long = TWINS(
    damaged_file_is_named_or_read, CLIPS, PLACES, BYTES
)
test_joined_files_are_named_or_read, test_joined_files_are_named_or_read_long = TWINS(
    joined_files_are_named_or_read, CLIPS
)
test_late_start_is_named_or_an_end, test_late_start_is_named_or_an_end_long = TWINS(
    late_start_is_named_or_an_end, CLIPS, SUFFIXES, SKIPS
)
