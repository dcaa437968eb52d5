"""Speed of sampling: fragments of a clip by several ways, measured in one process."""

import time
from collections.abc import Callable
from pathlib import Path

import av
import decord
import numpy as np
import torch
from PIL import Image, ImageFilter

from vqa.data.video import decode, read_frames
from vqa.rng import numpy_generator, torch_generator
from vqa.sampling.fragments import FragmentSampling, fragment_offsets, sample_fragments
from vqa.sampling.temporal import TemporalSampling, clip_offsets, frame_indices

FRAMES, HEIGHT, WIDTH = 240, 540, 960
TEMPORAL, FRAGMENTS = TemporalSampling(), FragmentSampling()


def seconds(work: Callable[[int], object], repeats: int) -> tuple[float, float]:
    """Median wall and processor time of ``work(k)`` over ``repeats`` calls, after one that does not count."""
    times = []
    for k in range(repeats + 1):
        wall, cpu = time.perf_counter(), time.process_time()
        work(k)
        times.append((time.perf_counter() - wall, time.process_time() - cpu))
    wall, cpu = np.median(times[1:], axis=0)
    return float(wall), float(cpu)


def sampling(folder: Path, repeats: int = 10) -> dict[str, tuple[float, float]]:
    """Seconds for the fragments of one 32-frame clip of a 540p video, by three ways that give the same pixels.

    Wall and processor time, as :func:`seconds`; every call has another start.
    """
    path = _video(folder / "bench.mp4")
    video, _ = decode(path)
    store = np.memmap(folder / "frames.bin", dtype=np.uint8, mode="w+", shape=video.shape)
    store[:] = video

    def indices(k: int) -> np.ndarray:
        starts = clip_offsets(FRAMES, TEMPORAL, torch_generator("bench-temporal", k))
        return frame_indices(FRAMES, TEMPORAL, starts).numpy()

    def by_rule(k: int, frames: np.ndarray) -> torch.Tensor:
        return sample_fragments(torch.from_numpy(frames).permute(3, 0, 1, 2), FRAGMENTS, torch_generator("bench", k))

    ways = {
        "frame store (what training reads)": lambda k: by_rule(k, store[indices(k)]),
        "decoded front to back": lambda k: by_rule(k, read_frames(path, indices(k))),
        "by index through decord, Python loops": lambda k: _naive(path, indices(k), torch_generator("bench", k)),
    }
    reference, *others = (way(0) for way in ways.values())
    if not all(torch.equal(reference, other) for other in others):
        raise RuntimeError("the ways of sampling that are compared gave different pixels")
    return {name: seconds(way, repeats) for name, way in ways.items()}


def _video(path: Path) -> Path:
    """A 540p clip of moving texture as those of KoNViD-1k are: H.264 with B frames, all in one group of pictures."""
    texture = numpy_generator("bench-video", 0).integers(0, 256, (HEIGHT + 90, WIDTH + 130, 3), dtype=np.uint8)
    picture = Image.fromarray(texture).filter(ImageFilter.GaussianBlur(2))
    with av.open(str(path), "w") as container:
        stream = container.add_stream("libx264", rate=30, options={"g": str(FRAMES)})
        stream.width, stream.height, stream.pix_fmt, stream.thread_count = WIDTH, HEIGHT, "yuv420p", 1
        for number in range(FRAMES):
            left, top = number // 2, number // 3
            frame = av.VideoFrame.from_image(picture.crop((left, top, left + WIDTH, top + HEIGHT)))
            container.mux(stream.encode(frame))
        container.mux(stream.encode())
    return path


def _naive(path: Path, indices: np.ndarray, generator: torch.Generator) -> torch.Tensor:
    """What the sampler is compared with: seek to every frame, copy patch after patch."""
    tops, lefts = (offset[..., 0].tolist() for offset in fragment_offsets((HEIGHT, WIDTH), 32, FRAGMENTS, generator))
    reader = decord.VideoReader(str(path), num_threads=1)
    (rows, cols), (ph, pw) = FRAGMENTS.grid, FRAGMENTS.patch
    out = np.empty((3, len(indices), rows * ph, cols * pw), np.uint8)
    for t, index in enumerate(indices.tolist()):
        frame = reader[index].asnumpy()
        for i in range(rows):
            for j in range(cols):
                top = min(HEIGHT // rows * i, HEIGHT - ph) + tops[i][j]
                left = min(WIDTH // cols * j, WIDTH - pw) + lefts[i][j]
                for channel in range(3):
                    patch = frame[top : top + ph, left : left + pw, channel]
                    out[channel, t, i * ph : (i + 1) * ph, j * pw : (j + 1) * pw] = patch
    return torch.from_numpy(out)
