"""Work on many items in several processes that end with their parent."""

import multiprocessing
import os
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import ProcessPoolExecutor, as_completed
from contextlib import contextmanager


@contextmanager
def mapped(work: Callable[[int], None], items: list[int], workers: int) -> Iterator[Iterator[None]]:
    """Iterator over ``work`` of the items as they finish, in this process for one worker.

    Args:
        work: what is done with an item; picklable if there are several workers.
        items: numbers of what is to be done.
        workers: processes; no more than items are started.
    """
    workers = min(workers, len(items))
    if workers <= 1:
        yield map(work, items)
        return
    # Spawned, not forked: the parent may hold threads and locks of other libraries.
    context = multiprocessing.get_context("spawn")
    executor = ProcessPoolExecutor(workers, context, initializer=_end_with_parent)
    try:
        yield (future.result() for future in as_completed([executor.submit(work, item) for item in items]))
    finally:
        executor.shutdown(cancel_futures=True)


def _end_with_parent() -> None:
    """Let a worker end when its parent is killed; it would wait for the next item for ever."""

    def watch() -> None:
        parent = multiprocessing.parent_process()
        assert parent is not None, "a worker has a parent"
        parent.join()
        os._exit(1)

    threading.Thread(target=watch, daemon=True).start()
