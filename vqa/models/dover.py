"""DOVER: a technical branch on fragments and an aesthetic one on small whole frames (MULTIBRANCH_A 13.1.1)."""

from torch import Tensor, nn

from vqa.models.convnext3d import ConvNeXt3d, ConvNeXtConfig
from vqa.models.heads import VQAHead
from vqa.models.swin3d import SwinConfig, SwinTransformer3D


class Dover(nn.Module):
    """Two backbones and two heads that share nothing, under the names of the published checkpoint.

    The published technical branch never adapts its window to the input: at the size that its window is meant for, the
    only one it is used at, that is the same (discrepancy DO4).
    """

    def __init__(
        self, technical: SwinConfig, aesthetic: ConvNeXtConfig, hidden: int = 64, dropout: float = 0.5
    ) -> None:
        super().__init__()
        self.technical_backbone, self.aesthetic_backbone = SwinTransformer3D(technical), ConvNeXt3d(aesthetic)
        self.technical_head = VQAHead(self.technical_backbone.out_channels, hidden, dropout)
        self.aesthetic_head = VQAHead(self.aesthetic_backbone.out_channels, hidden, dropout)

    def technical(self, clips: Tensor) -> Tensor:
        """Normalised fragments ``(B, 3, T, H, W)`` to maps ``(B, 1, D, H', W')``."""
        return self.technical_head(self.technical_backbone(clips))

    def aesthetic(self, clips: Tensor) -> Tensor:
        """Normalised whole frames ``(B, 3, T, H, W)`` to maps ``(B, 1, D, H', W')``."""
        return self.aesthetic_head(self.aesthetic_backbone(clips))
