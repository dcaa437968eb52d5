"""The score command on real clips and images: every one of them scores or gives its stated error."""

import csv
import os
from pathlib import Path

import pytest
from project import ROOT
from score_fixture import Score

from vqa.score.files import files_of

# Of every clip of the mirror: reason ("" scores without a warning, "error: ..." is not scored), width, height, frames,
# codec and rotation. Read as the tiny FAST-VQA does, whose clips are 5 frames and whose frames are 32x32.
NO_COUNT = "no frame count in the header: taken as complete"
SHORT = "shorter than a clip of 5 frames: frames are repeated"
MIRROR = {
    "10053703034.mp4": ("", 960, 540, 240, "h264", 0),
    "2999049224_original_centercrop_960x540_8s.mp4": ("", 960, 540, 240, "h264", 0),
    "VSFA/test.mp4": ("", 960, 540, 240, "h264", 0),
    "4495254692.mp4": ("", 960, 540, 191, "h264", 0),
    "1724.mp4": ("", 406, 720, 243, "h264", 0),
    "FEQ-gdkTN4Q_000008_000018.mp4": ("", 192, 144, 98, "h264", 0),
    "eWgy8eG3stA_000164_000174.mp4": ("", 480, 360, 250, "h264", 0),
    "error_test.mp4": ("error: empty file (0 bytes)", None, None, None, None, None),
    "video_0.mov": (SHORT, 568, 320, 3, "h264", 0),
    "video_90.mov": (SHORT, 320, 568, 3, "h264", -90),
    "video_270.mov": (SHORT, 320, 568, 3, "h264", 90),
    "unordered.mov": (SHORT, 50, 50, 4, "h264", 0),
    "corrupted.mp4": ("error: corrupt after 28 of 50 frames (h264)", None, None, None, "h264", 0),
    "flipping_a_pancake.mkv": (NO_COUNT, 426, 240, 310, "h264", 0),
    "nasa_13013.mp4": ("2 video streams: number 3, 480x270, is scored", 480, 270, 390, "h264", 0),
    "av1_video.mkv": (NO_COUNT, 640, 360, 125, "av1", 0),
    "bt709_full_range.mp4": ("full range of values (0 to 255)", 1280, 720, 30, "h264", 0),
    "h264_10bits.mp4": ("10 bits per channel: read as 8", 200, 200, 30, "h264", 0),
    "h265_video.mp4": ("", 128, 128, 10, "hevc", 0),
    "tests/data/test.avi": (
        "time stamps are missing or go backwards: frames are taken in the order of decoding",
        *(320, 240, 164, "mpeg4", 0),
    ),
}
PHOTOS = {
    "10004473376.jpg": (1024, 768),
    "SPAQ_10241.jpg": (810, 1080),
    "00914.png": (682, 512),
    "05293.png": (910, 512),
}


def mirror() -> Path:
    """The folder of mirrored files; the test is skipped without it."""
    folder = Path(os.environ.get("VQA_MIRROR") or ROOT.parent / "shared" / "mirror")
    if not (folder / "VIDEOS.csv").is_file():
        pytest.skip("needs the mirrored clips: set VQA_MIRROR")
    return folder


def test_every_clip_of_the_mirror_scores_or_gives_its_stated_error(score: Score) -> None:
    with (mirror() / "VIDEOS.csv").open() as stream:
        files = [mirror() / row["url"].partition("://")[2] for row in csv.DictReader(stream)]
    _, rows, err = score("--run", "A01", *files)
    assert err.splitlines()[1:] == ["18 of 20 files scored"], "decoders stay quiet"
    assert len(rows) == len(files) == len(MIRROR)
    for row in rows:
        ((stated, *expected),) = (
            value for name, value in MIRROR.items() if all(part in row["file"] for part in name.split("/"))
        )
        reason = f"error: {row['reason']}" if row["status"] == "error" else row["reason"]
        assert reason == stated, row
        assert [row[field] for field in ("width", "height", "frames", "codec", "rotation")] == expected, row
        assert row["status"] == ("error" if "error" in reason else "warning" if reason else "ok")
        assert (row["score"] is None) == (row["status"] == "error")


def test_every_image_of_the_mirror_scores(score: Score) -> None:
    files = [file for file in files_of(str(mirror())) if Path(file).name in PHOTOS]
    code, rows, _ = score("--run", "F01", *files)
    assert (code, len(rows)) == (0, len(PHOTOS))
    for row in rows:
        assert (row["status"], row["reason"], row["frames"]) == ("ok", "", 1)
        assert (row["width"], row["height"]) == PHOTOS[Path(row["file"]).name]
