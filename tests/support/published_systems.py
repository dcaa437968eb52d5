"""Files like the published ones of the multi-branch systems: the model, their names and tensors, one name of both."""

from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor, nn

from vqa.models.basic_resnet import BasicResNet, BasicResNetConfig
from vqa.models.convnext import ConvNeXt2dConfig
from vqa.models.convnext3d import ConvNeXtConfig
from vqa.models.dover import Dover
from vqa.models.fast_pathway import FastPathway, FastPathwayConfig
from vqa.models.heads import FragmentVQA, VQAHead
from vqa.models.inception_resnet import InceptionResNet, InceptionResNetConfig
from vqa.models.inception_time import InceptionTime, InceptionTimeConfig
from vqa.models.quality import QualityNetwork
from vqa.models.resnet import ResNetConfig
from vqa.models.swin3d import SwinConfig, SwinTransformer3D
from vqa.models.zoomvqa import CellWeightedVQA, ZoomVQA

State = dict[str, Tensor]
ONE = (1, 1, 1, 1)
SWIN = SwinConfig(8, (1,), (2,), (1, 2, 2), (1, 4, 4), (1, 8, 8), 1.0)
BLOB = {"weight": "s", "bias": "b", "running_mean": "rm", "running_var": "riv"}


def weights(model: nn.Module) -> State:
    """The state dict without counters of batches, filled with other values."""
    generator = torch.Generator().manual_seed(1)
    state = {key: value for key, value in model.state_dict().items() if value.is_floating_point()}
    return {
        key: torch.randn(value.shape, generator=generator) for key, value in state.items() if value.is_floating_point()
    }


def trunk(model: nn.Module) -> State:
    """torchvision's file: the trunk without a prefix, and a classifier."""
    state = {key.removeprefix("backbone."): v for key, v in weights(model).items() if key.startswith("backbone.")}
    return state | {"fc.weight": torch.ones(5, 2), "fc.bias": torch.ones(5)}


def parallel(model: nn.Module) -> State:
    """BVQA-2022's file: every name behind ``module.``, the trunk's unused classifier among them."""
    return {f"module.{key}": v for key, v in weights(model).items()} | {"module.backbone.fc.bias": torch.ones(5)}


def renamed_blocks(model: nn.Module, stem: Callable[[str, str], str], block: Callable[..., str]) -> State:
    """The fast pathway under other names, made from ``conv`` or ``norm`` and leaf, and from stage, number and layer."""
    named = {}
    for key, value in weights(model).items():
        _, stage, _, _, *rest = key.split(".")
        named[stem(*rest) if stage == "0" else block(int(stage) + 1, rest[1], ".".join(rest[2:-1]), rest[-1])] = value
    return named


def caffe2(model: nn.Module) -> State:
    """pySlowFast's blobs, both pathways and the classifier."""

    def stem(part: str, leaf: str) -> str:
        return "t_conv1_w" if part == "conv" else f"t_res_conv1_bn_{BLOB[leaf]}"

    def block(stage: int, number: str, layer: str, leaf: str) -> str:
        branch = "1" if layer.startswith("branch1") else f"2{layer[-1]}"
        kind = "w" if "conv" in layer else f"bn_{BLOB[leaf]}"
        return f"t_res{stage}_{number}_branch{branch}_{kind}"

    others = ("conv1_w", "t_pool1_subsample_w", "pred_w", "pred_b")
    return renamed_blocks(model, stem, block) | {name: torch.ones(2) for name in others}


def xtemporal(model: nn.Module) -> State:
    """X-Temporal's names, behind ``module.``, and a layer of the slow pathway."""

    def stem(part: str, leaf: str) -> str:
        return f"module.fast_{'conv' if part == 'conv' else 'bn'}1.{leaf}"

    def block(stage: int, number: str, layer: str, leaf: str) -> str:
        inner = {"branch1_conv": "downsample.0", "branch1_norm": "downsample.1"}.get(layer)
        inner = inner or f"{'conv' if '.conv' in layer else 'bn'}{'abc'.index(layer[-1]) + 1}"
        return f"module.fast_res{stage}.{number}.{inner}.{leaf}"

    return renamed_blocks(model, stem, block) | {"module.slow_conv1.weight": torch.ones(2)}


def hara(model: nn.Module) -> State:
    """The 3-D ResNet by the names of its layers, with a classifier."""
    places = {"0": "conv1", "1": "bn1", **{str(3 + k): f"layer{k}" for k in range(1, 5)}}
    named = {}
    for key, value in weights(model).items():
        _, place, rest = key.split(".", 2)
        named[f"{places[place]}.{rest}"] = value
    return named | {"fc.weight": torch.ones(5, 2), "fc.bias": torch.ones(5)}


def beside(**more: Tensor) -> Callable[[nn.Module], State]:
    """Our names, and some others."""
    return lambda model: weights(model) | {name.replace("_", "."): value for name, value in more.items()}


def quality() -> QualityNetwork:
    return QualityNetwork(ResNetConfig(2, ONE))


def basic(time: bool) -> BasicResNet:
    return BasicResNet(BasicResNetConfig(2, ONE), time)


def pathway() -> FastPathway:
    return FastPathway(FastPathwayConfig(1, ONE))


def still(model: nn.Module) -> State:
    """ConvNeXt over space, as wide as the aesthetic branch."""
    own = {key.removeprefix("aesthetic_backbone."): v for key, v in weights(model).items() if "aesthetic_b" in key}
    return {key: v.sum(2) if v.ndim == 5 else v for key, v in own.items()} | {"head.weight": torch.ones(5, 2)}


def facebook(model: nn.Module) -> State:
    """ConvNeXt by its own names, of the image branch, which has timm's."""
    named = {}
    for key, value in weights(model).items():
        if key.startswith("iqa.backbone."):
            place, *rest = key.removeprefix("iqa.backbone.").split(".")
            kind, number = place.split("_")
            new = f"downsample_layers.0.{number}" if kind == "stem" else f"downsample_layers.{number}"
            if rest[0] == "blocks":
                new = f"stages.{number}"
            inner = ".".join(part for part in rest if part not in ("blocks", "downsample", "mlp"))
            inner = inner.replace("conv_dw", "dwconv").replace("fc", "pwconv")
            named[f"{new}.{inner}"] = value
    return named | {"norm.weight": torch.ones(2), "head.weight": torch.ones(5, 2)}


def smaller_patches(model: nn.Module) -> State:
    """FAST-VQA's file: the video branch, with patches of 4 x 4."""
    state = {key.removeprefix("vqa."): value for key, value in weights(model).items() if key.startswith("vqa.")}
    kernel = "fragments_backbone.patch_embed.proj.weight"
    return state | {kernel: torch.randn(8, 3, 2, 4, 4, generator=torch.Generator().manual_seed(2))}


def zoomvqa() -> ZoomVQA:
    swin = SwinConfig(8, (1,), (2,), (1, 2, 2), (2, 6, 6), (2, 12, 12), 1.0)
    backbone = SwinTransformer3D(swin)
    pictures = CellWeightedVQA(ConvNeXt2dConfig((4, 6), (1, 2)), 2, 3)
    return ZoomVQA(pictures, FragmentVQA(backbone, VQAHead(backbone.out_channels, 6)))


def dover() -> Dover:
    return Dover(SWIN, ConvNeXtConfig((4, 6), (2, 1)))


STEM = "blocks.0.multipathway_blocks.1.conv.weight"
CASES: dict[str, tuple[Callable[[], nn.Module], Any, str, str]] = {
    "dover": (dover, weights, *["aesthetic_head.fc_hid.weight"] * 2),
    "dover_convnext_t": (dover, still, "stages.0.1.gamma", "aesthetic_backbone.stages.0.1.gamma"),
    "zoomvqa_convnext_t": (zoomvqa, facebook, "stages.1.0.pwconv2.bias", "iqa.backbone.stages_1.blocks.0.mlp.fc2.bias"),
    "zoomvqa_fastvqa": (zoomvqa, smaller_patches, "vqa_head.fc_hid.bias", "vqa.vqa_head.fc_hid.bias"),
    "resnet50_quality": (quality, trunk, "bn1.running_var", "backbone.bn1.running_var"),
    "bvqa2022_spatial": (quality, parallel, "module.fc.weight", "fc.weight"),
    "slowfast_r50_caffe2": (pathway, caffe2, "t_conv1_w", STEM),
    "paq2piq": (
        lambda: BasicResNet(BasicResNetConfig(2, ONE), False),
        beside(head_8_bias=torch.ones(1)),
        *["body.0.weight"] * 2,
    ),
    "resnet3d18_kinetics700": (
        lambda: BasicResNet(BasicResNetConfig(2, ONE), True),
        hara,
        "conv1.weight",
        "body.0.weight",
    ),
    "pvq": (lambda: InceptionTime(InceptionTimeConfig(4, 2, 2, 8, 3)), weights, *["inception_time.fc.weight"] * 2),
    "koncept512": (
        lambda: InceptionResNet(InceptionResNetConfig(16, (1, 1, 1))),
        beside(fc_0_bias=torch.ones(1)),
        *["base.14.conv.weight"] * 2,
    ),
    "slowfast_k600": (pathway, xtemporal, "module.fast_conv1.weight", STEM),
}
