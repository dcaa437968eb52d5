"""Real codecs and containers through PyAV and Pillow, byte-identical on every run.

What it takes: one thread per encoder, the muxer's ``bitexact`` flag (no dates, no random ids), and for x264 no
macroblock tree: with it, equal calls gave different streams (libx264 in PyAV 18.1, presets slower than veryfast).
"""

from __future__ import annotations

import io
import struct
from collections.abc import Collection
from fractions import Fraction

import av
import numpy as np
from PIL import Image

_X265 = "pools=none:frame-threads=1:log-level=none:keyint=12:min-keyint=12:scenecut=0"
_ENCODERS = {
    "h264": ("libx264", {"preset": "veryfast", "x264-params": "mbtree=0"}),
    # A key frame every 12 frames with x265's default open GOP: the frames before it lean on the group before.
    "hevc": ("libx265", {"preset": "ultrafast", "x265-params": _X265}),
    "vp9": ("libvpx-vp9", {"b": "0", "deadline": "realtime", "cpu-used": "8", "lag-in-frames": "0"}),
}
_FORMATS = {"mp4": "mp4", "mkv": "matroska", "webm": "webm"}
_RATES = {"h264": (18, 46), "hevc": (20, 48), "vp9": (12, 63), "jpeg": (95, 14), "png": (0, 0)}


def rate_parameter(codec: str, strength: float) -> int:
    """Return the encoder's rate parameter for a compression strength in [0, 1].

    That is the CRF for H.264, HEVC and VP9 (higher is worse), the quality for JPEG (higher is better), 0 for PNG.
    """
    mild, harsh = _RATES[codec]
    return round(mild + (harsh - mild) * strength)


def encode_video(
    frames: list[np.ndarray],
    codec: str,
    rate: int,
    fps: int,
    container: str,
    pixel_format: str = "yuv420p",
    rotation: int = 0,
    times: list[int] | None = None,
) -> bytes:
    """Encode frames as displayed and return the file's bytes.

    Args:
        frames: each ``(H, W, 3) uint8 in [0, 255]``, as a viewer should see them.
        codec: ``h264``, ``hevc`` or ``vp9``.
        rate: CRF.
        fps: frames per second.
        container: ``mp4``, ``mkv`` or ``webm``.
        pixel_format: ``yuv420p`` or ``yuv444p``.
        rotation: 0 or 90 (``mp4`` only): frames are stored turned by 90 degrees anticlockwise, and the display matrix
            asks the player to turn them back, as telephones do.
        times: time stamp of each frame in units of ``1 / fps``, ascending, from 0; default 0, 1, 2, ...

    Raises:
        ValueError: if ``rotation`` is not possible.
    """
    if rotation not in (0, 90) or (rotation and container != "mp4"):
        raise ValueError(f"rotation {rotation} in {container}: only 90 degrees in mp4 can be written")
    stored = [np.ascontiguousarray(np.rot90(frame, rotation // 90)) for frame in frames]
    name, options = _ENCODERS[codec]
    buffer = io.BytesIO()
    with av.open(buffer, "w", format=_FORMATS[container], options={"fflags": "+bitexact"}) as output:
        stream = output.add_stream(name, rate=fps, options={**options, "crf": str(rate)})
        stream.height, stream.width = stored[0].shape[:2]
        stream.pix_fmt = pixel_format
        stream.time_base = stream.codec_context.time_base = Fraction(1, fps)
        stream.codec_context.thread_count = 1
        stream.codec_context.flags |= av.codec.context.Flags.bitexact
        for index, pixels in enumerate(stored):
            frame = av.VideoFrame.from_ndarray(pixels, format="rgb24")
            frame.pts = times[index] if times else index
            frame.time_base = Fraction(1, fps)
            output.mux(stream.encode(frame))
        output.mux(stream.encode())
    data = buffer.getvalue()
    return _turn_display_matrix(data) if rotation else data


def decode_video(data: bytes, wanted: Collection[int], rotation: int = 0) -> dict[int, np.ndarray]:
    """Return the wanted frames ``(H, W, 3) uint8 in [0, 255]`` by index, turned by ``rotation`` as a player would.

    The file is decoded front to back: seeking in open groups of pictures gives wrong frames.
    """
    with av.open(io.BytesIO(data)) as source:
        source.streams.video[0].thread_type = "NONE"
        source.streams.video[0].thread_count = 1
        return {
            index: np.rot90(frame.to_ndarray(format="rgb24"), -rotation // 90)
            for index, frame in enumerate(source.decode(video=0))
            if index in wanted
        }


def encode_image(pixels: np.ndarray, codec: str, rate: int) -> bytes:
    """Encode one image ``(H, W, 3) uint8`` as ``jpeg`` (quality ``rate``) or ``png`` and return the file's bytes."""
    buffer = io.BytesIO()
    image = Image.fromarray(pixels)
    if codec == "jpeg":
        image.save(buffer, "JPEG", quality=rate)
    else:
        image.save(buffer, "PNG", compress_level=6)
    return buffer.getvalue()


def decode_image(data: bytes) -> np.ndarray:
    """Return the image ``(H, W, 3) uint8 in [0, 255]``."""
    with Image.open(io.BytesIO(data)) as image:
        return np.asarray(image.convert("RGB"))


def _turn_display_matrix(data: bytes) -> bytes:
    """Set the track header's 3x3 matrix (ISO/IEC 14496-12, box ``tkhd``) to a clockwise turn of 90 degrees."""
    start = data.index(b"tkhd") + 4
    version = data[start]
    matrix = start + 4 + (32 if version else 20) + 16
    height = struct.unpack_from(">I", data, matrix + 40)[0]
    turned = struct.pack(">9i", 0, 1 << 16, 0, -(1 << 16), 0, 0, height, 0, 1 << 30)
    return data[:matrix] + turned + data[matrix + 36 :]
