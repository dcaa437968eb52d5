"""Brightness and colours of a video as they are stored: what hand-crafted features look at, never by way of RGB."""

from pathlib import Path
from typing import NamedTuple

import av
import numpy as np

from vqa.data.decoding import Decoding
from vqa.data.paths import MediaError
from vqa.handcrafted.clips import even_sides

_STORED = "yuv420p"


class Planes(NamedTuple):
    """A video in eight bits, with half as many rows and columns of colours (VIDEVAL_TLVQM 8.0).

    Attributes:
        y: brightness, ``(T, H, W)`` uint8.
        u: blue against brightness, ``(T, H/2, W/2)`` uint8.
        v: red against brightness, ``(T, H/2, W/2)`` uint8.
        fps: average frame rate in 1/s.
    """

    y: np.ndarray
    u: np.ndarray
    v: np.ndarray
    fps: float


def read_planes(path: Path, odd: str = "refuse") -> Planes:
    """All frames of a video, turned as its display matrix says.

    Other pixel formats are converted as FFmpeg does where it is asked for planes of this kind.

    Args:
        path: of the video.
        odd: what becomes of an odd width or height: ``refuse`` it, or ``crop`` its last column or row.

    Raises:
        MediaError: if it cannot be decoded in full, has an odd side that is refused, or no frame rate.
    """
    with Decoding(path) as video:
        planes = [[video.orientation.apply(plane) for plane in frame_planes(frame)] for frame in video.frames()]
        facts = video.facts()
    if odd == "refuse" and (facts.width % 2 or facts.height % 2):
        raise MediaError(f"{path}: {facts.width}x{facts.height}, and its features need an even width and height")
    if not round(facts.fps) >= 1:
        raise MediaError(f"{path}: frame rate {facts.fps}, and its features need at least one frame per second")
    y, u, v = (np.stack(plane) for plane in zip(*planes, strict=True))
    return Planes(*even_sides(y, u, v), facts.fps)


def frame_planes(frame: av.VideoFrame) -> list[np.ndarray]:
    """Y ``(H, W)``, U and V ``(H/2, W/2)`` uint8 of one frame as it was coded."""
    if frame.format.name not in (_STORED, "yuvj420p"):
        frame = frame.reformat(format=_STORED)
    return [
        np.frombuffer(plane, np.uint8).reshape(plane.height, plane.line_size)[:, : plane.width].copy()
        for plane in frame.planes
    ]
