"""SAMA: FAST-VQA's network and loss on fragments of a pyramid of scales that runs along time (METHODS 5.1)."""

from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor, nn

from vqa.data.items import Item
from vqa.methods import fastvqa
from vqa.sampling.fragments import FragmentSampling
from vqa.sampling.pyramid import PyramidSampling, sample_pyramid
from vqa.sampling.temporal import TemporalSampling
from vqa.settings.params import Run
from vqa.settings.strict import one_of


@dataclass(frozen=True)
class Sampling:
    """How an item is looked at in one phase."""

    temporal: TemporalSampling
    pyramid: PyramidSampling

    @property
    def fragments(self) -> FragmentSampling:
        """Of one level of the pyramid."""
        return self.pyramid.fragments


@dataclass(frozen=True)
class Config(fastvqa.Config):
    """Block ``methods.sama`` of params: that of FAST-VQA with another sampling, and two choices.

    Attributes:
        sampling: one :class:`Sampling` for each of ``train``, ``released`` and ``clean``.
        drop_last: leave out the last, smaller batch of an epoch (discrepancy S6).
        time: ``sum`` or ``mean`` of the local quality over time, in the clean pass of a training step. The released
            code sums there and takes the mean in the pass at perturbed weights and in tests (discrepancies S3, W6).
    """

    sampling: dict[str, Sampling]  # type: ignore[assignment]  # pyramids in the place of fragments
    drop_last: bool
    time: str

    def __post_init__(self) -> None:
        super().__post_init__()
        one_of("time", self.time, ("sum", "mean"))


class SAMA(fastvqa.FastVQA):
    """The method (:class:`vqa.methods.base.Method`)."""

    config: Config

    def __init__(self, config: Config, run: Run, frozen_epochs: int = 0) -> None:
        super().__init__(config, run, frozen_epochs)
        self.drop_last = config.drop_last

    def check(self, item: Item) -> None:
        """Frames of any size will do: small ones are enlarged."""

    def cut(self, frames: Tensor, rule: Sampling, generator: torch.Generator) -> Tensor:
        """Pyramid fragments, float32."""
        return sample_pyramid(frames, rule.pyramid, generator)

    def scores(self, model: nn.Module, inputs: Tensor, second_pass: bool = False) -> Tensor:
        """Local quality maps, reduced over space, and over time as :class:`Config` says; mean over clips."""
        return self._reduced(model, inputs, self.config.time if model.training and not second_pass else "mean")


def make(block: dict[str, Any], run: Run, where: str) -> SAMA:
    """SAMA with the recipe of ``block``, changed by ``run``; ParamsError says where something does not fit."""
    config, frozen_epochs = fastvqa.configured(Config, block, run, where)
    return SAMA(config, run, frozen_epochs)
