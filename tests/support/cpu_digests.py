"""Digests of all that the suite computes, as JSON: the same numbers, or not, on another processor.

``python tests/support/cpu_digests.py [PART ...]`` with the packages ``vqa`` on the path; without a part, all of them.
Sizes are those of the parameter files, data are drawn. With ``--ops`` every PyTorch operation gives a digest of its
own, which finds the one that differs. :mod:`test_cpus` runs it on this processor and on others.
"""

import vqa  # noqa: F401 - pins the instructions, before anything else

# isort: split
import argparse
import dataclasses
import itertools
import json
import sys
import tempfile
import zlib
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
from project import ROOT

SEED = 5
N_FRAMES, HEIGHT, WIDTH = 34, 90, 160
GAMMA = 0.01  # large, so that a perturbation is no rounding error

Record = Callable[[str, Any], None]


def digest(value: Any) -> str:
    """CRC-32 of the bytes of an array or a tensor, of bytes, or of the text of anything else, whatever they lie in."""
    return f"{zlib.crc32(_bytes(value)):08x}"


def _bytes(value: Any) -> bytes:
    if dataclasses.is_dataclass(value):
        value = dataclasses.asdict(value)
    if isinstance(value, dict):
        value = list(value.items())
    if isinstance(value, list | tuple):
        return b",".join(map(_bytes, value))
    if hasattr(value, "detach"):
        value = value.detach().contiguous().numpy(force=True)
    return (
        value.tobytes()
        if isinstance(value, np.ndarray)
        else value
        if isinstance(value, bytes)
        else repr(value).encode()
    )


class Drawn:
    """A data set of random pictures, motion and features (what a loader needs of a prepared one)."""

    name = "drawn"

    def __init__(self, motion: int, channels: int, count: int) -> None:
        generator = np.random.default_rng(SEED)
        coarse = generator.integers(0, 256, (count, 1, HEIGHT // 10, WIDTH // 10, 3), dtype=np.uint8)
        smooth = coarse.repeat(10, axis=2).repeat(10, axis=3) // 2
        self._pictures = smooth + generator.integers(0, 128, (count, N_FRAMES, HEIGHT, WIDTH, 3), dtype=np.uint8)
        self._motion = generator.standard_normal((count, 2, motion)).astype(np.float32)
        self._features = generator.standard_normal((count, channels)).astype(np.float32)

    def frames(self, item: Any, indices: np.ndarray) -> np.ndarray:
        return self._pictures[item.row][indices]

    def features(self, item: Any, name: str) -> np.ndarray:
        return (self._motion if name == "slowfast" else self._features)[item.row]

    mos_range = (1.0, 5.0)

    def patches(self, item: Any) -> list:
        return []


def part_of(data: Drawn, count: int, n_frames: int = N_FRAMES) -> Any:
    """A part with ``count`` items, rated from 1 to 5."""
    from vqa.data.items import Item

    mos = np.linspace(1, 5, count) ** 1.1
    items = [Item(f"{i:02}", mos[i], n_frames, HEIGHT, WIDTH, 30.0, "h264", 0, i) for i in range(count)]
    return SimpleNamespace(data=data, items=items, mos=mos, key="drawn/all", split="all", cut=None)


def blocks() -> dict[str, tuple[Any, str]]:
    """Params and key of the demo's methods that look at pixels, one by one, and of the first one on features.

    Those that read rows of an extractor, or pairs of images, are in tests/methods/test_systems.py.
    """
    from vqa.methods import PAPER
    from vqa.settings.params import load

    demo, real = load(ROOT / "params.yaml"), load(ROOT / "real" / "params.yaml")
    pixels = (*PAPER, "dover", "zoomvqa")
    return {**{name: (demo, name) for name in pixels}, "features": (real, next(iter(real.methods)))}


def method(name: str, record: Record) -> None:
    """Sampling, training steps with AWP and RWP, evaluation, landscape, worst rise and eigenvalue of one method."""
    from vqa.device import set_up
    from vqa.landscape.curves import BatchLoss, LandscapeConfig, curve, method_loss, random_directions
    from vqa.landscape.sharpness import top_eigenvalue, worst_rise
    from vqa.methods import load_method
    from vqa.methods.base import Fitted
    from vqa.optim.perturb import WeightPerturbation
    from vqa.optim.schedule import ExponentialMovingAverage
    from vqa.rng import torch_generator
    from vqa.settings.params import Run
    from vqa.training.clips import ClipDataset
    from vqa.training.loader import batches
    from vqa.training.predict import predict
    from vqa.training.train import training_step

    params, key = blocks()[name]
    block = params.methods[key]
    run = Run(method=key, init="", data="", train="drawn", test=("drawn/all",))
    of = load_method(key, block, run)
    device = set_up(dataclasses.replace(params.common, device="cpu"))
    n_frames = 1 if key == "sama_iqa" else N_FRAMES  # images
    part = part_of(Drawn(block.get("motion", 1), block.get("channels", 1), of.batch_size), of.batch_size, n_frames)
    sets = {phase: ClipDataset(part, of, phase, SEED) for phase in ("train", "released", "clean")}

    def read(phase: str, epoch: int = 0) -> tuple:
        return next(batches(sets[phase], list(range(of.batch_size)), epoch, of.batch_size, 0))

    def keep(where: str, tensors: dict[str, Any]) -> None:
        for entry, tensor in tensors.items():
            record(f"{where} {entry}", tensor)

    model = of.build(torch_generator("init", SEED))
    if isinstance(of, Fitted):
        of.fit(model, (inputs for inputs, _, _ in [read("clean")]))
    keep("initial", model.state_dict())
    average, optimizer = ExponentialMovingAverage(model, of.ema_decay), of.optimizer(model)
    for epoch, direction in enumerate(("gradient", "random")):
        inputs, mos, _ = read("train", epoch)
        keep(f"{epoch} inputs", inputs if isinstance(inputs, dict) else {"": inputs})
        perturbation = WeightPerturbation(GAMMA, direction)
        model.train()
        found = training_step(model, of, optimizer, perturbation, inputs, mos.float(), (SEED, epoch, 0))
        record(f"{epoch} scores", found[0])
        record(f"{epoch} loss", found[1])
        keep(f"{epoch} gradient", {k: p.grad for k, p in model.named_parameters() if p.grad is not None})
        keep(f"{epoch} weights", model.state_dict())
        average.update(model)
    keep("average", average.module.state_dict())
    for phase in ("released", "clean"):
        record(f"{phase} predictions", predict([average.module], of, sets[phase], 1, 0, device)[0])
    if name == "fastvqa":
        for policy in ("autoaugment", "randaugment", "trivialaugment"):
            augmented = load_method(key, block, dataclasses.replace(run, augmentation=policy))
            clips = ClipDataset(part, augmented, "train", SEED)
            keep(policy, {str(item): clips[0, item][0] for item in range(4)})
    inputs, mos, _ = read("train")
    loss = BatchLoss(method_loss(of), [(inputs, mos.float())])
    directions = random_directions(model, LandscapeConfig(points=3), SEED)
    keep("direction", directions[0])
    record("landscape", curve(model, directions, [-0.5, 0.25], loss))
    record("worst rise", worst_rise(model, loss, WeightPerturbation(GAMMA, "gradient"), 2))
    some = BatchLoss(loss.function, [(_few(inputs), mos.float()[:4])])
    record("eigenvalue", top_eigenvalue(model, some, torch_generator("eigenvalue", SEED), max_iterations=2))


def _few(inputs: Any) -> Any:
    return {k: v[:4] for k, v in inputs.items()} if isinstance(inputs, dict) else inputs[:4]


def motion(record: Record) -> None:
    """SlowFast features."""
    from vqa.device import set_up
    from vqa.extract import load_extractor
    from vqa.extract.base import describe
    from vqa.extract.networks import load_networks
    from vqa.settings.params import load

    params = load(ROOT / "params.yaml")
    extractor = load_extractor("slowfast", params.extractors["slowfast"])
    load_networks(extractor, "slowfast", SEED, {}, set_up(dataclasses.replace(params.common, device="cpu")))
    record("features", describe(part_of(Drawn(1, 1, 2), 2), extractor, "slowfast")[0])


def statistics(record: Record) -> None:
    """Metrics, tests and intervals on two models of different skill."""
    from vqa.stats import association, correlation, metrics, spread
    from vqa.stats.design import Design
    from vqa.stats.influence import influence
    from vqa.stats.trainings import Sample, correlation_interval

    generator = np.random.default_rng(SEED)
    mos = generator.uniform(1, 5, 60)
    a, b = (mos + generator.normal(0, scale, 60) for scale in (0.4, 0.8))
    for name, pred in (("a", a), ("b", b), ("weak", generator.normal(0, 1, 60) + mos / 5)):
        record(f"scores {name}", metrics.score(pred, mos))
        record(f"correlations {name}", metrics.correlations(pred, mos))
        record(f"mapped {name}", metrics.mapped_scores(pred, mos))
    for metric in ("srcc", "plcc"):
        drawn = np.random.default_rng(SEED)
        record(f"resampled {metric}", correlation.resampled_correlation(a, mos, metric, 300, drawn))
        moved = np.array([influence(pred, mos, metric) for pred in (a, b, a + b)])
        record(f"influence {metric}", moved)
        sample = Sample(np.array([0.9, 0.8, 0.86]), {"items": moved / 60})
        found = sample.estimate()
        record(f"estimate {metric}", found)
        numbers = (*found.interval(), *correlation_interval(found), found.two_sided(), found.detectable(0.05, 0.8))
        record(f"numbers {metric}", [*numbers, found.power(0.1, 0.05)])
        record(f"design {metric}", Design.of(sample))
    groups = ["one"] * 10 + ["two"] * 10
    runs = a[:60].reshape(3, 20), b[:60].reshape(3, 20)
    moved = generator.normal(0, 0.01, (3, 20, 60))
    record("association", association.associate(*runs, moved, groups, 300, np.random.default_rng(SEED)))
    record("spread", spread.spread(a, ["one"] * 30 + ["two"] * 30, list(range(30)) * 2))


def regression(record: Record) -> None:
    """One split of the support vector regression, on a small grid."""
    from vqa.regression.interior_point import interior_point
    from vqa.regression.protocol import Config, run_split
    from vqa.regression.svr import squared_distances

    generator = np.random.default_rng(SEED)
    features = generator.standard_normal((90, 20))
    mos = 3 + np.tanh(features[:, :5].sum(1)) + generator.normal(0, 0.2, 90)
    config = Config("drawn", "drawn", log2_c=(1, 4), log2_gamma=(-6, -3))
    record("split", run_split(features, mos, 1, config))
    record("interior point", interior_point(np.exp(-0.02 * squared_distances(features, features)), mos, 8.0, 0.1))


def synthetic(record: Record) -> None:
    """The file of the first item of every codec, what is true about it, and what is decoded from it."""
    import yaml

    from vqa.data.synthetic.build import make_item
    from vqa.data.synthetic.recipe import plan
    from vqa.data.synthetic.spec import SyntheticSpec
    from vqa.data.video import decode

    specs = yaml.safe_load((ROOT / "sources.yaml").read_text(encoding="utf-8"))
    codecs: dict[str, Any] = {}
    for name in specs:
        for item in plan(SyntheticSpec.from_dict(name, specs[name]), SEED):
            codecs.setdefault(item.codec, dataclasses.replace(item, n_frames=min(item.n_frames, 6)))
    for codec, item in codecs.items():
        data, truth, _ = make_item(item, SEED)
        record(f"{codec} truth", truth)
        record(f"{codec} file", data)
        with tempfile.TemporaryDirectory() as folder:
            path = Path(folder, Path(item.name).name)
            path.write_bytes(data)
            frames, probe = decode(path)
        record(f"{codec} frames", frames)
        record(f"{codec} probe", probe.as_dict())


PARTS: dict[str, Callable[[Record], None]] = {f.__name__: f for f in (synthetic, statistics, regression, motion)}


def parts() -> list[str]:
    """Names of all parts: those above, and the methods."""
    return [*PARTS, *blocks()]


def operations(record: Record) -> Any:
    """Context in which every PyTorch operation gives a digest."""
    import torch
    from torch.utils._python_dispatch import TorchDispatchMode

    number = itertools.count()
    torch.manual_seed(SEED)  # of the libraries' own initial values, which are overwritten

    class Each(TorchDispatchMode):
        def __torch_dispatch__(self, function: Any, types: Any, args: tuple = (), kwargs: dict | None = None) -> Any:
            out = function(*args, **(kwargs or {}))
            shapes = [tuple(x.shape) for x in args if isinstance(x, torch.Tensor)]
            several = out if isinstance(out, tuple | list) else [out]
            tensors = [x for x in several if isinstance(x, torch.Tensor) and not x.is_sparse]
            if "empty" not in function.name():
                record(f"{next(number)} {function.name()} {shapes}", "".join(map(digest, tensors)))
            return out

    return Each()


def main() -> None:
    """Print the digests of the parts named on the command line, as JSON."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("part", nargs="*", help="all by default")
    parser.add_argument("--ops", action="store_true", help="a digest of every operation of PyTorch")
    arguments = parser.parse_args()
    found: dict[str, str] = {}
    for part in arguments.part or parts():

        def record(name: str, value: Any, part: str = part) -> None:
            found[f"{part}: {name}"] = digest(value)

        run = PARTS.get(part) or (lambda record, part=part: method(part, record))
        if arguments.ops and part not in ("synthetic", "statistics", "regression"):
            with operations(record):
                run(record)
        else:
            run(record)
        print(part, file=sys.stderr)
    print(json.dumps(found, indent=0))


if __name__ == "__main__":
    main()
