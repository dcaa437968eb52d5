"""Files like the published ones, small and made here: their names, containers and extra tensors, other values."""

import hashlib
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import published_systems
import pytest
import torch
from torch import Tensor, nn

from vqa.io import InputError
from vqa.models.checkpoints import LoadReport, load_published
from vqa.models.convnext3d import ConvNeXtConfig
from vqa.models.dover import Dover
from vqa.models.heads import FragmentVQA, VQAHead
from vqa.models.init import initialise
from vqa.models.keymaps import swinv2_to_published
from vqa.models.registry import PUBLISHED
from vqa.models.swin3d import SwinConfig, SwinTransformer3D
from vqa.models.swinv2 import SwinV2Config, SwinV2IQA
from vqa.rng import torch_generator

TINY = SwinConfig(
    width=8, depths=(2, 1), heads=(2, 4), window=(2, 3, 3), patch=(2, 4, 4), input_size=(8, 24, 24), mlp_ratio=2.0
)
TINY_V2 = SwinV2Config(width=8, depths=(1, 2), heads=(2, 4), window=2, input_size=16, head_hidden=6)
BACKBONE = "fragments_backbone"
State = dict[str, Tensor]


class ResNetLike(nn.Module):
    """A few layers under the names that SimpleVQA has."""

    def __init__(self) -> None:
        super().__init__()
        self.conv1, self.bn1 = nn.Conv2d(3, 2, 1), nn.BatchNorm2d(2)
        self.layer1 = nn.Sequential(nn.Conv2d(2, 2, 1))
        self.quality = nn.Sequential(nn.Linear(2, 2), nn.Linear(2, 1))


class SlowFastLike(nn.Module):
    """A layer under its name in pytorchvideo."""

    def __init__(self) -> None:
        super().__init__()
        self.blocks = nn.ModuleList([nn.ModuleDict({"multipathway_fusion": nn.Conv3d(1, 1, 1)})])


def fragments(config: SwinConfig = TINY, seed: int = 0) -> FragmentVQA:
    backbone = SwinTransformer3D(config)
    model = FragmentVQA(backbone, VQAHead(backbone.out_channels, hidden=6))
    initialise(model, torch_generator("init", seed))
    return model


def filled(state: State) -> State:
    """The same names and shapes with other values."""
    generator = torch_generator("test", 0)
    return {
        key: torch.randn(value.shape, generator=generator) if value.is_floating_point() else value.clone()
        for key, value in state.items()
    }


def parts(state: State, **prefixes: str) -> State:
    """The entries that start with one of our prefixes, under those of the file."""
    named = {}
    for ours, theirs in prefixes.items():
        named |= {theirs + key.removeprefix(ours): value for key, value in state.items() if key.startswith(ours)}
    return named


def original(model: FragmentVQA) -> State:
    state = parts(filled(model.state_dict()), fragments_backbone="backbone")
    state = {key: value for key, value in state.items() if "fragment_position" not in key}
    return state | {"cls_head.fc_cls.weight": torch.ones(5, 16), "cls_head.fc_cls.bias": torch.ones(5)}


def library_network(config: SwinConfig) -> nn.Module:
    """torchvision's video Swin of the same size, with a classifier of five classes."""
    from torchvision.models.video.swin_transformer import PatchMerging, SwinTransformer3d

    with torch.random.fork_rng(devices=[]):
        return SwinTransformer3d(
            patch_size=list(config.patch),
            embed_dim=config.width,
            depths=list(config.depths),
            num_heads=list(config.heads),
            window_size=list(config.window),
            mlp_ratio=config.mlp_ratio,
            num_classes=5,
            downsample_layer=PatchMerging,
        )


def from_library(model: FragmentVQA) -> State:
    return filled(library_network(model.fragments_backbone.config).state_dict())


def technical_from_library(model: Dover) -> State:
    return filled(library_network(model.technical_backbone.config).state_dict())


def swinv2(model: SwinV2IQA) -> State:
    state = swinv2_to_published(filled(model.state_dict()))
    state = {key: value for key, value in state.items() if not key.startswith("vqa_head")}
    return state | {
        "layers.1.blocks.1.attn_mask": torch.ones(4, 4, 4),
        "head.weight": torch.ones(5, 16),
        "head.bias": torch.ones(5),
    }


def resnet(model: ResNetLike) -> State:
    """As the old file is: no counters of batches."""
    state = {k: v for k, v in filled(model.state_dict()).items() if not k.startswith("quality") and "num_b" not in k}
    return state | {"fc.weight": torch.ones(5, 2), "fc.bias": torch.ones(5)}


def slowfast(model: SlowFastLike) -> State:
    return filled(model.state_dict()) | {"blocks.6.proj.weight": torch.ones(5, 2), "blocks.6.proj.bias": torch.ones(5)}


def dover(model: FragmentVQA) -> State:
    state = parts(filled(model.state_dict()), fragments_backbone="technical_backbone", vqa_head="technical_head")
    return state | {"aesthetic_backbone.stem.weight": torch.ones(2), "aesthetic_head.fc_hid.bias": torch.ones(2)}


def same(model: nn.Module) -> State:
    return filled(model.state_dict())


def data_parallel(model: nn.Module) -> State:
    return {f"module.{key}": value for key, value in filled(model.state_dict()).items()}


# Entry: the model, the state dict of its published file made from it, and one of their names with ours.
CASES: dict[str, tuple[Callable[[], nn.Module], Callable, str, str]] = {
    "swin3d_t": (fragments, from_library, "features.2.0.mlp.3.bias", f"{BACKBONE}.layers.1.blocks.0.mlp.fc2.bias"),
    "swin3d_t_original": (fragments, original, "backbone.norm.bias", f"{BACKBONE}.norm.bias"),
    "resnet50": (ResNetLike, resnet, "bn1.running_var", "bn1.running_var"),
    "swinv2_t": (lambda: SwinV2IQA(TINY_V2), swinv2, "norm.weight", "backbone.norm.weight"),
    "slowfast_r50": (SlowFastLike, slowfast, *["blocks.0.multipathway_fusion.weight"] * 2),
    "fastvqa": (fragments, same, *["vqa_head.fc_last.weight"] * 2),
    "sama_vqa": (fragments, same, *[f"{BACKBONE}.patch_embed.proj.weight"] * 2),
    "simplevqa": (ResNetLike, data_parallel, "module.quality.1.bias", "quality.1.bias"),
    "dover_technical": (fragments, dover, "technical_head.fc_hid.weight", "vqa_head.fc_hid.weight"),
    "dover_swin3d_t": (
        lambda: Dover(TINY, ConvNeXtConfig((4,), (1,))),
        technical_from_library,
        "features.2.0.mlp.3.bias",
        "technical_backbone.layers.1.blocks.0.mlp.fc2.bias",
    ),
    **published_systems.CASES,
}


class Files:
    """Writes the file of an entry, and puts the start of its checksum into the name where published files have it."""

    def __init__(self, folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        self.folder, self.monkeypatch = folder, monkeypatch

    def write(self, name: str, state: object, **options: object) -> tuple[Path, str]:
        container = PUBLISHED[name].container
        content = {container: state, "validation_results": (np.float64(0.5), 0.25)} if container else state
        torch.save(content, self.folder / "draft", **options)
        return self.take(name)

    def take(self, name: str, suffix: str = ".pth") -> tuple[Path, str]:
        draft, entry = self.folder / "draft", PUBLISHED[name]
        sha256 = hashlib.sha256(draft.read_bytes()).hexdigest()
        path = draft.rename(self.folder / (f"{name}-{sha256[:8]}{suffix}" if entry.hash_prefix else f"{name}{suffix}"))
        self.monkeypatch.setitem(PUBLISHED, name, replace(entry, file=path.name))
        return path, sha256

    def load(self, name: str, change: Callable[[State], object] = lambda state: None) -> tuple[nn.Module, LoadReport]:
        """Write the state dict of the entry, changed in place, and load it."""
        build, publish, *_ = CASES[name]
        model = build()
        state = publish(model)
        change(state)
        path, sha256 = self.write(name, state)
        before = {key: value.clone() for key, value in model.state_dict().items()}
        try:
            return model, load_published(name, path, model, sha256)
        except InputError:
            assert all(torch.equal(value, before[key]) for key, value in model.state_dict().items())
            raise
