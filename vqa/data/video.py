"""Decoding behind one door: frames of videos and images as RGB, front to back only.

Reading a video by index is not frame exact: with open groups of pictures (the HEVC default among others) decord's
seeking returns frames one or two off, silently, and which ones depends on what was read before. So frames are only
ever read in order from the first one, and those that are not wanted are dropped.
"""

import argparse
import hashlib
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from pathlib import Path

import av
import decord
import numpy as np
import pandas as pd

from vqa.data.images import Picture, is_image, read_image
from vqa.data.paths import MediaError, check_file, for_ffmpeg
from vqa.io import InputError, file_digest, run_stage

DIGEST_FRAMES = 8

decord.logging.set_level(decord.logging.QUIET)


@dataclass(frozen=True)
class Probe:
    """What is known of one file after decoding all of it.

    Attributes:
        n_frames: frames that really decode; 1 for an image.
        width: of a decoded frame in pixels, after rotation.
        height: of a decoded frame in pixels, after rotation.
        fps: average frame rate in 1/s; 0 for an image.
        rotation: degrees counter-clockwise in the container's display matrix; already applied to the frames.
        codec: name of the codec or image format.
        sha256: of the file.
        frames_sha256: of DIGEST_FRAMES evenly spaced decoded frames: tells a decoder that gives other pixels.
    """

    n_frames: int
    width: int
    height: int
    fps: float
    rotation: int
    codec: str
    sha256: str
    frames_sha256: str

    def as_dict(self) -> dict[str, int | float | str]:
        """Plain dictionary, in the order of the attributes."""
        return asdict(self)


def iterate_frames(path: Path, exif: str = "ignore") -> Iterator[np.ndarray]:
    """Yield every frame of a video or image in order: ``(H, W, 3)`` uint8 RGB in [0, 255].

    ``exif`` is the rule for images (:func:`vqa.data.images.read_image`).

    Raises:
        MediaError: if the file is missing, empty, not a video, without frames, or breaks off while decoding.
    """
    if is_image(path):
        yield read_image(path, exif).pixels
        return
    _container(path)
    try:
        with for_ffmpeg(path) as name:
            reader = decord.VideoReader(name, num_threads=1)
    except (RuntimeError, decord.DECORDError):
        raise MediaError(f"{path}: the decoder cannot open it; replace the file or exclude it") from None
    for number in range(len(reader)):
        try:
            frame = reader.next().asnumpy()
        except (RuntimeError, StopIteration, decord.DECORDError):
            raise MediaError(f"{path}: corrupt after {number} of {len(reader)} frames; replace or exclude it") from None
        if frame.shape[2] != 3:
            # decord takes the padding of narrow rows for channels; the pixels of such a file come from PyAV.
            yield from _iterate_narrow(path)
            return
        yield frame


def _iterate_narrow(path: Path) -> Iterator[np.ndarray]:
    """Every frame by PyAV, which is bit-identical to decord where both work, but leaves rotation to the caller."""
    with for_ffmpeg(path) as name, av.open(name) as container:
        frames = container.decode(container.streams.best("video"))
        number = 0
        while True:
            try:
                frame = next(frames, None)
            except av.error.FFmpegError:
                raise MediaError(f"{path}: corrupt after {number} frames; replace or exclude it") from None
            if frame is None:
                return
            yield np.ascontiguousarray(np.rot90(frame.to_ndarray(format="rgb24"), frame.rotation // 90))
            number += 1


def read_frames(path: Path, indices: np.ndarray, exif: str = "ignore") -> np.ndarray:
    """Frames ``indices`` of a video or image: ``(len(indices), H, W, 3)`` uint8 RGB, in the order asked for.

    Decodes from the front up to the last wanted frame; an index may occur more than once. ``exif`` is as in
    :func:`iterate_frames`.

    Raises:
        MediaError: as :func:`iterate_frames`, and if an index is beyond the last frame.
    """
    wanted = set(np.asarray(indices).tolist())
    kept: dict[int, np.ndarray] = {}
    for number, frame in enumerate(iterate_frames(path, exif)):
        if number in wanted:
            kept[number] = frame
            if len(kept) == len(wanted):
                break
    missing = sorted(wanted - kept.keys())
    if missing:
        raise MediaError(f"{path}: frame {missing[0]} was asked for, but it has no such frame")
    return np.stack([kept[int(index)] for index in indices])


def decode(path: Path, exif: str = "ignore") -> tuple[np.ndarray, Probe]:
    """All frames ``(N, H, W, 3)`` uint8 RGB of a video or image, and its :class:`Probe`; ``exif`` as above.

    Raises:
        MediaError: as :func:`iterate_frames`, and if fewer frames decode than the container declares.
    """
    if is_image(path):
        return _image(path, read_image(path, exif))
    frames = list(iterate_frames(path))
    if len({frame.shape for frame in frames}) > 1:
        raise MediaError(f"{path}: the frame size changes inside the video")
    declared, fps, rotation, codec = _container(path)
    if not frames or len(frames) < declared:
        raise MediaError(f"{path}: truncated, {len(frames)} of {declared} frames decode; replace or exclude it")
    video = np.stack(frames)
    height, width = video.shape[1:3]
    return video, Probe(len(video), width, height, fps, rotation, codec, file_digest(path), frames_digest(video))


def _image(path: Path, picture: Picture) -> tuple[np.ndarray, Probe]:
    video = picture.pixels[None]
    height, width = video.shape[1:3]
    digests = file_digest(path), frames_digest(video)
    return video, Probe(1, width, height, 0.0, picture.rotation, picture.codec, *digests)


def frames_digest(video: np.ndarray) -> str:
    """SHA-256 of DIGEST_FRAMES evenly spaced frames of ``(N, H, W, 3)`` uint8."""
    indices = np.linspace(0, len(video) - 1, DIGEST_FRAMES).round().astype(int)
    return hashlib.sha256(video[indices].tobytes()).hexdigest()


def _container(path: Path) -> tuple[int, float, int, str]:
    """Declared frames (0 if unknown), fps, rotation and codec; PyAV says cleanly why a file cannot be opened."""
    check_file(path)
    try:
        with for_ffmpeg(path) as name, av.open(name) as container:
            if not container.streams.video:
                raise MediaError(f"{path}: has no video stream; replace or exclude it")
            stream = container.streams.best("video")
            first = next(container.decode(stream), None)
            if first is None:
                raise MediaError(f"{path}: has no frames; replace or exclude it")
            return stream.frames, float(stream.average_rate or 0), int(first.rotation), stream.codec_context.name
    except (av.error.FFmpegError, UnicodeDecodeError):
        raise MediaError(f"{path}: not a video that can be decoded; replace or exclude it") from None


def main() -> int:
    """Print what :func:`decode` finds in each file; exit code 2 if one of them cannot be decoded."""
    parser = argparse.ArgumentParser(prog="python -m vqa.data.video", description="Probe videos and images.")
    parser.add_argument("files", nargs="+", type=Path, metavar="FILE")
    good, bad = {}, []
    for path in parser.parse_args().files:
        try:
            good[str(path)] = decode(path)[1].as_dict()
        except MediaError as error:
            bad.append(str(error))
    if good:
        print(pd.DataFrame(good).T.drop(columns=["sha256", "frames_sha256"]).to_markdown())
    if bad:
        raise InputError("; ".join(bad))
    return 0


if __name__ == "__main__":
    run_stage(main)
