"""Zoom-VQA: an image branch on frames and FAST-VQA with larger patches, fused at the end (MULTIBRANCH_A 13.2)."""

import math
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor, nn

from vqa.data.items import Item
from vqa.methods.base import FineTuning, Inputs, Reader, Stream
from vqa.methods.fastvqa import Sampling, clip_pixels, configured, fragments_of, in_clips, normalise
from vqa.methods.recipe import Whitened, no_augmentation
from vqa.models.convnext import ConvNeXt2dConfig
from vqa.models.convnext3d import initialise_convnext
from vqa.models.heads import FragmentVQA, VQAHead
from vqa.models.init import initialise
from vqa.models.patches import check_choice, whiten
from vqa.models.precision import computing, widened
from vqa.models.swin3d import SwinConfig, SwinTransformer3D
from vqa.models.zoomvqa import CellWeightedVQA, ZoomVQA
from vqa.optim.losses import fastvqa_loss, reduce_score_map
from vqa.optim.schedule import warmup_cosine
from vqa.sampling.normalise import STATISTICS
from vqa.sampling.zoom import cropped, picture_frames, scaled, short_side
from vqa.settings.params import Run
from vqa.settings.strict import one_of
from vqa.stats.fusion import logistic_mean


@dataclass(frozen=True)
class Pictures:
    """The image branch.

    Attributes:
        backbone: size of the ConvNeXt.
        cells: along each side of a picture; a 32nd of the crop in the paper.
        hidden: width of both heads.
        dropout: in both heads: 0.1 as released, whatever the published command says (discrepancy Z3).
        short_side: to which pictures are scaled, in pixels.
        crop: side of the square that is looked at, in pixels.
        antialias: whether pictures are smoothed before (discrepancy Z6).
        train: pictures of each video in a step. The released loader goes over all of them in random order instead, so
            that long videos weigh more (discrepancy Z10).
        most: pictures of a video in a test.
        labels: what the branch learns: ``raw``: MOS on its own scale, as released; ``range``: from 0 to 1 over the data
            set's range, which an output that starts near 0 reaches in few steps.
        lr: base learning rate of the backbone and of the heads.
    """

    backbone: ConvNeXt2dConfig
    cells: int
    hidden: int
    dropout: float
    short_side: int
    crop: int
    antialias: bool
    train: int
    most: int
    labels: str
    lr: tuple[float, float]

    def __post_init__(self) -> None:
        one_of("labels", self.labels, ("raw", "range"))
        if self.short_side < self.crop or min(self.cells, self.hidden, self.crop, self.train, self.most) < 1:
            raise ValueError("sizes and counts must be positive, and the crop no larger than the short side")


@dataclass(frozen=True)
class Config:
    """Block ``methods.zoomvqa`` of params.

    Attributes:
        pictures: the image branch.
        backbone: size of the Video Swin of the video branch.
        head_hidden: hidden width of its head.
        head_dropout: drop probability in its head.
        init_std: standard deviation of initial linear weights and bias tables.
        initial: ``seed``, or the name of published weights.
        patch_embedding: of the video branch, as of FAST-VQA.
        short_side: to which frames are scaled before fragments are cut, in pixels; 0: their own size.
        sampling: of the video branch, for each of ``train``, ``released`` and ``clean``.
        epochs: passes over the training set.
        finetune: the recipe of runs that start from another run, which the released code does not have.
        batch_size: items per step, the same for both branches.
        lr: base learning rate of the video branch's backbone and of its head.
        weight_decay: decoupled, on every parameter.
        warmup_epochs: linear warm-up of the video branch.
        rank_weight: weight of L_mono in its loss.
        ema_decay: of the averaged weights; the released image branch has none.
    """

    pictures: Pictures
    backbone: SwinConfig
    head_hidden: int
    head_dropout: float
    init_std: float
    initial: str
    patch_embedding: str
    short_side: int
    sampling: dict[str, Sampling]
    epochs: int
    finetune: FineTuning
    batch_size: int
    lr: tuple[float, float]
    weight_decay: float
    warmup_epochs: float
    rank_weight: float
    ema_decay: float

    def __post_init__(self) -> None:
        check_choice(self.patch_embedding, self.backbone.width, self.backbone.patch)


class Zoom(Whitened):
    """The method (:class:`vqa.methods.base.Method`; ``Branched``, ``Labelled`` and ``Fitted`` besides).

    Its outputs are the scores of the image and of the video branch. Both are trained on the same batches, with losses
    that are added up: as they share no weight, each learns as it would alone. The published weights are those of the
    last epoch.
    """

    config: Config

    def build(self, generator: torch.Generator) -> nn.Module:
        """Both branches, initialised from ``generator``."""
        config, pictures = self.config, self.config.pictures
        iqa = CellWeightedVQA(pictures.backbone, pictures.cells, pictures.hidden, pictures.dropout)
        backbone = SwinTransformer3D(config.backbone)
        vqa = FragmentVQA(backbone, VQAHead(backbone.out_channels, config.head_hidden, config.head_dropout))
        initialise(vqa, generator, config.init_std)
        initialise_convnext(iqa.backbone, generator, config.init_std)
        for head in (iqa.head_score, iqa.head_weight):
            initialise(head, generator, linear_std=None)
        if pictures.labels == "range":
            nn.init.constant_(iqa.head_score[3].get_parameter("bias"), 0.5)
        return ZoomVQA(iqa, vqa)

    def fit(self, model: nn.Module, inputs: Iterable[Inputs]) -> None:
        """Whiten the patch embedding of the video branch, if the run is one that does."""
        if self.fits:
            network: Any = model
            clips = (normalise(batch["clips"].flatten(0, 1)) for batch in inputs if isinstance(batch, dict))
            whiten(network.vqa.fragments_backbone.patch_embed.proj, clips)

    def looks(self, phase: str) -> Any:
        """The sampling of both branches."""
        return self.config.sampling[phase], self.config.pictures, self.config.short_side

    def sample(self, item: Item, read: Reader, phase: str, stream: Stream) -> Inputs:
        """Pictures and fragments of an item.

        Returns:
            ``pictures`` ``(n, 3, crop, crop)`` float32, normalised; ``count``, how many of them are not filled up;
            ``clips`` ``(clips, 3, T, H, W)`` in [0, 255]; ``range`` ``(2,)``, lowest and highest MOS of the data set.
        """
        rule = self.config.sampling[phase]
        frames = scaled(clip_pixels(item, read, rule.temporal, stream).transpose(0, 1), self.config.short_side)
        clips = in_clips(fragments_of(frames, rule, stream("crop")), rule.temporal)
        pictures, count = self._pictures(item, read, phase == "train", stream)
        known = {"count": torch.tensor(count), "range": torch.tensor(read.mos_range())}
        return {"pictures": pictures, "clips": clips, **known}

    def _pictures(self, item: Item, read: Reader, training: bool, stream: Stream) -> tuple[Tensor, int]:
        rule, chosen = self.config.pictures, picture_frames(item.n_frames, item.fps)
        if training:
            chosen = chosen[torch.randint(len(chosen), (rule.train,), generator=stream("pictures"))]
        elif len(chosen) > rule.most:
            raise ValueError(f"{len(chosen)} pictures, and pictures.most of params is {rule.most}")
        wanted, place = torch.unique(chosen, return_inverse=True)
        pixels = torch.from_numpy(read.frames(wanted.numpy())).permute(0, 3, 1, 2).float() / 255.0
        crop = stream("picture crop") if training else None
        square = cropped(short_side(pixels, rule.short_side, rule.antialias), rule.crop, crop)[place]
        if training and torch.rand(1, generator=stream("flip")).item() < 0.5:
            square = square.flip(-1)
        mean, std = (torch.tensor(values).view(3, 1, 1) for values in STATISTICS["imagenet"])
        length = rule.train if training else rule.most
        return F.pad((square - mean) / std, (0, 0, 0, 0, 0, 0, 0, length - len(square))).contiguous(), len(square)

    def scores(self, model: nn.Module, inputs: Inputs, second_pass: bool = False) -> Tensor:
        """Mean score of the pictures, and mean of the map of the clips: ``(B, 2)``."""
        assert isinstance(inputs, dict), "pictures, count, clips and range, by name"
        network: Any = model
        (B, n), clips, device = inputs["pictures"].shape[:2], inputs["clips"].shape[1], inputs["clips"].device
        shown = torch.arange(n, device=device) < inputs["count"][:, None]
        # In training there is nothing to leave out, and a GPU need not be asked.
        some = inputs["pictures"].flatten(0, 1) if model.training else inputs["pictures"][shown]
        with computing(self.precision, device):
            single = widened(network.iqa(some))
            maps = widened(network.vqa(normalise(inputs["clips"].flatten(0, 1))))
        pictures = single.new_zeros(B, n).masked_scatter(shown, single).sum(dim=1) / inputs["count"]
        return torch.stack([pictures, reduce_score_map(maps).view(B, clips).mean(dim=1)], dim=1)

    def fuse(self, scores: np.ndarray, phase: str) -> np.ndarray:
        """Logistics of z-scores over the items that are tested together; of a single video the sum."""
        return scores.sum(axis=1) if len(scores) == 1 else logistic_mean(scores[:, 0], scores[:, 1])

    def labels(self, inputs: Inputs, mos: Tensor) -> Tensor:
        """MOS as it is and, for the image branch, as params say: ``(B, 2)``."""
        assert isinstance(inputs, dict), "pictures, count, clips and range, by name"
        low, high = inputs["range"].to(mos).unbind(dim=1)
        own = (mos - low) / (high - low) if self.config.pictures.labels == "range" else mos
        return torch.stack([own, mos], dim=1)

    def loss(self, scores: Tensor, mos: Tensor) -> Tensor:
        """Smooth L1 of the image branch, L_lin + rank_weight * L_mono of the video branch."""
        single = F.smooth_l1_loss(scores[:, 0], mos[:, 0])
        return single + fastvqa_loss(scores[:, 1], mos[:, 1], self.config.rank_weight)

    def optimizer(self, model: nn.Module) -> torch.optim.Optimizer:
        """AdamW with four groups: backbone and heads of the image branch, then of the video branch."""
        rates = (*self.config.pictures.lr, *self.config.lr)
        groups: list[dict[str, Any]] = [{"params": [], "lr": rate} for rate in rates]
        for name, parameter in model.named_parameters():
            groups[2 * name.startswith("vqa.") + ("backbone" not in name)]["params"].append(parameter)
        return torch.optim.AdamW(groups, weight_decay=self.config.weight_decay, fused=True)

    def learning_rate(self, step: int, steps_per_epoch: int) -> tuple[float, ...]:
        """A cosine to 0 from the first step on for the image branch, FAST-VQA's schedule for the video branch."""
        total = self.config.epochs * steps_per_epoch
        warmup = int(self.config.warmup_epochs * steps_per_epoch)
        falling = (1 + math.cos(math.pi * step / total)) / 2
        return (falling,) * 2 + (warmup_cosine(step, warmup, total),) * 2


def make(block: dict[str, Any], run: Run, where: str) -> Zoom:
    """Zoom-VQA with the recipe of ``block``, changed by ``run``; ParamsError says where something does not fit."""
    config, frozen_epochs = configured(Config, block, run, where)
    no_augmentation(run, where, "is not part of Zoom-VQA")
    return Zoom(config, run, frozen_epochs)
