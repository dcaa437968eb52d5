"""Real data sets from the user's folder: what is linked, what is refused, and what a killed run leaves."""

import csv
import errno
import os
import shutil
import sys
from collections.abc import Callable
from pathlib import Path

import pandas as pd
import pytest
from clips import numbered_frames, write_video
from project import ROOT

from stages import fetch, prepare
from vqa.data import provided
from vqa.data.catalog import CATALOG, ItemList
from vqa.data.provided import provide, surprises
from vqa.data.published.joins import published_lists
from vqa.io import InputError, run_stage
from vqa.settings.strict import ParamsError

NAME = "konvid1k"
ROWS = [("clips/a.mp4", 1.5, "train"), ("clips/deep/b.mp4", 3.25, "test"), ("c.mp4", 4.0, "train")]


def write_labels(folder: Path, rows: list[tuple], header: tuple = ("name", "mos", "split")) -> None:
    with (folder / "labels.csv").open("w", newline="") as stream:
        csv.writer(stream).writerows([header, *rows])


@pytest.fixture
def source(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A user's folder of three files that are no videos; the working directory is an empty paper scale beside it."""
    folder = tmp_path / "sets" / NAME
    for name, *_ in ROWS:
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text(f"content of {name}")
    write_labels(folder, ROWS)
    (tmp_path / "scale").mkdir()
    params = (ROOT / "paper" / "params.yaml").read_text().replace("root: ..", f"root: {ROOT}")
    (tmp_path / "scale" / "params.yaml").write_text(params.replace("loader_workers: 6", "loader_workers: 0"))
    monkeypatch.chdir(tmp_path / "scale")
    monkeypatch.setenv("VQA_DATA", str(tmp_path / "sets"))
    return folder


@pytest.fixture
def stage(monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture) -> Callable:
    """Run the main function of a stage on a data set: exit code, and the lines on stderr."""

    def call(main: Callable, name: str = NAME) -> tuple[int, list[str]]:
        monkeypatch.setattr(sys, "argv", ["stage", name])
        with pytest.raises(SystemExit) as stop:
            run_stage(main)
        return stop.value.code, capfd.readouterr().err.splitlines()

    return call


def content(folder: Path) -> dict[str, bytes]:
    return {path.relative_to(folder).as_posix(): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


# --- what is brought


def test_from_the_users_folder_to_a_checked_item_list(source, stage):
    for name, *_ in ROWS:
        write_video(source / name, numbered_frames(12, 64, 48))
    (source / "readme.txt").write_text("not in the list")
    code, lines = stage(fetch.main)
    assert code == 0
    assert len(lines) == 1
    assert lines[0].startswith("warning: konvid1k: test 1, train 2; expected test 240, train 960: ")
    assert stage(prepare.main)[0] == 0
    items = pd.read_csv(Path("prepared") / NAME / "items.csv")
    assert [(row.name, row.mos, row.split) for row in items.itertuples(index=False)] == ROWS
    assert items.offset.eq(-1).all(), "the paper scale stores no frames"
    assert set(content(Path("data") / NAME)) == {"labels.csv", *(name for name, *_ in ROWS)}


def test_files_are_hard_links_and_the_label_list_is_a_copy(source):
    out = Path("data") / NAME
    provide(NAME, source, out)
    for name, *_ in ROWS:
        assert (out / name).samefile(source / name)
    write_labels(source, ROWS[:1])
    assert len(pd.read_csv(out / "labels.csv")) == 3, "the user edits a list, not what was made from it"


@pytest.mark.parametrize("reason", [errno.EXDEV, errno.EPERM, errno.EMLINK])
def test_files_are_copied_where_links_are_not_possible(source, monkeypatch, reason):
    def refuse(*_: object, **__: object) -> None:
        raise OSError(reason, os.strerror(reason))

    monkeypatch.setattr(os, "link", refuse)
    out = Path("data") / NAME
    provide(NAME, source, out)
    assert content(out) == content(source)
    assert not any((out / name).samefile(source / name) for name, *_ in ROWS)


def test_a_file_that_can_be_neither_linked_nor_copied_is_named(source, monkeypatch):
    def refuse(*_: object, **__: object) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(os, "link", refuse)
    monkeypatch.setattr(shutil, "copyfile", refuse)
    with pytest.raises(InputError, match=r"a\.mp4: cannot be copied to .* \(No space left on device\)"):
        provide(NAME, source, Path("data") / NAME)
    assert not (Path("data") / NAME).exists()


def test_symbolic_links_are_followed(source, tmp_path):
    elsewhere = tmp_path / "disk"
    elsewhere.mkdir()
    (source / "c.mp4").rename(elsewhere / "c.mp4")
    (source / "c.mp4").symlink_to(elsewhere / "c.mp4")
    moved = source.rename(elsewhere / NAME)
    source.symlink_to(moved, target_is_directory=True)
    out = Path("data") / NAME
    provide(NAME, source, out)
    assert not (out / "c.mp4").is_symlink()
    assert (out / "c.mp4").samefile(elsewhere / "c.mp4")


def test_a_second_fetch_replaces_the_first(source):
    out = Path("data") / NAME
    provide(NAME, source, out)
    write_labels(source, ROWS[1:])
    provide(NAME, source, out)
    assert set(content(out)) == {"labels.csv", *(name for name, *_ in ROWS[1:])}
    assert set(content(source)) == {"labels.csv", *(name for name, *_ in ROWS)}, "the originals stay"


@pytest.mark.parametrize("earlier", [False, True])
def test_a_killed_fetch_leaves_no_half_set_and_the_next_one_starts_anew(source, monkeypatch, earlier):
    out, linked = Path("data") / NAME, []
    if earlier:
        provide(NAME, source, out)
    before = content(out)
    write_labels(source, ROWS[:2])

    def killed(*paths: Path) -> None:
        if linked:
            raise KeyboardInterrupt
        linked.append(paths)
        os.link(*paths)

    with monkeypatch.context() as patch:
        patch.setattr(provided, "link_or_copy", killed)
        with pytest.raises(KeyboardInterrupt):
            provide(NAME, source, out)
    assert content(out) == before
    (left,) = (path for path in Path("data").iterdir() if path != out)
    (left / "stray.mp4").write_text("of the killed run")
    provide(NAME, source, out)
    assert set(content(out)) == {"labels.csv", *(name for name, *_ in ROWS[:2])}
    assert list(Path("data").iterdir()) == [out]


# --- what is refused


def refused(stage: Callable, *parts: str, name: str = NAME) -> None:
    """Fetch must end with exit code 2 and one line that has all ``parts``, and leave nothing behind."""
    code, lines = stage(fetch.main, name)
    assert code == 2
    assert len(lines) == 1
    assert lines[0].startswith("error: ")
    for part in parts:
        assert part in lines[0]
    assert not Path("data").exists()


DOWNLOADED = ("konvid1k", "youtubeugc", "koniq10k")  # no form is in the way


@pytest.mark.parametrize("name", CATALOG)
def test_without_data_the_user_learns_what_to_put_where(source, stage, monkeypatch, name):
    entry = CATALOG[name]
    remedy = (
        *(entry.title, f"$VQA_DATA/{name}", entry.layout.steps, entry.page, entry.terms, "labels.csv (name,mos,split)"),
        f"the {sum(entry.lists[0].splits.values())} files",
    )
    shutil.rmtree(source)
    if name not in DOWNLOADED:
        refused(stage, str(source.parent / name / "labels.csv"), *remedy, name=name)
    for value in ("", None):
        if value is None:
            monkeypatch.delenv("VQA_DATA")
        else:
            monkeypatch.setenv("VQA_DATA", value)
        refused(stage, "VQA_DATA is not set", *remedy, name=name)


def test_missing_files_are_counted_and_the_first_is_named(source, stage):
    (source / "clips" / "deep" / "b.mp4").unlink()
    (source / "c.mp4").unlink()
    (source / "c.mp4").mkdir()
    refused(stage, "2 of 3 files are missing, the first: clips/deep/b.mp4")


OUTSIDE = ("/etc/hostname", "../secret.mp4", "clips/../../secret.mp4", "..", ".")
OTHER_SPELLINGS = ("./c.mp4", "clips//a.mp4", "clips/../c.mp4", "clips\\a.mp4", "labels.csv")


@pytest.mark.parametrize("name", OUTSIDE + OTHER_SPELLINGS)
def test_no_name_leaves_the_folder_or_has_two_spellings(source, stage, name):
    (source.parent / "secret.mp4").write_text("another data set's")
    write_labels(source, [*ROWS, (name, 2, "train")])
    refused(stage, f"{source / 'labels.csv'}: line 5: {name!r} is not a plain relative path")


@pytest.mark.parametrize(
    ("rows", "message"),
    [
        ([*ROWS, ROWS[0]], "line 5: clips/a.mp4 is there already, in line 2"),
        ([("c.mp4", "good", "train")], "line 2: 'good' is no MOS"),
        ([ROWS[0], ("c.mp4", 1, "")], "line 3: column 'split' says '', which is none of train, "),
        ([("", 1, "train")], "line 2 has no name"),
        ([], "lists no items"),
    ],
)
def test_bad_label_lists_are_refused(source, stage, rows, message):
    write_labels(source, rows)
    refused(stage, f"{source / 'labels.csv'}: ", message)


def test_a_label_list_with_other_columns_is_refused(source, stage):
    write_labels(source, ROWS, header=("video", "mos", "split"))
    refused(stage, "expected ['name', 'mos', 'split']")


@pytest.mark.parametrize("data", [b"", b"name,mos,split\n\xff\xfe.mp4,1,train\n", b'name,mos,split\n"a,1,train\n'])
def test_a_label_list_that_is_not_a_table_is_refused(source, stage, data):
    (source / "labels.csv").write_bytes(data)
    refused(stage, f"{source / 'labels.csv'}: ")


def test_the_folder_that_is_made_cannot_be_the_source(source, monkeypatch, stage):
    shutil.copytree(source, Path("data") / NAME)
    monkeypatch.setenv("VQA_DATA", "data")
    code, lines = stage(fetch.main)
    assert code == 2
    assert "keep the data set elsewhere" in lines[0]
    assert content(Path("data") / NAME) == content(source)


def test_a_data_set_that_the_catalog_does_not_know_gets_a_suggestion(source):
    with pytest.raises(ParamsError, match=r"catalog\.py: 'konvid' is not defined \(did you mean 'konvid1k'\?\)"):
        provide("konvid", source, Path("data") / "konvid")


# --- the catalog


def labels_of(listed: ItemList) -> pd.DataFrame:
    """Labels that fit a list: its counts, MOS over the whole scale."""
    splits = [split for split, count in listed.splits.items() for _ in range(count)]
    low, high = listed.mos_scale
    mos = [low + (high - low) * i / (len(splits) - 1) for i in range(len(splits))]
    return pd.DataFrame({"name": [f"{i}.mp4" for i in range(len(splits))], "mos": mos, "split": splits})


@pytest.mark.parametrize("name", CATALOG)
def test_the_expected_list_is_no_surprise_and_every_other_one_is_named(name):
    entry = CATALOG[name]
    assert surprises(entry, labels_of(entry.lists[0])) == []
    for other in entry.lists[1:]:
        first = surprises(entry, labels_of(other))[0]
        assert f"as in the list of {other.origin}; expected" in first
        assert entry.choice in first


def test_ratings_beyond_the_scale_are_a_surprise():
    entry = CATALOG["youtubeugc"]
    labels = labels_of(entry.lists[0])
    labels.loc[3:4, "mos"] = [5.5, 0.9]
    assert surprises(entry, labels) == ["youtubeugc: MOS of 2 items is not on the scale 1-5, the first: 3.mp4 with 5.5"]


def test_catalog_entries_are_complete():
    for name, entry in CATALOG.items():
        assert entry.name == name
        assert entry.layout.steps
        assert bool(entry.layout.downloads or entry.layout.item_url) == (name in DOWNLOADED)
        keys = [listed.key for listed in entry.lists]
        assert len(set(keys)) == len(keys)
        assert set(published_lists(name)) <= set(keys)
        assert entry.layout.labels or keys[0] in published_lists(name), "the expected list can be had"
        assert all((entry.title, entry.content, entry.terms, entry.choice))
        assert all(url.startswith("http") for url in (entry.page, *entry.archives))
        assert len({str(sorted(other.splits.items())) for other in entry.lists}) == len(entry.lists)
    totals = {name: entry.lists[0].n_items for name, entry in CATALOG.items()}
    assert totals == {
        **{"lsvq": 28056 + 7186 + 3573, "konvid1k": 1200, "livevqc": 585, "youtubeugc": 1040},
        **{"koniq10k": 10073, "spaq": 11125},
    }
    with pytest.raises(ValueError, match="upwards"):
        ItemList("none", "nobody", {"all": 1}, (5.0, 1.0))
