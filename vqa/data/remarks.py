"""What is odd about a file that is read all the same: said of a file that is scored, counted in a data set."""

from collections.abc import Iterator
from typing import NamedTuple

import av

from vqa.data.orientation import Orientation

_HIGH_RANGE = {av.video.reformatter.ColorTrc.SMPTE2084: "PQ", av.video.reformatter.ColorTrc.ARIB_STD_B67: "HLG"}


class Remark(NamedTuple):
    """Something odd: its kind, which is counted, and a text."""

    kind: str
    text: str


INTERLACED = Remark("interlaced", "interlaced: a frame holds two moments")
UNORDERED = Remark(
    "time stamps out of order", "time stamps are missing or go backwards: frames are taken in the order of decoding"
)


def of_first(streams: int, stream: av.VideoStream, first: av.VideoFrame, shown: Orientation) -> Iterator[Remark]:
    """What a file shows when its first frame has been decoded.

    Args:
        streams: how many video streams it has.
        stream: the one that is read.
        first: its first frame.
        shown: how its frames are shown.
    """
    if streams > 1:
        said = f"{streams} video streams: number {stream.index}, {first.width}x{first.height}, is scored"
        yield Remark("several video streams", said)
    if not stream.frames:
        yield Remark("no frame count in the header", "no frame count in the header: taken as complete")
    coded = first.format
    bits = max(component.bits for component in coded.components)
    if bits > 8:
        yield Remark("more than 8 bits", f"{bits} bits per channel: read as 8")
    curve = _HIGH_RANGE.get(first.color_trc)
    if curve:
        yield Remark("high dynamic range", f"high dynamic range ({curve}): read without tone mapping")
    # In WebM the alpha channel is a second picture beside each frame, which no pixel format shows.
    if any(component.is_alpha for component in coded.components) or stream.metadata.get("alpha_mode") == "1":
        yield Remark("alpha channel", "its alpha channel is ignored")
    if not coded.is_rgb and (
        coded.name.startswith("yuvj") or first.color_range == av.video.reformatter.ColorRange.JPEG
    ):
        yield Remark("full range", "full range of values (0 to 255)")
    ratio = stream.sample_aspect_ratio
    if ratio and ratio != 1:
        yield Remark(
            "pixels not square", f"pixels are not square ({ratio.numerator}:{ratio.denominator}): taken as stored"
        )
    if shown.mirror:
        yield Remark("mirrored", f"{shown.mirror}, as its display matrix says")
    if shown.stretched:
        yield Remark("stretched", "stretched by its display matrix, which is not applied")


def header_count(declared: int, decoded: int) -> Remark:
    """A header that counts other frames than there are."""
    said = f"the header counts {declared} frames, {decoded} decode"
    return Remark("another frame count in the header", said)


def late_start(packets: int) -> Remark:
    """Packets before the first key frame."""
    said = f"what comes before the first key frame is left out ({packets} packets)"
    return Remark("begins before a key frame", said)


def too_short(said: str) -> Remark:
    """A video that ends before the duration that a container states, where containers are known to state it wrongly."""
    return Remark("shorter than stated", said)
