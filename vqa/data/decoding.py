"""One pass through a video, from its first frame to its last: every frame is true, or the file is refused.

FFmpeg, through PyAV, is the judge of which frames a file has: it obeys edit lists and gives frames in the order in
which they are shown. What it lets pass is looked for here: frames marked as corrupt, frames that come before the first
key frame, frames of another size, and files that end before they should.
"""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path
from types import TracebackType
from typing import Self

import av
import numpy as np
from av.sidedata.sidedata import SideDataContainer
from av.video.frame import PictureType

from vqa.data import ends, remarks
from vqa.data.container import moving, opened
from vqa.data.orientation import Orientation, orientation
from vqa.data.paths import MediaError
from vqa.data.pixels import Pixels
from vqa.data.remarks import Remark
from vqa.data.stamps import Stamps

# Containers whose index lists every frame, and those that state a duration, often wrongly the last two.
_INDEXED = ("mov", "avi")
_STATED = (*_INDEXED, "matroska", "flv", "asf")
_UNRELIABLE = ("flv", "asf")
# Types of a frame that is put together from others.
_REFERRING = (PictureType.P, PictureType.B, PictureType.S)
# A video may end before the stated duration by so many seconds, or by so many of its longest steps between frames.
_SLACK, _SLACK_STEPS = Fraction(1, 10), 2


@dataclass(frozen=True)
class Facts:
    """What is known of a file after decoding all of it.

    Attributes:
        n_frames: frames that really decode; 1 for an image.
        width: of a decoded frame in pixels, after rotation.
        height: of a decoded frame in pixels, after rotation.
        fps: average frame rate in 1/s; 0 for an image.
        rotation: degrees counter-clockwise in the container's display matrix; already applied to the frames.
        codec: name of the codec or image format.
        remarks: what is odd about it.
    """

    n_frames: int
    width: int
    height: int
    fps: float
    rotation: int
    codec: str
    remarks: tuple[Remark, ...]


class Decoding:
    """One pass through a video; a context that closes the file.

    Attributes:
        context: FFmpeg's decoder.
        size: of the file, in bytes.
        codec: canonical name of the codec.
        fps: average frame rate in 1/s as the container has it; 0 if it has none.
        declared: frames that the header counts; 0 if it does not.
        orientation: how frames are shown; known with the first frame.

    Raises:
        MediaError: if the file cannot be opened as a video.
    """

    def __init__(self, path: Path) -> None:
        self._path, self._opened = path, opened(path)
        self._container, self._stream = self._opened.__enter__()
        self._format = self._container.format.name.partition(",")[0]
        self._pixels, self._stamps = Pixels(), Stamps(self._stream.time_base)
        self._remarks: dict[Remark, None] = {}  # in the order in which they were noticed
        self._first: tuple[tuple[int, int], bytes | None] | None = None  # shape and display matrix
        self._n_frames = self._packets = self._discarded = self._keyless = 0
        self._indexed = len(self._stream.index_entries) if self._format in _INDEXED else 0
        self._end = Fraction(0)
        self.context, self.size = self._stream.codec_context, int(self._container.size)
        self.codec = str(self.context.codec.canonical_name)
        self.fps = float(self._stream.average_rate or self._stream.guessed_rate or 0)
        self.declared = int(self._stream.frames)
        self.orientation = Orientation()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._opened.__exit__(None, None, None)

    def packets(self) -> Iterator[av.Packet]:
        """Packets as they are decoded, the last one empty; raises MediaError if reading breaks off."""
        # Those of other streams are looked at where a duration is that of the whole container.
        whole = self._format in _STATED and self._format not in _INDEXED
        packets = self._container.demux() if whole else self._container.demux(self._stream)
        try:
            for packet in packets:
                if whole and packet.pts is not None:
                    self._end = max(self._end, (packet.pts + (packet.duration or 0)) * packet.time_base)
                if packet.stream is self._stream:  # the number of the last, empty one is not set
                    yield packet
        except av.error.MemoryError:  # nothing is wrong with the file
            raise
        except av.error.FFmpegError:
            raise self._corrupt() from None

    def frames(self, packets: Iterable[av.Packet] | None = None) -> Iterator[av.VideoFrame]:
        """Every frame in the order of showing, as it was coded: :meth:`rgb` makes pixels of it.

        Those of some ``packets`` come alone, if they are given. Raises MediaError if decoding breaks off, or a frame is
        not true.
        """
        for packet in self.packets() if packets is None else packets:
            for frame in self._decoded(packet):
                self._check(frame)
                self._n_frames += 1
                yield frame

    def rgb(self, frame: av.VideoFrame) -> np.ndarray:
        """Pixels of a frame as it is shown: ``(H, W, 3)`` uint8 in [0, 255]."""
        try:
            picture = self._pixels.of(frame)
        except av.error.MemoryError:
            raise
        except (av.error.FFmpegError, ValueError):
            raise self._wrong(f"its pixels ({frame.format.name}) cannot be converted") from None
        return self.orientation.apply(picture)

    def facts(self) -> Facts:
        """What is known when :meth:`frames` has given the last frame.

        Raises:
            MediaError: if there was no frame, or the file ends before it should.
        """
        if self._first is None:
            raise self._wrong("has no frames")
        self._held_against_header()
        if self._format in ends.CHECKS:
            try:
                ends.CHECKS[self._format](self._path)
            except ValueError as error:
                raise self._wrong(f"truncated or damaged after {self._n_frames} frames, {error}") from None
        fps = self.fps
        if self.declared and self._n_frames + self._discarded != self.declared:
            self._remark(remarks.header_count(self.declared, self._n_frames))
            fps = self._counted_fps()
        if self._keyless and self._n_frames + self._discarded < self._packets:
            self._remark(remarks.late_start(self._keyless))
        if not self._stamps.rising:
            self._remark(remarks.UNORDERED)
        (height, width), _ = self._first
        if self.orientation.exchanged:
            height, width = width, height
        return Facts(self._n_frames, width, height, fps, self.orientation.rotation, self.codec, tuple(self._remarks))

    def _decoded(self, packet: av.Packet) -> list[av.VideoFrame]:
        if packet.size:  # the last one is empty: it asks for frames that wait in the decoder
            self._keyless += self._keyless == self._packets and not packet.is_keyframe
            self._packets += 1
            self._discarded += packet.is_discard
            if packet.is_corrupt:
                joined = " (parts are missing, or files were joined)" if self._format == "mpegts" else ""
                raise self._corrupt(joined)
        try:
            return list(packet.decode())
        except av.error.MemoryError:
            raise
        except av.error.FFmpegError:
            if packet.size and self._keyless == self._packets:
                return []  # nothing comes of what refers to a key frame that is not there
            raise self._corrupt() from None

    def _check(self, frame: av.VideoFrame) -> None:
        if frame.is_corrupt:
            raise self._corrupt()
        # A frame's own side_data holds the frame, and the frame it: hundreds would stay until the collector comes by.
        matrix = SideDataContainer(frame).get("DISPLAYMATRIX")  # type: ignore[call-arg]
        seen = (frame.height, frame.width), None if matrix is None else bytes(matrix)
        if self._first is None:
            self._first = seen
            self._begin(frame, seen[1])
        elif seen != self._first:
            (height, width), _ = self._first
            if (height, width) != seen[0]:
                sizes = f"from {width}x{height} to {frame.width}x{frame.height}"
                raise self._wrong(f"the frame size changes inside the video, {sizes} at frame {self._n_frames}")
            raise self._wrong(f"the display matrix changes inside the video, at frame {self._n_frames}")
        if frame.interlaced_frame:
            self._remark(remarks.INTERLACED)
        self._stamps.see(frame)

    def _begin(self, first: av.VideoFrame, matrix: bytes | None) -> None:
        if not first.key_frame and (self._keyless or self._made_up(first)):
            raise self._wrong("begins without a key frame, so that its first frames are not whole")
        try:
            self.orientation = orientation(matrix)
        except ValueError as error:
            raise self._wrong(f"its display matrix is {error}") from None
        for remark in remarks.of_first(len(moving(self._container)), self._stream, first, self.orientation):
            self._remark(remark)

    def _made_up(self, first: av.VideoFrame) -> bool:
        """Whether a first frame refers to others that are not there, in a container that calls all packets key ones."""
        if first.pict_type == PictureType.NONE:  # many decoders name no types; this one does for all it has read
            return self.codec == "mpeg4"
        return first.pict_type in _REFERRING and not self._discarded

    def _held_against_header(self) -> None:
        """Raise MediaError if the file ends before its index does, or before the duration that it states."""
        if self._packets < self._indexed:
            declared = self._n_frames + self._indexed - self._packets
            raise self._wrong(f"truncated, {self._n_frames} of {declared} frames decode")
        if self._packets == self._indexed or self._format not in _STATED:
            return
        span = self._stamps.span
        if self._format in _INDEXED:
            stated, end = Fraction(self._stream.duration or 0) * self._stream.time_base, self._stamps.end
        else:
            stated, end = Fraction(self._container.duration or 0, av.time_base), self._end
        # Where a video does not start at 0, its length may be stated, or its end.
        if stated - max(end, span) <= max(_SLACK, _SLACK_STEPS * self._stamps.longest):
            return
        said = f"{self._n_frames} frames ({float(span):.2f} s) of {float(stated):.2f} s decode"
        if self._format not in _UNRELIABLE:
            raise self._wrong(f"truncated, {said}")
        self._remark(remarks.too_short(said))

    def _counted_fps(self) -> float:
        """Frame rate where the header's is made of a wrong count."""
        if self._stamps.rising and self._stamps.span:
            return float(self._n_frames / self._stamps.span)
        return float(self._stream.guessed_rate or 0)

    def _remark(self, remark: Remark) -> None:
        self._remarks[remark] = None

    def _corrupt(self, why: str = "") -> MediaError:
        of_all = f" of {self.declared}" if self.declared else ""
        return self._wrong(f"corrupt after {self._n_frames}{of_all} frames{why}")

    def _wrong(self, said: str) -> MediaError:
        return MediaError(f"{self._path}: {said}; replace or exclude it")
