"""The audit: every way in which what is on disk can differ from what should be, and the exit code that follows."""

import hashlib
import shutil
import sys
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from clips import broken_videos, numbered_frames, write_video
from project import ROOT

from stages import fetch
from vqa.cli.app import main
from vqa.data import audit, probe
from vqa.data.audit import audit_dataset, audit_entry, counts
from vqa.data.prepare import prepare
from vqa.data.probe import probe_file
from vqa.data.published.entries import PUBLISHED
from vqa.data.published.index import SourceFile
from vqa.data.video import MediaError, decode
from vqa.io import run_stage

NAME = "konvid1k"


@pytest.fixture
def data(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A data set of three good videos, prepared, in the paper scale."""
    shutil.copy(ROOT / "paper" / "params.yaml", tmp_path)
    monkeypatch.chdir(tmp_path)
    folder = Path("data") / NAME
    for number, name in enumerate("abc", start=8):
        write_video(folder / f"{name}.mp4", numbered_frames(number, 64, 48))
    (folder / "labels.csv").write_text("name,mos,split\na.mp4,1.5,train\nb.mp4,2,train\nc.mp4,3,test\n")
    prepare(folder, Path("prepared") / NAME, "stop", frame_store=False)
    return folder


@pytest.fixture
def run(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture) -> Callable:
    """Run a command: exit code and lines of its output."""

    def call(main: Callable, *arguments: str) -> tuple[int, list[str]]:
        monkeypatch.setattr(sys, "argv", ["stage", *arguments])
        with pytest.raises(SystemExit) as stop:
            run_stage(main)
        return stop.value.code, capsys.readouterr().out.splitlines()

    return call


def found(data: Path, **options: bool) -> dict[str, list[str]]:
    """Names by kind of finding."""
    kinds: dict[str, list[str]] = {}
    for finding in audit_dataset(NAME, "provided", data, Path("prepared") / NAME, **options):
        kinds.setdefault(finding.kind, []).append(Path(finding.place).name)
    return kinds


def test_a_good_data_set(data, run):
    assert found(data) == {"note": ["labels.csv"], "present": ["a.mp4", "b.mp4", "c.mp4"]}
    code, lines = run(main, "fetch", "--check", NAME)
    assert code == 0
    assert lines[0].startswith(f"note: data/{NAME}/labels.csv: konvid1k: test 1, train 2; expected")
    assert lines[-1] == f"{NAME}: 3 present, 0 missing, 0 corrupt, 0 undecodable, 0 extra"


def test_every_kind_of_damage_is_told_apart(data, run):
    (data / "a.mp4").unlink()
    write_video(data / "b.mp4", numbered_frames(9, 80, 48))
    (data / "extra").mkdir()
    (data / "extra" / "x.txt").touch()
    assert found(data) == {
        **{"note": ["labels.csv"], "missing": ["a.mp4"], "corrupt": ["b.mp4"]},
        **{"present": ["c.mp4"], "extra": ["x.txt"]},
    }
    shutil.rmtree("prepared")
    (data / "b.mp4").write_bytes(b"")
    assert found(data)["undecodable"] == ["b.mp4"]
    assert "undecodable" not in found(data, decode=False)
    code, lines = run(main, "fetch", "--check", NAME)
    assert code == 1
    assert f"undecodable: data/{NAME}/b.mp4: empty file (0 bytes); replace or exclude it" in lines
    assert lines[-1] == f"{NAME}: 1 present, 1 missing, 0 corrupt, 1 undecodable, 1 extra"
    code, lines = run(main, "fetch", "--check", NAME, "--quick")
    assert (code, lines[-1]) == (1, f"{NAME}: 2 present, 1 missing, 0 corrupt, 0 undecodable, 1 extra")


def test_extra_files_alone_are_no_failure(data, run):
    (data / "x.txt").touch()
    assert run(main, "fetch", "--check", NAME)[0] == 0


def test_what_was_never_fetched_is_missing(data, run):
    code, lines = run(main, "fetch", "--check")
    assert code == 1
    assert any(line.startswith("missing: data/lsvq/labels.csv: ") for line in lines)
    assert "lsvq: 0 present, 1 missing, 0 corrupt, 0 undecodable, 0 extra" in lines


def test_a_label_list_that_cannot_be_read_is_corrupt(data):
    (data / "labels.csv").write_bytes(b"\xff\xfe")
    (finding,) = audit_dataset(NAME, "provided", data, Path("prepared") / NAME)
    assert (finding.kind, "\n" in finding.detail) == ("corrupt", False)


def test_names_of_data_sets_are_checked(data, run):
    assert run(main, "fetch", "--check", "konvid") == (2, [])
    assert run(fetch.main) == (2, [])


def test_features_are_checked_against_the_list(data):
    (data / "features").mkdir()
    for path in data.glob("*.mp4"):
        path.unlink()
    np.save(data / "features" / "good.npy", np.zeros((3, 2), np.float32))
    np.save(data / "features" / "short.npy", np.zeros((2, 2), np.float32))
    (data / "features" / "torn.npy").write_bytes(b"\x93NUMPY")
    kinds = {Path(f.place).name: f.kind for f in audit_dataset(NAME, "published", data, Path("none"))}
    assert kinds == {"labels.csv": "note", "good.npy": "present", "short.npy": "corrupt", "torn.npy": "corrupt"}


def test_published_entries_are_checked_by_their_checksums(data, run, monkeypatch):
    entry = replace(PUBLISHED["sama-log"], files={"log.txt": "a", "b/other.txt": "b", "gone.txt": "c"})
    sha256 = hashlib.sha256(b"content").hexdigest()
    files = {key: SourceFile(f"https://host.org/{key}", sha256, 7, "none") for key in "abc"}
    monkeypatch.setattr(type(entry), "sources", property(lambda self: {p: files[k] for p, k in self.files.items()}))
    monkeypatch.setitem(PUBLISHED, "sama-log", entry)
    folder = Path("data/published/sama-log")
    (folder / "b").mkdir(parents=True)
    (folder / "log.txt").write_bytes(b"content")
    (folder / "b" / "other.txt").write_bytes(b"c0ntent")
    (folder / "stray").touch()
    findings = audit_entry("sama-log", folder)
    assert [(finding.kind, Path(finding.place).name) for finding in findings] == [
        *(("present", "log.txt"), ("corrupt", "other.txt"), ("missing", "gone.txt"), ("extra", "stray")),
    ]
    assert counts(findings) == {"present": 1, "missing": 1, "corrupt": 1, "undecodable": 0, "extra": 1}
    code, lines = run(main, "fetch", "--check")
    assert code == 1
    assert "published/sama-log: 1 present, 1 missing, 1 corrupt, 0 undecodable, 1 extra" in lines


def test_findings_have_known_kinds():
    with pytest.raises(ValueError, match="kind"):
        audit.Finding("strange", "here")


# --- probing without all frames in memory


@pytest.mark.parametrize(("suffix", "codec"), [(".mp4", "libx264"), (".mkv", "libx264"), (".avi", "mpeg4")])
@pytest.mark.parametrize("n_frames", [1, 7, 40])
def test_a_probe_is_that_of_decoding_at_once(tmp_path, suffix, codec, n_frames):
    path = write_video(tmp_path / f"clip{suffix}", numbered_frames(n_frames, 64, 48), codec)
    assert probe_file(path) == decode(path)[1]


def test_a_video_that_counts_no_frames_is_decoded_once(tmp_path, monkeypatch):
    path = write_video(tmp_path / "clip.mkv", numbered_frames(40))
    monkeypatch.setattr(probe, "read_frames", None)
    assert probe_file(path) == decode(path)[1]


def test_images_are_probed_too(tmp_path):
    from PIL import Image

    Image.fromarray(numbered_frames(1)[0]).save(tmp_path / "a.png")
    assert probe_file(tmp_path / "a.png") == decode(tmp_path / "a.png")[1]


def test_what_cannot_be_decoded_cannot_be_probed(tmp_path):
    for path in broken_videos(tmp_path).values():
        with pytest.raises(MediaError):
            probe_file(path)
