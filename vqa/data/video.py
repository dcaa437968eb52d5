"""Decoding behind one door: frames of videos and images as RGB, front to back only.

Reading a video by index is not frame exact: with open groups of pictures (the HEVC default among others) seeking gives
frames one or two off, silently, and which ones depends on what was read before. So frames are only ever read in order
from the first one, and those that are not wanted are dropped: before decoding, where it is certain that they can be.
"""

import argparse
import contextlib
import hashlib
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, fields
from pathlib import Path

import av
import numpy as np
import pandas as pd

from vqa.data.decoding import Decoding, Facts
from vqa.data.images import is_image, read_image
from vqa.data.paths import MediaError
from vqa.data.wanted import needed
from vqa.io import InputError, file_digest, run_stage

DIGEST_FRAMES = 8
# Who reads the frames of a video and of an image.
VIDEO_DECODER, IMAGE_DECODER = "PyAV", "Pillow"


@dataclass(frozen=True)
class Probe(Facts):
    """The facts of one file, and what tells it and its frames from others.

    Attributes:
        decoder: who gives the frames, see :mod:`vqa.data.usual`.
        sha256: of the file.
        frames_sha256: of DIGEST_FRAMES evenly spaced decoded frames: tells a decoder that gives other pixels.
    """

    decoder: str
    sha256: str
    frames_sha256: str

    @classmethod
    def of(cls, facts: Facts, decoder: str, path: Path, some: np.ndarray) -> "Probe":
        """The probe of a file from what decoding all of it told and DIGEST_FRAMES evenly spaced frames ``some``."""
        return cls(**vars(facts), decoder=decoder, sha256=file_digest(path), frames_sha256=frames_digest(some))

    def as_dict(self) -> dict[str, int | float | str]:
        """Plain dictionary, in the order of the attributes, without remarks."""
        return {field.name: getattr(self, field.name) for field in fields(self) if field.name != "remarks"}


def iterate_frames(path: Path, exif: str = "ignore") -> Iterator[np.ndarray]:
    """Yield every frame of a video or image in order: ``(H, W, 3)`` uint8 RGB in [0, 255].

    ``exif`` is the rule for images (:func:`vqa.data.images.read_image`).

    Raises:
        MediaError: if the file is missing, empty, not a video, without frames, or breaks off while decoding.
    """
    if is_image(path):
        yield read_image(path, exif).pixels
        return
    with Decoding(path) as video:
        for frame in video.frames():
            yield video.rgb(frame)


def read_frames(path: Path, indices: np.ndarray, exif: str = "ignore") -> np.ndarray:
    """Frames ``indices`` of a video or image: ``(len(indices), H, W, 3)`` uint8 RGB, in the order asked for.

    Decodes from the front up to the last wanted frame, without what those that are wanted do not need where that is
    certain (:mod:`vqa.data.wanted`), and makes pixels of the wanted ones alone; an index may occur more than once.
    ``exif`` is as in :func:`iterate_frames`.

    Raises:
        MediaError: as :func:`iterate_frames`, and if an index is beyond the last frame.
    """
    indices = np.asarray(indices)
    if is_image(path):
        pixels = read_image(path, exif).pixels
        frames, missing = np.stack([pixels] * len(indices)), set(indices.tolist()) - {0}
    else:
        frames, missing = _wanted(path, indices)
    if missing:
        raise MediaError(f"{path}: frame {min(missing)} was asked for, but it has no such frame")
    return frames


def _wanted(path: Path, indices: np.ndarray) -> tuple[np.ndarray, set[int]]:
    """The frames of a video, and the numbers of those that it does not have."""
    with contextlib.suppress(MediaError), Decoding(path) as video:
        frames, missing = _kept(video, needed(video, set(indices.tolist())), indices)
        if not missing:
            return frames, missing
    with Decoding(path) as video:  # what is missing or wrong is said of all frames
        return _kept(video, enumerate(video.frames()), indices)


def _kept(
    video: Decoding, frames: Iterable[tuple[int, av.VideoFrame]], indices: np.ndarray
) -> tuple[np.ndarray, set[int]]:
    missing, kept = set(indices.tolist()), np.empty((0, 0, 0, 3), np.uint8)
    for number, frame in frames:
        if number in missing:
            pixels = video.rgb(frame)
            if not len(kept):
                kept = np.empty((len(indices), *pixels.shape), np.uint8)
            kept[indices == number] = pixels
            missing.remove(number)
            if not missing:
                break
    return kept, missing


def decode(path: Path, exif: str = "ignore") -> tuple[np.ndarray, Probe]:
    """All frames ``(N, H, W, 3)`` uint8 RGB of a video or image, and its :class:`Probe`.

    Args:
        path: of the file.
        exif: as in :func:`iterate_frames`.

    Raises:
        MediaError: as :func:`iterate_frames`, and if the file ends before it should.
    """
    if is_image(path):
        picture = read_image(path, exif)
        image = picture.pixels[None]
        return image, Probe.of(picture.facts, IMAGE_DECODER, path, image[evenly(1)])
    with Decoding(path) as video:
        frames = [video.rgb(frame) for frame in video.frames()]
        facts = video.facts()
    pixels = np.stack(frames)
    return pixels, Probe.of(facts, VIDEO_DECODER, path, pixels[evenly(len(pixels))])


def evenly(n_frames: int) -> np.ndarray:
    """Indices ``(DIGEST_FRAMES,)`` of the frames that a digest is made of, of a video of ``n_frames``."""
    return np.linspace(0, n_frames - 1, DIGEST_FRAMES).round().astype(int)


def frames_digest(frames: np.ndarray) -> str:
    """SHA-256 of the frames ``(DIGEST_FRAMES, H, W, 3)`` uint8 of a file that :func:`evenly` names."""
    return hashlib.sha256(frames.tobytes()).hexdigest()


def main() -> int:
    """Print what :func:`decode` finds in each file; exit code 2 if one of them cannot be decoded."""
    from vqa.data.probe import probe_file  # it builds on this module

    parser = argparse.ArgumentParser(prog="python -m vqa.data.video", description="Probe videos and images.")
    parser.add_argument("files", nargs="+", type=Path, metavar="FILE")
    good, bad = {}, []
    for path in parser.parse_args().files:
        try:
            probe = probe_file(path)
        except MediaError as error:
            bad.append(str(error))
        else:
            good[str(path)] = probe.as_dict() | {"remarks": "; ".join(remark.text for remark in probe.remarks)}
    if good:
        print(pd.DataFrame(good).T.drop(columns=["decoder", "sha256", "frames_sha256"]).to_markdown())
    if bad:
        raise InputError("; ".join(bad))
    return 0


if __name__ == "__main__":
    run_stage(main)
