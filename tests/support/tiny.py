"""Tiny recipes of all methods and tiny prepared data sets, for tests that train."""

import copy
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
import torch
import yaml
from torch import nn

from vqa.data.items import ITEMS, Cut, Part, PreparedDataset
from vqa.methods import load_method
from vqa.methods.base import Method
from vqa.optim.perturb import NoPerturbation, Perturbation
from vqa.rng import torch_generator
from vqa.settings.params import Run
from vqa.training.clips import Loader
from vqa.training.train import Trainer

CPU = torch.device("cpu")
METHODS = ("fastvqa", "sama", "sama_iqa", "simplevqa")  # those that look at frames
MOTION = 5
FEATURES = 6

BLOCKS = yaml.safe_load("""
fastvqa: &fastvqa
  backbone: {width: 8, depths: [1, 1], heads: [2, 2], window: [2, 2, 2], patch: [1, 4, 4], input_size: [2, 32, 32],
    mlp_ratio: 2.0, drop_path: 0.1, gated: true}
  <<: {head_hidden: 8, head_dropout: 0.2, init_std: 0.1, initial: seed, patch_embedding: initial, epochs: 2,
    batch_size: 4, backbone_lr: 0.005, head_lr: 0.005, weight_decay: 0.05, warmup_epochs: 0.5,
    rank_weight: 0.3, ema_decay: 0.8}
  finetune: {frozen_epochs: 1, epochs: 2}
  sampling:
    train: &random
      temporal: {frames: 2, interval: 4, clips: 1, offset: random, past_end: wrap}
      fragments: {grid: [2, 2], patch: [16, 16], aligned: 2, offset: random}
    released: *random
    clean:
      temporal: {frames: 2, interval: 4, clips: 2, offset: centre, past_end: wrap}
      fragments: {grid: [2, 2], patch: [16, 16], aligned: 2, offset: centre}
sama:
  <<: *fastvqa
  finetune: {frozen_epochs: 0, epochs: 3}
  time: sum
  drop_last: true
  sampling:
    train:
      temporal: {frames: 2, interval: 4, clips: 1, offset: random, past_end: clamp}
      pyramid: {mode: sama, levels: 2, grid: [2, 2], patch: [16, 16], aligned: 2, offset: random}
    released: &sama_test
      temporal: {frames: 2, interval: 4, clips: 2, offset: centre, past_end: clamp}
      pyramid: {mode: sama, levels: 2, grid: [2, 2], patch: [16, 16], aligned: 2, offset: centre}
    clean: *sama_test
sama_iqa:
  backbone: {width: 8, depths: [1, 1], heads: [2, 2], window: 2, patch: 4, input_size: 32, mlp_ratio: 2.0,
    drop_path: 0.1, head_hidden: 8, head_dropout: 0.2}
  <<: {initial: seed, patch_embedding: initial, score: {centre: 3, scale: 2}, flip_and_rotate: true, epochs: 2,
    batch_size: 4, backbone_lr: 0.005, head_lr: 0.005, weight_decay: 0.05, warmup_epochs: 0.5, ema_decay: 0.8}
  finetune: {frozen_epochs: 0, epochs: 3}
  sampling:
    train: {mode: window, grid: [2, 2], patch: [16, 16], offset: random}
    released: &mask_test {mode: window, grid: [2, 2], patch: [16, 16], offset: centre}
    clean: *mask_test
simplevqa:
  backbone: {width: 2, depths: [1, 1, 1, 1]}
  <<: {motion: 5, hidden: 8, initial: seed, short_side: 44, crop: 40, rank: as_released, epochs: 2, batch_size: 4,
    lr: 0.003, decay_epochs: 2, decay: 0.95, weight_decay: 0.0000001}
  reporting: {selection: best_srcc, plcc: mapped}
  finetune: {frozen_epochs: 0, epochs: 3}
features:
  <<: {features: tiny, channels: 6, hidden: [8, 4], dropout: 0.2, limit: 5.0, initial: seed, epochs: 2, batch_size: 4,
    lr: 0.02, weight_decay: 0.05, warmup_epochs: 0.5, rank_weight: 0.3, ema_decay: 0.8}
  finetune: {frozen_epochs: 1, epochs: 2}
""")


def write_dataset(folder: Path, name: str = "tiny", train: int = 10, test: int = 4, n_frames: int = 12) -> None:
    """A prepared data set with frame store and features below ``folder``, brighter videos rated higher."""
    generator = np.random.default_rng(11)
    prepared, motion = folder / "prepared" / name, folder / "features" / "slowfast" / name
    prepared.mkdir(parents=True)
    motion.mkdir(parents=True)
    height, width, rows, frames = 36, 40, [], []
    for number in range(train + test):
        level = generator.uniform(0.2, 1)
        video = (generator.uniform(0, 255, (n_frames, height, width, 3)) * level).astype(np.uint8)
        # Spread over the list, and exactly as many as asked for
        split = "test" if (number + 1) * test // (train + test) > number * test // (train + test) else "train"
        offset = number * video.size
        fixed = (n_frames, width, height, 5.0, 0, "h264", "decord", "0" * 64, "0" * 64)
        rows.append((f"{number:02}.mp4", round(1 + 4 * level, 3), split, *fixed, offset))
        frames.append(video)
    (prepared / "frames.bin").write_bytes(b"".join(video.tobytes() for video in frames))
    pd.DataFrame(rows, columns=list(ITEMS)).to_csv(prepared / "items.csv", index=False)
    np.save(motion / "features.npy", generator.normal(size=(train + test, 2, MOTION)).astype(np.float32))
    # Noise around the MOS on scales that differ by orders of magnitude, as published features have them
    mos = np.array([row[1] for row in rows])[:, None]
    vectors = (mos + generator.normal(size=(train + test, FEATURES))) * 10.0 ** np.arange(-3, FEATURES - 3)
    (prepared / "features").mkdir()
    np.save(prepared / "features" / "tiny.npy", vectors.astype(np.float32))


def open_dataset(folder: Path, name: str = "tiny") -> PreparedDataset:
    """The data set of :func:`write_dataset`."""
    return PreparedDataset(folder / "prepared" / name, folder / "data" / name, folder / "features")


def looked_at(request: pytest.FixtureRequest) -> int:
    """How many frames the items of a test have whose method is its argument ``name``: one if that is for images."""
    callspec = getattr(request.node, "callspec", None)
    return 1 if callspec and callspec.params.get("name") == "sama_iqa" else 12


def make(name: str, changes: dict[str, Any] | None = None, **run: Any) -> Method:
    """The tiny method ``name`` with entries of its block changed, for a run that says ``run``."""
    row = {"init": f"initial/{name}.safetensors", "data": "prepared/tiny", "train": "tiny", "test": ("tiny/test",)}
    return load_method(name, {**copy.deepcopy(BLOCKS[name]), **(changes or {})}, Run(method=name, **{**row, **run}))


def tuned(name: str, changes: dict[str, Any] | None = None) -> Method:
    """The tiny method ``name`` for a run that starts from another one."""
    return make(name, changes, init="runs/parent/weights/last_ema.safetensors")


def weights(method: Method, seed: int = 3) -> dict[str, torch.Tensor]:
    """Initial weights of a method, drawn from ``seed``."""
    return method.build(torch_generator("init", seed)).state_dict()


def trainer(
    data: PreparedDataset,
    method: Method,
    state: Path,
    perturbation: Perturbation | None = None,
    initial: dict[str, torch.Tensor] | None = None,
    cut: Cut | None = None,
) -> Trainer:
    """A trainer of ``method`` on the tiny data set, which is also tested on all of it."""
    parts = [Part(data, split, cut) for split in ("train", "test", "all")]
    initial = initial or weights(method)
    how = (perturbation or NoPerturbation(), parts[0], parts[1:], 3, Loader(), CPU, state / "last.pt")
    return Trainer(method, initial, *how)


def finished(data: PreparedDataset, method: Method, folder: Path, **options: Any) -> Trainer:
    """The :func:`trainer` of these options after it ran to the end."""
    result = trainer(data, method, folder, **options)
    result.run((), folder)
    return result


def same_tensors(a: dict[str, torch.Tensor], b: dict[str, torch.Tensor]) -> bool:
    """Whether two state dicts are equal bit for bit."""
    return a.keys() == b.keys() and all(torch.equal(a[name], b[name]) for name in a)


def same(a: Trainer, b: Trainer) -> bool:
    """Whether two trainers ended with the same bits, in weights, curve and predictions."""
    models = ((a.model, b.model), (a.ema.module, b.ema.module))
    tensors = all(same_tensors(x.state_dict(), y.state_dict()) for x, y in models)
    return tensors and a.curve.equals(b.curve) and a.predictions.equals(b.predictions)


def randomise(model: nn.Module) -> nn.Module:
    """All parameters from one stream, so that no residual branch is closed."""
    generator = torch_generator("test", 0)
    for parameter in model.parameters():
        nn.init.normal_(parameter, std=0.5, generator=generator)
    return model
