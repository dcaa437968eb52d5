"""The frozen networks of PVQ against the released code (section 16.3 of the golden contract)."""

from typing import Any

import golden
import pytest
import torch
from golden import assert_close, assert_summary
from torch import Tensor, nn

from vqa.models.basic_resnet import BasicResNet, BasicResNetConfig
from vqa.models.keymaps import renamed
from vqa.models.roi_pool import roi_pool

VECTORS = golden.load("pvq")


def count(model: nn.Module) -> int:
    return sum(value.numel() for value in model.parameters())


def pixels(kind: str, key: str) -> Tensor:
    """Frames or clips in [0, 1], divided in single precision as released."""
    shape = VECTORS[f"{kind}/input_shape"].tolist()
    return (torch.from_numpy(golden.u8(key, shape, VECTORS.seed)).float() / 255).double()


def boxes(kind: str) -> list[Any]:
    return [tuple(box) for box in VECTORS[f"{kind}/boxes"].tolist()]


@torch.no_grad()
def test_network_of_frames() -> None:
    model = golden.filled(BasicResNet(BasicResNetConfig(), time=False), VECTORS.seed)
    assert golden.keys(model) == [key for key in VECTORS.text("paq2piq/keys") if not key.startswith("head.")]
    inputs = pixels("paq2piq", "input/pvq/frames2d")
    assert_close(golden.check(inputs.numpy()), VECTORS["paq2piq/scaled_input_check"], 1e-9, 1e-12)
    maps = model(inputs)
    assert_summary(maps, VECTORS, "paq2piq/body", 1e-8)
    assert_summary(roi_pool(maps, boxes("paq2piq")), VECTORS, "paq2piq/features", 1e-8)


@pytest.mark.slow
@torch.no_grad()
def test_network_of_clips() -> None:
    model = golden.filled(BasicResNet(BasicResNetConfig(), time=True), VECTORS.seed)
    assert golden.keys(model) == [key for key in VECTORS.text("r3d/keys") if key.startswith("body.")]
    assert count(model) == VECTORS.scalar("r3d/n_params_body")
    maps = model(pixels("r3d", "input/pvq/clips").transpose(1, 2))
    assert_summary(maps, VECTORS, "r3d/body", 1e-8)
    assert_summary(roi_pool(maps[:, :, 0], boxes("r3d")), VECTORS, "r3d/features", 1e-8)


def test_published_file_of_the_network_of_clips() -> None:
    """Its names count the stages from one, and it has a classifier, which is not used."""
    stages = {f"layer{k}.": f"body.{3 + k}." for k in range(1, 5)}
    published = {key: torch.empty(0) for key in VECTORS.text("r3d/checkpoint_keys")}
    mapped = renamed({"conv1.": "body.0.", "bn1.": "body.1.", **stages})(published)
    model = BasicResNet(BasicResNetConfig(), time=True)
    assert [key for key in mapped if not key.startswith("fc.")] == golden.keys(model)
    classes = 700
    assert count(model) + classes * (512 + 1) == VECTORS.scalar("r3d/n_params_checkpoint")
