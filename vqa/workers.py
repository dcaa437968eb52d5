"""Work on many items in several processes that end with their parent."""

import multiprocessing
import os
import threading
from collections import deque
from collections.abc import Callable, Iterator
from concurrent.futures import Executor, Future, ProcessPoolExecutor, as_completed
from contextlib import contextmanager
from typing import TypeVar

Item = TypeVar("Item")
Result = TypeVar("Result")

# Items that are begun before the first of them is asked for, for each worker: a long one does not let the others wait
_AHEAD = 3


@contextmanager
def mapped(
    work: Callable[[Item], Result], items: list[Item], workers: int, in_order: bool = False
) -> Iterator[Iterator[Result]]:
    """Iterator over ``work`` of the items as they finish, in this process for one worker.

    Args:
        work: what is done with an item; picklable if there are several workers, as items and results.
        items: what is to be done.
        workers: processes; no more than items are started.
        in_order: results come in the order of the items, of which few are begun before they are asked for.

    Raises:
        concurrent.futures.process.BrokenProcessPool: from the iterator, if a worker was ended from outside.
    """
    workers = min(workers, len(items))
    if workers <= 1:
        yield map(work, items)
        return
    # Spawned, not forked: the parent may hold threads and locks of other libraries.
    context = multiprocessing.get_context("spawn")
    executor = ProcessPoolExecutor(workers, context, initializer=_end_with_parent)
    try:
        if in_order:
            yield _in_order(executor, work, items, _AHEAD * workers)
        else:
            yield (future.result() for future in as_completed([executor.submit(work, item) for item in items]))
    finally:
        executor.shutdown(cancel_futures=True)


def _in_order(executor: Executor, work: Callable[[Item], Result], items: list[Item], ahead: int) -> Iterator[Result]:
    begun: deque[Future[Result]] = deque()
    for item in items:
        begun.append(executor.submit(work, item))
        if len(begun) == ahead:
            yield begun.popleft().result()
    while begun:
        yield begun.popleft().result()


def _end_with_parent() -> None:
    """Let a worker end when its parent is killed; it would wait for the next item for ever."""

    def watch() -> None:
        parent = multiprocessing.parent_process()
        assert parent is not None, "a worker has a parent"
        parent.join()
        os._exit(1)

    threading.Thread(target=watch, daemon=True).start()
