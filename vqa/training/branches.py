"""Scores of every branch of a network, before they are fused."""

from typing import Any

import numpy as np
import torch
from torch import nn

from vqa.data.items import Part
from vqa.methods.base import Method
from vqa.training.clips import ClipDataset, Loader
from vqa.training.predict import predict


class _Unfused:
    """A method whose outputs stay as they are."""

    def __init__(self, method: Method) -> None:
        self._method = method

    def __getattr__(self, name: str) -> Any:
        return getattr(self._method, name)

    def fuse(self, scores: np.ndarray, phase: str) -> np.ndarray:
        return scores


def branch_scores(
    model: nn.Module, method: Method, part: Part, seed: int, loader: Loader, device: torch.device
) -> np.ndarray:
    """Outputs ``(n, k)`` float64 of a network of k branches on the items of ``part``, which the clean protocol samples.

    Raises:
        vqa.io.InputError: for scores that are not finite.
    """
    unfused: Any = _Unfused(method)
    clips = ClipDataset(part, method, "clean", seed, (0,), loader)
    (outputs,) = predict([model], unfused, clips, 0, loader.workers, device)
    return outputs
