"""Speed of the parts that decide how long a study takes, as ratios measured in one process where possible."""

import time
from collections.abc import Callable
from functools import partial
from pathlib import Path

import av
import decord
import numpy as np
import torch
from PIL import Image, ImageFilter
from torch import Tensor, nn

from vqa.data.video import decode, read_frames
from vqa.landscape.curves import BatchLoss, LandscapeConfig, curve, method_loss, random_directions
from vqa.methods import load_method
from vqa.methods.base import Method
from vqa.optim.perturb import Perturbation, build_perturbation
from vqa.rng import numpy_generator, torch_generator
from vqa.sampling.fragments import FragmentSampling, fragment_offsets, sample_fragments
from vqa.sampling.temporal import TemporalSampling, clip_offsets, frame_indices
from vqa.settings.params import Params
from vqa.training.train import training_step

FRAMES, HEIGHT, WIDTH = 240, 540, 960
TEMPORAL, FRAGMENTS = TemporalSampling(), FragmentSampling()


def seconds(work: Callable[[int], object], repeats: int) -> float:
    """Median wall time of ``work(k)`` over ``repeats`` calls, after one that does not count."""
    times = []
    for k in range(repeats + 1):
        started = time.perf_counter()
        work(k)
        times.append(time.perf_counter() - started)
    return float(np.median(times[1:]))


def sampling(folder: Path, repeats: int = 5) -> dict[str, float]:
    """Seconds for the fragments of one 32-frame clip of a 540p video, by three ways that give the same pixels."""
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


def training(params: Params, repeats: int = 12) -> dict[str, float]:
    """Seconds per training step of the first run's method, plain and with both perturbations."""
    run = next(iter(params.runs.values()))
    method = load_method(run.method, params.methods[run.method], run)
    rule = params.methods[run.method]["backbone"]["input_size"]
    shape = (method.batch_size, 1, 3, *rule)
    inputs = torch.randint(0, 256, shape, dtype=torch.uint8, generator=torch_generator("bench-input", 0))
    mos = torch.linspace(1, 5, method.batch_size)
    result = {}
    for kind, gamma in (("none", 0.0), ("rwp", 0.001), ("awp", 0.001)):
        model = method.build(torch_generator("init", 0)).train()
        optimizer = method.optimizer(model)
        perturbation = build_perturbation(kind, gamma, "released", "box")

        step = partial(_step, model, method, optimizer, perturbation, inputs, mos)
        result[kind] = seconds(step, repeats)
    return result


def _step(
    model: nn.Module,
    method: Method,
    optimizer: torch.optim.Optimizer,
    perturbation: Perturbation,
    inputs: Tensor,
    mos: Tensor,
    k: int,
) -> None:
    training_step(model, method, optimizer, perturbation, inputs, mos, (0, 0, k))


def landscape_point(params: Params, repeats: int = 5, n_batches: int = 4) -> dict[str, float]:
    """Seconds of one point of a loss landscape and of plain forward passes over the same fixed batches."""
    run = next(iter(params.runs.values()))
    method = load_method(run.method, params.methods[run.method], run)
    size, generator = params.methods[run.method]["backbone"]["input_size"], torch_generator("bench-landscape", 0)
    shape, mos = (method.batch_size, 1, 3, *size), torch.linspace(1, 5, method.batch_size)
    loss = BatchLoss(
        method_loss(method),
        [(torch.randint(0, 256, shape, dtype=torch.uint8, generator=generator), mos) for _ in range(n_batches)],
    )
    model = method.build(torch_generator("init", 0))
    (direction,) = random_directions(model, LandscapeConfig(), 0)
    alphas = LandscapeConfig(points=9).alphas
    points = seconds(lambda k: curve(model, [direction], alphas, loss), repeats) / len(alphas)

    @torch.inference_mode()
    def forward(k: int) -> None:
        model.eval()
        for inputs, _ in loss.batches:
            method.scores(model, inputs)

    return {"forward passes": seconds(forward, repeats * len(alphas)), "a landscape point": points}


def _video(path: Path) -> Path:
    """A 540p clip of moving texture with the paper's usual length, H.264."""
    texture = numpy_generator("bench-video", 0).integers(0, 256, (HEIGHT + 90, WIDTH + 130, 3), dtype=np.uint8)
    picture = Image.fromarray(texture).filter(ImageFilter.GaussianBlur(2))
    with av.open(str(path), "w") as container:
        stream = container.add_stream("libx264", rate=30, options={"preset": "veryfast"})
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
