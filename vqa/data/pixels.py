"""From a coded frame to RGB, with the bytes that decord gives of the same frame.

FFmpeg converts even heights alike in all its versions. Odd ones go through its scaler if two rows share one of colours:
the version in decord knew two ways to fill in a row, the row above or the mean with the one below, and the present one
mixes them by distance. The pixels of a data set should not depend on who reads it, so the former is done here.
"""

from typing import Any

import av
import av.filter
import numpy as np
from av.video.reformatter import VideoReformatter

# 8-bit formats with half as many rows of colours as of light.
_HALVED = ("yuv420p", "yuvj420p")
# In 16 bits after the point, as the scaler counts; it rounds to 12.
_ONE, _HALF, _ROUNDING = 1 << 16, 1 << 15, 1 << 3


class Pixels:
    """Makes RGB of the frames of one video: a frame's own converter would be set up anew for each."""

    def __init__(self) -> None:
        self._reformatter = VideoReformatter()
        self._scaler: Any = None

    def of(self, frame: av.VideoFrame) -> np.ndarray:
        """``(H, W, 3)`` uint8 RGB in [0, 255] of a frame as it was coded."""
        if frame.height % 2 == 0 or frame.height == 1 or frame.format.name not in _HALVED:
            return self._reformatter.reformat(frame, format="rgb24", threads=1).to_ndarray()
        light, *colours = (_rows(plane) for plane in frame.planes)
        above, below = _neighbours(frame.height, len(colours[0]))
        if frame.width % 2 == 0:
            means = [(colour[above] + colour[below]) >> 1 for colour in colours]
            filled = _frame(frame, "yuv422p10le", [light, *means])
            return self._reformatter.reformat(filled, format="rgb24", threads=1).to_ndarray()
        # In an odd width colours are mixed sideways first, and rounded, so the scaler itself has to take the mean: of
        # two rows for each of light, which is repeated to leave room for them. The second of four is halfway.
        pairs = [np.stack([colour[above], colour[below]], 1).reshape(-1, colour.shape[1]) for colour in colours]
        return self._halfway(_frame(frame, "yuv420p10le", [light.repeat(4, 0), *pairs]))[1::4]

    def _halfway(self, frame: av.VideoFrame) -> np.ndarray:
        if self._scaler is None:
            self._scaler = av.filter.Graph()
            source = self._scaler.add_buffer(
                width=frame.width, height=frame.height, format=frame.format, time_base=frame.time_base
            )
            scale = self._scaler.add("scale", "flags=bilinear:in_v_chr_pos=0")
            target, sink = self._scaler.add("format", "rgb24"), self._scaler.add("buffersink")
            source.link_to(scale)
            scale.link_to(target)
            target.link_to(sink)
            self._scaler.configure()
        self._scaler.push(frame)
        return self._scaler.pull().to_ndarray()


def _rows(plane: Any) -> np.ndarray:
    """A plane of 8 bits as ``(H, W)`` numbers of 10 bits."""
    rows = np.frombuffer(plane, np.uint8).reshape(plane.height, plane.line_size)[:, : plane.width]
    return rows.astype("<u2") << 2


def _neighbours(height: int, rows: int) -> tuple[np.ndarray, np.ndarray]:
    """The two of ``rows`` of colours, ``(height,)`` each, that every row of light takes the mean of."""
    step = ((rows << 16) + height // 2) // height
    place = np.clip(step // 2 - _HALF + step * np.arange(height), 0, None)
    above = np.minimum(place // _ONE, rows - 2)
    return above, np.where(place - above * _ONE < _HALF - _ROUNDING, above, above + 1)


def _frame(like: av.VideoFrame, form: str, planes: list[np.ndarray]) -> av.VideoFrame:
    """A frame of planes ``(H, W)`` in 10 bits, with the colour space of another."""
    made = av.VideoFrame(planes[0].shape[1], planes[0].shape[0], form)
    made.color_range, made.colorspace = like.color_range, like.colorspace
    made.pts, made.time_base = like.pts, like.time_base
    for rows, target in zip(planes, made.planes, strict=True):
        padded = np.zeros((target.height, target.line_size // 2), "<u2")
        padded[:, : target.width] = rows
        target.update(padded.tobytes())
    return made
