"""Clips of a prepared data set in batches, the same bytes for any number of loader workers."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager

import numpy as np
import torch
from torch import Tensor
from torch.utils.data import DataLoader, Dataset

from vqa.data.items import Item, Part, PreparedDataset
from vqa.io import InputError
from vqa.methods.base import Inputs, Limited, Method
from vqa.rng import torch_generator
from vqa.settings.strict import ParamsError

# Bytes of inputs that a part of a data set keeps over the epochs
ROOM = 128 << 20


class ItemReader:
    """Frames and features of one item (:class:`vqa.methods.base.Reader`)."""

    def __init__(self, data: PreparedDataset, item: Item) -> None:
        self._data, self._item = data, item

    def frames(self, indices: np.ndarray) -> np.ndarray:
        """Frames ``(n, H, W, 3)`` uint8 RGB."""
        return self._data.frames(self._item, indices)

    def features(self, name: str) -> np.ndarray:
        """Features of the set ``name``, float32: ``(channels,)`` of a published one, ``(L, channels)`` extracted."""
        return self._data.features(self._item, name).copy()

    def length(self, name: str) -> int:
        """How many rows of the extraction ``name`` are the item's own."""
        return self._data.length(self._item, name)

    def mos_range(self) -> tuple[float, float]:
        """Lowest and highest MOS of the whole data set, items of all splits included."""
        return self._data.mos_range

    def patches(self) -> np.ndarray:
        """MOS ``(3,)`` float32 of space-time patches of the item; ``(0,)`` where the data set has none."""
        return np.array([patch.mos for patch in self._data.patches(self._item)], np.float32)


def check_items(part: Part, check: Callable[[Item], object]) -> None:
    """Raise InputError with the first item of which ``check`` raises ValueError, and how many more there are.

    Before anything is computed, not when their turn comes, which may be days later.
    """
    refused = []
    for item in part.items:
        try:
            check(item)
        except ValueError as error:
            refused.append((item, error))
    if refused:
        raise cannot_be_looked_at(part.data, *refused[0], len(refused) - 1)


def cannot_be_looked_at(data: PreparedDataset, item: Item, error: ValueError, others: int = 0) -> InputError:
    """What is said of an item that a method cannot look at, and of ``others`` like it."""
    more = f" (and {others} more items)" if others else ""
    remedy = f"take {'them' if others else 'it'} out of the label list of {data.name}"
    return InputError(f"{data.name}: {item.name} cannot be looked at: {error}{more}; {remedy}")


@contextmanager
def naming(data: PreparedDataset, item: Item) -> Iterator[None]:
    """Turn a ValueError about what an item is, such as its size, into an InputError that names it."""
    try:
        yield
    except ParamsError:
        raise
    except ValueError as error:
        raise cannot_be_looked_at(data, item, error) from error


class ClipDataset(Dataset):
    """Items of one split as network inputs, looked at in one phase.

    Every random choice for an item comes from a stream named by phase, epoch and item, so that it does not matter
    which worker makes it, or in which order. Inputs for which no stream moved are the same in every epoch: as long as
    there is room, they are made once.

    Args:
        part: the items.
        method: says what it looks at.
        phase: one of :data:`vqa.methods.base.PHASES`.
        seed: of the streams.
        room: bytes of inputs that are kept, in each process.

    Raises:
        InputError: if the method cannot look at one of them (:class:`vqa.methods.base.Limited`).
    """

    def __init__(self, part: Part, method: Method, phase: str, seed: int, room: int = ROOM) -> None:
        if isinstance(method, Limited):
            check_items(part, method.check)
        self.part, self.method, self.phase, self.seed = part, method, phase, seed
        self._room, self._kept = room, dict[int, Inputs]()

    def __len__(self) -> int:
        return len(self.part.items)

    def __getitem__(self, position: tuple[int, int]) -> tuple[Inputs, float, int]:
        epoch, index = position
        item = self.part.items[index]
        inputs = self._kept.get(index)
        if inputs is None:
            inputs = self._sample(epoch, index, item)
        return inputs, item.mos, index

    def _sample(self, epoch: int, index: int, item: Item) -> Inputs:
        data, streams = self.part.data, list[tuple[torch.Generator, Tensor]]()

        def stream(purpose: str) -> torch.Generator:
            generator = torch_generator(purpose, self.seed, self.phase, epoch, data.name, item.name)
            if self._room > 0:
                streams.append((generator, generator.get_state()))
            return generator

        with naming(data, item):
            inputs = self.method.sample(item, ItemReader(data, item), self.phase, stream)
        if not all(torch.equal(generator.get_state(), before) for generator, before in streams):
            self._room = 0  # a phase that draws: to look any further would cost more than is gained
        elif self._room > 0:
            self._room -= sum(tensor.nbytes for tensor in tensors(inputs))
            self._kept[index] = inputs
        return inputs


def batches(clips: ClipDataset, order: list[int], epoch: int, batch_size: int, workers: int) -> Iterator[tuple]:
    """Yield ``(inputs, mos (B,) float64, index (B,))`` of one epoch in the given order; inputs are ``(B, ...)``."""
    positions = [(epoch, index) for index in order]
    cuts = [positions[start : start + batch_size] for start in range(0, len(positions), batch_size)]
    # The loader would seed its workers from the global generator; nothing here uses that seed.
    unused = torch_generator("loader", clips.seed, epoch)
    pinned = torch.cuda.is_available()  # such memory is read by a GPU while the next batch is being made
    return iter(DataLoader(clips, batch_sampler=cuts, num_workers=workers, generator=unused, pin_memory=pinned))


def tensors(inputs: Inputs) -> list[Tensor]:
    """All tensors of ``inputs``."""
    return list(inputs.values()) if isinstance(inputs, dict) else [inputs]


def to_device(inputs: Inputs, device: torch.device) -> Inputs:
    """The same inputs on ``device``."""
    if isinstance(inputs, dict):
        return {name: tensor.to(device, non_blocking=True) for name, tensor in inputs.items()}
    return inputs.to(device, non_blocking=True)


def shuffled(n: int, seed: int, epoch: int) -> list[int]:
    """Order of the training items in one epoch: the same for all runs with the same seed and data."""
    return torch.randperm(n, generator=torch_generator("order", seed, epoch)).tolist()
