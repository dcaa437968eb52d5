"""FAST-VQA: fragments, Video Swin with gated relative position bias, L_lin + 0.3 L_mono (METHODS 3)."""

from collections.abc import Iterable
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

import torch
from torch import Tensor, nn

from vqa.data.items import Item
from vqa.methods.base import (
    PHASES,
    FineTuning,
    Inputs,
    Reader,
    Recipe,
    Stream,
    adapt,
    two_rates,
)
from vqa.methods.recipe import Whitened
from vqa.models.heads import FragmentVQA, VQAHead
from vqa.models.init import initialise
from vqa.models.patches import check_choice, whiten
from vqa.models.precision import computing, widened
from vqa.models.swin3d import SwinConfig, SwinTransformer3D
from vqa.optim.losses import fastvqa_loss, reduce_score_map
from vqa.optim.schedule import warmup_cosine
from vqa.sampling.augment import POLICIES, augment, drawn_seed
from vqa.sampling.fragments import FragmentSampling, check_grid, sample_fragments
from vqa.sampling.temporal import TemporalSampling, clip_offsets, frame_indices
from vqa.settings.params import Run
from vqa.settings.strict import ParamsError, build

# RGB mean and standard deviation of the Kinetics-400 weights, on the scale 0..255 (METHODS 3.2)
MEAN = (123.675, 116.28, 103.53)
STD = (58.395, 57.12, 57.375)


def normalise(clips: Tensor) -> Tensor:
    """Zero mean and unit standard deviation per channel: ``(..., 3, T, H, W)`` in [0, 255] to float32 in about [-2, 3].

    Done where the network is, which bytes reach four times as fast as floats.
    """
    mean, std = _statistics(clips.device)
    return (clips - mean) / std


@lru_cache(maxsize=4)
@torch.inference_mode(False)  # a tensor cached while predicting must serve training later
def _statistics(device: torch.device) -> tuple[Tensor, Tensor]:
    return torch.tensor(MEAN, device=device).view(3, 1, 1, 1), torch.tensor(STD, device=device).view(3, 1, 1, 1)


@dataclass(frozen=True)
class Sampling:
    """How an item is looked at in one phase."""

    temporal: TemporalSampling
    fragments: FragmentSampling


def clip_pixels(item: Item, read: Reader, rule: TemporalSampling, stream: Stream) -> Tensor:
    """Frames of all clips in order, ``(T, 3, H, W)`` uint8."""
    starts = clip_offsets(item.n_frames, rule, stream("temporal"))
    indices = frame_indices(item.n_frames, rule, starts)
    return torch.from_numpy(read.frames(indices.numpy())).permute(0, 3, 1, 2)


def fragments_of(frames: Tensor, rule: Sampling, generator: torch.Generator) -> Tensor:
    """Fragments ``(3, T, h, w)`` of frames ``(3, T, H, W)`` uint8: whole numbers, if params say so, as uint8."""
    fragments = sample_fragments(frames, rule.fragments, generator)
    # Whether this video is small or not: all of a batch have one type.
    return fragments.float() if rule.fragments.small_values == "float" else fragments


def in_clips(frames: Tensor, rule: TemporalSampling) -> Tensor:
    """Frames ``(3, T, h, w)``, those of all clips in order, as ``(clips, 3, frames, h, w)``."""
    return frames.unflatten(1, (rule.clips, rule.frames)).transpose(0, 1).contiguous()


@dataclass(frozen=True)
class Config:
    """Block ``methods.fastvqa`` of params.

    Attributes:
        backbone: size of the Video Swin.
        head_hidden: hidden width of the head.
        head_dropout: drop probability in the head.
        init_std: standard deviation of initial linear weights and bias tables.
        initial: ``seed``, or the name of published weights.
        patch_embedding: ``initial``: the patch embedding of the initial weights; ``whitened``: fitted to the training
            items in its place, by runs that start from the seed (:func:`vqa.models.patches.whiten`).
        sampling: one :class:`Sampling` for each of ``train``, ``released`` and ``clean``.
        epochs: passes over the training set.
        finetune: the recipe of runs that start from another run.
        batch_size: items per step; the last, smaller batch of an epoch is kept.
        backbone_lr: base learning rate of parameters with ``backbone`` in their name.
        head_lr: base learning rate of all others.
        weight_decay: decoupled, on every parameter, biases and norms included.
        warmup_epochs: linear warm-up of the learning rate.
        rank_weight: weight of L_mono in the loss.
        ema_decay: of the averaged weights.
    """

    backbone: SwinConfig
    head_hidden: int
    head_dropout: float
    init_std: float
    initial: str
    patch_embedding: str
    sampling: dict[str, Sampling]
    epochs: int
    finetune: FineTuning
    batch_size: int
    backbone_lr: float
    head_lr: float
    weight_decay: float
    warmup_epochs: float
    rank_weight: float
    ema_decay: float

    def __post_init__(self) -> None:
        check_choice(self.patch_embedding, self.backbone.width, self.backbone.patch)


class FastVQA(Whitened):
    """The method (:class:`vqa.methods.base.Method`, ``Fitted`` and ``Limited`` besides)."""

    config: Config

    def __init__(self, config: Config, run: Run, frozen_epochs: int = 0) -> None:
        super().__init__(config, run, frozen_epochs)
        self.augmentation = run.augmentation

    def build(self, generator: torch.Generator) -> nn.Module:
        """Backbone and head, initialised from ``generator``."""
        backbone = SwinTransformer3D(self.config.backbone)
        model = FragmentVQA(backbone, VQAHead(backbone.out_channels, self.config.head_hidden, self.config.head_dropout))
        initialise(model, generator, self.config.init_std)
        return model

    def fit(self, model: nn.Module, inputs: Iterable[Inputs]) -> None:
        """Whiten the patch embedding, if the run is one that does; all other weights stay."""
        if self.fits:
            backbone: Any = model.fragments_backbone
            clips = (normalise(batch.flatten(0, 1)) for batch in inputs if isinstance(batch, Tensor))
            whiten(backbone.patch_embed.proj, clips)

    def check(self, item: Item) -> None:
        """Raise ValueError for frames below a patch where the grid is not that of enlarged ones (discrepancy F2)."""
        for rule in self.config.sampling.values():
            if rule.fragments.small_grid == "stale":
                check_grid((item.height, item.width), rule.fragments)

    def looks(self, phase: str) -> Any:
        """The sampling of the phase, and the augmentation of training clips."""
        return self.config.sampling[phase], self.augmentation if phase == "train" else "none"

    def sample(self, item: Item, read: Reader, phase: str, stream: Stream) -> Tensor:
        """All clips of an item as :meth:`cut`: ``(clips, 3, frames, H, W)`` in [0, 255], whole numbers as uint8."""
        rule = self.config.sampling[phase]
        frames = clip_pixels(item, read, rule.temporal, stream)
        if phase == "train":
            frames = augment(frames, self.augmentation, drawn_seed(stream("augment")))
        cut = self.cut(frames.transpose(0, 1), rule, stream("crop"))
        return in_clips(cut, rule.temporal)

    def cut(self, frames: Tensor, rule: Any, generator: torch.Generator) -> Tensor:
        """What the network sees of frames ``(3, T, H, W)`` uint8, those of all clips in order: ``(3, T, h, w)``."""
        return fragments_of(frames, rule, generator)

    def scores(self, model: nn.Module, inputs: Tensor, second_pass: bool = False) -> Tensor:
        """Mean of the local quality maps over positions and clips."""
        return self._reduced(model, inputs, "mean")

    def _reduced(self, model: nn.Module, inputs: Tensor, time: str) -> Tensor:
        B, clips = inputs.shape[:2]
        with computing(self.precision, inputs.device):
            maps = model(normalise(inputs.flatten(0, 1)))
        return reduce_score_map(widened(maps), time).view(B, clips).mean(dim=1)

    def loss(self, scores: Tensor, mos: Tensor) -> Tensor:
        """L_lin + rank_weight * L_mono."""
        return fastvqa_loss(scores, mos, self.config.rank_weight)

    def optimizer(self, model: nn.Module) -> torch.optim.Optimizer:
        """AdamW with one group for the backbone and one for the rest (METHODS 3.6)."""
        groups, decay = two_rates(model, self.config.backbone_lr, self.config.head_lr), self.config.weight_decay
        return torch.optim.AdamW(groups, betas=(0.9, 0.999), eps=1e-8, weight_decay=decay, fused=True)

    def learning_rate(self, step: int, steps_per_epoch: int) -> float:
        """Warm-up, then the released cosine (:func:`vqa.optim.schedule.warmup_cosine`)."""
        warmup = int(self.config.warmup_epochs * steps_per_epoch)
        return warmup_cosine(step, warmup, self.config.epochs * steps_per_epoch)


def configured(kind: type[Recipe], block: dict[str, Any], run: Run, where: str) -> tuple[Recipe, int]:
    """Recipe of a method on clips, changed by ``run``, and its frozen epochs; ParamsError says what does not fit."""
    config: Any = build(kind, block, where)
    if set(config.sampling) != set(PHASES):
        raise ParamsError(f"{where}.sampling: needs exactly the phases {', '.join(PHASES)}")
    if run.augmentation not in POLICIES:
        raise ParamsError(f"{where}: augmentation {run.augmentation!r} is not one of {', '.join(POLICIES)}")
    return adapt(config, run)


def make(block: dict[str, Any], run: Run, where: str) -> FastVQA:
    """FAST-VQA with the recipe of ``block``, changed by ``run``; ParamsError says where something does not fit."""
    config, frozen_epochs = configured(Config, block, run, where)
    return FastVQA(config, run, frozen_epochs)
