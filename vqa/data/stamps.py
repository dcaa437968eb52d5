"""Time stamps of the frames of a video, as they go by."""

from fractions import Fraction

import av


class Stamps:
    """Seconds that a video takes, and whether its frames say when they are shown.

    Args:
        base: unit of the time stamps, in seconds.

    Attributes:
        rising: every frame has a time stamp, later than that of the frame before.
    """

    def __init__(self, base: Fraction) -> None:
        self.rising = True
        self._base = base  # stamps are counted in it: fractions take longer than decoding
        self._start: int | None = None
        self._last: int | None = None
        self._end = self._longest = 0

    @property
    def end(self) -> Fraction:
        """When the last frame ends, in seconds."""
        return self._end * self._base

    @property
    def span(self) -> Fraction:
        """Seconds from the start of the first frame to the end of the last."""
        return (self._end - (self._start or 0)) * self._base

    @property
    def longest(self) -> Fraction:
        """Longest step from one frame to the next, in seconds."""
        return self._longest * self._base

    def see(self, frame: av.VideoFrame) -> None:
        """Take note of the next frame."""
        pts = frame.pts
        if pts is None:
            self.rising = False
            return
        if self._last is None:
            self._start = pts
        elif pts > self._last:
            self._longest = max(self._longest, pts - self._last)
        else:
            self.rising = False
            self._start = min(self._start or 0, pts)
        self._last = pts
        self._end = max(self._end, pts + (frame.duration or 0))
