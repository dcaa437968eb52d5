"""Speed of sampling: fragments of a clip by several ways, measured in one process."""

import shutil
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import av
import decord
import numpy as np
import pandas as pd
import torch
from PIL import Image, ImageFilter

from vqa.data.items import Item, Part, PreparedDataset
from vqa.data.prepare import prepare
from vqa.data.video import decode, read_frames
from vqa.io import write_csv
from vqa.methods.base import Reader, Stream
from vqa.methods.fastvqa import Sampling, clip_pixels, fragments_of
from vqa.rng import numpy_generator, torch_generator
from vqa.sampling.fragments import FragmentSampling, fragment_offsets, sample_fragments
from vqa.sampling.temporal import TemporalSampling, clip_offsets, frame_indices
from vqa.training.clips import ClipDataset, Loader
from vqa.training.scratch import Scratch

FRAMES, HEIGHT, WIDTH, EPOCHS = 240, 540, 960, 30
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
    """Seconds for the fragments of one 32-frame clip of a 540p video, by several ways that give the same pixels.

    Wall and processor time, as :func:`seconds`; every call has another start. Of a store of clips it is the mean over
    its epochs, of which the first makes it.
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
    return _with_a_store(folder, path) | {name: seconds(way, repeats) for name, way in ways.items()}


class _Fragments:
    """As much of a method as samples (:class:`vqa.methods.base.Storable`)."""

    def looks(self, phase: str) -> Sampling:
        return Sampling(TEMPORAL, FRAGMENTS)

    def sample(self, item: Item, read: Reader, phase: str, stream: Stream) -> torch.Tensor:
        frames = clip_pixels(item, read, TEMPORAL, stream).transpose(0, 1)
        return fragments_of(frames, self.looks(phase), stream("crop"))


def _with_a_store(folder: Path, path: Path, videos: int = 4) -> dict[str, tuple[float, float]]:
    """The same through a store of clips, whose first video does not count."""
    rows, data = [], folder / "data" / "bench"
    for number in range(videos):
        (data / "videos").mkdir(parents=True, exist_ok=True)
        shutil.copyfile(path, data / "videos" / f"{number}.mp4")
        rows.append((f"videos/{number}.mp4", 3.0, "train"))
    write_csv(data / "labels.csv", pd.DataFrame(rows, columns=["name", "mos", "split"]))
    prepare(data, folder / "prepared" / "bench", "stop", frame_store=False)
    part, method = Part(PreparedDataset(folder / "prepared" / "bench", data), "train"), _Fragments()
    epochs, scratch = range(1, EPOCHS + 1), Scratch(folder / "fragments", 1 << 33)
    kind: Any = method
    plain, stored = (ClipDataset(part, kind, "train", 0, epochs, Loader(0, one)) for one in (None, scratch))
    if not torch.equal(plain[EPOCHS, 0][0], stored[EPOCHS, 0][0]):  # type: ignore[arg-type]
        raise RuntimeError("the store of clips gave different pixels")
    for epoch in epochs:
        _ = stored[epoch, 0]  # what is imported and set up once
    wall, cpu, clips = time.perf_counter(), time.process_time(), (videos - 1) * EPOCHS
    for number in range(1, videos):
        for epoch in epochs:
            _ = stored[epoch, number]
    each = (time.perf_counter() - wall) / clips, (time.process_time() - cpu) / clips
    return {f"store of clips, made once for {EPOCHS} epochs": each}


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
