"""Sound videos over a grid of containers, codecs, groups of pictures, rates and sizes, and FFmpeg's own frames of them.

Encoders run in another process, since one of them may abort on an odd request.
"""

import functools
import multiprocessing
from concurrent.futures import ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path

import av
import numpy as np
from clips import numbered_frames, write_video
from hypothesis import assume
from hypothesis import strategies as st

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


@functools.cache
def encoders() -> ProcessPoolExecutor:
    return ProcessPoolExecutor(1, mp_context=multiprocessing.get_context("spawn"))


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


def sound(folder: Path, clip: Clip) -> Path:
    """The file of a clip; what FFmpeg cannot make is no example."""
    path = _encoded(folder, clip)
    assume(path is not None)
    return path


@functools.cache
def _encoded(folder: Path, clip: Clip) -> Path | None:
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


def forget() -> None:
    """The other process, and what was kept of files that are gone."""
    encoders().shutdown()
    for kept in (encoders, _encoded, frames_of):
        kept.cache_clear()
