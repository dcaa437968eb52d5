"""DOVER: a technical and an aesthetic branch, both trained on the overall MOS, then fused (MULTIBRANCH_A 13.1)."""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from vqa.data.items import Item
from vqa.methods.base import FineTuning, Inputs, Reader, Stream, two_rates
from vqa.methods.fastvqa import Sampling as Technical
from vqa.methods.fastvqa import clip_pixels, configured, fragments_of, in_clips, normalise
from vqa.methods.recipe import Whitened, no_augmentation
from vqa.models.convnext3d import ConvNeXtConfig, initialise_convnext
from vqa.models.dover import Dover as Network
from vqa.models.init import initialise
from vqa.models.patches import check_choice, whiten
from vqa.models.precision import computing, widened
from vqa.models.swin3d import SwinConfig
from vqa.optim.losses import fastvqa_loss, reduce_score_map
from vqa.optim.schedule import warmup_cosine
from vqa.sampling.aesthetic import AestheticSampling, shrink_view, view_indices
from vqa.sampling.fragments import FragmentSampling, check_grid
from vqa.sampling.temporal import TemporalSampling
from vqa.settings.params import Run
from vqa.settings.strict import one_of
from vqa.stats.fusion import weighted


@dataclass(frozen=True)
class Sampling:
    """How both views of an item are made in one phase."""

    technical: Technical
    aesthetic: AestheticSampling

    @property
    def temporal(self) -> TemporalSampling:
        """Of the technical view, the one that looks at clips."""
        return self.technical.temporal

    @property
    def fragments(self) -> FragmentSampling:
        """Of the technical view."""
        return self.technical.fragments


@dataclass(frozen=True)
class Fusion:
    """How the two scores of an item become one.

    Attributes:
        training: while training, in the epochs that the released protocol picks from: ``sum`` as the released
            transfer learning has it, or ``weighted`` (discrepancy DO10).
        test: of the clean protocol: the same choices; ``weighted`` as the released evaluation of data sets.
        weight: of the technical branch, one for all test sets: the one that is released for videos of any kind. The
            released option file has another for every test set, chosen on it (discrepancy DO1): what these are worth
            is said by the stage ``fusion``.
    """

    training: str
    test: str
    weight: float

    def __post_init__(self) -> None:
        for name in ("training", "test"):
            one_of(name, getattr(self, name), ("sum", "weighted"))
        if not 0 <= self.weight <= 1:
            raise ValueError(f"weight: {self.weight} is not in [0, 1]")


@dataclass(frozen=True)
class Config:
    """Block ``methods.dover`` of params.

    Attributes:
        technical: size of the Video Swin.
        aesthetic: size of the ConvNeXt.
        head_hidden: hidden width of both heads.
        head_dropout: drop probability in both heads.
        init_std: standard deviation of initial linear weights and bias tables.
        initial: ``seed``, or the name of published weights.
        patch_embedding: of the technical branch, as of FAST-VQA.
        sampling: one :class:`Sampling` for each of ``train``, ``released`` and ``clean``.
        fusion: of the two scores.
        epochs: passes over the training set.
        finetune: the recipe of runs that start from another run; in its frozen epochs the heads alone move.
        batch_size: items per step; the last, smaller batch of an epoch is kept.
        backbone_lr: base learning rate of both backbones.
        head_lr: base learning rate of both heads.
        weight_decay: decoupled, on every parameter.
        warmup_epochs: linear warm-up of the learning rate.
        rank_weight: weight of L_mono in the loss of each branch.
        ema_decay: of the averaged weights.
    """

    technical: SwinConfig
    aesthetic: ConvNeXtConfig
    head_hidden: int
    head_dropout: float
    init_std: float
    initial: str
    patch_embedding: str
    sampling: dict[str, Sampling]
    fusion: Fusion
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
        check_choice(self.patch_embedding, self.technical.width, self.technical.patch)


class Dover(Whitened):
    """The method (:class:`vqa.methods.base.Method`; ``Branched``, ``Fitted`` and ``Limited`` besides).

    Its outputs are the scores of the aesthetic and of the technical branch, in this order.
    """

    config: Config

    def build(self, generator: torch.Generator) -> nn.Module:
        """Both branches, initialised from ``generator``."""
        config = self.config
        model = Network(config.technical, config.aesthetic, config.head_hidden, config.head_dropout)
        for part in (model.technical_backbone, model.technical_head, model.aesthetic_head):
            initialise(part, generator, config.init_std)
        initialise_convnext(model.aesthetic_backbone, generator, config.init_std)
        return model

    def fit(self, model: nn.Module, inputs: Iterable[Inputs]) -> None:
        """Whiten the patch embedding of the technical branch, if the run is one that does."""
        if self.fits:
            network: Any = model
            clips = (normalise(batch["technical"].flatten(0, 1)) for batch in inputs if isinstance(batch, dict))
            whiten(network.technical_backbone.patch_embed.proj, clips)

    def check(self, item: Item) -> None:
        """Raise ValueError for frames below a patch where the grid is not that of enlarged ones (discrepancy F2)."""
        for rule in self.config.sampling.values():
            if rule.fragments.small_grid == "stale":
                check_grid((item.height, item.width), rule.fragments)

    def looks(self, phase: str) -> Any:
        """The sampling of the phase."""
        return self.config.sampling[phase]

    def sample(self, item: Item, read: Reader, phase: str, stream: Stream) -> Inputs:
        """Both views of an item, pixels in [0, 255].

        Returns:
            ``technical`` ``(clips, 3, T, H, W)``, fragments as of FAST-VQA; ``aesthetic`` ``(3, t, h, w)``.
        """
        rule = self.config.sampling[phase]
        frames = clip_pixels(item, read, rule.temporal, stream).transpose(0, 1)
        clips = in_clips(fragments_of(frames, rule.technical, stream("crop")), rule.temporal)
        indices = view_indices(item.n_frames, rule.aesthetic, stream("aesthetic"))
        wanted, place = torch.unique(indices, return_inverse=True)
        view = shrink_view(torch.from_numpy(read.frames(wanted.numpy())), rule.aesthetic)[:, place]
        return {"technical": clips, "aesthetic": view.contiguous()}

    def scores(self, model: nn.Module, inputs: Inputs, second_pass: bool = False) -> Tensor:
        """Means of the maps of both branches, over positions and clips: ``(B, 2)``."""
        assert isinstance(inputs, dict), "technical and aesthetic, by name"
        network: Any = model
        B, clips = inputs["technical"].shape[:2]
        with computing(self.precision, inputs["technical"].device):
            technical = network.technical(normalise(inputs["technical"].flatten(0, 1)))
            aesthetic = network.aesthetic(normalise(inputs["aesthetic"]))
        overall = reduce_score_map(widened(technical)).view(B, clips).mean(dim=1)
        return torch.stack([reduce_score_map(widened(aesthetic)), overall], dim=1)

    def fuse(self, scores: np.ndarray, phase: str) -> np.ndarray:
        """One score of ``(n, 2)``; of a single video the sum, for it has no others to be set against."""
        rule = self.config.fusion.test if phase == "clean" else self.config.fusion.training
        if rule == "sum" or len(scores) == 1:
            return scores.sum(axis=1)
        return weighted(scores[:, 0], scores[:, 1], self.config.fusion.weight)

    def loss(self, scores: Tensor, mos: Tensor) -> Tensor:
        """The loss of FAST-VQA of each branch, added up: neither sees the other."""
        return torch.stack(
            [fastvqa_loss(branch, mos, self.config.rank_weight) for branch in scores.unbind(dim=1)]
        ).sum()

    def optimizer(self, model: nn.Module) -> torch.optim.Optimizer:
        """AdamW with one group for both backbones and one for both heads."""
        groups, decay = two_rates(model, self.config.backbone_lr, self.config.head_lr), self.config.weight_decay
        return torch.optim.AdamW(groups, betas=(0.9, 0.999), eps=1e-8, weight_decay=decay, fused=True)

    def learning_rate(self, step: int, steps_per_epoch: int) -> float:
        """Warm-up, then the cosine of FAST-VQA (:func:`vqa.optim.schedule.warmup_cosine`)."""
        warmup = int(self.config.warmup_epochs * steps_per_epoch)
        return warmup_cosine(step, warmup, self.config.epochs * steps_per_epoch)


def make(block: dict[str, Any], run: Run, where: str) -> Dover:
    """DOVER with the recipe of ``block``, changed by ``run``; ParamsError says where something does not fit."""
    config, frozen_epochs = configured(Config, block, run, where)
    no_augmentation(run, where, "is not part of DOVER")
    return Dover(config, run, frozen_epochs)
