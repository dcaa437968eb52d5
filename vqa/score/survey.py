"""What a file is before anything is scored: its frames, whether it is whole, and what has to be assumed about it."""

import itertools
import math
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import av

from vqa.data.images import is_image, read_image
from vqa.data.items import Item
from vqa.data.paths import MediaError, check_file, for_ffmpeg
from vqa.data.video import iterate_frames

# Frames whose time stamps are looked at: where they go backwards at all, they soon do.
STAMPED_FRAMES = 64


@dataclass(frozen=True)
class Header:
    """What a container says of its video: :class:`Result` for the units, ``declared`` frames are 0 if it does not say.

    ``assumptions`` are what the decoder makes of it that the file does not say, or says otherwise.
    """

    declared: int
    fps: float
    rotation: int
    codec: str
    assumptions: tuple[str, ...]


def read_header(path: Path, exif: str = "ignore") -> Header | None:
    """The header of a video or image; None if it cannot be opened, for the reason that decoding then gives.

    ``exif`` is the rule for images (:func:`vqa.data.images.read_image`).

    Raises:
        MediaError: for an image that cannot be read, for what is no file, and for text, which FFmpeg would draw as a
            video of its letters.
    """
    check_file(path)
    if is_image(path):
        picture = read_image(path, exif)
        return Header(1, 0.0, picture.rotation, picture.codec, tuple(remark.text for remark in picture.remarks))
    try:
        with for_ffmpeg(path) as name, av.open(name) as container:
            if not container.streams.video:
                return None
            if container.format.name == "tty":
                raise MediaError(f"{path}: text, not a video")
            # As the decoder chooses: not the first one, if there are several.
            stream = container.streams.best("video")
            first = next(container.decode(stream))
            rate, codec = float(stream.average_rate or 0), stream.codec_context.codec.canonical_name
            said = tuple(_assumed(container, stream, first))
            return Header(stream.frames, rate, int(first.rotation), codec, said)
    except (av.error.FFmpegError, OSError, ValueError, StopIteration):
        return None


def _assumed(container: av.container.InputContainer, stream: av.VideoStream, first: av.VideoFrame) -> Iterator[str]:
    """What is assumed of a video whose ``first`` frame has just been decoded."""
    videos = len(container.streams.video)
    if videos > 1:
        yield f"{videos} video streams: number {stream.index}, {first.width}x{first.height}, is scored"
    if not stream.frames:
        yield "no frame count in the header: taken as complete"
    bits = first.format.components[0].bits
    if bits > 8:
        yield f"{bits} bits per channel: read as 8"
    stamps = [first.pts]
    try:
        stamps += [frame.pts for frame in itertools.islice(container.decode(stream), STAMPED_FRAMES - 1)]
    except av.error.FFmpegError:
        return  # decoding all frames says where
    if None in stamps or any(later <= earlier for earlier, later in itertools.pairwise(stamps)):
        yield "time stamps are missing or go backwards: frames are taken in the order of decoding"


def survey(path: Path, header: Header | None, exif: str = "ignore") -> Item:
    """Decode all of a file and describe it as an item without a label.

    Raises:
        MediaError: for a file that does not decode in full, or one whose frame size changes.
    """
    n_frames, shape = 0, None
    for frame in iterate_frames(path, exif):
        if shape not in (None, frame.shape):
            raise MediaError(f"{path}: the frame size changes inside the video")
        n_frames, shape = n_frames + 1, frame.shape
    if header is None or shape is None:
        raise MediaError(f"{path}: has no frames that can be read")
    if n_frames < header.declared:
        raise MediaError(f"{path}: truncated, {n_frames} of {header.declared} frames decode")
    height, width = shape[:2]
    return Item(str(path), math.nan, n_frames, height, width, header.fps, header.codec, -1, 0)
