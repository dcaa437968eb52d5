"""Swin Transformer V2 with a token head, the image network of SAMA-IQA (METHODS 5.2).

The transformer is torchvision's; what is ours is the arithmetic of attention, the head, the configuration, the streams
that its random numbers come from, and the names. Published parameter names are translated by
:mod:`vqa.models.keymaps`.
"""

import math
from dataclasses import dataclass
from functools import partial

import torch
from torch import Tensor, nn

from vqa.models.dropout import Dropout, DropPath
from vqa.models.exact import GELU, Conv2d, Linear, gelu
from vqa.models.init import initialise

EXACT = {nn.Linear: Linear, nn.Conv2d: Conv2d, nn.GELU: GELU}


@dataclass(frozen=True)
class SwinV2Config:
    """Size of the network; the defaults are Swin V2-T at 256 pixels as SAMA-IQA uses it.

    Attributes:
        width: channels after the patch embedding; doubled after every stage but the last.
        depths: blocks per stage, at least 2 in all.
        heads: attention heads per stage.
        window: side of the attention window in tokens; odd blocks shift by half of it, unless one window is all there
            is. Every stage must be a whole number of windows wide: padding and shrinking windows are two different
            rules in the two published implementations, which is thus never asked.
        patch: side of one token in pixels.
        input_size: side of the square image in pixels.
        mlp_ratio: hidden size of the MLP over its width.
        drop_path: stochastic depth of the last block; linear from 0 at the first.
        head_hidden: hidden width of the token head.
        head_dropout: drop probability of both dropouts of the head.
    """

    width: int = 96
    depths: tuple[int, ...] = (2, 2, 6, 2)
    heads: tuple[int, ...] = (3, 6, 12, 24)
    window: int = 8
    patch: int = 4
    input_size: int = 256
    mlp_ratio: float = 4.0
    drop_path: float = 0.2
    head_hidden: int = 64
    head_dropout: float = 0.5

    def __post_init__(self) -> None:
        if len(self.depths) != len(self.heads):
            raise ValueError(f"depths {self.depths} and heads {self.heads} must have one entry per stage")
        if sum(self.depths) < 2:
            raise ValueError(f"depths: {self.depths} must be two blocks or more")
        if self.window < 2:
            raise ValueError(f"window: {self.window} must be 2 or more")
        for stage, heads in enumerate(self.heads):
            if (self.width << stage) % heads:
                raise ValueError(f"heads: stage {stage} has {self.width << stage} channels, not a multiple of {heads}")
            side = self.patch << stage
            if self.input_size % (side * self.window):
                raise ValueError(
                    f"input_size: {self.input_size} pixels are not whole windows of {self.window} tokens of {side} "
                    f"pixels in stage {stage}"
                )


class SwinV2Backbone(nn.Module):
    """Images ``(B, 3, S, S)``, normalised, to tokens ``(B, N, C)`` after the final norm, row by row.

    ``features`` and ``norm`` are the modules of that name of torchvision's ``SwinTransformer``: position 0 of
    ``features`` embeds the patches, then the blocks of a stage and its patch merging take turns.
    """

    def __init__(self, config: SwinV2Config) -> None:
        super().__init__()
        # Imported here: torchvision takes seconds, and video runs do not need it.
        from torchvision.models.swin_transformer import PatchMergingV2, SwinTransformer, SwinTransformerBlockV2

        from vqa.models.swinv2_attention import CosineAttention

        # The library fills its parameters from the global generator, which is not ours to move.
        with torch.random.fork_rng(devices=[]):
            network = SwinTransformer(
                patch_size=[config.patch] * 2,
                embed_dim=config.width,
                depths=list(config.depths),
                num_heads=list(config.heads),
                window_size=[config.window] * 2,
                mlp_ratio=config.mlp_ratio,
                stochastic_depth_prob=config.drop_path,
                num_classes=1,
                block=partial(SwinTransformerBlockV2, attn_layer=CosineAttention),
                downsample_layer=PatchMergingV2,
            )
        self.config = config
        self.out_channels = config.width << (len(config.depths) - 1)
        self.features, self.norm = network.features, network.norm
        _use_our_layers(self)

    @property
    def patch_embedding(self) -> nn.Conv2d:
        """The convolution over patches."""
        return self.features[0][0]

    def forward(self, x: Tensor) -> Tensor:
        side = self.config.input_size
        if x.shape[1:] != (3, side, side):
            raise ValueError(f"images of shape {tuple(x.shape[1:])} do not fit a network made for (3, {side}, {side})")
        return self.norm(self.features(x)).flatten(1, 2)


def _use_our_layers(model: nn.Module) -> None:
    """Replace the library's dropout and stochastic depth by those that draw from a given generator.

    Its other layers stay what they are, and compute as :mod:`vqa.models.exact` does.
    """
    from torchvision.ops import StochasticDepth

    for parent in list(model.modules()):
        for name, child in list(parent.named_children()):
            if isinstance(child, StochasticDepth):
                setattr(parent, name, DropPath(child.p))
            elif isinstance(child, nn.Dropout):
                setattr(parent, name, Dropout(child.p))
            elif type(child) in EXACT:
                child.__class__ = EXACT[type(child)]


class TokenHead(nn.Module):
    """Dropout, linear, exact GELU, dropout, linear to one number per token: ``(B, N, C)`` to ``(B, N, 1)``."""

    def __init__(self, channels: int, hidden: int = 64, dropout: float = 0.5) -> None:
        super().__init__()
        self.dropout = Dropout(dropout)
        self.fc1, self.fc2 = Linear(channels, hidden), Linear(hidden, 1)

    def forward(self, tokens: Tensor) -> Tensor:
        return self.fc2(self.dropout(gelu(self.fc1(self.dropout(tokens)))))


class SwinV2IQA(nn.Module):
    """Backbone and head under the names of the released code: ``backbone`` and ``vqa_head``."""

    def __init__(self, config: SwinV2Config) -> None:
        super().__init__()
        with torch.random.fork_rng(devices=[]):
            self.backbone = SwinV2Backbone(config)
            self.vqa_head = TokenHead(self.backbone.out_channels, config.head_hidden, config.head_dropout)

    def forward(self, images: Tensor) -> Tensor:
        """Normalised images ``(B, 3, S, S)`` to scores ``(B,)``, the mean over the tokens."""
        return self.vqa_head(self.backbone(images)).mean(dim=(1, 2))


@torch.no_grad()
def initialise_swinv2(model: SwinV2IQA, generator: torch.Generator) -> None:
    """Overwrite all parameters of ``model`` in place (METHODS 5.2), in registration order.

    Backbone: linear weights truncated normal with std 0.02, linear biases 0, logit scales log 10, patch convolution
    uniform in +-1/sqrt(fan_in), norms 1 and 0, except that the norms which close a residual branch start at 0 and 0, so
    that every block starts as the identity. Head: uniform in +-1/sqrt(fan_in), the library default.
    """
    from torchvision.models.swin_transformer import ShiftedWindowAttentionV2, SwinTransformerBlockV2

    for module in model.backbone.modules():
        if isinstance(module, ShiftedWindowAttentionV2):
            module.logit_scale.fill_(math.log(10))
        elif next(module.parameters(recurse=False), None) is not None:
            initialise(module, generator)
    for module in model.backbone.modules():
        if isinstance(module, SwinTransformerBlockV2):
            module.norm1.weight.zero_()
            module.norm2.weight.zero_()
    for layer in (model.vqa_head.fc1, model.vqa_head.fc2):
        bound = 1 / math.sqrt(layer.in_features)
        for parameter in layer.parameters():
            parameter.uniform_(-bound, bound, generator=generator)


def published_size(backbone: SwinV2Backbone) -> int:
    """Number of parameters as the published network has them.

    The library carries a bias of the keys, which it reads as 0 whatever it holds; the published network has none.
    """
    unused = sum(p.numel() // 3 for name, p in backbone.named_parameters() if name.endswith("qkv.bias"))
    return sum(parameter.numel() for parameter in backbone.parameters()) - unused
