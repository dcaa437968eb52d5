"""Quality head of FAST-VQA and SAMA: a local quality map from backbone features (METHODS 3.5)."""

from torch import Tensor, nn

from vqa.models.dropout import Dropout
from vqa.models.exact import gelu, linear


class VQAHead(nn.Module):
    """Dropout, 1x1x1 convolution, exact GELU, dropout, 1x1x1 convolution to one channel; no pooling.

    Args:
        channels: width of the features.
        hidden: hidden width, 64 in the paper.
        dropout: drop probability of both dropouts, 0.5 in the paper.
    """

    def __init__(self, channels: int, hidden: int = 64, dropout: float = 0.5) -> None:
        super().__init__()
        self.dropout = Dropout(dropout)
        self.fc_hid = nn.Conv3d(channels, hidden, kernel_size=1)
        self.fc_last = nn.Conv3d(hidden, 1, kernel_size=1)

    def forward(self, features: Tensor) -> Tensor:
        """Features ``(B, T, H, W, C)`` to the local quality map ``(B, 1, T, H, W)``."""
        x = linear(self.dropout(features), self.fc_hid.weight.flatten(1), self.fc_hid.bias)
        x = linear(self.dropout(gelu(x)), self.fc_last.weight.flatten(1), self.fc_last.bias)
        return x.permute(0, 4, 1, 2, 3)


class FragmentVQA(nn.Module):
    """Backbone and head under the names of the published checkpoints: ``fragments_backbone`` and ``vqa_head``."""

    def __init__(self, backbone: nn.Module, head: VQAHead) -> None:
        super().__init__()
        self.fragments_backbone = backbone
        self.vqa_head = head

    def forward(self, clips: Tensor) -> Tensor:
        """Normalised clips ``(B, 3, T, H, W)`` to local quality maps ``(B, 1, D, H', W')``."""
        return self.vqa_head(self.fragments_backbone(clips))
