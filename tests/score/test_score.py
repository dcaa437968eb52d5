"""Scoring single files: the very predictions of the evaluation, what is said of odd files, exit codes."""

import json
import os
import re
import sys
from pathlib import Path

import av
import numpy as np
import pandas as pd
import pytest
import torch
from clips import broken_videos, numbered_frames, write_video
from odd_videos import base, coded_as, half, remuxed, sound_alone, two_streams
from PIL import Image
from safetensors.torch import load_file, save_file
from score_fixture import FIELDS, RUNS, Score

from vqa.cli.app import main
from vqa.io import InputError, file_digest
from vqa.score.files import files_of
from vqa.score.scorer import FileReader, Scorer
from vqa.stats.metrics import rescale


@pytest.mark.parametrize("method", RUNS)
def test_scores_are_the_clean_predictions_to_the_last_digit(scored_project: Path, score: Score, method: str) -> None:
    name = "photos" if method == "sama_iqa" else "tiny"
    code, rows, err = score("--run", RUNS[method], f"data/{name}/files")
    assert (code, err) == (0, f"scores of {RUNS[method]}\n12 of 12 files scored\n")
    assert list(rows[0]) == FIELDS
    assert [row["file"] for row in rows] == [f"data/{name}/files/{i}{Path(rows[0]['file']).suffix}" for i in range(12)]
    table = pd.read_csv(scored_project / "runs" / RUNS[method] / "predictions.csv").set_index("item")
    expected = table.prediction.to_dict()
    found = {row["file"].removeprefix(f"data/{name}/"): row for row in rows}
    assert {item: row["score"] for item, row in found.items()} == expected
    assert len(set(expected.values())) == 12, "the networks tell the files apart"
    train = table[table.split == "train"]
    estimates = rescale(train.prediction.to_numpy(), train.mos.to_numpy())
    assert [found[item]["mos_estimate"] for item in train.index] == pytest.approx(estimates)
    items = pd.read_csv(scored_project / "prepared" / name / "items.csv").set_index("name")
    for item, row in found.items():
        probe = items.loc[item]
        assert [row["frames"], *(row[field] for field in ("width", "height", "fps", "rotation", "codec"))] == [
            *probe[["n_frames", "width", "height", "fps", "rotation", "codec"]]
        ]


def test_scores_depend_on_the_weights_and_on_nothing_but_the_file(
    scored_project: Path, score: Score, tmp_path: Path
) -> None:
    one, other = scored_project / "data/tiny/files/1.mp4", tmp_path / "another name.mp4"
    other.write_bytes(one.read_bytes())
    _, (first, second, third), _ = score("--run", "A01", one, other, one)
    assert first["score"] == second["score"] == third["score"]
    assert score("--run", "A02", one)[1][0]["score"] != first["score"]


def test_bad_files_are_named_and_do_not_stop_the_others(scored_project: Path, score: Score, tmp_path: Path) -> None:
    expected = {
        "truncated": "corrupt after|truncated|cannot open",
        "empty": r"empty file \(0 bytes\)",
        "text": "not a video",
        "header only": "not a video|no frames|truncated",
        "scrambled": "corrupt after",
        "missing": "no such file",
        "cut between packets": "20 of 30",
    }
    bad = broken_videos(tmp_path / "bad")
    bad["cut between packets"] = write_video(tmp_path / "cut.mp4", numbered_frames(30), options={"g": "1", "bf": "0"})
    with av.open(str(bad["cut between packets"])) as container:
        end = [packet.pos + packet.size for packet in container.demux(video=0) if packet.size][19]
    bad["cut between packets"].write_bytes(bad["cut between packets"].read_bytes()[:end])
    (tmp_path / "notes.txt").write_text("The quick brown fox.\n" * 500)
    (tmp_path / "none").mkdir()
    (tmp_path / "photo.jpg").write_bytes(b"\xff\xd8\xff")
    files = [*bad.values(), tmp_path / "notes.txt", tmp_path / "none", tmp_path / "photo.jpg"]
    code, rows, err = score("--run", "A01", *files, tmp_path / "bad" / "good.mp4")
    assert code == 1
    assert err.splitlines()[1:] == ["1 of 11 files scored"], "decoders stay quiet"
    assert [row["file"] for row in rows] == [*map(str, files), str(tmp_path / "bad" / "good.mp4")]
    reasons = [*(expected[kind] for kind in bad), "text, not a video", "folder without videos", "not an image"]
    for row, reason in zip(rows, reasons, strict=False):
        assert (row["status"], row["score"], row["mos_estimate"]) == ("error", None, None)
        assert re.search(reason, row["reason"]), row
        assert "exclude" not in row["reason"], "a remedy for data sets"
        assert str(tmp_path) not in row["reason"]
    assert (rows[-1]["status"], rows[-1]["reason"]) == ("ok", "")


def ten_bit(path: Path) -> Path:
    """A clip with ten bits per channel."""
    with av.open(str(path), "w") as container:
        stream = container.add_stream("libx265", rate=25, options={"x265-params": "log-level=none:pools=none"})
        stream.width, stream.height, stream.pix_fmt = 64, 48, "yuv420p10le"
        for frame in numbered_frames(20):
            container.mux(
                stream.encode(av.VideoFrame.from_ndarray(frame, format="rgb24").reformat(format="yuv420p10le"))
            )
        container.mux(stream.encode())
    return path


def test_odd_files_score_and_say_what_was_assumed(score: Score, tmp_path: Path) -> None:
    frames, photo = numbered_frames(20), Image.fromarray(numbered_frames(1)[0])
    exif = Image.Exif()
    exif[0x0112] = 6
    photo.save(tmp_path / "photo.png")
    photo.save(tmp_path / "turned.jpg", exif=exif)
    stands = "an image: its one frame stands for a video"
    expected = {
        write_video(tmp_path / "usual.mp4", frames): "",
        write_video(tmp_path / "portrait.mp4", numbered_frames(20, 48, 96)): "",
        write_video(
            tmp_path / "odd.webm", numbered_frames(20, 71, 53), "libvpx-vp9", {"deadline": "realtime"}
        ): "no frame count in the header: taken as complete",
        write_video(tmp_path / "short.mp4", frames[:3]): "shorter than a clip of 5 frames: frames are repeated",
        write_video(tmp_path / "small.mp4", numbered_frames(20, 32, 24)): "smaller than the network's 32x32: enlarged",
        ten_bit(tmp_path / "deep.mp4"): "10 bits per channel: read as 8",
        tmp_path / "photo.png": stands,
        tmp_path / "turned.jpg": f"its EXIF orientation is not applied; {stands}",
    }
    code, rows, _ = score("--run", "A01", *expected)
    assert code == 0
    assert [row["reason"] for row in rows] == list(expected.values())
    assert [row["status"] for row in rows] == ["warning" if reason else "ok" for reason in expected.values()]
    assert all(np.isfinite(row["score"]) for row in rows)
    assert [(rows[i]["width"], rows[i]["height"]) for i in (1, 2)] == [(48, 96), (71, 53)]


def test_every_container_scores_and_a_file_without_pictures_costs_no_other(score: Score, tmp_path: Path) -> None:
    folder = tmp_path / "clips"
    folder.mkdir()
    whole = base(folder / "1.mp4")
    remuxed(whole, folder / "2.ts")
    mirrored = [-(1 << 16), 0, 0, 0, 1 << 16, 0, 0, 0, 1 << 30]
    remuxed(whole, folder / "3.mp4", matrix=mirrored)
    remuxed(whole, folder / "4.mp4", start=1)
    two_streams(folder / "5.mp4")
    sound_alone(folder / "6.mp4")
    half(remuxed(whole, tmp_path / "b.mkv"), folder / "7.mkv", 0.6)
    coded_as(folder / "8.mp4", "yuv420p", options={"x264-params": "interlaced=1"})
    base(folder / "9.mpg", 50, "mpeg2video", {"g": "12", "bf": "2"})
    code, rows, err = score("--run", "A01", folder)
    assert code == 1
    assert err.splitlines()[1:] == ["7 of 9 files scored"]
    reasons = [
        *("", "no frame count", "mirrored left and right", "", "2 video streams: number 0, 64x48", "no video stream"),
        *("truncated", "interlaced", "no frame count"),
    ]
    assert all(re.search(reason, row["reason"]) for reason, row in zip(reasons, rows, strict=True))
    errors = [row["status"] == "error" for row in rows]
    assert errors == [number in (6, 7) for number in range(1, 10)]
    assert [row["frames"] for row in rows] == [50, 50, 50, 25, 50, None, None, 20, 50]
    assert rows[0]["score"] == rows[1]["score"], "the container makes no difference"
    assert len({row["score"] for row in (rows[0], rows[2], rows[3])}) == 3
    assert (rows[6]["codec"], rows[6]["fps"], rows[5]["codec"]) == ("h264", 25, None)


def test_a_file_that_a_method_cannot_look_at_is_an_error(scored_project: Path, score: Score, tmp_path: Path) -> None:
    clip, photo = scored_project / "data/tiny/files/1.mp4", scored_project / "data/photos/files/1.png"
    code, (row, image), _ = score("--run", "F01", clip, photo)
    assert (code, row["status"], image["status"]) == (1, "error", "ok")
    assert row["reason"] == "a video of 12 frames, which a method for images cannot look at"
    code, (video, row), _ = score("--run", "A03", clip, photo)
    assert (code, video["status"], row["status"]) == (1, "ok", "error")
    assert row["reason"].startswith("an image, which this method cannot score: frame rate 0.0")
    tiny = write_video(tmp_path / "tiny.mp4", numbered_frames(20, 16, 10))
    assert "smaller than a patch" in score("--run", "A01", tiny)[1][0]["reason"]
    with pytest.raises(InputError, match="published features"):
        FileReader(clip, None, {}, "ignore").features("videval")


def test_folders_stand_for_their_files_in_natural_order(tmp_path: Path) -> None:
    names = ["clip10.mp4", "clip2.MOV", "b/clip1.webm", "b/photo.JPG", "notes.txt", ".hidden.mp4", ".cache/x.mp4"]
    for name in names:
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).touch()
    found = [os.path.relpath(file, tmp_path) for file in files_of(str(tmp_path))]
    assert found == ["b/clip1.webm", "b/photo.JPG", "clip2.MOV", "clip10.mp4"]
    for alone in (tmp_path / "notes.txt", tmp_path / ".cache", tmp_path / "nothing"):
        assert files_of(str(alone))[0].startswith(str(alone))


def test_the_default_is_the_first_run_with_weights(scored_project: Path, score: Score, tmp_path: Path) -> None:
    clip = scored_project / "data/tiny/files/1.mp4"
    code, rows, err = score(clip)
    assert (code, err) == (0, "scores of A01\n1 of 1 files scored\n")
    assert rows == score("--run", "A01", clip)[1]


def test_a_run_that_has_not_been_evaluated_has_no_estimates(scored_project: Path, score: Score) -> None:
    predictions = scored_project / "runs" / "A02" / "predictions.csv"
    content = predictions.read_text()
    predictions.unlink()
    try:
        code, (row,), err = score("--run", "A02", "data/tiny/files/1.mp4")
    finally:
        predictions.write_text(content)
    assert (code, row["status"], row["mos_estimate"]) == (0, "ok", None)
    assert err.startswith("scores of A02, without MOS scale\n")


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--run", "A1"], "did you mean 'A01'"),
        (["--run", "untrained"], "runs/untrained/weights/last_ema.safetensors is missing: `dvc repro train@untrained`"),
        (["--method", "fastvqa"], "go together"),
        (["--checkpoint", "x.pth"], "go together"),
        (["--checkpoint", "x.pth", "--method", "fastvqa", "--sha256", "0" * 64], "x.pth: no such file"),
        (["--sha256", "0" * 64], "for them alone"),
    ],
)
def test_wrong_use_is_one_line_and_exit_code_2(score: Score, arguments: list[str], message: str) -> None:
    code, rows, err = score(*arguments, "data/tiny/files/1.mp4")
    assert (code, rows, len(err.splitlines())) == (2, [], 1)
    assert err.startswith("error: ")
    assert message in err


def test_weights_that_do_not_fit_params_are_refused(scored_project: Path, score: Score) -> None:
    weights = scored_project / "runs" / "untrained" / "weights" / "last_ema.safetensors"
    weights.parent.mkdir(parents=True)
    try:
        for content in ({"a": torch.zeros(1)}, None):
            save_file(content, weights) if content else weights.write_bytes(b"x")
            code, _, err = score("--run", "untrained", "data/tiny/files/1.mp4")
            assert (code, len(err.splitlines())) == (2, 1)
            assert "does not fit params.yaml" in err
    finally:
        weights.unlink()


class Code:
    """Would make a file if it were unpickled."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def __reduce__(self) -> tuple:
        return Path.touch, (self.path,)


@pytest.mark.parametrize("method", ["fastvqa", "sama", "simplevqa"])
def test_a_published_checkpoint_scores_as_the_run_with_its_weights(
    scored_project: Path, score: Score, tmp_path: Path, method: str
) -> None:
    state = load_state(scored_project, method)
    path = tmp_path / "published.pth"
    torch.save(state if method == "simplevqa" else {"state_dict": state}, path)
    arguments = ("--checkpoint", path, "--method", method, "--sha256", file_digest(path), "data/tiny/files/2.mp4")
    code, (row,), err = score(*arguments)
    (expected,) = score("--run", RUNS[method], "data/tiny/files/2.mp4")[1]
    assert (code, row) == (0, {**expected, "mos_estimate": None})
    assert err.startswith(f"scores of {path}, without MOS scale\n")
    code, rows, err = score(*arguments[:4], "data/tiny/files/2.mp4")
    assert (code, rows) == (2, [])
    assert "checksum" in err


def load_state(scored_project: Path, method: str) -> dict[str, torch.Tensor]:
    return load_file(scored_project / "runs" / RUNS[method] / "weights" / "last_ema.safetensors")


def test_a_checkpoint_that_holds_code_is_not_run(score: Score, tmp_path: Path) -> None:
    path, made = tmp_path / "evil.pth", tmp_path / "made"
    torch.save({"state_dict": Code(made)}, path)
    sha256 = file_digest(path)
    code, rows, err = score("--checkpoint", path, "--method", "fastvqa", "--sha256", sha256, "data/tiny/files/2.mp4")
    assert (code, rows, len(err.splitlines())) == (2, [], 1)
    assert not made.exists()


def test_the_output_file_is_what_would_be_printed_and_appears_when_complete(
    scored_project: Path, score: Score, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    out, clip = tmp_path / "scores.jsonl", "data/tiny/files/1.mp4"
    _, rows, _ = score("--run", "A01", clip, "missing.mp4")
    code, printed, err = score("--run", "A01", clip, "missing.mp4", "--out", out)
    assert (code, printed) == (1, [])
    assert [json.loads(line) for line in out.read_text().splitlines()] == rows
    assert err.endswith("1 of 2 files scored\n")
    before = out.read_bytes()

    def fail(*_: object) -> None:
        raise InputError("stopped")

    monkeypatch.setattr(Scorer, "score", fail)
    assert score("--run", "A01", clip, "--out", out)[0] == 2
    assert out.read_bytes() == before
    assert os.listdir(tmp_path) == ["scores.jsonl"]


def test_without_json_there_is_a_table_with_a_row_per_file(
    scored_project: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture
) -> None:
    monkeypatch.chdir(scored_project)
    monkeypatch.setattr(sys, "argv", ["vqa", "score", "data/tiny/files/1.mp4", "a|b.mp4"])
    with pytest.raises(SystemExit) as stop:
        main()
    assert stop.value.code == 1
    lines = capsys.readouterr().out.splitlines()
    assert [cell.strip() for cell in lines[0].strip("|").split("|")] == FIELDS
    assert len(lines) == 4
    assert "1.mp4 | ok " in lines[2]
    assert "a\\|b.mp4" in lines[3]
