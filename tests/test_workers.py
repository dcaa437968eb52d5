"""Work in several processes: its order, and errors that arrive as they were raised."""

import os
import time
from collections.abc import Callable
from concurrent.futures.process import BrokenProcessPool
from functools import partial
from pathlib import Path
from typing import Any

import pytest

from vqa.data.paths import check_file
from vqa.workers import mapped


@pytest.mark.parametrize("workers", [0, 1, 2])
@pytest.mark.parametrize("in_order", [False, True])
def test_every_item_gives_its_result_once_and_in_order_where_asked_for(workers, in_order):
    with mapped(partial(pow, 2), list(range(20)), workers, in_order) as results:
        found = list(results)
    assert (found if in_order else sorted(found)) == [2**number for number in range(20)]


def test_few_items_are_begun_before_they_are_asked_for(tmp_path):
    folders = [tmp_path / str(number) for number in range(30)]
    with mapped(os.mkdir, folders, 2, in_order=True) as results:
        next(results)
        time.sleep(0.2)  # for those that were begun
        assert not folders[10].exists()
        list(results)
    assert folders[-1].exists()


@pytest.mark.parametrize("workers", [1, 2])
@pytest.mark.parametrize(
    ("work", "item", "error"),
    [
        (os.rmdir, "nowhere", "FileNotFoundError(2, 'No such file or directory') nowhere"),
        (bytes, 1 << 62, "MemoryError()"),
        (check_file, Path("."), "MediaError('.: a folder without videos or images; name a file')"),
    ],
)
def test_an_error_arrives_as_it_was_raised(workers, work: Callable, item: Any, error: str):
    with pytest.raises(Exception) as caught, mapped(work, [item, item], workers, in_order=True) as results:  # noqa: PT011
        list(results)
    assert f"{caught.value!r} {getattr(caught.value, 'filename', '')}".strip() == error


def test_a_worker_that_is_ended_does_not_let_its_parent_wait():
    with pytest.raises(BrokenProcessPool), mapped(os._exit, [3, 3], 2, in_order=True) as results:
        list(results)
