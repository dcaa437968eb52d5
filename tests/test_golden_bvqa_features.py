"""Frozen features of BVQA-2022 and VSFA against the released ones (sections 16.1 and 16.2 of the golden contract)."""

from types import SimpleNamespace
from typing import Any

import golden
import numpy as np
import pytest
import torch
from golden import assert_close, assert_summary
from torch import Tensor, nn

from vqa.extract import load_extractor
from vqa.models.fast_pathway import FastPathway, FastPathwayConfig
from vqa.models.pooled import mean_and_deviation, pooled_frames
from vqa.models.quality import QualityNetwork
from vqa.models.resnet import ResNet, ResNetConfig
from vqa.sampling.blocks import frame_blocks
from vqa.sampling.normalise import STATISTICS, normalise

BVQA = golden.load("bvqa2022")
VSFA = golden.load("vsfa")
RESNET = {"width": 64, "depths": [3, 4, 6, 3]}
BLOCKS: dict[str, dict[str, Any]] = {
    "vsfa": {"backbone": RESNET, "initial": "seed", "every": 1, "short_side": 0},
    "bvqa2022": {
        **{"spatial": RESNET, "spatial_initial": "seed", "motion_initial": "seed", "motion_statistics": "imagenet"},
        **{"motion": {"width": 8, "depths": [3, 4, 6, 3]}, "block": 64, "kept": 32, "short_side": 0},
    },
}


def video(vectors: golden.Vectors, key: str, shape: str) -> np.ndarray:
    return golden.u8(key, vectors[shape].tolist(), vectors.seed)


def described(name: str, networks: dict[str, nn.Module], frames: np.ndarray) -> np.ndarray:
    """What the extractor ``name`` with the weights of ``networks`` says of a video."""
    extractor = load_extractor(name, BLOCKS[name])
    for part, network in networks.items():
        extractor.networks[part][0].load_state_dict(network.state_dict())
        extractor.networks[part][0].eval()
    item: Any = SimpleNamespace(n_frames=len(frames), height=frames.shape[1], width=frames.shape[2])
    extractor.check(item)
    source: Any = SimpleNamespace(frames=lambda indices: frames[indices])
    with torch.inference_mode():
        rows = extractor.rows(item, source)
    assert rows.dtype == np.float32
    return rows


def spatial(frames: np.ndarray, model: nn.Module) -> Tensor:
    """Features in double precision, by a ResNet."""
    with torch.no_grad():
        return pooled_frames(torch.from_numpy(frames), lambda some: model(normalise(some, "imagenet").double())[-1])


@pytest.fixture(scope="module")
def quality() -> QualityNetwork:
    return golden.filled(QualityNetwork(ResNetConfig()), BVQA.seed, lambda key: key.removeprefix("backbone."))


@pytest.fixture(scope="module")
def motion() -> nn.Module:
    return golden.filled(FastPathway(FastPathwayConfig()), BVQA.seed)


def test_names_of_the_networks(quality: QualityNetwork, motion: nn.Module) -> None:
    keys = [line.split(" ")[0] for line in BVQA.text("spatial/keys")]
    assert list(quality.state_dict()) == [f"backbone.{key}" for key in keys] + ["fc.weight", "fc.bias"]
    assert sum(p.numel() for p in quality.backbone.parameters()) == BVQA.scalar("spatial/n_params")
    theirs = [line.split(" -> ")[1] for line in BVQA.text("motion/keys")]
    ours = {key for key in motion.state_dict() if not key.endswith("num_batches_tracked")}
    assert ours == {key for key in theirs if ".multipathway_blocks.1." in key}
    assert sum(p.numel() for p in motion.parameters()) == BVQA.scalar("motion/n_params_fast_pathway")


@pytest.mark.parametrize(
    ("vectors", "key", "prefix"),
    [(BVQA, "input/bvqa2022/spatial", "spatial"), (VSFA, "input/vsfa/frames", "features")],
    ids=["bvqa2022", "vsfa"],
)
def test_normalised_frames(vectors: golden.Vectors, key: str, prefix: str) -> None:
    frames = torch.from_numpy(video(vectors, key, f"{prefix}/input_shape"))
    values = normalise(frames, "imagenet")
    assert_close(golden.check(values.numpy()), vectors[f"{prefix}/normalised_check"], 1e-6, 1e-9)


@pytest.mark.slow
def test_spatial_features(quality: QualityNetwork) -> None:
    frames = video(BVQA, "input/bvqa2022/spatial", "spatial/input_shape")
    features = spatial(frames, quality.backbone)
    assert_summary(features, BVQA, "spatial/features", 1e-9 * BVQA.scalar("spatial/max_abs"))
    halves = features.unflatten(1, (2, -1)).mean(dim=2)
    assert_close(halves, BVQA["spatial/frame_mean_of_avg_and_std"], 1e-9 * BVQA.scalar("spatial/max_abs"))
    with torch.no_grad():
        outputs = quality(normalise(torch.from_numpy(frames), "imagenet").double())
    assert_close(outputs[:, 0], BVQA["spatial/quality_mean"], 1e-9, 1e-9)
    assert_close(outputs[:, 1], BVQA["spatial/quality_std"], 1e-9, 1e-9)


@pytest.mark.slow
def test_motion_features(motion: nn.Module) -> None:
    frames = torch.from_numpy(video(BVQA, "input/bvqa2022/motion", "motion/input_shape"))
    assert_close(np.array(STATISTICS["imagenet"]), BVQA["motion/norm_mean_std"], 0)
    rows = []
    with torch.no_grad():
        for block in frame_blocks(len(frames), 64, 32):
            clip = normalise(frames[block.frames], "imagenet").double().transpose(0, 1)
            rows.append(mean_and_deviation(motion(clip[None])[-1][0].transpose(0, 1))[block.first :])
    atol = 1e-9 * BVQA.scalar("motion/max_abs")
    assert_summary(torch.cat(rows), BVQA, "motion/features", atol)
    assert_close(torch.cat(rows).unflatten(1, (2, -1)).mean(dim=2), BVQA["motion/row_mean_of_avg_and_std"], atol)


@pytest.mark.slow
def test_rows_of_bvqa2022(quality: QualityNetwork, motion: nn.Module) -> None:
    frames = video(BVQA, "input/bvqa2022/motion", "motion/input_shape")
    rows = torch.from_numpy(described("bvqa2022", {"spatial": quality, "motion": motion}, frames))
    assert rows.shape == (len(BVQA["motion/row_mean_of_avg_and_std"]), 4608)
    assert_summary(rows[:, 4096:], BVQA, "motion/features", 1e-4 * BVQA.scalar("motion/max_abs"))
    numbers = torch.cat([block.rows for block in frame_blocks(len(frames), 64, 32)]).numpy()
    some = slice(-5, None)  # in the last block, which gives a part of its rows only
    expected = spatial(frames[numbers[some]], quality.backbone)
    assert_close(rows[some, :4096], expected.numpy(), 1e-4 * float(expected.max()))


@pytest.mark.slow
def test_rows_of_vsfa() -> None:
    frames = video(VSFA, "input/vsfa/frames", "features/input_shape")
    model = golden.filled(ResNet(ResNetConfig()), VSFA.seed)
    features, largest = spatial(frames, model), VSFA["features/values.stat"][3]
    assert_summary(features, VSFA, "features/values", 1e-9 * largest)
    assert_close(features.unflatten(1, (2, -1)).mean(dim=2), VSFA["features/frame_mean_of_avg_and_std"], 1e-9 * largest)
    assert_summary(
        torch.from_numpy(described("vsfa", {"spatial": model}, frames)), VSFA, "features/values", 1e-4 * largest
    )


def test_frames_of_rows() -> None:
    for number, length in enumerate(BVQA["fusion/lengths"].tolist()):
        blocks = frame_blocks(length, 64, 32)
        rows = torch.cat([block.rows for block in blocks]).numpy()
        assert np.array_equal(rows, BVQA[f"fusion/{number}/spatial_frame"]), length
        assert np.array_equal(rows, BVQA[f"fusion/{number}/motion_frame"]), length
        places = [(index, row) for index, block in enumerate(blocks) for row in range(block.first, 32)]
        assert np.array_equal(places, BVQA[f"fusion/{number}/motion_block_row"]), length
    every = frame_blocks(int(BVQA.scalar("fusion/block_video_frames")), 64, 32)
    assert np.array_equal(torch.stack([block.frames for block in every]), BVQA["fusion/block_fast_frames"])
