"""Space-time patches of a video with opinions of their own (MULTIBRANCH_B 14.3.4)."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Patch:
    """A part of a video and its MOS.

    Attributes:
        left: first column of pixels.
        top: first row.
        right: behind the last column.
        bottom: behind the last row.
        start: first frame.
        end: behind the last frame.
        mos: mean opinion score of the part.
    """

    left: int
    top: int
    right: int
    bottom: int
    start: int
    end: int
    mos: float
