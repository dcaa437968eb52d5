"""All files of a data set probed, in several processes, and by a killed run's successor only those that are left.

One process alone writes what is kept, in the order of the list: the frames of a file, then its line in the journal. So
the journal never says more than there is, and a store that is longer than it says is cut.
"""

import os
import shutil
from collections.abc import Iterator
from concurrent.futures.process import BrokenProcessPool
from contextlib import contextmanager
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import BinaryIO

import numpy as np
from tqdm import tqdm

from vqa.data.images import is_image
from vqa.data.journal import Found, Journal, stamp_of
from vqa.data.paths import MediaError
from vqa.data.probe import probe_file
from vqa.data.usual import USUAL_DECODER, UsualLoader
from vqa.io import InputError, digest
from vqa.workers import mapped

# The frame store, in the folder of what is kept; empty if none is wanted
FRAMES = "frames.bin"
JOURNAL = "journal.jsonl"
# End of the names of the files of frames of one item, which a worker writes
_OWN = ".frames"


def survey(data: Path, names: list[str], frame_store: bool, exif: str, state: Path, workers: int) -> list[Found]:
    """Probe the files ``names`` of the folder ``data``.

    Args:
        data: folder of the files.
        names: of the files, each once.
        frame_store: also write the decoded frames, of one file after the other, to ``FRAMES`` in ``state``.
        exif: rule for images (:func:`vqa.data.images.read_image`).
        state: folder that keeps what is done; it must stand for this list and these choices. A file that has changed
            since is probed again, and with a frame store those behind it, too.
        workers: processes; their number does not change a byte.

    Returns:
        What was found, in the order of ``names``, of bad files too.

    Raises:
        InputError: if a worker was ended from outside.
    """
    state.mkdir(parents=True, exist_ok=True)
    journal, store, several = Journal(state / JOURNAL), state / FRAMES, workers > 1
    for left in state.glob(f"*{_OWN}"):
        left.unlink()
    store.touch()
    known = _still_true(data, names, journal.read(), store.stat().st_size if frame_store else None)
    journal.keep(known.values())
    os.truncate(store, sum(found.stored for found in known.values()))
    waiting = [name for name in names if name not in known]
    work = partial(_probe, data=data, exif=exif, state=state if frame_store else None, own=several)
    what, done, total = f"probe {data.name}", len(known), len(names)
    try:
        with mapped(work, waiting, workers, in_order=True) as results:
            for found in tqdm(results, desc=what, unit="file", total=total, initial=done, disable=None):
                if frame_store and several:
                    _append(_own_file(state, found.name), store)
                journal.add(found)
                known[found.name] = found
    except BrokenProcessPool:
        first = next(data / name for name in names if name not in known)
        remedy = "is memory short? Lower common.loader_workers and run again: it goes on from there"
        raise InputError(f"{first}: a process that read it, or one of the next files, was ended; {remedy}") from None
    except (MemoryError, RuntimeError):  # of the latter kind where no thread can be started
        # What was called wrong with a file may have been the want of memory before it was named.
        journal.keep(found for found in known.values() if not found.reason and not found.difference)
        raise
    return [known[name] for name in names]


def _still_true(data: Path, names: list[str], known: dict[str, Found], stored: int | None) -> dict[str, Found]:
    """What holds of the files as they are now: all of it, or with so many bytes in a frame store what comes first."""
    true: dict[str, Found] = {}
    end = 0
    for name in names:
        found = known.get(name)
        if found is not None and found.stamp == stamp_of(data / name):
            end += found.stored
            if stored is None or end <= stored:
                true[name] = found
                continue
        if stored is not None:
            break
    return true


def _probe(name: str, data: Path, exif: str, state: Path | None, own: bool) -> Found:
    """Probe one file; with a ``state`` its frames go to a file of its own there, or to the end of the store."""
    path = data / name
    stamp = stamp_of(path)  # before it is read: what changes meanwhile is read again
    with _opened(state, name, own) as store:
        start = store.tell() if store else 0
        try:
            loader = None if is_image(path) else UsualLoader(path)

            def see(frame: np.ndarray) -> None:
                if loader:
                    loader.see(frame)
                if store:
                    store.write(np.ascontiguousarray(frame).data)

            probe = probe_file(path, see, exif)
        except MediaError as error:
            if store:
                store.truncate(start)
            return Found(name, stamp, reason=str(error))
        difference = loader.difference() if loader else ""
        if loader and not difference:
            probe = replace(probe, decoder=USUAL_DECODER)
        odd = [remark.kind for remark in probe.remarks]
        return Found(name, stamp, "", probe.as_dict(), odd, difference, store.tell() - start if store else 0)


@contextmanager
def _opened(state: Path | None, name: str, own: bool) -> Iterator[BinaryIO | None]:
    if state is None:
        yield None
        return
    with (_own_file(state, name) if own else state / FRAMES).open("ab") as stream:
        yield stream


def _own_file(state: Path, name: str) -> Path:
    return state / f"{digest(ascii(name))[:16]}{_OWN}"


def _append(own: Path, store: Path) -> None:
    with own.open("rb") as source, store.open("ab") as target:
        shutil.copyfileobj(source, target, 1 << 20)
    own.unlink()
