"""What :func:`vqa.data.video.decode` knows of a file, without all of its frames in memory at once.

A clip of twenty seconds at 2160P has tens of gigabytes of decoded frames. Here a few of them are kept.
"""

from collections.abc import Callable
from pathlib import Path

import av
import numpy as np

from vqa.data.container import opened
from vqa.data.decoding import Decoding
from vqa.data.images import is_image
from vqa.data.video import VIDEO_DECODER, Probe, decode, evenly, read_frames

See = Callable[[np.ndarray], object]


def probe_file(path: Path, see: See | None = None, exif: str = "ignore") -> Probe:
    """The :class:`vqa.data.video.Probe` of a video or image, decoded in full from front to back, one frame at a time.

    Args:
        path: of the file.
        see: is given every frame, ``(H, W, 3)`` uint8 RGB, when it has been decoded.
        exif: rule for images (:func:`vqa.data.images.read_image`).

    Raises:
        MediaError: as :func:`vqa.data.video.decode`.
    """
    if is_image(path):
        (picture,), probe = decode(path, exif)
        if see is not None:
            see(picture)
        return probe
    with Decoding(path) as video:
        kept: dict[int, np.ndarray] = {}
        wanted = set(evenly(video.declared or _packets(path)).tolist())
        for number, frame in enumerate(video.frames()):
            if see is None and number not in wanted:
                continue
            pixels = video.rgb(frame)
            if number in wanted:
                kept[number] = pixels
            if see is not None:
                see(pixels)
        facts = video.facts()
    indices = evenly(facts.n_frames)
    if kept.keys() >= set(indices.tolist()):
        some = np.stack([kept[int(index)] for index in indices])
    else:  # there are others than were counted: decoded once more
        some = read_frames(path, indices)
    return Probe.of(facts, VIDEO_DECODER, path, some)


def _packets(path: Path) -> int:
    """How many packets a video has, a frame each as a rule; 0 if they cannot be read to the last."""
    try:
        with opened(path) as (container, stream):
            return sum(packet.size > 0 for packet in container.demux(stream))
    except av.error.MemoryError:
        raise
    except av.error.FFmpegError:
        return 0
