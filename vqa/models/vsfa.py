"""VSFA's head: linear layer, GRU, quality of every frame, temporal pooling (MULTIBRANCH_B 14.2.2)."""

from torch import Tensor, nn

from vqa.models.exact import Linear
from vqa.models.sequence import GRU, temporal_pooling


class Reduction(nn.Module):
    """One linear layer; the second is declared as released, never used, and has no gradient (discrepancy V3)."""

    def __init__(self, channels: int, reduced: int) -> None:
        super().__init__()
        self.fc0, self.fc = Linear(channels, reduced), Linear(reduced, reduced)

    def forward(self, x: Tensor) -> Tensor:
        return self.fc0(x)


class VSFAHead(nn.Module):
    """Rows of frames to one score per video, under the released names.

    Args:
        channels: numbers of a row, 4096 in the paper.
        reduced: width after the linear layer.
        hidden: of the GRU.
    """

    def __init__(self, channels: int, reduced: int = 128, hidden: int = 32) -> None:
        super().__init__()
        self.ann, self.rnn, self.q = Reduction(channels, reduced), GRU(reduced, hidden), Linear(hidden, 1)

    def frames(self, rows: Tensor) -> Tensor:
        """Qualities ``(B, L)`` of rows ``(B, L, channels)``."""
        return self.q(self.rnn(self.ann(rows))).squeeze(2)

    def forward(self, rows: Tensor, lengths: Tensor) -> Tensor:
        """Scores ``(B,)`` of rows ``(B, L, channels)``, of which the first ``lengths`` ``(B,)`` count."""
        return temporal_pooling(self.frames(rows), lengths)[1]
