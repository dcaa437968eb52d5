"""Bytes of frames to numbers with the mean and deviation that a network was trained with."""

import torch
from torch import Tensor

# RGB mean and standard deviation on the scale 0..1: of ImageNet weights (METHODS 6.1), of the published SlowFast
# weights (METHODS 6.2), and of KonCept512 (MULTIBRANCH_B 14.4.2)
STATISTICS = {
    "imagenet": ((0.485, 0.456, 0.406), (0.229, 0.224, 0.225)),
    "kinetics": ((0.45, 0.45, 0.45), (0.225, 0.225, 0.225)),
    "half": ((0.5, 0.5, 0.5), (0.5, 0.5, 0.5)),
}


def normalise(frames: Tensor, statistics: str) -> Tensor:
    """Frames ``(n, H, W, 3)`` uint8 RGB to ``(n, 3, H, W)`` float32.

    Args:
        frames: on any device.
        statistics: a key of :data:`STATISTICS`.
    """
    mean, std = (torch.tensor(values, device=frames.device) for values in STATISTICS[statistics])
    scaled = frames.permute(0, 3, 1, 2).float() / 255.0
    return (scaled - mean.view(3, 1, 1)) / std.view(3, 1, 1)
