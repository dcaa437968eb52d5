"""Inputs that are kept over the epochs: those for which nothing was drawn, as long as there is room."""

import errno
from types import SimpleNamespace
from typing import Any

import pytest
import torch
from torch import Tensor

from vqa.data.paths import MediaError
from vqa.training.clips import ClipDataset
from vqa.training.loader import batches, cuts, loaded

ITEMS = [SimpleNamespace(name=f"{number}.mp4", mos=float(number)) for number in range(4)]
PART: Any = SimpleNamespace(data=SimpleNamespace(name="set"), items=ITEMS)
SIZE = 4 * 5  # bytes of an item's input


class Looked:
    """A method that notes what it looks at, and draws for the items of odd number where it is told to."""

    def __init__(self, draws: bool = False) -> None:
        self.draws, self.seen = draws, []

    def sample(self, item: Any, read: Any, phase: str, stream: Any) -> Tensor:
        self.seen.append(item.name)
        generator = stream("crop")
        drawn = torch.rand(1, generator=generator) if self.draws and item.mos % 2 else torch.zeros(1)
        return item.mos + drawn.expand(5).clone()


def epochs(clips: ClipDataset, count: int = 3) -> list[list[Tensor]]:
    return [[clips[epoch, index][0] for index in range(len(clips))] for epoch in range(count)]


def dataset(method: Looked, **options: int) -> ClipDataset:
    kind: Any = method
    return ClipDataset(PART, kind, "released", 7, **options)


def test_inputs_without_chance_are_made_once() -> None:
    method = Looked()
    found = epochs(dataset(method))
    assert method.seen == [item.name for item in ITEMS]
    assert [[int(inputs[0]) for inputs in epoch] for epoch in found] == [[0, 1, 2, 3]] * 3


@pytest.mark.parametrize("room", [0, 128 << 20])
def test_drawn_inputs_are_those_of_a_loader_that_keeps_nothing(room: int) -> None:
    method = Looked(draws=True)
    found = epochs(dataset(method, room=room))
    assert method.seen.count("1.mp4") == 3
    assert method.seen.count("0.mp4") == (1 if room else 3), "it came before the first that drew"
    assert len({float(epoch[1][0]) for epoch in found}) == 3
    plain = epochs(dataset(Looked(draws=True), room=0))
    assert all(
        torch.equal(a, b) for one, other in zip(found, plain, strict=True) for a, b in zip(one, other, strict=True)
    )


def test_no_more_is_kept_than_there_is_room() -> None:
    method = Looked()
    epochs(dataset(method, room=SIZE + 1))
    assert [method.seen.count(item.name) for item in ITEMS] == [1, 1, 3, 3]


class Fails:
    """A method that cannot look at one item."""

    def __init__(self, error: Exception) -> None:
        self.error = error

    def sample(self, item: Any, read: Any, phase: str, stream: Any) -> Tensor:
        if item.mos == 2:
            raise self.error
        return torch.zeros(1)


@pytest.mark.parametrize("workers", [0, 2])
@pytest.mark.parametrize(
    "error",
    [MediaError("2.mp4: corrupt"), OSError(errno.ENOSPC, "No space left on device"), MemoryError("no memory")],
    ids=["item", "disk", "memory"],
)
def test_what_is_wrong_arrives_as_it_is(error: Exception, workers: int) -> None:
    kind: Any = Fails(error)
    loaded = batches(ClipDataset(PART, kind, "released", 7), range(4), 1, 1, workers)
    assert [int(next(loaded)[2]) for _ in range(2)] == [0, 1]
    with pytest.raises(type(error)) as found:
        next(loaded)
    assert str(found.value) == str(error)
    assert getattr(found.value, "errno", None) == getattr(error, "errno", None)


@pytest.mark.parametrize("workers", [0, 2])
def test_several_sets_come_through_one_loader_in_the_order_that_is_wanted(workers: int) -> None:
    kinds: list[Any] = [Looked(), Looked(draws=True)]
    sets = [ClipDataset(PART, kind, "released", 7) for kind in kinds]
    wanted = [*cuts(0, [3, 1, 0], 1, 2), *cuts(1, [1, 3], 1, 2), *cuts(1, [1, 3], 2, 2)]
    found = list(loaded(sets, iter(wanted), workers))
    assert [index.tolist() for *_, index in found] == [[3, 1], [0], [1, 3], [1, 3]]
    alone = [next(batches(sets[1], [1, 3], epoch, 2, 0))[0] for epoch in (1, 2)]
    assert torch.equal(found[2][0], alone[0])
    assert torch.equal(found[3][0], alone[1])
    assert not torch.equal(*alone)
