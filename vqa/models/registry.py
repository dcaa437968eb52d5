"""The published files of weights that the suite can use: where each is, on what terms, and what it must hold."""

import re
from dataclasses import dataclass, replace

from vqa.models.caffe2 import slowfast_from_caffe2
from vqa.models.keymaps import (
    KeyMap,
    convnext_inflated,
    convnext_of_timm,
    enlarged_patches,
    prefixed,
    renamed,
    swin3d_from_torchvision,
    swinv2_from_published,
)
from vqa.models.xtemporal import fast_from_xtemporal


@dataclass(frozen=True)
class Published:
    """One published file of weights.

    Attributes:
        name: of the entry.
        file: name under which the file is kept.
        url: direct address, or None where there is none.
        sha256: of the file where it is known. Otherwise the first digits may stand in the file name (``hash_prefix``);
            with neither, the user has to state it.
        terms: licence and, if there is no direct address, where to get the file.
        source: paper and repository.
        container: key under which the file holds the state dict, "" for the file itself.
        key_map: from the names in the file to ours.
        missing: patterns of our names that the file does not hold: exactly these keep their initial values.
        unexpected: patterns of mapped names that the file holds beyond ours: these are left, each at least once.
    """

    name: str
    file: str
    url: str | None
    terms: str
    source: str
    key_map: KeyMap
    sha256: str | None = None
    container: str = ""
    missing: tuple[str, ...] = ()
    unexpected: tuple[str, ...] = ()

    @property
    def hash_prefix(self) -> str | None:
        """First digits of the SHA-256 in the file name, as the PyTorch hub writes them: ``name-0123abcd.pth``."""
        match = re.search(r"-([0-9a-f]{8,64})\.", self.file)
        return match[1] if match else None


_KEPT = renamed({})
_TECHNICAL = renamed({"fragments_backbone.": "technical_backbone."})
_HARA_STAGES = {f"layer{stage}.": f"body.{3 + stage}." for stage in range(1, 5)}
_FRAGMENT_TABLES = "*.fragment_position_bias_table"
_KINETICS = "weights trained on Kinetics-400, whose videos have terms of their own"
_IMAGENET = "weights trained on ImageNet, which is for non-commercial research"
_PATCHVQ = "https://github.com/baidut/PatchVQ/releases/download/v0.1"
_STORAGE = "https://github.com/SwinTransformer/storage/releases/download"

# Files from which several entries read.
_SWIN3D = Published(
    name="swin3d_t",
    file="swin3d_t-7615ae03.pth",
    url="https://download.pytorch.org/models/swin3d_t-7615ae03.pth",
    terms=f"BSD-3-Clause (torchvision), ported from Apache-2.0; {_KINETICS}",
    source="Video Swin Transformer, arXiv:2106.13230; torchvision Swin3D_T_Weights.KINETICS400_V1",
    key_map=swin3d_from_torchvision,
    missing=(_FRAGMENT_TABLES, "vqa_head.*"),
    unexpected=("head.weight", "head.bias"),
)
_RESNET50 = Published(
    name="resnet50",
    file="resnet50-19c8e357.pth",
    url="https://download.pytorch.org/models/resnet50-19c8e357.pth",
    terms=f"BSD-3-Clause (torchvision); {_IMAGENET}",
    source="Deep Residual Learning, arXiv:1512.03385; torchvision ResNet-50, first weights",
    key_map=_KEPT,
    missing=("quality.*",),
    unexpected=("fc.weight", "fc.bias"),
)
_FASTVQA = Published(
    name="fastvqa",
    file="FAST_VQA_B_1_4.pth",
    url="https://github.com/TimothyHTimothy/FAST-VQA/releases/download/v2.0.0/FAST_VQA_B_1_4.pth",
    terms="research code of FAST-VQA: see the repository for its licence; trained on LSVQ",
    source="FAST-VQA, arXiv:2207.02595; github.com/TimothyHTimothy/FAST-VQA",
    container="state_dict",
    key_map=_KEPT,
)
_DOVER = Published(
    name="dover",
    file="DOVER.pth",
    url="https://github.com/QualityAssessment/DOVER/releases/download/v0.1.0/DOVER.pth",
    terms="research code of DOVER: see the repository for its licence; trained on LSVQ",
    source="DOVER, arXiv:2211.04894; github.com/QualityAssessment/DOVER",
    key_map=_KEPT,
)
_CONVNEXT = Published(
    name="dover_convnext_t",
    file="convnext_tiny_1k_224_ema.pth",
    url="https://dl.fbaipublicfiles.com/convnext/convnext_tiny_1k_224_ema.pth",
    terms=f"MIT (ConvNeXt); {_IMAGENET}",
    source="what DOVER's aesthetic branch starts from: ConvNeXt, arXiv:2201.03545, first release",
    container="model",
    key_map=prefixed("aesthetic_backbone.", convnext_inflated),
    missing=("technical_*", "aesthetic_head.*"),
    unexpected=("aesthetic_backbone.head.*",),
)

_ENTRIES = (
    _SWIN3D,
    Published(
        name="swin3d_t_original",
        file="swin_tiny_patch244_window877_kinetics400_1k.pth",
        url=f"{_STORAGE}/v1.0.4/swin_tiny_patch244_window877_kinetics400_1k.pth",
        terms=f"Apache-2.0 (Video-Swin-Transformer); {_KINETICS}",
        source="Video Swin Transformer, arXiv:2106.13230; github.com/SwinTransformer/Video-Swin-Transformer",
        container="state_dict",
        key_map=renamed({"backbone.": "fragments_backbone."}),
        missing=(_FRAGMENT_TABLES, "vqa_head.*"),
        unexpected=("cls_head.*",),
    ),
    _RESNET50,
    Published(
        name="swinv2_t",
        file="swinv2_tiny_patch4_window8_256.pth",
        url=f"{_STORAGE}/v2.0.0/swinv2_tiny_patch4_window8_256.pth",
        terms=f"MIT (Swin-Transformer); {_IMAGENET}",
        source="Swin Transformer V2, arXiv:2111.09883; github.com/microsoft/Swin-Transformer",
        container="model",
        key_map=swinv2_from_published,
        missing=("vqa_head.*",),
        unexpected=("head.weight", "head.bias"),
    ),
    Published(
        name="slowfast_r50",
        file="SLOWFAST_8x8_R50.pyth",
        url="https://dl.fbaipublicfiles.com/pytorchvideo/model_zoo/kinetics/SLOWFAST_8x8_R50.pyth",
        terms=f"Apache-2.0 (pytorchvideo); {_KINETICS}",
        source="SlowFast Networks, arXiv:1812.03982; pytorchvideo slowfast_r50",
        container="model_state",
        key_map=_KEPT,
        unexpected=("blocks.6.proj.weight", "blocks.6.proj.bias"),
    ),
    _FASTVQA,
    Published(
        name="sama_vqa",
        file="SAMA_VQA_LSVQ.pth",
        url=None,
        terms="research code of SAMA, trained on LSVQ: take the file from the Google Drive folder that the README of "
        "github.com/Sissuire/SAMA names and keep it under the name given here",
        source="SAMA (Scaling and Masking), AAAI 2024; github.com/Sissuire/SAMA",
        container="state_dict",
        key_map=_KEPT,
    ),
    Published(
        name="simplevqa",
        file="UGC_BVQA_model.pth",
        url=None,
        terms="research code of SimpleVQA, trained on LSVQ: take the file from Google Drive, "
        "id 137XJdq3reNMJ9tkBNqKUYTY_dTlcwXc3, and keep it under the name given here",
        source="SimpleVQA, arXiv:2204.14047; github.com/sunwei925/SimpleVQA",
        key_map=renamed({"module.": ""}),
    ),
    replace(
        _DOVER,
        name="dover_technical",
        key_map=renamed({"technical_backbone.": "fragments_backbone.", "technical_head.": "vqa_head."}),
        unexpected=("aesthetic_backbone.*", "aesthetic_head.*"),
    ),
    _DOVER,
    replace(
        _SWIN3D,
        name="dover_swin3d_t",
        source="what DOVER's technical branch starts from; torchvision Swin3D_T_Weights.KINETICS400_V1",
        key_map=lambda state: _TECHNICAL(swin3d_from_torchvision(state)),
        missing=(_FRAGMENT_TABLES, "technical_head.*", "aesthetic_*"),
    ),
    _CONVNEXT,
    replace(
        _CONVNEXT,
        name="zoomvqa_convnext_t",
        source="what Zoom-VQA's image branch starts from: ConvNeXt, arXiv:2201.03545, first release",
        key_map=prefixed("iqa.backbone.", convnext_of_timm),
        missing=("iqa.head_*", "vqa.*"),
        unexpected=("iqa.backbone.norm.*", "iqa.backbone.head.*"),
    ),
    replace(
        _FASTVQA,
        name="zoomvqa_fastvqa",
        source="what Zoom-VQA's video branch starts from, its patches enlarged; FAST-VQA, arXiv:2207.02595",
        key_map=prefixed("vqa.", enlarged_patches),
        missing=("iqa.*",),
    ),
    replace(
        _RESNET50,
        name="resnet50_quality",
        key_map=renamed({"": "backbone."}),
        missing=("fc.*",),
        unexpected=("backbone.fc.weight", "backbone.fc.bias"),
    ),
    Published(
        name="bvqa2022_spatial",
        file="DataParallel-00008.pt",
        url=None,
        terms="Apache-2.0 (TCSVT-2022-BVQA), trained on BID, LIVE-Challenge, KonIQ-10k and SPAQ: take the file from "
        "Google Drive, id 1AyMrcPvSb53eEBMUJiXSNCw2nYiKy0TK, and keep it under the name given here",
        source="BVQA-2022, TCSVT 32(9); github.com/zwx8981/TCSVT-2022-BVQA",
        container="state_dict",
        key_map=renamed({"module.": ""}),
        unexpected=("backbone.fc.*",),
    ),
    Published(
        name="slowfast_r50_caffe2",
        file="SLOWFAST_8x8_R50.pkl",
        url="https://dl.fbaipublicfiles.com/pyslowfast/model_zoo/kinetics400/SLOWFAST_8x8_R50.pkl",
        terms=f"Apache-2.0 (SlowFast); {_KINETICS}",
        source="SlowFast Networks, arXiv:1812.03982; model zoo of pySlowFast; its fast pathway alone",
        key_map=slowfast_from_caffe2,
        unexpected=("*.multipathway_blocks.0.*", "*.multipathway_fusion.*", "pred_w", "pred_b"),
    ),
    Published(
        name="paq2piq",
        file="RoIPoolModel-fit.10.bs.120.pth",
        url=f"{_PATCHVQ}/RoIPoolModel-fit.10.bs.120.pth",
        terms="research code of PaQ-2-PiQ: see the repository for its terms; trained on LIVE-FB",
        source="PaQ-2-PiQ, arXiv:1912.10088; github.com/baidut/PatchVQ",
        container="model",
        key_map=_KEPT,
        unexpected=("head.*",),
    ),
    Published(
        name="resnet3d18_kinetics700",
        file="fastai-r3d18_K_200ep.pth",
        url=f"{_PATCHVQ}/fastai-r3d18_K_200ep.pth",
        terms="weights of 3D-ResNets-PyTorch (MIT), converted by PatchVQ; trained on Kinetics-700, whose videos have "
        "terms of their own",
        source="3-D ResNet-18, arXiv:1711.09577; github.com/baidut/PatchVQ",
        key_map=renamed({"conv1.": "body.0.", "bn1.": "body.1.", **_HARA_STAGES}),
        unexpected=("fc.weight", "fc.bias"),
    ),
    Published(
        name="pvq",
        file="model.pth",
        url=None,
        terms="research code of PVQ, trained on LSVQ: unpack release/PVQ/train@LSVQ/default/models/model.pth of "
        "release.zip at github.com/baidut/PatchVQ/releases/tag/v0.1",
        source="Patch-VQ, arXiv:2011.13544; github.com/baidut/PatchVQ",
        key_map=_KEPT,
    ),
    Published(
        name="koncept512",
        file="KonCept512.pth",
        url=None,
        terms="research code of KonCept512 and DSD-PRO, trained on KonIQ-10k: take the file from the folder that the "
        "README of DSD-PRO names and keep it under the name given here",
        source="KonCept512, arXiv:1910.06180; DSD-PRO, TCSVT 33(3)",
        key_map=_KEPT,
        unexpected=("fc.*",),
    ),
    Published(
        name="slowfast_k600",
        file="slowfast_k600_50_224.pth.tar",
        url=None,
        terms="research code of X-Temporal (MIT), trained on Kinetics-600: take the file from the folder that the "
        "README of DSD-PRO names and keep it under the name given here",
        source="SlowFast Networks, arXiv:1812.03982; X-Temporal; its fast pathway alone",
        container="model",
        key_map=fast_from_xtemporal,
        unexpected=("slow_*",),
    ),
)

PUBLISHED = {entry.name: entry for entry in _ENTRIES}
