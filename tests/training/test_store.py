"""The store of clips: trainings are faster with it and the same, byte for byte, whatever happens to it."""

import errno
import hashlib
import multiprocessing
import os
import shutil
import subprocess
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
import torch
from clips import write_video
from hypothesis import given
from hypothesis import strategies as st
from tiny import CPU, make, same, same_tensors, weights

import vqa.data.video
from vqa.data.items import Part, PreparedDataset
from vqa.data.prepare import prepare
from vqa.io import InputError
from vqa.methods.base import Method
from vqa.optim.perturb import NoPerturbation
from vqa.training import scratch as scratch_module
from vqa.training import store as store_module
from vqa.training.clips import ClipDataset, Loader
from vqa.training.predict import clean_predictions
from vqa.training.scratch import Scratch
from vqa.training.train import Trainer

TRAIN, TEST, EPOCHS = 8, 4, 2


@pytest.fixture(scope="module")
def videos(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Files of a data set, longer than the clips of the tiny methods, so that clips begin at random."""
    folder, generator = tmp_path_factory.mktemp("videos") / "moving", np.random.default_rng(5)
    rows = []
    for number in range(TRAIN + TEST):
        still = generator.uniform(0, 255, (48, 64, 3)) * generator.uniform(0.2, 1)
        frames = np.stack([np.roll(still, shift, 1) for shift in range(24)]).astype(np.uint8)
        write_video(folder / "videos" / f"{number:02}.mp4", frames)
        rows.append((f"videos/{number:02}.mp4", 1 + number % 5, "train" if number < TRAIN else "test"))
    pd.DataFrame(rows, columns=["name", "mos", "split"]).to_csv(folder / "labels.csv", index=False)
    return folder


def opened(videos: Path, prepared: Path, frame_store: bool = False) -> PreparedDataset:
    prepare(videos, prepared, "stop", frame_store)
    return PreparedDataset(prepared, videos)


@pytest.fixture(scope="module")
def data(videos: Path, tmp_path_factory: pytest.TempPathFactory) -> PreparedDataset:
    return opened(videos, tmp_path_factory.mktemp("prepared") / "moving")


@pytest.fixture
def decoded(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Names of the files that were opened for their frames, as often as they were."""
    names: list[str] = []

    def counted(function: Callable) -> Callable:
        def call(path: Path, *rest: Any) -> Any:
            names.append(path.name)
            return function(path, *rest)

        return call

    for name in ("iterate_frames", "read_frames"):
        monkeypatch.setattr(vqa.data.video, name, counted(getattr(vqa.data.video, name)))
    return names


def trained(data: PreparedDataset, method: Method, folder: Path, loader: Loader, draw: str = "epoch") -> Trainer:
    parts = [Part(data, split) for split in ("train", "test")]
    how = (NoPerturbation(), parts[0], parts[1:], 3, loader, CPU, folder / "last.pt")
    trainer = Trainer(method, weights(method), *how, draw=draw)
    trainer.run((), folder)
    return trainer


def clips_of(data: PreparedDataset, scratch: Scratch | None, name: str = "fastvqa", **options: Any) -> ClipDataset:
    options = {"phase": "train", "seed": 3, "epochs": (1, 2), **options}
    loader = Loader(0, scratch, options.pop("code", ""))
    method = options.pop("method", None) or make(name)
    return ClipDataset(Part(data, "train"), method, loader=loader, **options)


def every(clips: ClipDataset) -> list[torch.Tensor]:
    return [clips[epoch, index][0] for epoch in (1, 2) for index in range(len(clips))]  # type: ignore[misc]


def equal(found: list[torch.Tensor], expected: list[torch.Tensor]) -> bool:
    return all(a.dtype == b.dtype and torch.equal(a, b) for a, b in zip(found, expected, strict=True))


def stored(scratch: Scratch) -> list[Path]:
    return sorted(scratch.folder.rglob("*.clips"))


def size_of(folder: Path) -> int:
    return sum(path.stat().st_size for path in folder.rglob("*") if path.is_file() and path.name != "used")


@pytest.mark.parametrize("name", ["fastvqa", "sama"])
def test_trainings_are_the_same_without_with_and_with_half_a_store(videos, data, tmp_path, decoded, name):
    method, scratch = make(name), Scratch(tmp_path / "fragments", 1 << 30)

    def run(folder: str, loader: Loader, of: PreparedDataset = data) -> Trainer:
        decoded.clear()
        trainer = trained(of, method, tmp_path / folder, loader)
        rows = clean_predictions(trainer.model, method, [Part(of, "test")], 2, 3, loader, CPU)
        trainer.predictions = pd.concat([trainer.predictions, rows], ignore_index=True)
        return trainer

    plain = run("plain", Loader())
    # SAMA's tests draw nothing, and what is kept in memory is not decoded again.
    tests = EPOCHS if name == "fastvqa" else 1
    assert len(decoded) == EPOCHS * TRAIN + (tests + 1) * TEST
    first = run("first", Loader(0, scratch))
    assert len(decoded) == TRAIN + 2 * TEST, "every video once: for all epochs, for the tests, for the clean protocol"
    again = run("again", Loader(2, scratch))
    assert not decoded
    for path in stored(scratch)[::2]:
        path.unlink()
    half = run("half", Loader(0, scratch))
    assert 0 < len(decoded) < TRAIN + 2 * TEST
    memory = run("memory", Loader(0, scratch), opened(videos, tmp_path / "decoded" / "moving", frame_store=True))
    assert not decoded, "what has a frame store needs no other one"
    assert all(same(plain, other) for other in (first, again, half, memory))


@given(
    st.lists(st.sampled_from([1, 2, 3, 5]), max_size=5).map(tuple),
    st.sampled_from([torch.uint8, torch.float32, torch.int64]),
    st.integers(0, 2**32),
)
def test_nothing_is_lost(shape: tuple[int, ...], dtype: torch.dtype, seed: int) -> None:
    some = torch.randint(0, 256, shape, generator=torch.Generator().manual_seed(seed)).to(dtype)
    part = store_module._packed(some)
    with tempfile.TemporaryFile() as file:
        file.write(b"before" + part)
        file.flush()
        entry = [0, len(part), hashlib.sha256(part).hexdigest(), str(dtype).removeprefix("torch."), list(shape)]
        found = store_module._read(file.fileno(), 6, *entry)
    assert found.dtype == dtype
    assert torch.equal(found, some)


@pytest.mark.parametrize("name", ["sama_iqa"])
def test_images_have_a_store_too(tmp_path, decoded, name):
    from PIL import Image

    folder, generator = tmp_path / "data" / "pictures", np.random.default_rng(5)
    (folder / "pictures").mkdir(parents=True)
    rows = []
    for number in range(6):
        pixels = generator.integers(0, 256, (40, 44, 3), dtype=np.uint8)
        Image.fromarray(pixels).save(folder / "pictures" / f"{number}.png")
        rows.append((f"pictures/{number}.png", 1.0 + number % 3, "train"))
    pd.DataFrame(rows, columns=["name", "mos", "split"]).to_csv(folder / "labels.csv", index=False)
    data, scratch = opened(folder, tmp_path / "prepared" / "pictures"), Scratch(tmp_path / "fragments", 1 << 30)
    expected = every(clips_of(data, None, name))
    decoded.clear()
    assert equal(every(clips_of(data, scratch, name)), expected)
    assert len(decoded) == 6
    assert equal(every(clips_of(data, scratch, name)), expected)
    assert len(decoded) == 6


def test_a_large_video_lies_in_a_file_without_a_name(data, tmp_path, monkeypatch):
    expected = every(clips_of(data, None))
    monkeypatch.setattr(scratch_module, "IN_MEMORY", 0)
    scratch = Scratch(tmp_path / "fragments", 1 << 30)
    with scratch.frames((2, 3, 4, 3)) as room:
        assert isinstance(room, np.memmap)
    assert equal(every(clips_of(data, scratch)), expected)
    assert {path.suffix for path in scratch.folder.rglob("*") if path.is_file()} == {".clips", ".json", ""}


def test_frames_of_a_large_video_count_and_others_are_kept_where_they_do_not_fit(data, tmp_path, monkeypatch, capsys):
    expected, size = every(clips_of(data, None)), 24 * 48 * 64 * 3
    monkeypatch.setattr(scratch_module, "IN_MEMORY", 0)
    scratch = Scratch(tmp_path / "fragments", size - 1)
    assert equal(every(clips_of(data, scratch)), expected)
    assert not stored(scratch), "no room for the frames"
    assert "no room left" not in capsys.readouterr().err, "there is for clips of other videos"
    larger = Scratch(tmp_path / "fragments", 1 << 30)
    with larger.frames((24, 48, 64, 3)):
        assert larger.free() <= (1 << 30) - size
    assert larger.free() > (1 << 30) - size


def test_what_a_process_held_that_is_no_more_does_not_count(tmp_path):
    scratch = Scratch(tmp_path, 1000)
    scratch.recount()
    child = multiprocessing.get_context("fork").Process(target=print)
    child.start()
    child.join()
    (tmp_path / "used").write_text(f'{{"files": 100, "held": {{"{child.pid}": 800, "1": 50}}}}')
    assert scratch.free() == 850
    scratch.recount()
    assert str(child.pid) not in (tmp_path / "used").read_text()
    assert scratch.free() == 950
    (tmp_path / "used").write_text('{"files": 1')
    assert scratch.free() == 1000, "a ledger that was not written to its end is counted anew"


def test_another_file_in_the_place_of_a_prepared_one_is_not_stored(videos, tmp_path):
    copy = tmp_path / "moving"
    shutil.copytree(videos, copy)
    data, scratch = opened(copy, tmp_path / "prepared" / "moving"), Scratch(tmp_path / "fragments", 1 << 30)
    (copy / "videos" / "00.mp4").write_bytes((copy / "videos" / "01.mp4").read_bytes())
    with pytest.raises(InputError, match=r"00\.mp4: not the file that was prepared"):
        every(clips_of(data, scratch))
    assert not stored(scratch)


def test_a_store_that_is_dropped_while_it_is_read_is_made_again(data, tmp_path):
    scratch = Scratch(tmp_path / "fragments", 1 << 30)
    clips, expected = clips_of(data, scratch), every(clips_of(data, None))
    assert equal(every(clips), expected)
    assert clips._store is not None
    scratch.remove(clips._store.folder)
    assert equal(every(clips), expected)
    assert len(stored(scratch)) == TRAIN
    assert store_module.about_of(clips._store.folder)["data"] == "moving", "and says what it is of"


def test_a_folder_that_cannot_be_used_is_one_line(data, tmp_path):
    (tmp_path / "fragments").write_text("no folder")
    with pytest.raises(InputError, match=r"VQA_SCRATCH: .*fragments: .*; give a folder that can be written, or unset"):
        clips_of(data, Scratch(tmp_path / "fragments", 1 << 30))


def _flip(path: Path, at: int) -> None:
    content = bytearray(path.read_bytes())
    content[at] ^= 1
    path.write_bytes(content)


def _digit(path: Path) -> None:
    """Let the clip of one epoch pass for that of another."""
    path.write_bytes(path.read_bytes().replace(b'"1":', b'"2":', 1))


@pytest.mark.parametrize(
    "damage",
    [
        lambda path: _flip(path, -5),
        lambda path: _flip(path, 100),
        _digit,
        lambda path: path.write_bytes(path.read_bytes()[:-7]),
        lambda path: path.write_bytes(b""),
        lambda path: path.write_bytes(b"\xff\xfe nothing of the kind\n"),
    ],
    ids=["clip", "list", "epoch", "cut", "empty", "another file"],
)
def test_what_is_damaged_is_named_and_made_anew(data, tmp_path, capsys, damage):
    scratch, expected = Scratch(tmp_path / "fragments", 1 << 30), every(clips_of(data, None))
    every(clips_of(data, scratch))
    damage(stored(scratch)[3])
    capsys.readouterr()
    assert equal(every(clips_of(data, scratch)), expected)
    said = capsys.readouterr().err
    assert said.count("are damaged") == 1
    assert "videos/" in said
    assert equal(every(clips_of(data, scratch)), expected)
    assert not capsys.readouterr().err, "it is whole again"


def test_no_more_is_kept_than_the_limit(data, tmp_path, capsys):
    expected, whole = every(clips_of(data, None)), Scratch(tmp_path / "whole", 1 << 30)
    every(clips_of(data, whole))
    limit = size_of(whole.folder) // 2
    scratch = Scratch(tmp_path / "half", limit)
    assert equal(every(clips_of(data, scratch)), expected)
    assert 0 < len(stored(scratch)) < TRAIN
    assert size_of(scratch.folder) <= limit
    assert "no room left" in capsys.readouterr().err
    assert scratch.recount() == size_of(scratch.folder)


def test_a_disk_says_that_it_is_full(data, tmp_path, monkeypatch, capsys):
    expected, scratch = every(clips_of(data, None)), Scratch(tmp_path / "fragments", 1 << 30)
    write, left = os.write, [40_000]

    def limited(file: int, part: bytes) -> int:
        if left[0] < len(part):
            raise OSError(errno.ENOSPC, "No space left on device")
        left[0] -= len(part)
        return write(file, part)

    monkeypatch.setattr(scratch_module.os, "write", limited)
    assert equal(every(clips_of(data, scratch)), expected)
    assert 0 < len(stored(scratch)) < TRAIN
    assert capsys.readouterr().err.count("no room left") == 1
    assert not list(scratch.folder.rglob("*.part"))


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    folder = tmp_path / "disk"
    folder.mkdir()
    mount = ["mount", "-t", "tmpfs", "-o", "size=48k", "tmpfs", str(folder)]
    if subprocess.run(mount, capture_output=True, check=False).returncode:
        pytest.skip("a disk of its own cannot be mounted here")
    yield folder
    subprocess.run(["umount", "-l", str(folder)], check=True)


@pytest.mark.parametrize("in_memory", [0, 1 << 30], ids=["large videos", "small videos"])
def test_a_real_disk_that_is_full(data, small_disk, monkeypatch, in_memory):
    expected = every(clips_of(data, None))
    monkeypatch.setattr(scratch_module, "IN_MEMORY", in_memory)
    scratch = Scratch(small_disk / "fragments", 1 << 30)
    assert equal(every(clips_of(data, scratch)), expected)
    assert len(stored(scratch)) < TRAIN


def test_a_fault_of_the_disk_that_is_another_one_is_not_hidden(data, tmp_path, monkeypatch):
    def broken(file: int, part: bytes) -> int:
        raise OSError(errno.EIO, "Input/output error")

    clips = clips_of(data, Scratch(tmp_path / "fragments", 1 << 30))
    monkeypatch.setattr(scratch_module.os, "write", broken)
    with pytest.raises(OSError, match="Input/output error"):
        every(clips)


def test_a_writer_that_is_killed_leaves_whole_clips_or_none(data, tmp_path, monkeypatch, capsys):
    expected, scratch = every(clips_of(data, None)), Scratch(tmp_path / "fragments", 1 << 30)
    write_all = scratch_module._write_all

    def slowly(file: int, part: bytes) -> None:
        middle = len(part) // 2
        for some in (part[:middle], part[middle:]):
            write_all(file, some)
            time.sleep(0.01)

    monkeypatch.setattr(scratch_module, "_write_all", slowly)
    fork, generator, drafts, longest = multiprocessing.get_context("fork"), np.random.default_rng(3), 0, 0.2
    while len(stored(scratch)) < TRAIN:
        writer = fork.Process(target=lambda: every(clips_of(data, scratch)))
        writer.start()
        writer.join(generator.uniform(0.02, longest))
        longest *= 1.05  # on a busy machine nothing would ever be written
        writer.kill()
        writer.join()
        drafts += len(list(scratch.folder.rglob("*.part")))
        capsys.readouterr()
    assert drafts, "no kill hit a write"
    clips = clips_of(data, scratch)
    assert not list(scratch.folder.rglob("*.part")), "the next one to open a store removes them"
    assert equal(every(clips), expected)
    assert not capsys.readouterr().err, "nothing was half"
    assert scratch.recount() == size_of(scratch.folder)


def test_two_trainings_at_once_share_the_work(data, tmp_path, monkeypatch):
    scratch, log = Scratch(tmp_path / "fragments", 1 << 30), tmp_path / "log"
    iterate = vqa.data.video.iterate_frames

    def logged(path: Path, *rest: Any) -> Any:
        with log.open("a") as stream:
            stream.write(f"{path.name}\n")
        time.sleep(0.05)
        return iterate(path, *rest)

    monkeypatch.setattr(vqa.data.video, "iterate_frames", logged)
    fork = multiprocessing.get_context("fork")
    both = [fork.Process(target=lambda: every(clips_of(data, scratch))) for _ in range(2)]
    for process in both:
        process.start()
    for process in both:
        process.join()
        assert process.exitcode == 0
    names = log.read_text().split()
    assert len(names) == len(set(names)) == TRAIN


def test_runs_that_look_alike_share_a_store_and_others_do_not(data, tmp_path):
    def folder(**options: Any) -> str:
        changed = clips_of(data, Scratch(tmp_path / "fragments", 1 << 30), **options)
        assert changed._store is not None
        return changed._store.folder.name

    own = folder()
    alike: list[Any] = [
        {"weight_decay": 0.3, "perturbation": "awp", "gamma": 0.01},
        {"init": "runs/parent/weights/last_ema.safetensors"},
    ]
    assert {folder(method=make("fastvqa", None, **run)) for run in alike} == {own}
    others: list[dict[str, Any]] = [
        {"method": make("fastvqa", None, augmentation="trivialaugment")},
        {"name": "sama"},
        *({"phase": "released"}, {"phase": "clean"}, {"seed": 4}, {"epochs": (1, 2, 3)}, {"code": "another"}),
    ]
    assert len({own, *(folder(**other) for other in others)}) == 1 + len(others)


def test_a_file_that_changed_has_other_clips(videos, data, tmp_path):
    scratch = Scratch(tmp_path / "fragments", 1 << 30)
    every(clips_of(data, scratch))
    table = pd.read_csv(data._folder / "items.csv")
    other = tmp_path / "other" / "moving"
    other.mkdir(parents=True)
    table.loc[0, "sha256"] = "1" * 64
    table.to_csv(other / "items.csv", index=False)
    (other / "report.json").write_text((data._folder / "report.json").read_text())
    every(clips_of(PreparedDataset(other, videos), scratch))
    assert len(stored(scratch)) == TRAIN + 1


@pytest.mark.parametrize("name", ["fastvqa", "sama"])
def test_a_fixed_draw_is_one_for_all_epochs(data, tmp_path, decoded, name):
    method = make(name)
    by_epoch, fixed = (trained(data, method, tmp_path / draw, Loader(), draw) for draw in ("epoch", "fixed"))
    assert same_tensors(by_epoch.model.state_dict(), fixed.model.state_dict()), "it concerns the tests alone"
    tests = [one.predictions[one.predictions.split == "test"].prediction for one in (by_epoch, fixed)]
    assert tests[0].equals(tests[1]) == (name == "sama"), "where nothing is drawn there is nothing to fix"
    drawn = clips_of(data, None, name, phase="released", epochs=(0,))
    assert all(torch.equal(drawn[epoch, 2][0], drawn[0, 2][0]) for epoch in (1, 2))
    decoded.clear()
    trained(data, method, tmp_path / "again", Loader(0, Scratch(tmp_path / "fragments", 1 << 30)), "fixed")
    assert len(decoded) == TRAIN + TEST


def test_what_the_environment_says(tmp_path):
    named = {"VQA_SCRATCH": str(tmp_path)}
    assert Scratch.from_environment({}) is None
    found = Scratch.from_environment({**named, "VQA_SCRATCH_GIB": "0.5"})
    assert found is not None
    assert found.free() == 1 << 29
    with pytest.raises(InputError, match=r"VQA_SCRATCH: .*nowhere is not a folder"):
        Scratch.from_environment({"VQA_SCRATCH": str(tmp_path / "nowhere")})
    for wrong in ("much", "0", "-1", "inf", "nan"):
        with pytest.raises(InputError, match=r"VQA_SCRATCH_GIB: .* is not a number of GiB above 0"):
            Scratch.from_environment({**named, "VQA_SCRATCH_GIB": wrong})


def test_a_twentieth_of_the_disk_stays_free(tmp_path):
    disk = os.statvfs(tmp_path)
    room = Scratch(tmp_path).free()
    assert room == pytest.approx((disk.f_bavail - disk.f_blocks / 20) * disk.f_frsize, abs=1 << 28)
