"""Extraction piece by piece: a killed one goes on, in any number of processes, to the same rows."""

from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

from vqa.extract.base import PIECE, describe
from vqa.io import InputError

N = 2 * PIECE + 3


class Rows:
    """Items of one to three rows of their number; notes what it describes, and fails where it is told to."""

    span = 1

    def __init__(self, log: Path, fail: str = "") -> None:
        self.networks: dict[str, Any] = {}
        self._log, self._fail = log, fail

    def check(self, item: Any) -> None:
        """Nothing is refused."""

    def rows(self, item: Any, source: Any) -> np.ndarray:
        if item.name == self._fail:
            raise KeyboardInterrupt
        with self._log.open("a") as log:
            log.write(f"{item.name}\n")
        number = int(item.name)
        width = 3 if number == 999 else 2
        return np.full((1 + number % 3, width), number, np.float32)


def part(*names: str) -> Any:
    items = [SimpleNamespace(name=name) for name in names or map(str, range(N))]
    return SimpleNamespace(items=items, data=SimpleNamespace(name="toy"))


def described(log: Path) -> list[str]:
    return sorted(log.read_text().split(), key=int)


def test_rows_are_those_of_the_items_in_their_order(tmp_path: Path) -> None:
    rows, lengths = describe(part(), Rows(tmp_path / "log"), "rows")
    assert lengths.tolist() == [1 + number % 3 for number in range(N)]
    for number in range(N):
        own, rest = np.split(rows[number], [lengths[number]])
        assert (own == number).all()
        assert (rest == 0).all()


def test_a_killed_extraction_goes_on_after_its_last_piece(tmp_path: Path) -> None:
    whole, lengths = describe(part(), Rows(tmp_path / "whole"), "rows")
    state, log = tmp_path / "state", tmp_path / "log"
    with pytest.raises(KeyboardInterrupt):
        describe(part(), Rows(log, fail=str(PIECE + 5)), "rows", state)
    assert described(log) == [str(number) for number in range(PIECE + 5)]
    log.unlink()
    again, more = describe(part(), Rows(log), "rows", state)
    assert described(log) == [str(number) for number in range(PIECE, N)], "what was whole is not made again"
    assert np.array_equal(again, whole)
    assert np.array_equal(more, lengths)


def test_the_number_of_processes_does_not_change_a_byte(tmp_path: Path) -> None:
    whole, _ = describe(part(), Rows(tmp_path / "one"), "rows")
    rows, _ = describe(part(), Rows(tmp_path / "two"), "rows", tmp_path / "state", workers=2)
    assert np.asarray(rows).tobytes() == whole.tobytes()
    assert described(tmp_path / "two") == described(tmp_path / "one")


def test_rows_of_another_width_are_named_in_a_piece_and_between_two(tmp_path: Path) -> None:
    for names in (["1", "999"], [*map(str, range(PIECE)), "999"]):
        with pytest.raises(InputError, match=r"^toy: 999: \(1, 3\) is not like \(\d+, 2\) before it"):
            describe(part(*names), Rows(tmp_path / "log"), "rows")
