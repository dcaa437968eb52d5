"""Small networks, mini-batches and losses for the tests of landscapes and sharpness."""

import tiny
import torch
import torch.nn.functional as F
from torch import Tensor, nn

from vqa.landscape.curves import BatchLoss, method_loss
from vqa.models.dropout import Dropout
from vqa.rng import torch_generator


class Net(nn.Module):
    """Matrices, norms with and without running statistics, biases, a bias table and dropout."""

    def __init__(self, seed: int = 3) -> None:
        super().__init__()
        self.relative_position_bias_table = nn.Parameter(torch.empty(4, 8))
        self.fc1, self.norm, self.bn = nn.Linear(6, 8), nn.LayerNorm(8), nn.BatchNorm1d(8)
        self.drop, self.fc2 = Dropout(0.5), nn.Linear(8, 1)
        generator = torch_generator("init", seed)
        for parameter in self.parameters():
            nn.init.normal_(parameter, generator=generator)

    def forward(self, x: Tensor) -> Tensor:
        z = self.norm(F.gelu(self.fc1(x))) + self.relative_position_bias_table.mean(0)
        return self.fc2(self.drop(self.bn(z))).squeeze(1)


class ReluNet(nn.Module):
    """Three layers with biases, without any norm."""

    def __init__(self) -> None:
        super().__init__()
        self.layers = nn.ModuleList([nn.Linear(5, 7), nn.Linear(7, 6), nn.Linear(6, 1)])
        generator = torch_generator("init", 1)
        for parameter in self.parameters():
            nn.init.normal_(parameter, generator=generator)
        self.double()

    def forward(self, x: Tensor) -> Tensor:
        for layer in self.layers[:-1]:
            x = F.relu(layer(x))
        return self.layers[-1](x).squeeze(1)


def batches(n: int = 3, features: int = 6, dtype: torch.dtype = torch.float32) -> list[tuple[Tensor, Tensor]]:
    generator = torch_generator("batches", 0)
    draw = [(torch.randn(4, features, generator=generator), torch.randn(4, generator=generator)) for _ in range(n)]
    return [(x.to(dtype), y.to(dtype)) for x, y in draw]


def squared(model: nn.Module, x: Tensor, y: Tensor) -> Tensor:
    return (model(x) - y).square().mean()


def bits(model: nn.Module) -> dict[str, bytes]:
    return {name: entry.numpy().tobytes() for name, entry in model.state_dict().items()}


def method_case(name: str) -> tuple[nn.Module, BatchLoss]:
    """A tiny method's model with its loss on one random mini-batch of four."""
    method = tiny.make(name)
    generator = torch_generator("clips", 0)
    clips = {"sama_iqa": (4, 3, 32, 32), "simplevqa": (4, 2, 3, 40, 40)}.get(name, (4, 1, 3, 2, 32, 32))
    inputs: Tensor | dict[str, Tensor] = torch.randn(clips, generator=generator)
    if name in ("fastvqa", "sama"):
        inputs = 120 + 60 * inputs  # pixels
    if name == "simplevqa":
        inputs = {"frames": inputs, "motion": torch.randn(4, 2, tiny.MOTION, generator=generator)}
    loss = BatchLoss(method_loss(method), [(inputs, torch.tensor([1.0, 2.0, 3.0, 4.0]))])
    return method.build(torch_generator("init", 0)), loss
