"""Quality-aware pre-training of BVQA-2022: pairs of images, fidelity loss (MULTIBRANCH_B 14.1.1).

The released training joins four image sets and draws pairs within each; a run here has one data set, as every run, and
the pairs of a step are those of its batch. Its weights are what the extractor ``bvqa2022`` starts from.
"""

import dataclasses
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from vqa.data.items import Item
from vqa.methods.base import FineTuning, Inputs, Reader, Stream, two_rates
from vqa.methods.recipe import Trained, configured
from vqa.models.precision import computing, widened
from vqa.models.quality import QualityNetwork, initialise_quality
from vqa.models.resnet import ResNetConfig
from vqa.optim.fidelity import fidelity_loss, preference, spread_ranking_loss
from vqa.optim.schedule import step_decay
from vqa.sampling.keyframes import crop
from vqa.sampling.normalise import normalise
from vqa.sampling.shrink import shrink, shrunk_size
from vqa.settings.params import Run


@dataclass(frozen=True)
class View:
    """What the network sees of an image.

    Attributes:
        short_side: to which larger images are scaled, in pixels.
        crop: side of the square that is cut out of them, in pixels.
    """

    short_side: int
    crop: int

    def __post_init__(self) -> None:
        if not 32 < self.crop <= self.short_side:
            raise ValueError(f"crop: {self.crop} must be larger than 32 and at most short_side {self.short_side}")


@dataclass(frozen=True)
class Config:
    """Block ``methods.quality`` of params.

    Attributes:
        backbone: size of the ResNet.
        initial: ``seed``, or the name of published weights.
        train: a random square, flipped at random.
        test: the centre square. The released test looks at whole images, one at a time, and only prints.
        rating_deviation: standard deviation of the ratings of every image, on the scale of the MOS. The released
            training knows each image's own; lists of the suite do not have them.
        margin: of the ranking of spreads.
        epochs: passes over the training set.
        head_epochs: first epochs, in which the backbone does not move.
        finetune: the recipe of runs that start from another run, which the released code does not have.
        batch_size: images per step, even: image i is paired with image i + batch_size / 2.
        lr: base learning rate of all parameters.
        decay_epochs: epochs between two steps of the learning rate, counted from the first epoch of all.
        decay: its factor at each step.
        weight_decay: coupled L2 of Adam, on every parameter.
    """

    backbone: ResNetConfig
    initial: str
    train: View
    test: View
    rating_deviation: float
    margin: float
    epochs: int
    head_epochs: int
    finetune: FineTuning
    batch_size: int
    lr: float
    decay_epochs: int
    decay: float
    weight_decay: float

    def __post_init__(self) -> None:
        if self.batch_size < 2 or self.batch_size % 2:
            raise ValueError(f"batch_size: {self.batch_size} is not a number of pairs")
        if not self.rating_deviation > 0:
            raise ValueError(f"rating_deviation: {self.rating_deviation} must be positive")


class Quality(Trained):
    """The method (:class:`vqa.methods.base.Method`, ``Limited`` and ``Branched`` besides). No averaged weights.

    All images having one rating deviation, the ranking of spreads costs the margin and has no gradient; nor has the
    fidelity loss one for them (discrepancy B3): spreads are whatever the network's features make of them.
    """

    config: Config
    drop_last = True

    def build(self, generator: torch.Generator) -> nn.Module:
        """ResNet and its linear layer, initialised from ``generator``."""
        model = QualityNetwork(self.config.backbone)
        initialise_quality(model, generator)
        return model

    def check(self, item: Item) -> None:
        """Raise ValueError for a video, of which one frame would be taken for the whole, and for too small an image."""
        if item.n_frames > 1:
            raise ValueError(f"a video of {item.n_frames} frames, which a method for images cannot look at")
        for view in (self.config.train, self.config.test):
            if min(shrunk_size(item.width, item.height, view.short_side)) < view.crop:
                raise ValueError(f"an image of {item.width}x{item.height}, smaller than a crop of {view.crop} pixels")

    def looks(self, phase: str) -> Any:
        """Size and crop of the phase."""
        return self.config.train if phase == "train" else self.config.test

    def sample(self, item: Item, read: Reader, phase: str, stream: Stream) -> Tensor:
        """A square of the image: ``(3, crop, crop)`` uint8."""
        training = phase == "train"
        view = self.config.train if training else self.config.test
        image = shrink(torch.from_numpy(read.frames(np.array([0]))), view.short_side).permute(0, 3, 1, 2)
        square = crop(image, view.crop, stream("crop") if training else None)[0]
        if training and torch.rand(1, generator=stream("flip")).item() < 0.5:
            square = square.flip(-1)
        return square.contiguous()

    def scores(self, model: nn.Module, inputs: Inputs, second_pass: bool = False) -> Tensor:
        """Quality and spread: ``(B, 2)``."""
        assert isinstance(inputs, Tensor), "images alone"
        with computing(self.precision, inputs.device):
            return widened(model(normalise(inputs.permute(0, 2, 3, 1), "imagenet")))

    def fuse(self, scores: np.ndarray, phase: str) -> np.ndarray:
        """The quality ``(n,)`` of ``(n, 2)``; its scale is the loss's own, not that of the MOS."""
        return scores[:, 0]

    def loss(self, scores: Tensor, mos: Tensor) -> Tensor:
        """Fidelity loss and ranking of spreads over the pairs of image i and image i + B / 2, an odd one left out.

        Raises:
            ValueError: for a batch of one image.
        """
        pairs = len(mos) // 2
        if not pairs:
            raise ValueError("a batch of one image has no pairs")
        first, second = scores[:pairs], scores[pairs : 2 * pairs]
        rated = torch.full_like(mos[:pairs], self.config.rating_deviation)
        target = preference(mos[:pairs], mos[pairs : 2 * pairs], rated, rated)
        fidelity = fidelity_loss(first[:, 0], second[:, 0], first[:, 1], second[:, 1], target)
        return fidelity + spread_ranking_loss(first[:, 1], second[:, 1], rated, rated, self.config.margin)

    def optimizer(self, model: nn.Module) -> torch.optim.Optimizer:
        """Adam with L2 in the gradient, with one group for the backbone and one for the linear layer."""
        groups = two_rates(model, self.config.lr, self.config.lr)
        return torch.optim.Adam(groups, weight_decay=self.config.weight_decay, fused=True)

    def learning_rate(self, step: int, steps_per_epoch: int) -> tuple[float, float]:
        """Of the backbone and of the linear layer: a step down every few epochs, the backbone's 0 in the first ones.

        The released code takes the backbone out of the graph in these epochs, with batches of 128 in place of 32, and
        gives it to the same Adam afterwards; here Adam's averages of its gradients begin with the first step. Batch
        norms move from the start in both (discrepancy B12).
        """
        epoch = step // steps_per_epoch
        rate = step_decay(epoch, self.config.decay_epochs, self.config.decay)
        return 0.0 if epoch < self.config.head_epochs else rate, rate


def make(block: dict[str, Any], run: Run, where: str) -> Quality:
    """The pre-training with the recipe of ``block``, changed by ``run``; ParamsError says where something is wrong."""
    config, frozen_epochs = configured(Config, block, run, where, "is not part of quality-aware pre-training")
    if run.parent is not None:
        config = dataclasses.replace(config, head_epochs=frozen_epochs)
    return Quality(config, frozen_epochs)
