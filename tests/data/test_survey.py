"""A preparation in several processes, killed or stopped and gone on with: the same bytes, and nothing decoded twice."""

import json
import os
import shutil
import signal
import subprocess
import sys
from collections.abc import Iterator
from concurrent.futures.process import BrokenProcessPool
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from clips import numbered_frames, write_video
from PIL import Image
from report_fixture import contents

from vqa.data import survey
from vqa.data.prepare import prepare
from vqa.data.video import decode
from vqa.io import InputError

NAMES = ["a.mp4", "bad.mp4", "odd.mkv", "photo.png", "b.mp4", "gone.mp4", "c.mp4"]
SIZES = {"a": (30, 64, 48), "b": (17, 47, 35), "c": (25, 72, 40)}
GOOD = [name for name in NAMES if name not in ("bad.mp4", "gone.mp4")]


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A data set in which two files are bad, one counts no frames and one has odd sides."""
    folder = tmp_path_factory.mktemp("made") / "small"
    for name, (n, width, height) in SIZES.items():
        pix_fmt = "yuv444p" if width % 2 else "yuv420p"
        write_video(folder / f"{name}.mp4", numbered_frames(n, width, height), pix_fmt=pix_fmt)
    write_video(folder / "odd.mkv", numbered_frames(20))
    Image.fromarray(numbered_frames(1)[0]).save(folder / "photo.png")
    noise = np.random.default_rng(0).integers(0, 256, (32, 48, 64, 3), dtype=np.uint8)
    content = write_video(folder / "bad.mp4", noise).read_bytes()
    (folder / "bad.mp4").write_bytes(content[: len(content) * 6 // 10])  # half of its frames come first
    rows = [(name, 1.5 + 0.1 * place, "train") for place, name in enumerate(NAMES)]
    pd.DataFrame(rows, columns=["name", "mos", "split"]).to_csv(folder / "labels.csv", index=False)
    return folder


@pytest.fixture(scope="module")
def wholes(made: Path, tmp_path_factory: pytest.TempPathFactory) -> dict[bool, dict[str, bytes]]:
    """What is written undisturbed, in one process, with a frame store and without."""
    out = tmp_path_factory.mktemp("whole")
    for store in (True, False):
        prepare(made, out / str(store), "exclude", store)
    return {store: contents(out / str(store)) for store in (True, False)}


@pytest.fixture
def data(made: Path, tmp_path: Path) -> Path:
    """A copy of the data set that may be changed."""
    shutil.copytree(made, tmp_path / "small")
    return tmp_path / "small"


@pytest.fixture
def probed(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Names of the files that this process probes."""
    names: list[str] = []
    real = survey.probe_file

    def counted(path: Path, *rest: Any) -> Any:
        names.append(path.name)
        return real(path, *rest)

    monkeypatch.setattr(survey, "probe_file", counted)
    return names


def look(data: Path, state: Path, store: bool = False) -> list[str]:
    """Go over all files; names of the usable ones."""
    return [found.name for found in survey.survey(data, NAMES, store, "ignore", state, 1) if not found.reason]


@pytest.mark.parametrize(("store", "workers"), [(True, 0), (False, 0), (False, 2), (True, 3)])
def test_the_number_of_processes_changes_no_byte(made, wholes, tmp_path, store, workers):
    prepare(made, tmp_path / "out", "exclude", store, "ignore", tmp_path / "state", workers)
    assert contents(tmp_path / "out") == wholes[store]
    frames = b"".join(decode(made / name)[0].tobytes() for name in GOOD) if store else b""
    assert wholes[store]["frames.bin"] == frames
    assert [path.name for path in (tmp_path / "state").iterdir()] == ["journal.jsonl"]


KILLED = """
import os, signal, sys
from pathlib import Path
from vqa.data import journal
from vqa.data.prepare import prepare

real, last = journal.Journal.add, int(sys.argv[5])

def add(self, found):
    if found.name == sys.argv[6]:
        os.kill(os.getpid(), signal.SIGKILL)
    real(self, found)

if __name__ == "__main__":
    journal.Journal.add = add
    data, out, state = map(Path, sys.argv[1:4])
    prepare(data, out, "exclude", bool(int(sys.argv[4])), "ignore", state, int(sys.argv[5]))
"""


@pytest.mark.parametrize(("store", "workers"), [(True, 0), (True, 2), (False, 0)])
def test_a_killed_preparation_goes_on_where_it_was(made, wholes, tmp_path, probed, store, workers):
    """It is killed when the frames of the fifth file are in the store, and the line that says so is not yet written."""
    (tmp_path / "killed.py").write_text(KILLED)
    places = [str(path) for path in (made, tmp_path / "out", tmp_path / "state")]
    command = [sys.executable, str(tmp_path / "killed.py"), *places, str(int(store)), str(workers), NAMES[4]]
    assert subprocess.run(command, check=False).returncode == -signal.SIGKILL
    lines = (tmp_path / "state" / "journal.jsonl").read_text().splitlines()
    assert [json.loads(line)["name"] for line in lines] == NAMES[:4]
    assert not contents(tmp_path / "out")
    prepare(made, tmp_path / "out", "exclude", store, "ignore", tmp_path / "state")
    assert probed == NAMES[4:]
    assert contents(tmp_path / "out") == wholes[store]


@pytest.mark.parametrize("store", [True, False])
def test_a_torn_last_line_is_as_if_it_were_not_there(made, tmp_path, probed, store):
    look(made, tmp_path, store)
    journal, frames = tmp_path / "journal.jsonl", tmp_path / survey.FRAMES
    whole = journal.read_bytes(), frames.read_bytes()
    journal.write_bytes(whole[0][:-3])
    probed.clear()
    assert look(made, tmp_path, store) == GOOD
    assert probed == ["c.mp4"]
    assert (journal.read_bytes(), frames.read_bytes()) == whole


def test_a_store_that_is_shorter_than_the_journal_says_is_filled_up(made, tmp_path, probed):
    look(made, tmp_path, store=True)
    whole = (tmp_path / survey.FRAMES).read_bytes()
    os.truncate(tmp_path / survey.FRAMES, len(whole) - int(np.prod(SIZES["c"])) * 3 - 1)
    probed.clear()
    look(made, tmp_path, store=True)
    assert probed == ["b.mp4", "gone.mp4", "c.mp4"]
    assert (tmp_path / survey.FRAMES).read_bytes() == whole


@pytest.mark.parametrize(("store", "again"), [(False, ["b.mp4"]), (True, ["b.mp4", "gone.mp4", "c.mp4"])])
def test_a_changed_file_is_probed_again(data, tmp_path, probed, store, again):
    look(data, tmp_path / "state", store)
    content, state = (data / "b.mp4").read_bytes(), (data / "b.mp4").stat()
    write_video(data / "b.mp4", 255 - numbered_frames(*SIZES["b"]), pix_fmt="yuv444p")
    probed.clear()
    look(data, tmp_path / "state", store)
    assert probed == again
    look(data, tmp_path / "fresh", store)
    for name in ("journal.jsonl", survey.FRAMES):
        found, fresh = (sorted((tmp_path / state / name).read_bytes().split(b"\n")) for state in ("state", "fresh"))
        assert found == fresh
    (data / "b.mp4").write_bytes(content)
    os.utime(data / "b.mp4", ns=(state.st_atime_ns, state.st_mtime_ns))
    look(data, tmp_path / "state", store)
    assert len((tmp_path / "state" / "journal.jsonl").read_text().splitlines()) == len(NAMES)


def test_after_a_stop_at_bad_files_they_alone_are_probed_again(data, tmp_path, probed):
    def stop(workers: int, message: str) -> None:
        with pytest.raises(InputError, match=rf"{message} \(datasets\.small\.bad_files: exclude leaves them out"):
            prepare(data, tmp_path / "out", "stop", False, "ignore", tmp_path / "state", workers)
        assert not contents(tmp_path / "out")

    both = r"small/bad\.mp4: corrupt after \d\d of 32 frames; replace or exclude it \(and 1 more bad files\)"
    stop(2, both)
    stop(0, both)
    assert probed == ["bad.mp4", "gone.mp4"], "what was wrong may have been the disk"
    shutil.copy(data / "a.mp4", data / "bad.mp4")
    stop(0, r"small/gone\.mp4: no such file; [^(]*")
    probed.clear()
    shutil.copy(data / "a.mp4", data / "gone.mp4")
    report = prepare(data, tmp_path / "out", "stop", False, "ignore", tmp_path / "state")
    assert (report["usable"], probed) == (len(NAMES), ["gone.mp4"])


@pytest.mark.parametrize("error", [MemoryError(), RuntimeError("can't start new thread")])
def test_without_memory_nothing_is_held_against_a_file(made, tmp_path, probed, monkeypatch, error):
    """A decoder may have called a file bad for want of it, before something said so."""
    real = survey.probe_file

    def short(path: Path, *rest: Any) -> Any:
        if path.name == "b.mp4":
            raise error
        return real(path, *rest)

    monkeypatch.setattr(survey, "probe_file", short)
    with pytest.raises(type(error)):
        look(made, tmp_path)
    assert probed == NAMES[:4]
    monkeypatch.setattr(survey, "probe_file", real)
    probed.clear()
    assert look(made, tmp_path) == GOOD
    assert probed == ["bad.mp4", *NAMES[4:]]


def test_a_worker_that_is_ended_is_one_line_that_names_where(made, tmp_path, monkeypatch):
    @contextmanager
    def broken(work: Any, items: list[str], *_: Any, **__: Any) -> Iterator[Iterator[Any]]:
        def results() -> Iterator[Any]:
            yield from map(work, items[:2])
            raise BrokenProcessPool

        yield results()

    monkeypatch.setattr(survey, "mapped", broken)
    with pytest.raises(InputError, match=r"/odd\.mkv: a process that read it, or one of the next files, was ended; "):
        look(made, tmp_path)
