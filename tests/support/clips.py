"""Small real files for tests: videos through PyAV, good ones and broken ones."""

from fractions import Fraction
from pathlib import Path

import av
import numpy as np


def numbered_frames(n: int, width: int = 64, height: int = 48) -> np.ndarray:
    """``(n, height, width, 3)`` uint8 frames with their number as a bar code of 8 blocks that survives compression."""
    frames = np.zeros((n, height, width, 3), np.uint8)
    for number in range(n):
        for bit in range(8):
            frames[number, :, bit * width // 8 : (bit + 1) * width // 8] = 220 if number >> bit & 1 else 30
    return frames


def read_number(frame: np.ndarray) -> int:
    """The number that :func:`numbered_frames` put into a frame."""
    middles = (np.arange(8) + 0.5) * frame.shape[1] / 8
    return sum(int(frame[frame.shape[0] // 2, int(x)].mean() > 125) << bit for bit, x in enumerate(middles))


def write_video(
    path: Path,
    frames: np.ndarray,
    codec: str = "libx264",
    options: dict | None = None,
    rate: Fraction = Fraction(25),
    pix_fmt: str = "yuv420p",
) -> Path:
    """Encode frames with one thread, at 25 fps unless told otherwise.

    The container follows the suffix; in MP4 its index comes first.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    with av.open(str(path), "w", options={"movflags": "faststart"} if path.suffix == ".mp4" else {}) as container:
        stream = container.add_stream(codec, rate=rate, options=options or {})
        stream.height, stream.width = frames.shape[1:3]
        stream.pix_fmt = pix_fmt
        stream.thread_count = 1
        for frame in frames:
            container.mux(stream.encode(av.VideoFrame.from_ndarray(frame, format="rgb24")))
        container.mux(stream.encode())
    return path


def broken_videos(folder: Path) -> dict[str, Path]:
    """One file of every kind that must be refused, by kind."""
    folder.mkdir(parents=True, exist_ok=True)
    generator = np.random.default_rng(0)
    noise = generator.integers(0, 256, (32, 48, 64, 3), dtype=np.uint8)
    content = write_video(folder / "good.mp4", noise).read_bytes()
    files = {
        "truncated": content[: len(content) * 6 // 10],
        "empty": b"",
        "text": b"not a video\n" * 50,
        "header only": content[: content.index(b"mdat") + 4],
        "scrambled": content[: len(content) // 2] + bytes(3000) + content[len(content) // 2 + 3000 :],
    }
    paths = {}
    for kind, data in files.items():
        paths[kind] = folder / f"{kind.replace(' ', '_')}.mp4"
        paths[kind].write_bytes(data)
    paths["missing"] = folder / "missing.mp4"
    return paths
