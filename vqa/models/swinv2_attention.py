"""The attention of Swin Transformer V2: torchvision's parameters and bias, our windows, the exact exponential.

A module of its own, because it needs torchvision, which takes seconds to import.
"""

import math

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor
from torchvision.models.swin_transformer import ShiftedWindowAttentionV2

from vqa.models import windows
from vqa.models.exact import exp, linear, product

# Largest factor of the cosine between queries and keys
MAX_SCALE = 100.0


class CosineAttention(ShiftedWindowAttentionV2):
    """The library's module, computed with :mod:`vqa.models.exact`; the map must be whole windows (see the config)."""

    def define_relative_position_bias_table(self) -> None:
        """The table of coordinates, its logarithms taken by NumPy."""
        super().define_relative_position_bias_table()
        h, w = (np.arange(1.0 - side, side) * 8 / (side - 1) for side in self.window_size)
        grid = np.stack(np.meshgrid(h, w, indexing="ij"), axis=-1)[None]
        values = np.sign(grid) * np.log2(np.abs(grid) + 1) / 3
        self.relative_coords_table.copy_(torch.from_numpy(values))

    def forward(self, x: Tensor) -> Tensor:
        """Maps ``(B, H, W, C)`` to the same shape."""
        B, H, W, C = x.shape
        size, given = (1, H, W), (1, *self.window_size)
        window, (_, *shift) = windows.effective_window(size, given, (0, *self.shift_size))
        x = torch.roll(x, (-shift[0], -shift[1]), (1, 2)) if any(shift) else x
        x = windows.partition(x[:, None], window)
        M, N = x.shape[1:3]
        # The library carries a bias of the keys, and reads it as 0.
        bias_q, _, bias_v = self.qkv.bias.chunk(3)
        qkv = linear(x, self.qkv.weight, torch.cat([bias_q, torch.zeros_like(bias_q), bias_v]))
        q, k, v = qkv.view(B, M, N, 3, self.num_heads, C // self.num_heads).permute(3, 0, 1, 4, 2, 5)
        scale = exp(self.logit_scale.clamp(max=math.log(MAX_SCALE)))
        logits = product(F.normalize(q, dim=-1), F.normalize(k, dim=-1).transpose(-2, -1)) * scale
        logits = logits + self.get_relative_position_bias()
        if any(shift):
            mask = windows.shift_mask(size, window, (0, *shift), x.device)
            logits = logits + mask[:, None].to(logits.dtype)
        x = self.proj(product(logits.softmax(-1), v).transpose(2, 3).reshape(B, M, N, C))
        x = windows.merge(x, window, size)[:, 0]
        return torch.roll(x, shift, (1, 2)) if any(shift) else x
