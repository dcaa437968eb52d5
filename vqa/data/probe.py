"""What :func:`vqa.data.video.decode` knows of a file, without all of its frames in memory at once.

A clip of twenty seconds at 2160P has tens of gigabytes of decoded frames. Here a few of them are kept.
"""

from pathlib import Path

import av
import numpy as np

from vqa.data.paths import MediaError, for_ffmpeg
from vqa.data.video import (
    DIGEST_FRAMES,
    Probe,
    decode,
    frames_digest,
    is_image,
    iterate_frames,
    read_frames,
)
from vqa.io import file_digest


def probe_file(path: Path, exif: str = "ignore") -> Probe:
    """The :class:`vqa.data.video.Probe` of a video or image, decoded in full from front to back, one frame at a time.

    ``exif`` is the rule for images (:func:`vqa.data.images.read_image`).

    Raises:
        MediaError: as :func:`vqa.data.video.decode`.
    """
    if is_image(path):
        return decode(path, exif)[1]
    shapes: set[tuple[int, ...]] = set()
    kept: dict[int, np.ndarray] = {}
    wanted: frozenset[int] = frozenset()
    number = 0
    declared, fps, rotation, codec = 0, 0.0, 0, ""
    for frame in iterate_frames(path):
        if not number:  # the first frame says that the file can be opened
            declared, fps, rotation, codec = _header(path)
            wanted = frozenset(_evenly(declared))
        if number in wanted:
            kept[number] = frame
        shapes.add(frame.shape)
        number += 1
    if len(shapes) > 1:
        raise MediaError(f"{path}: the frame size changes inside the video")
    if not number or number < declared:
        raise MediaError(f"{path}: truncated, {number} of {declared} frames decode; replace or exclude it")
    indices = _evenly(number)
    same = number == declared  # a container that declares none, or too few, is decoded once more
    frames = np.stack([kept[index] for index in indices]) if same else read_frames(path, np.array(indices))
    height, width = frames.shape[1:3]
    return Probe(number, width, height, fps, rotation, codec, file_digest(path), frames_digest(frames))


def _evenly(n_frames: int) -> list[int]:
    """Indices of the frames that the digest is made of."""
    return np.linspace(0, n_frames - 1, DIGEST_FRAMES).round().astype(int).tolist()


def _header(path: Path) -> tuple[int, float, int, str]:
    """Declared frames, fps, rotation and codec of a video that can be opened."""
    with for_ffmpeg(path) as name, av.open(name) as container:
        stream = container.streams.video[0]
        first = next(container.decode(stream))
        return stream.frames, float(stream.average_rate or 0), int(first.rotation), stream.codec_context.name
