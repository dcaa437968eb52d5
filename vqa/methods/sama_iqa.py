"""SAMA for images: window-masked fragments of two scales, Swin Transformer V2, smooth L1 (METHODS 5.2)."""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from vqa.data.items import Item
from vqa.methods.base import PHASES, FineTuning, Inputs, Reader, Stream, adapt, two_rates
from vqa.methods.recipe import Whitened, no_augmentation
from vqa.models.patches import check_choice, whiten
from vqa.models.precision import computing, widened
from vqa.models.swinv2 import SwinV2Config, SwinV2IQA, initialise_swinv2
from vqa.optim.losses import smooth_l1_loss
from vqa.optim.schedule import warmup_constant
from vqa.sampling.normalise import STATISTICS
from vqa.sampling.window_mask import WindowMaskSampling, augment_image, prepare_image, sample_window_mask
from vqa.settings.params import Run
from vqa.settings.strict import ParamsError, build

# RGB mean and standard deviation of the ImageNet weights, on the scale 0..1 (METHODS 5.2)
MEAN, STD = STATISTICS["imagenet"]


@dataclass(frozen=True)
class Score:
    """What the network's output means: a score is ``centre + scale * output``, before the loss (IQA_BASELINES 13.9).

    Smooth L1 on raw MOS of 0 to 100 leaves a network that starts at 0 far from home; 0 and 1 change nothing.
    """

    centre: float
    scale: float

    def __post_init__(self) -> None:
        if not self.scale > 0:
            raise ValueError(f"scale: {self.scale} must be positive")


@dataclass(frozen=True)
class Config:
    """Block ``methods.sama_iqa`` of params.

    Attributes:
        backbone: size of the Swin Transformer V2 and its head.
        initial: ``seed``, or the name of published weights.
        patch_embedding: ``initial`` or ``whitened``, as for FAST-VQA (:class:`vqa.methods.fastvqa.Config`).
        score: from the network's output to MOS.
        sampling: one rule for each of ``train``, ``released`` and ``clean``.
        flip_and_rotate: the released training augmentation.
        epochs: passes over the training set.
        finetune: the recipe of runs that start from another run.
        batch_size: items per step; the last, smaller batch of an epoch is kept.
        backbone_lr: base learning rate of parameters with ``backbone`` in their name.
        head_lr: base learning rate of all others.
        weight_decay: decoupled, on every parameter.
        warmup_epochs: linear warm-up of the learning rate, constant afterwards (discrepancy S8).
        ema_decay: of the averaged weights.
    """

    backbone: SwinV2Config
    initial: str
    patch_embedding: str
    score: Score
    sampling: dict[str, WindowMaskSampling]
    flip_and_rotate: bool
    epochs: int
    finetune: FineTuning
    batch_size: int
    backbone_lr: float
    head_lr: float
    weight_decay: float
    warmup_epochs: float
    ema_decay: float

    def __post_init__(self) -> None:
        check_choice(self.patch_embedding, self.backbone.width, (self.backbone.patch,) * 2)


class SAMAIQA(Whitened):
    """The method (:class:`vqa.methods.base.Method`, ``Fitted`` and ``Limited`` besides)."""

    config: Config

    def build(self, generator: torch.Generator) -> nn.Module:
        """Backbone and token head, initialised from ``generator``."""
        model = SwinV2IQA(self.config.backbone)
        initialise_swinv2(model, generator)
        return model

    def fit(self, model: nn.Module, inputs: Iterable[Inputs]) -> None:
        """Whiten the patch embedding, if the run is one that does; all other weights stay."""
        if self.fits:
            backbone: Any = model.backbone
            whiten(backbone.patch_embedding, (images for images in inputs if isinstance(images, Tensor)))

    def check(self, item: Item) -> None:
        """Raise ValueError for a video, of which one frame would be taken for the whole."""
        if item.n_frames > 1:
            raise ValueError(f"a video of {item.n_frames} frames, which a method for images cannot look at")

    def looks(self, phase: str) -> Any:
        """The sampling of the phase, the size before it, and whether training images are turned."""
        turned = phase == "train" and self.config.flip_and_rotate
        return self.config.sampling[phase], self.config.backbone.input_size, turned

    def sample(self, item: Item, read: Reader, phase: str, stream: Stream) -> Tensor:
        """The spliced image of an item: ``(3, S, S)`` float32, normalised."""
        rule = self.config.sampling[phase]
        image = prepare_image(read.frames(np.array([0]))[0], self.config.backbone.input_size)
        pixels = torch.from_numpy(image.copy()).permute(2, 0, 1) / 255.0
        if phase == "train" and self.config.flip_and_rotate:
            pixels = augment_image(pixels, stream("augment"))
        pixels = (pixels - torch.tensor(MEAN).view(3, 1, 1)) / torch.tensor(STD).view(3, 1, 1)
        return sample_window_mask(pixels, rule, stream("crop"))

    def scores(self, model: nn.Module, inputs: Tensor, second_pass: bool = False) -> Tensor:
        """Mean of the outputs of the tokens, as :class:`Score` says."""
        with computing(self.precision, inputs.device):
            outputs = widened(model(inputs))
        return self.config.score.centre + self.config.score.scale * outputs

    def loss(self, scores: Tensor, mos: Tensor) -> Tensor:
        """Smooth L1 on the data set's own MOS scale."""
        return smooth_l1_loss(scores, mos)

    def optimizer(self, model: nn.Module) -> torch.optim.Optimizer:
        """AdamW with one group for the backbone and one for the head."""
        groups = two_rates(model, self.config.backbone_lr, self.config.head_lr)
        return torch.optim.AdamW(groups, weight_decay=self.config.weight_decay, fused=True)

    def learning_rate(self, step: int, steps_per_epoch: int) -> float:
        """Warm-up, then constant (:func:`vqa.optim.schedule.warmup_constant`)."""
        return warmup_constant(step, max(1, int(self.config.warmup_epochs * steps_per_epoch)))


def make(block: dict[str, Any], run: Run, where: str) -> SAMAIQA:
    """SAMA-IQA with the recipe of ``block``, changed by ``run``; ParamsError says where something does not fit."""
    config = build(Config, block, where)
    if set(config.sampling) != set(PHASES):
        raise ParamsError(f"{where}.sampling: needs exactly the phases {', '.join(PHASES)}")
    for phase, rule in config.sampling.items():
        if rule.fragments.size != (config.backbone.input_size,) * 2:
            raise ParamsError(f"{where}.sampling.{phase}: grid times patch is not the network's input_size")
    no_augmentation(run, where, "is not part of SAMA-IQA")
    config, frozen_epochs = adapt(config, run)
    return SAMAIQA(config, run, frozen_epochs)
