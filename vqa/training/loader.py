"""Clips of prepared data sets in batches, the same for any number of loader workers."""

from collections.abc import Iterable, Iterator, Sequence
from typing import Any

import torch
from torch import Tensor
from torch.utils.data import DataLoader, Dataset, default_collate

from vqa.io import InputError
from vqa.methods.base import Inputs
from vqa.rng import torch_generator
from vqa.settings.strict import ParamsError
from vqa.training.clips import ClipDataset

# Which data set, epoch, and item of it
Position = tuple[int, int, int]
# What a worker hands over as it is; of other errors PyTorch makes a text of many lines
_TOLD = (InputError, ParamsError, OSError, MemoryError)
# Inputs (B, ...), MOS (B,) float64, numbers of the items (B,)
Batch = tuple[Inputs, Tensor, Tensor]


class _Joint(Dataset):
    """Several data sets as one."""

    def __init__(self, sets: Sequence[ClipDataset]) -> None:
        self._sets = sets

    def __getitem__(self, position: Position) -> tuple[Inputs, float, int] | Exception:
        which, epoch, index = position
        try:
            return self._sets[which][epoch, index]
        except _TOLD as error:
            return error


def _together(samples: list[Any]) -> Any:
    """A batch, or what is wrong with one of its items."""
    return next((sample for sample in samples if isinstance(sample, Exception)), None) or default_collate(samples)


def cuts(which: int, order: Sequence[int], epoch: int, batch_size: int) -> Iterator[list[Position]]:
    """The batches of one data set in one epoch, its items in the given order."""
    for start in range(0, len(order), batch_size):
        yield [(which, epoch, index) for index in order[start : start + batch_size]]


def loaded(sets: Sequence[ClipDataset], wanted: Iterable[list[Position]], workers: int) -> Iterator[Batch]:
    """Yield every wanted batch, in order.

    The workers live until the last one, and are ahead of who takes the batches. What is wrong with an item is raised
    as it is, whoever found it.
    """
    # The loader would seed its workers from the global generator; nothing here uses that seed.
    unused = torch_generator("loader", sets[0].seed)
    pinned = torch.cuda.is_available()  # such memory is read by a GPU while the next batch is being made
    options: Any = {"batch_sampler": wanted, "collate_fn": _together}  # any iterable of lists will do
    for batch in DataLoader(_Joint(sets), num_workers=workers, generator=unused, pin_memory=pinned, **options):
        if isinstance(batch, Exception):
            raise batch
        yield batch


def batches(clips: ClipDataset, order: Sequence[int], epoch: int, batch_size: int, workers: int) -> Iterator[Batch]:
    """:func:`loaded` for one epoch of one data set, in the given order."""
    return loaded([clips], cuts(0, order, epoch, batch_size), workers)


def to_device(inputs: Inputs, device: torch.device) -> Inputs:
    """The same inputs on ``device``."""
    if isinstance(inputs, dict):
        return {name: tensor.to(device, non_blocking=True) for name, tensor in inputs.items()}
    return inputs.to(device, non_blocking=True)


def shuffled(n: int, seed: int, epoch: int) -> list[int]:
    """Order of the training items in one epoch: the same for all runs with the same seed and data."""
    return torch.randperm(n, generator=torch_generator("order", seed, epoch)).tolist()
