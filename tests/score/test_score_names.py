"""Names, pipes and links that people have: one bad file never costs the others, in any form of output."""

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import av
import numpy as np
import pytest
from clips import numbered_frames, write_video
from PIL import Image
from project import ROOT
from score_fixture import FIELDS, Score

from vqa.data import video
from vqa.data.items import Item
from vqa.data.paths import printable
from vqa.io import InputError
from vqa.score.files import files_of, written_to
from vqa.score.scorer import FileReader, Scorer

ODD = "caf\udce9.mp4"  # the single byte E9, Latin-1, as Python holds it


def vqa(project: Path, *arguments: str | Path, **options: object) -> subprocess.Popen:
    """The command in a process of its own."""
    command = [sys.executable, "-m", "vqa.cli", "score", "--run", "A01", *map(str, arguments)]
    environment = {**os.environ, "PYTHONPATH": str(ROOT), "PYTHONIOENCODING": "utf-8"}
    return subprocess.Popen(command, cwd=project, env=environment, **{"stderr": subprocess.PIPE, **options})


def open_files() -> list[Path]:
    """Links to what this process has open."""
    return [link for link in Path("/proc/self/fd").iterdir() if link.is_symlink()]


def silent(path: Path) -> Path:
    """Sound only."""
    with av.open(str(path), "w") as container:
        stream = container.add_stream("aac", rate=8000)
        frame = av.AudioFrame.from_ndarray(np.zeros((1, 1024), np.float32), format="fltp", layout="mono")
        frame.rate = 8000
        container.mux(stream.encode(frame))
        container.mux(stream.encode())
    return path


def subtitles(path: Path) -> Path:
    """One subtitle, nothing else."""
    text = path.with_suffix(".srt")
    text.write_text("1\n00:00:00,000 --> 00:00:01,000\nHello\n")
    with av.open(str(text)) as given, av.open(str(path), "w") as container:
        stream = container.add_stream_from_template(given.streams.subtitles[0])
        for packet in given.demux():
            if packet.dts is not None:
                packet.stream = stream
                container.mux(packet)
    text.unlink()
    return path


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Two good clips, one with an odd name, and what cannot be scored."""
    clip = write_video(tmp_path / "files" / "good.mp4", numbered_frames(20)).read_bytes()
    files = tmp_path / "files"
    (files / ODD).write_bytes(clip)
    silent(files / "sound.mp4")
    subtitles(files / "text.mkv")
    os.mkfifo(files / "pipe.mp4")
    os.mkfifo(files / "pipe.png")
    (files / "broken.mp4").symlink_to("nowhere.mp4")
    (files / "loop.mp4").symlink_to("loop.mp4")
    return files


REASONS = {
    "broken.mp4": "a link to nowhere.mp4, which is not there",
    "caf\\xe9.mp4": "",
    "good.mp4": "",
    "loop.mp4": "a link to loop.mp4, which is not there",
    "pipe.mp4": "a pipe, not a file: it can be read once only, so save it to a file first",
    "pipe.png": "a pipe, not a file: it can be read once only, so save it to a file first",
    "sound.mp4": "has no video stream (audio alone)",
    "text.mkv": "has no video stream (subtitle alone)",
}


def test_every_form_has_a_row_for_every_file(scored_project: Path, folder: Path) -> None:
    for form in ("json", "table", "out"):
        arguments = [] if form == "table" else ["--json"]
        out = folder.parent / "scores.jsonl"
        arguments += ["--out", out] if form == "out" else []
        run = vqa(scored_project, folder, *arguments, stdout=subprocess.PIPE)
        text, err = (stream.decode() for stream in run.communicate(timeout=120))
        assert (run.returncode, err.splitlines()[-1]) == (1, "2 of 8 files scored")
        assert "Traceback" not in err
        lines = (out.read_text(encoding="utf-8") if form == "out" else text).splitlines()
        if form == "table":
            cells = [[cell.strip() for cell in line.strip("|").split("|")] for line in lines]
            assert cells[0] == FIELDS
            rows = [dict(zip(FIELDS, row, strict=True)) for row in cells[2:]]
        else:
            rows = [json.loads(line) for line in lines]
        assert {row["file"].removeprefix(f"{folder}/"): row["reason"] for row in rows} == REASONS
        scores = {row["score"] for row in rows if row["status"] == "ok"}
        assert len(scores) == 1, "the same clip under two names"


def test_names_that_ffmpeg_takes_for_something_else(scored_project: Path, score: Score) -> None:
    clip = scored_project / "data/tiny/files/1.mp4"
    names = ["12:30.mp4", "./12:30.mp4", "file:x.mp4", "%03d.mp4", "concat:a|b.mp4", "sub:dir/1.mp4", "a\tb.mp4"]
    for name in names:
        (scored_project / name).parent.mkdir(exist_ok=True)
        (scored_project / name).write_bytes(clip.read_bytes())
    (expected,) = score("--run", "A01", clip)[1]
    code, rows, _ = score("--run", "A01", *names)
    assert code == 0
    assert rows == [{**expected, "file": name} for name in names]
    done = subprocess.run(
        [sys.executable, "-m", "vqa.data.video", *names, os.fsencode(ODD)],
        **{"cwd": scored_project, "capture_output": True, "check": False},
        env={**os.environ, "PYTHONPATH": str(ROOT)},
    )
    assert done.returncode == 2
    assert done.stdout.count(b"h264") == len(set(map(Path, names)))
    assert done.stderr.count(b"no such file") == 1


def test_a_name_that_is_no_utf8_reads_the_same_frames(tmp_path: Path) -> None:
    clip = write_video(tmp_path / "a.mp4", numbered_frames(20))
    (tmp_path / ODD).write_bytes(clip.read_bytes())
    (plain, probe), (odd, other) = video.decode(clip), video.decode(tmp_path / ODD)
    assert np.array_equal(plain, odd)
    assert probe == other
    assert not any(ODD in os.readlink(link) for link in open_files()), "nothing stays open"
    assert printable(ODD) == "caf\\xe9.mp4"
    assert printable("café\n") == "café\n"


def test_whatever_goes_wrong_with_one_file_the_others_are_scored(
    scored_project: Path, score: Score, monkeypatch: pytest.MonkeyPatch
) -> None:
    real = Scorer._value

    def fails(self: Scorer, item: Item, reader: FileReader) -> float:
        if reader.path.name == "1.mp4":
            raise RuntimeError("out\nof order")
        return real(self, item, reader)

    monkeypatch.setattr(Scorer, "_value", fails)
    code, (first, second), _ = score("--run", "A01", "data/tiny/files/1.mp4", "data/tiny/files/2.mp4")
    assert (code, first["status"], second["status"]) == (1, "error", "ok")
    assert first["reason"] == "cannot be scored: RuntimeError: out of order"

    def stops(*_: object) -> float:
        raise InputError("this network scores nothing")

    monkeypatch.setattr(Scorer, "_value", stops)
    assert score("--run", "A01", "data/tiny/files/1.mp4")[::2] == (
        2,
        "scores of A01\nerror: this network scores nothing\n",
    )


@pytest.mark.parametrize("form", [(), ("--json", "--out")])
def test_a_killed_run_keeps_what_it_had(scored_project: Path, tmp_path: Path, form: tuple[str, ...]) -> None:
    """Rows come out one by one: the last file is a large one, during which the process is killed."""
    large = tmp_path / "z.ppm"
    Image.fromarray(np.zeros((9000, 9000, 3), np.uint8)).save(large)
    out = tmp_path / "scores.jsonl"
    out.write_text("of an earlier run\n")
    stream = (tmp_path / "printed").open("w")
    form = (*form, str(out)) if "--out" in form else form
    run = vqa(scored_project, *form, "data/tiny/files/1.mp4", *[large] * 20, stdout=stream)
    place = tmp_path / "scores.jsonl.part" if "--out" in form else tmp_path / "printed"
    deadline = time.monotonic() + 120
    while not (place.exists() and "1.mp4" in place.read_text()):
        assert run.poll() is None
        assert time.monotonic() < deadline
        time.sleep(0.05)
    run.send_signal(signal.SIGKILL)
    run.communicate()
    lines = place.read_text().splitlines()
    assert len(lines) < 20, "killed on the way"
    assert any("1.mp4" in line and "ok" in line for line in lines)
    assert out.read_text() == "of an earlier run\n", "half a list never looks like a whole one"


def test_a_closed_pipe_ends_the_run_in_silence(scored_project: Path) -> None:
    run = vqa(scored_project, "--json", *["data/tiny/files/1.mp4"] * 40, stdout=subprocess.PIPE)
    assert run.stdout is not None
    assert json.loads(run.stdout.readline())["status"] == "ok"
    run.stdout.close()
    assert run.stderr is not None
    assert run.stderr.read() == b"scores of A01\n"
    assert run.wait() != 0


def test_output_goes_to_pipes_as_they_are_and_needs_a_place(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with written_to(Path("/dev/null")) as stream:
        stream.write("x\n")
    assert Path("/dev/null").is_char_device()
    for bad in (tmp_path, tmp_path / "file" / "x"):
        (tmp_path / "file").write_text("")
        with pytest.raises(InputError, match=r"--out .*: cannot be written"), written_to(bad):
            pass
    monkeypatch.setattr(sys, "stdout", None)
    with pytest.raises(InputError, match="standard output is closed"), written_to(None):
        pass


def test_folders_are_followed_once_and_what_is_left_out_is_said(tmp_path: Path) -> None:
    (tmp_path / "set" / "deep").mkdir(parents=True)
    (tmp_path / "elsewhere").mkdir()
    (tmp_path / "set" / "link").symlink_to(tmp_path / "elsewhere")
    (tmp_path / "set" / "deep" / "up").symlink_to(tmp_path / "set")
    for name in ("elsewhere/a.mp4", "set/b.heic", "set/notes.txt", "set/deep/README", "set/x.\udce9"):
        (tmp_path / name).touch()
    said: list[str] = []
    found = [os.path.relpath(file, tmp_path) for file in files_of(str(tmp_path / "set"), said.append)]
    assert found == ["set/b.heic", "set/link/a.mp4"]
    assert len(said) == 1
    assert said[0].endswith("set: 3 files are left out, no videos or images by their suffix (.txt, .\\xe9, none)")


def test_scores_of_images_follow_the_rule_of_params(scored_project: Path, score: Score, tmp_path: Path) -> None:
    exif, photo = Image.Exif(), numbered_frames(38, 64, 48)[37]
    exif[0x0112] = 6
    Image.fromarray(photo).save(tmp_path / "turned.png", exif=exif)
    Image.fromarray(np.rot90(photo, -1)).save(tmp_path / "upright.png")
    params = scored_project / "params.yaml"
    before = params.read_text()
    (stored, upright) = score("--run", "F01", tmp_path / "turned.png", tmp_path / "upright.png")[1]
    assert (stored["width"], stored["rotation"], stored["reason"]) == (64, 0, "its EXIF orientation is not applied")
    try:
        params.write_text(before.replace("exif_orientation: ignore", "exif_orientation: apply"))
        (applied,) = score("--run", "F01", tmp_path / "turned.png")[1]
    finally:
        params.write_text(before)
    assert (applied["width"], applied["rotation"], applied["reason"]) == (48, -90, "")
    assert applied["score"] == upright["score"] != stored["score"]
