"""What a method or an extractor reads of one item, and how it is said of items that cannot be looked at."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import cached_property

import numpy as np

from vqa.data.items import Item, Part, PreparedDataset
from vqa.io import InputError
from vqa.settings.strict import ParamsError


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


def picked(frames: np.ndarray, indices: np.ndarray) -> np.ndarray:
    """Some of the frames of a video; a view of them where they lie at even distances."""
    steps = np.unique(np.diff(indices))
    if len(steps) == 1 and steps[0] > 0:
        return frames[indices[0] : indices[-1] + 1 : steps[0]]
    return frames[indices]


class DecodedReader(ItemReader):
    """The same item for many looks at it: its file is decoded once, when frames are first asked for.

    Args:
        data: the data set.
        item: of it.
        room: for its frames, ``(N, H, W, 3)`` uint8.
    """

    def __init__(self, data: PreparedDataset, item: Item, room: np.ndarray) -> None:
        super().__init__(data, item)
        self._room = room

    def frames(self, indices: np.ndarray) -> np.ndarray:
        """Frames ``(n, H, W, 3)`` uint8 RGB."""
        return picked(self._every, indices)

    @cached_property
    def _every(self) -> np.ndarray:
        self._data.fill(self._room, self._item)
        return self._room


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
