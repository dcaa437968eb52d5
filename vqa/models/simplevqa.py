"""SimpleVQA: statistics of ResNet features of key frames plus motion features, mapped to a score (METHODS 6.3)."""

import torch
from torch import Tensor, nn

from vqa.models.exact import Linear
from vqa.models.pooled import check_size, mean_and_deviation
from vqa.models.resnet import ResNet, ResNetConfig


class SimpleVQA(ResNet):
    """Key frames and their motion features to one score per video.

    The network is a ResNet with the layers ``quality.0`` and ``quality.1`` beside it, so that its names are those of
    the published weights. There is no activation between the two: together they are one affine map, as released
    (discrepancy L11).

    Args:
        config: size of the ResNet.
        motion: motion features per key frame, 2304 in the paper; 0 for none.
        hidden: width between the two linear layers.
    """

    def __init__(self, config: ResNetConfig, motion: int, hidden: int = 128) -> None:
        super().__init__(config)
        self.motion = motion
        self.quality = nn.Sequential(Linear(self.n_features + motion, hidden), Linear(hidden, 1))

    @property
    def n_features(self) -> int:
        """Length of :meth:`features`: 7168 for ResNet-50."""
        return 2 * sum(self.stage_channels)

    def features(self, frames: Tensor) -> Tensor:
        """Spatial features of key frames.

        Args:
            frames: ``(B, F, 3, H, W)``, normalised with the ImageNet mean and standard deviation.

        Returns:
            ``(B, F, n_features)``: mean and unbiased standard deviation over space of layer2, of layer3, of layer4.

        Raises:
            ValueError: for frames so small that layer4 has a single position, which has no unbiased deviation.
        """
        check_size(frames.shape[4], frames.shape[3])
        pooled = [mean_and_deviation(output) for output in super().forward(frames.flatten(0, 1))]
        return torch.cat(pooled, dim=1).unflatten(0, frames.shape[:2])

    def frame_scores(self, frames: Tensor, motion: Tensor) -> Tensor:
        """Scores ``(B, F)`` of frames ``(B, F, 3, H, W)`` with motion features ``(B, F, motion)``.

        Raises:
            ValueError: if the motion features do not fit the frames, or the frames are too small.
        """
        expected = (*frames.shape[:2], self.motion)
        if motion.shape != expected:
            raise ValueError(f"motion features must have shape {expected}, got {tuple(motion.shape)}")
        return self.quality(torch.cat([self.features(frames), motion], dim=2)).squeeze(2)

    def forward(self, frames: Tensor, motion: Tensor) -> Tensor:  # type: ignore[override]  # frames of a video, not one
        """Score ``(B,)``: the mean of :meth:`frame_scores` over frames."""
        return self.frame_scores(frames, motion).mean(dim=1)
