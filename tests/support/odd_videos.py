"""Videos as people have them: cut, joined, mirrored, damaged, in every container; each made from numbered frames."""

import io
from collections.abc import Callable
from fractions import Fraction
from pathlib import Path

import av
import numpy as np
from clips import numbered_frames, write_video

# One key frame and two B frames, as most encoders put them.
GROUPS = {"g": "250", "bf": "2", "x264-params": "scenecut=0"}


def base(
    path: Path,
    n: int = 50,
    codec: str = "libx264",
    options: dict | None = None,
    size: tuple[int, int] = (64, 48),
    rate: Fraction = Fraction(25),
) -> Path:
    """A sound video of ``n`` frames of ``size``, width and height, at ``rate`` frames per second."""
    return write_video(path, numbered_frames(n, *size), codec, GROUPS if options is None else options, rate)


def remuxed(
    source: Path,
    target: Path,
    start: float = 0,
    skip: int = 0,
    matrix: list[int] | None = None,
    drop: Callable[[int], bool] = lambda number: False,
    options: dict | None = None,
) -> Path:
    """The packets of a video in another file, not encoded again.

    Args:
        source: the video.
        target: its suffix is the container.
        start: seconds that an edit list hides, as ``ffmpeg -ss START -c copy`` writes it.
        skip: packets left out at the beginning.
        matrix: display matrix to write.
        drop: packets to leave out by their number, which keeps the time of the others.
        options: of the container.
    """
    with av.open(str(source)) as old, av.open(str(target), "w", options=options or {}) as new:
        stream = new.add_stream_from_template(old.streams.video[0])
        if matrix is not None:
            stream.set_display_matrix(matrix)
        for number, packet in enumerate(old.demux(video=0)):
            if packet.dts is None or number < skip or drop(number):
                continue
            shift = round(start / packet.time_base)
            packet.pts, packet.dts, packet.stream = packet.pts - shift, packet.dts - shift, stream
            new.mux(packet)
    return target


def encoded(path: Path, parts: list[np.ndarray], codec: str = "libx264") -> Path:
    """Videos one after the other in one stream, each with its own encoder, so that the size may change."""
    with av.open(str(path), "w") as container:
        stream = container.add_stream(codec, rate=25)
        stream.height, stream.width = parts[0].shape[1:3]
        stream.pix_fmt = "yuv420p"
        number = 0
        for frames in parts:
            encoder = av.CodecContext.create(codec, "w")
            encoder.height, encoder.width = frames.shape[1:3]
            encoder.pix_fmt, encoder.time_base, encoder.options = "yuv420p", Fraction(1, 25), {"bf": "0"}
            pictures = []
            for frame in frames:
                picture = av.VideoFrame.from_ndarray(frame, format="rgb24").reformat(format="yuv420p")
                picture.pts, picture.time_base, number = number, Fraction(1, 25), number + 1
                pictures.append(picture)
            for picture in [*pictures, None]:
                for packet in encoder.encode(picture):
                    packet.stream = stream
                    container.mux(packet)
    return path


def two_streams(path: Path) -> Path:
    """A video stream of 64x48, 25 fps, 50 frames, and one of 320x240, 10 fps, 10 frames."""
    with av.open(str(path), "w") as container:
        pairs = []
        for rate, frames in ((25, numbered_frames(50)), (10, numbered_frames(10, 320, 240))):
            stream = container.add_stream("libx264", rate=rate)
            stream.height, stream.width = frames.shape[1:3]
            stream.pix_fmt = "yuv420p"
            pairs.append((stream, frames))
        for stream, frames in pairs:
            for frame in frames:
                container.mux(stream.encode(av.VideoFrame.from_ndarray(frame, format="rgb24")))
            container.mux(stream.encode())
    return path


def sound_alone(path: Path) -> Path:
    """One second of silence."""
    with av.open(str(path), "w") as container:
        stream = container.add_stream("aac", rate=8000, layout="mono")
        for number in range(8):
            frame = av.AudioFrame.from_ndarray(np.zeros((1, 1024), np.float32), format="fltp", layout="mono")
            frame.sample_rate, frame.pts = 8000, 1024 * number
            container.mux(stream.encode(frame))
        container.mux(stream.encode())
    return path


def subtitles_alone(path: Path) -> Path:
    """One subtitle."""
    text = io.BytesIO(b"1\n00:00:00,000 --> 00:00:01,000\nhello\n\n")
    with av.open(text, format="srt") as old, av.open(str(path), "w") as new:
        stream = new.add_stream_from_template(old.streams[0])
        for packet in old.demux():
            if packet.dts is not None:
                packet.stream = stream
                new.mux(packet)
    return path


def coded_as(path: Path, pix_fmt: str, codec: str = "libx264", options: dict | None = None, **colours: object) -> Path:
    """Twenty frames with another pixel format, other pixels or other colours than usual."""
    with av.open(str(path), "w") as container:
        stream = container.add_stream(codec, rate=25, options=options or {})
        stream.width, stream.height, stream.pix_fmt = 64, 48, pix_fmt
        for name, value in colours.items():
            setattr(stream.codec_context, name, value)
        for frame in numbered_frames(20):
            picture = av.VideoFrame.from_ndarray(frame, format="rgb24").reformat(format=pix_fmt)
            for name in colours.keys() & {"color_trc", "color_range"}:
                setattr(picture, name, colours[name])
            container.mux(stream.encode(picture))
        container.mux(stream.encode())
    return path


def half(source: Path, target: Path, share: float = 0.5) -> Path:
    """The beginning of a file."""
    content = source.read_bytes()
    target.write_bytes(content[: int(len(content) * share)])
    return target
