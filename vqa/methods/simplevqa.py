"""SimpleVQA: ResNet features of key frames and SlowFast motion features, L1 + rank loss (METHODS 6)."""

from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor, nn

from vqa.data.items import Item
from vqa.methods.base import FineTuning, Inputs, Reader, Reporting, Stream
from vqa.methods.recipe import Trained, configured
from vqa.models.init import initialise
from vqa.models.precision import computing, widened
from vqa.models.resnet import ResNetConfig
from vqa.models.simplevqa import SimpleVQA as Network
from vqa.optim.losses import simplevqa_loss
from vqa.optim.schedule import step_decay
from vqa.sampling.keyframes import crop, key_frame_indices, resize_short_side, rounded_fps
from vqa.sampling.normalise import normalise
from vqa.settings.params import Run


@dataclass(frozen=True)
class Config:
    """Block ``methods.simplevqa`` of params.

    Attributes:
        backbone: size of the ResNet.
        motion: motion features per key frame, as the extractor ``slowfast`` makes them.
        hidden: width between the two linear layers.
        initial: ``seed``, or the name of published weights.
        short_side: of the resized key frames, in pixels.
        crop: side of the square that the network sees, in pixels.
        rank: form of the rank term, see :func:`vqa.optim.losses.simplevqa_loss` (discrepancy L1).
        reporting: how the released code reports (discrepancies P1, P10).
        epochs: passes over the training set.
        finetune: the recipe of runs that start from another run, which the released code does not have (P12).
        batch_size: items per step; the last, smaller batch of an epoch is kept.
        lr: base learning rate of all parameters.
        decay_epochs: epochs between two steps of the learning rate.
        decay: its factor at each step (discrepancy L3).
        weight_decay: coupled L2 of Adam, on every parameter.
    """

    backbone: ResNetConfig
    motion: int
    hidden: int
    initial: str
    short_side: int
    crop: int
    rank: str
    reporting: Reporting
    epochs: int
    finetune: FineTuning
    batch_size: int
    lr: float
    decay_epochs: int
    decay: float
    weight_decay: float


class SimpleVQA(Trained):
    """The method (:class:`vqa.methods.base.Method`, ``Limited`` besides). It has no averaged weights."""

    config: Config

    def __init__(self, config: Config, frozen_epochs: int = 0) -> None:
        super().__init__(config, frozen_epochs)
        self.reporting = config.reporting

    def build(self, generator: torch.Generator) -> nn.Module:
        """ResNet and linear layers, initialised from ``generator``."""
        model = Network(self.config.backbone, self.config.motion, self.config.hidden)
        initialise(model, generator, linear_std=None, convolutions="kaiming")
        return model

    def check(self, item: Item) -> None:
        """Raise ValueError for an item without seconds to take key frames from."""
        rounded_fps(item.fps)

    def sample(self, item: Item, read: Reader, phase: str, stream: Stream) -> Inputs:
        """Key frames and their motion features.

        Returns:
            ``frames`` ``(F, 3, crop, crop)`` uint8, one key frame per second, cropped at random for
            every frame in training and in the centre otherwise; ``motion`` ``(F, motion)`` float32.
        """
        motion = torch.from_numpy(read.features("slowfast"))
        indices = key_frame_indices(item.n_frames, item.fps, len(motion))[: len(motion)]
        frames = torch.from_numpy(read.frames(indices.numpy())).permute(0, 3, 1, 2)
        frames = resize_short_side(frames, self.config.short_side)
        frames = crop(frames, self.config.crop, stream("crop") if phase == "train" else None)
        return {"frames": frames.contiguous(), "motion": motion}

    def scores(self, model: nn.Module, inputs: Inputs, second_pass: bool = False) -> Tensor:
        """Mean of the scores of the key frames."""
        assert isinstance(inputs, dict), "frames and motion, by name"
        frames = inputs["frames"]
        with computing(self.precision, frames.device):
            pixels = normalise(frames.flatten(0, 1).permute(0, 2, 3, 1), "imagenet")
            return widened(model(pixels.view(frames.shape), inputs["motion"]))

    def loss(self, scores: Tensor, mos: Tensor) -> Tensor:
        """L1 plus the rank term, on the data set's own MOS scale."""
        return simplevqa_loss(scores, mos, self.config.rank)

    def optimizer(self, model: nn.Module) -> torch.optim.Optimizer:
        """Adam with L2 in the gradient (METHODS 6.4)."""
        rate, decay = self.config.lr, self.config.weight_decay
        return torch.optim.Adam(model.parameters(), lr=rate, weight_decay=decay, fused=True)

    def learning_rate(self, step: int, steps_per_epoch: int) -> float:
        """A step down every few epochs (:func:`vqa.optim.schedule.step_decay`)."""
        return step_decay(step // steps_per_epoch, self.config.decay_epochs, self.config.decay)


def make(block: dict[str, Any], run: Run, where: str) -> SimpleVQA:
    """SimpleVQA with the recipe of ``block``, changed by ``run``; ParamsError says where something does not fit."""
    return SimpleVQA(*configured(Config, block, run, where, "is not part of SimpleVQA"))
