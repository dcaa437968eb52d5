"""Clips of a prepared data set in batches, the same bytes for any number of loader workers."""

from collections.abc import Iterator

import torch
from torch import Tensor
from torch.utils.data import DataLoader, Dataset

from vqa.data.items import Item, PreparedDataset
from vqa.methods.base import Method
from vqa.rng import torch_generator


class ClipDataset(Dataset):
    """Items of one split as network inputs, looked at in one phase.

    Every random choice for an item comes from a stream named by phase, epoch and item, so that it does not matter
    which worker makes it, or in which order.
    """

    def __init__(self, data: PreparedDataset, items: list[Item], method: Method, phase: str, seed: int) -> None:
        self.data, self.items, self.method, self.phase, self.seed = data, items, method, phase, seed

    def __len__(self) -> int:
        return len(self.items)

    def __getitem__(self, position: tuple[int, int]) -> tuple[Tensor, float, int]:
        epoch, index = position
        item = self.items[index]

        def stream(purpose: str) -> torch.Generator:
            return torch_generator(purpose, self.seed, self.phase, epoch, self.data.name, item.name)

        def read(indices):
            return self.data.frames(item, indices)

        return self.method.sample(item, read, self.phase, stream), item.mos, index


def batches(clips: ClipDataset, order: list[int], epoch: int, batch_size: int, workers: int) -> Iterator[tuple]:
    """Yield ``(inputs (B, clips, ...), mos (B,) float64, index (B,))`` of one epoch in the given order."""
    positions = [(epoch, index) for index in order]
    cuts = [positions[start : start + batch_size] for start in range(0, len(positions), batch_size)]
    # The loader would seed its workers from the global generator; nothing here uses that seed.
    unused = torch_generator("loader", clips.seed, epoch)
    return iter(DataLoader(clips, batch_sampler=cuts, num_workers=workers, generator=unused))


def shuffled(n: int, seed: int, epoch: int) -> list[int]:
    """Order of the training items in one epoch: the same for all runs with the same seed and data."""
    return torch.randperm(n, generator=torch_generator("order", seed, epoch)).tolist()
