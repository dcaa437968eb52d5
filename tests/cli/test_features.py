"""``vqa features``: numbers by their names, and what has none is named while the others have theirs."""

import sys
from fractions import Fraction
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from clips import numbered_frames, write_video
from odd_videos import remuxed, sound_alone

from vqa.cli.app import main
from vqa.cli.features import features
from vqa.data.paths import MediaError
from vqa.handcrafted import tlvqm, videval
from vqa.handcrafted.planes import Planes, read_planes

ONE = 1 << 16


@pytest.fixture
def moving(tmp_path: Path) -> Path:
    """Two seconds at 8 frames per second of a texture that moves."""
    texture = np.random.default_rng(2).integers(0, 256, (96, 160, 3), dtype=np.uint8).repeat(2, 0).repeat(2, 1)
    frames = np.stack([np.roll(texture, 2 * t, axis=1)[:96, :128] for t in range(24)])
    return write_video(tmp_path / "moving.mp4", frames, rate=Fraction(8))


def called(monkeypatch: pytest.MonkeyPatch, *arguments: object) -> int:
    monkeypatch.setattr(sys, "argv", ["vqa", "features", *map(str, arguments)])
    with pytest.raises(SystemExit) as stop:
        main()
    return int(stop.value.code or 0)


def test_a_table_has_a_row_per_video_and_a_column_per_feature(moving, tmp_path, monkeypatch, capsys):
    out = tmp_path / "features.csv"
    bad = sound_alone(tmp_path / "sound.mp4")
    short = write_video(tmp_path / "short.mp4", numbered_frames(5, 128, 96))
    assert called(monkeypatch, "tlvqm", moving, bad, short, "--out", out) == 1
    table = pd.read_csv(out)
    assert tuple(table.columns) == ("file", *tlvqm.FEATURES)
    assert table.file.tolist() == [str(moving)]
    expected = tlvqm.tlvqm(*read_planes(moving))
    assert table.iloc[0, 1:].astype(float).tolist() == pytest.approx(expected.tolist(), rel=1e-15)
    errors = capsys.readouterr().err.splitlines()
    assert [line.startswith(f"error: {path}: ") for line, path in zip(errors, (bad, short), strict=True)] == [True] * 2


def test_what_is_done_stays_when_it_is_cut_off(moving, tmp_path, monkeypatch):
    def read(path: Path) -> Planes:
        if path != moving:
            raise KeyboardInterrupt
        return read_planes(path)

    monkeypatch.setattr("vqa.handcrafted.planes.read_planes", read)
    with pytest.raises(KeyboardInterrupt):
        features("tlvqm", [moving, tmp_path / "next.mp4"], tmp_path / "features.csv")
    assert pd.read_csv(tmp_path / "features.csv.part").file.tolist() == [str(moving)]
    assert not (tmp_path / "features.csv").exists()


def test_names_that_are_no_utf8_are_written(moving, tmp_path, monkeypatch):
    path = moving.rename(tmp_path / "caf\udce9.mp4")
    assert called(monkeypatch, "tlvqm", path, "--out", tmp_path / "features.csv") == 0
    assert pd.read_csv(tmp_path / "features.csv").file.tolist() == [str(tmp_path / r"caf\xe9.mp4")]


@pytest.mark.parametrize(("system", "names"), [("tlvqm", tlvqm.FEATURES), ("videval", videval.FEATURES)])
def test_numbers_are_printed_with_their_names(moving, monkeypatch, capsys, system, names):
    assert called(monkeypatch, system, moving) == 0
    rows = [line.split("|")[1:-1] for line in capsys.readouterr().out.splitlines()]
    assert [row[0].strip() for row in rows] == ["feature", rows[1][0], *names]
    assert np.isfinite([float(row[1]) for row in rows[2:]]).all()


def test_a_system_that_is_not_there_is_named_with_those_that_are(moving, monkeypatch, capsys):
    assert called(monkeypatch, "niqe", moving) == 2
    assert capsys.readouterr().err == "error: 'niqe' is none of tlvqm, videval\n"


def test_planes_are_those_that_are_stored_turned_as_they_are_shown(moving, tmp_path):
    planes = read_planes(moving)
    assert (planes.y.shape, planes.u.shape, planes.v.shape) == ((24, 96, 128), (24, 48, 64), (24, 48, 64))
    assert planes.fps == 8
    turned = read_planes(remuxed(moving, tmp_path / "turned.mp4", matrix=[0, ONE, 0, -ONE, 0, 0, 0, 0, 1 << 30]))
    for plane, other in zip(planes[:3], turned[:3], strict=True):
        assert np.array_equal(other, np.rot90(plane, -1, (1, 2)))
    richer = write_video(tmp_path / "444.mkv", numbered_frames(12, 64, 48), "ffv1", {}, pix_fmt="yuv444p")
    assert read_planes(richer).u.shape == (12, 24, 32)


@pytest.mark.parametrize(
    ("size", "rate", "message"), [((66, 49), Fraction(25), "66x49"), ((64, 48), Fraction(1, 4), "frame rate 0.25")]
)
def test_what_has_no_such_planes_is_named(tmp_path, size, rate, message):
    path = write_video(tmp_path / "odd.webm", numbered_frames(6, *size), "libvpx-vp9", {"deadline": "realtime"}, rate)
    with pytest.raises(MediaError, match=message):
        read_planes(path)
