"""Items of a prepared data set as network inputs, decoded or from a store, the same bytes either way."""

import platform
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor
from torch.utils.data import Dataset

from vqa.data.items import Item, Part
from vqa.graph.fingerprints import fingerprint
from vqa.io import digest, versions
from vqa.methods import method_module
from vqa.methods.base import Inputs, Limited, Method, Storable
from vqa.rng import torch_generator
from vqa.settings.params import Params
from vqa.training.readers import DecodedReader, ItemReader, check_items, naming
from vqa.training.scratch import Scratch
from vqa.training.store import EVERY, ClipStore

# Bytes of inputs that a part of a data set keeps over the epochs
ROOM = 128 << 20


@dataclass(frozen=True)
class Loader:
    """How clips are loaded, which changes no byte of them.

    Attributes:
        workers: processes; 0: this one.
        scratch: for a store of clips (:mod:`vqa.training.store`); None: every clip is decoded.
        code: what stands for the code, the libraries and the processor that make them.
    """

    workers: int = 0
    scratch: Scratch | None = None
    code: str = ""


def loader_of(params: Params, method: str) -> Loader:
    """The loader that params and the environment ask for, for a block of ``methods``."""
    scratch, made_by = Scratch.from_environment(), list[str]()
    if scratch:
        code = fingerprint(Path(params.root), [method_module(method, params.methods[method]), __name__], None)
        processor = [platform.machine(), torch.backends.cpu.get_cpu_capability()]
        made_by = [code, *versions("av", "numpy", "pillow", "torch", "torchvision"), *processor]
    return Loader(params.common.loader_workers, scratch, digest("\n".join(made_by)))


def look(data: str, method: Storable, phase: str, seed: int, epochs: Sequence[int]) -> dict[str, Any]:
    """What tells clips of a data set from others, by the choices of params."""
    kind = type(method).__module__.rpartition(".")[2]
    looks = repr(method.looks(phase))
    return {"data": data, "method": kind, "phase": phase, "looks": looks, "seed": seed, "epochs": list(epochs)}


def released_epochs(method: Method, draw: str) -> Sequence[int]:
    """Epochs of the draws of the released tests; ``draw`` is that of :class:`vqa.settings.common.Released`."""
    return range(1, method.epochs + 1) if draw == "epoch" else (0,)


class ClipDataset(Dataset):
    """Items of one split as network inputs, looked at in one phase.

    Every random choice for an item comes from a stream named by phase, epoch and item, so that it does not matter
    which worker makes it, or in which order. Inputs that are the same in every epoch, for nothing was drawn or there is
    one draw for all, are made once, as long as there is room.

    Args:
        part: the items.
        method: says what it looks at.
        phase: one of :data:`vqa.methods.base.PHASES`.
        seed: of the streams.
        epochs: all that will be asked for; a single one stands for whichever is. Of data sets without a frame store,
            their clips are taken from the loader's store, or put there. None: not known, and no store.
        loader: has the store.
        room: bytes of inputs that are kept, in each process.

    Raises:
        InputError: if the method cannot look at one of them (:class:`vqa.methods.base.Limited`).
    """

    def __init__(
        self,
        part: Part,
        method: Method,
        phase: str,
        seed: int,
        epochs: Sequence[int] | None = None,
        loader: Loader | None = None,
        room: int = ROOM,
    ) -> None:
        if isinstance(method, Limited):
            check_items(part, method.check)
        self.part, self.method, self.phase, self.seed = part, method, phase, seed
        self._epochs = epochs or ()
        self._room, self._kept = room, dict[int, Inputs]()
        self._store = self._open_store(loader) if loader else None

    def __len__(self) -> int:
        return len(self.part.items)

    def __getitem__(self, position: tuple[int, int]) -> tuple[Inputs, float, int]:
        epoch, index = position
        if len(self._epochs) == 1:
            epoch = self._epochs[0]
        item = self.part.items[index]
        inputs = self._kept.get(index)
        if inputs is None:
            inputs, drawn = self._stored(epoch, item) or self._sample(epoch, item)
            if drawn and len(self._epochs) != 1:
                self._room = 0  # the others will have been drawn as well
            elif self._room > 0:
                self._room -= sum(tensor.nbytes for tensor in tensors(inputs))
                self._kept[index] = inputs
        return inputs, item.mos, index

    def _open_store(self, loader: Loader) -> ClipStore | None:
        if not loader.scratch or not self._epochs or self.part.data.stored or not isinstance(self.method, Storable):
            return None
        about = look(self.part.data.name, self.method, self.phase, self.seed, self._epochs)
        about |= {"mos_range": self.part.data.mos_range, "code": loader.code}
        store = ClipStore(loader.scratch, about)
        store.open()
        return store

    def _stored(self, epoch: int, item: Item) -> tuple[Inputs, bool] | None:
        """Inputs of an item from the store, where there is one and it has room, and whether anything was drawn."""
        if self._store is None:
            return None
        return self._store.clip(item, self.part.data, epoch, lambda room: self._every_epoch(item, room))

    def _every_epoch(self, item: Item, room: np.ndarray) -> Iterator[tuple[int | str, Inputs]]:
        first, *others = self._epochs
        read = DecodedReader(self.part.data, item, room)
        inputs, drawn = self._sample(first, item, read)
        yield (first if drawn else EVERY), inputs
        for epoch in others if drawn else ():
            yield epoch, self._sample(epoch, item, read)[0]

    def _sample(self, epoch: int, item: Item, read: ItemReader | None = None) -> tuple[Inputs, bool]:
        """Inputs of an item, and whether anything was drawn for them."""
        data, streams = self.part.data, list[tuple[torch.Generator, Tensor]]()

        def stream(purpose: str) -> torch.Generator:
            generator = torch_generator(purpose, self.seed, self.phase, epoch, data.name, item.name)
            streams.append((generator, generator.get_state()))
            return generator

        with naming(data, item):
            inputs = self.method.sample(item, read or ItemReader(data, item), self.phase, stream)
        return inputs, not all(torch.equal(generator.get_state(), before) for generator, before in streams)


def tensors(inputs: Inputs) -> list[Tensor]:
    """All tensors of ``inputs``."""
    return list(inputs.values()) if isinstance(inputs, dict) else [inputs]
