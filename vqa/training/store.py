"""A store of clips: what a method sees of a video in all epochs, cut while the video is decoded once.

Random choices come from streams that are named by phase, epoch and item and not by run, so all runs of a method with
the same sampling, seed and data set see the same clips, and all epochs of them are known before the first. To decode a
video takes twenty times as long as to read a clip. So whoever first asks for one decodes the video, cuts the clips of
all epochs, and leaves them for the other epochs and runs in one file.

The store is only ever faster: clips are kept without loss, each with its SHA-256, a missing or damaged one is made on
the spot, and what does not fit is not kept. Differences of bytes and Zstandard at its lowest level leave a fifth of
fragments; zlib's lowest level leaves half, and takes five times as long.
"""

import fcntl
import hashlib
import json
import math
import os
import sys
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor

from vqa.data.items import Item, PreparedDataset
from vqa.io import digest
from vqa.methods.base import Inputs
from vqa.training.scratch import FULL, Scratch

Make = Callable[[np.ndarray], Iterator[tuple[int | str, Inputs]]]

ABOUT = "about.json"
# In the place of an epoch: the clip of all of them
EVERY = "every"
_ONE = "inputs"  # the name of inputs that are one tensor
_LEVEL = 1


class ClipStore:
    """The clips of one data set in one phase, under one sampling rule.

    Args:
        scratch: where it lies.
        about: all that its clips depend on beside the files of the items.
    """

    def __init__(self, scratch: Scratch, about: Mapping[str, Any]) -> None:
        self._scratch, self._about = scratch, json.dumps(about, sort_keys=True)
        self.folder = scratch.folder / digest(self._about)[:16]
        self.full = False

    def open(self) -> None:
        """Say what it is of, and count what is there; a disk without room for that is a full one."""
        try:
            self._scratch.recount()
            self._describe()
        except OSError as error:
            if error.errno not in FULL:
                raise
            self._give_up()

    def clip(self, item: Item, data: PreparedDataset, epoch: int, make: Make) -> tuple[Inputs, bool] | None:
        """The inputs of an item in an epoch, and whether every epoch has its own; None if it has no room for them.

        Args:
            item: of ``data``.
            data: its data set.
            epoch: one of those that ``make`` makes.
            make: asked where they are not there, which takes long; gives the inputs of every epoch one after the other,
                or one for :data:`EVERY` one; the room that it is given is for all frames of the item.
        """
        found = self.read(item, data, epoch)
        if found or self.full:
            return found
        try:
            with self._making(item, data):
                if found := self.read(item, data, epoch):
                    return found
                with self._scratch.frames((item.n_frames, item.height, item.width, 3)) as room:
                    return self._write(item, data, epoch, make(room))
        except OSError as error:
            if error.errno not in FULL:
                raise
            return None  # for this one alone: a large video needs more room than its clips

    def read(self, item: Item, data: PreparedDataset, epoch: int) -> tuple[Inputs, bool] | None:
        """The clip of an item in an epoch, and whether every epoch has its own; None if it is not there.

        What is damaged is named and removed.
        """
        path = self._file(item, data)
        try:
            with path.open("rb") as stream:
                sha256, _, head = stream.readline().decode().strip().partition(" ")
                if digest(head) != sha256:
                    raise ValueError("wrong checksum of its list")
                clips = json.loads(head)
                name = str(epoch) if str(epoch) in clips else EVERY
                if name not in clips:
                    return None
                start = stream.tell()
                tensors = {key: _read(stream.fileno(), start, *entry) for key, entry in clips[name].items()}
        except FileNotFoundError:
            return None
        except (OSError, ValueError) as error:
            print(f"{path}: the stored clips of {item.name} are damaged ({error}); made anew", file=sys.stderr)
            self._scratch.remove(path)
            return None
        return tensors[_ONE] if tensors.keys() == {_ONE} else tensors, name != EVERY

    def _write(
        self, item: Item, data: PreparedDataset, wanted: int, clips: Iterator[tuple[int | str, Inputs]]
    ) -> tuple[Inputs, bool]:
        """Keep the clips of an item if there is room; what :meth:`clip` says of the ``wanted`` epoch."""
        head: dict[str, dict[str, list]] = {}
        parts, end, found = [], 0, None
        for epoch, inputs in clips:
            entries = head[str(epoch)] = {}
            for key, tensor in (inputs if isinstance(inputs, dict) else {_ONE: inputs}).items():
                part = _packed(tensor)
                kind = str(tensor.dtype).removeprefix("torch.")
                entries[key] = [end, len(part), hashlib.sha256(part).hexdigest(), kind, list(tensor.shape)]
                parts.append(part)
                end += len(part)
            if epoch in (wanted, EVERY):
                found = _own(inputs), epoch != EVERY
        listed = json.dumps(head)
        if not self._scratch.put(self._file(item, data), [f"{digest(listed)} {listed}\n".encode(), *parts]):
            self._give_up()
        self._describe()
        assert found is not None, "the wanted epoch is one of those that are made"
        return found

    def _describe(self) -> None:
        """Say what the store is of, also after somebody dropped it."""
        about = self.folder / ABOUT
        if about_of(self.folder) != json.loads(self._about) and not self._scratch.put(about, [self._about.encode()]):
            self._give_up()

    @contextmanager
    def _making(self, item: Item, data: PreparedDataset) -> Iterator[None]:
        """Only one process makes the clips of an item; who comes second waits, and finds them made."""
        self._scratch.folder.mkdir(parents=True, exist_ok=True)
        with (self._scratch.folder / "making").open("a") as stream:
            place = int(self._file(item, data).stem[:7], 16)
            fcntl.lockf(stream, fcntl.LOCK_EX, 1, place)
            yield

    def _file(self, item: Item, data: PreparedDataset) -> Path:
        return self.folder / f"{digest(data.identity(item))[:24]}.clips"

    def _give_up(self) -> None:
        if not self.full:
            said = "no room left, so that what is not there is decoded in every epoch; `vqa store` says what takes it"
            print(f"{self._scratch.folder}: {said}", file=sys.stderr)
        self.full = True


def about_of(folder: Path) -> dict[str, Any]:
    """What the store in a folder is of; empty if that cannot be read."""
    try:
        return dict(json.loads((folder / ABOUT).read_text()))
    except (OSError, ValueError, TypeError):
        return {}


def _own(inputs: Inputs) -> Inputs:
    """The same in memory of their own: nobody else's, whatever the method made them of."""
    return {key: tensor.clone() for key, tensor in inputs.items()} if isinstance(inputs, dict) else inputs.clone()


def _packed(tensor: Tensor) -> bytes:
    from pyarrow import Codec  # here: it takes a moment to import, and most runs have no store

    plain = tensor.contiguous()
    if plain.dtype == torch.uint8:
        plain = _differences(plain)
    return Codec("zstd", _LEVEL).compress(plain.numpy().data, asbytes=True)


def _read(file: int, start: int, offset: int, length: int, sha256: str, kind: str, shape: list[int]) -> Tensor:
    """One tensor, checked; ValueError if it is damaged."""
    from pyarrow import Codec

    part = os.pread(file, length, start + offset)
    if hashlib.sha256(part).hexdigest() != sha256:
        raise ValueError("wrong checksum")
    dtype = getattr(torch, kind)
    whole = torch.frombuffer(Codec("zstd").decompress(part, math.prod(shape) * dtype.itemsize), dtype=dtype)
    return _sums(whole, shape) if dtype == torch.uint8 else whole.view(shape)


def _differences(pixels: Tensor) -> Tensor:
    """Bytes with less in them: red and blue less green, and then each less the one before, modulo 256.

    Where there is an axis of three, its middle is taken for green; what it is matters to the size alone.
    """
    less = pixels.clone()
    for colour, green in _colours(less):
        colour.sub_(green)
    flat = less.flatten()
    return torch.cat([flat[:1], flat[1:] - flat[:-1]])


def _sums(flat: Tensor, shape: list[int]) -> Tensor:
    """The inverse of :func:`_differences`."""
    pixels = flat.cumsum(0, dtype=torch.uint8).view(shape)
    for colour, green in _colours(pixels):
        colour.add_(green)
    return pixels


def _colours(pixels: Tensor) -> list[tuple[Tensor, Tensor]]:
    if 3 not in pixels.shape:
        return []
    red, green, blue = pixels.unbind(pixels.shape.index(3))
    return [(red, green), (blue, green)]
