"""Inputs that are kept over the epochs: those for which nothing was drawn, as long as there is room."""

from types import SimpleNamespace
from typing import Any

import pytest
import torch
from torch import Tensor

from vqa.training.clips import ClipDataset

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
