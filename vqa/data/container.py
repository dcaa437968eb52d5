"""Opening a video, and the one choice of the stream that is read from it, for everyone who asks."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import av

from vqa.data.paths import MediaError, check_file, for_ffmpeg


@contextmanager
def opened(path: Path) -> Iterator[tuple[av.container.InputContainer, av.VideoStream]]:
    """The container of a video and the stream that is read: FFmpeg's choice, cover pictures of sound left out.

    Raises:
        MediaError: if the file is missing, empty, text, no video, or has no stream of pictures that can be decoded.
    """
    check_file(path)
    try:
        with for_ffmpeg(path) as name:
            container = av.open(name, metadata_errors="replace")
    except (av.error.FFmpegError, UnicodeError, ValueError):
        raise MediaError(f"{path}: not a video that can be decoded; replace or exclude it") from None
    with container:
        if container.format.name == "tty":  # FFmpeg would draw its letters
            raise MediaError(f"{path}: text, not a video; replace or exclude it")
        yield container, _chosen(path, container)


def moving(container: av.container.InputContainer) -> list[av.VideoStream]:
    """The video streams of a container that are no cover pictures."""
    cover = av.stream.Disposition.attached_pic
    return [stream for stream in container.streams.video if not stream.disposition & cover]


def _chosen(path: Path, container: av.container.InputContainer) -> av.VideoStream:
    streams = moving(container)
    best = container.streams.best("video")
    if not streams:
        others = ", ".join(sorted({stream.type for stream in container.streams} - {"video"}))
        raise MediaError(f"{path}: has no video stream{others and f' ({others} alone)'}; replace or exclude it")
    stream = best if best in streams else streams[0]
    if stream.codec_context is None:
        raise MediaError(f"{path}: its video is of a kind that cannot be decoded here; convert or exclude it")
    stream.thread_count = 1  # what is decoded before a fault does not depend on a race of threads
    return stream
