"""Names of a label list to files: whatever people leave out of a name, and never the wrong file."""

from pathlib import Path

import numpy as np
import pytest
from clips import numbered_frames, write_video
from PIL import Image

from vqa.io import InputError
from vqa.new.files import are_images, decoded_bytes, match_files


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    for name in ("a.mp4", "part1/b.mp4", "part1/c.v1.mp4", "part2/c.v2.mp4", "part2/d.mkv", ".hidden/e.mp4"):
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).touch()
    return tmp_path


@pytest.mark.parametrize(
    ("name", "file"),
    [
        ("a.mp4", "a.mp4"),
        ("a", "a.mp4"),
        ("b.mp4", "part1/b.mp4"),
        ("part1/b", "part1/b.mp4"),
        ("KoNViD_1k_videos/part1/b.mp4", "part1/b.mp4"),
        ("C:\\videos\\part2\\d.mkv", "part2/d.mkv"),
        ("c.v2", "part2/c.v2.mp4"),
    ],
)
def test_a_name_is_the_end_of_a_path_with_or_without_what_comes_after_the_dot(folder, name, file):
    assert match_files([name], folder) == {name: file}


def test_a_whole_path_comes_before_the_same_name_deeper_down(folder):
    (folder / "part2" / "a.mp4").touch()
    assert match_files(["a.mp4", "part2/a.mp4"], folder) == {"a.mp4": "a.mp4", "part2/a.mp4": "part2/a.mp4"}


@pytest.mark.parametrize(
    ("names", "message"),
    [
        (["a.mp4", "x.mp4", "y.mp4"], "no file for 2 of 3 names, as x.mp4"),
        (["e.mp4"], "no file for 1 of 1 names, as e.mp4"),
        (["a.mp4", "a"], "two names mean the same file, a.mp4"),
    ],
)
def test_what_has_no_file_of_its_own_is_named(folder, names, message):
    with pytest.raises(InputError) as error:
        match_files(names, folder)
    assert message in str(error.value)


def test_a_name_that_several_files_fit_is_named_with_them(folder):
    (folder / "part2" / "b.avi").touch()
    with pytest.raises(InputError, match=r"several files for 1 names, as b: part1/b.mp4, part2/b.avi"):
        match_files(["b"], folder)


def test_a_missing_folder_is_named(tmp_path):
    with pytest.raises(InputError, match="no such folder"):
        match_files(["a"], tmp_path / "none")


def test_images_and_videos_do_not_mix():
    assert are_images(["a.png", "b.JPG"])
    assert not are_images(["a.mp4", "b.mkv"])
    with pytest.raises(InputError, match=r"b\.png is an image and a\.mp4 is not"):
        are_images(["a.mp4", "b.png"])


def test_a_gif_that_moves_is_a_video(tmp_path):
    pictures = [Image.fromarray(np.full((8, 8, 3), grey, np.uint8)) for grey in (0, 200)]
    pictures[0].save(tmp_path / "still.gif")
    pictures[0].save(tmp_path / "moving.gif", save_all=True, append_images=pictures[1:])
    assert are_images(["still.gif"], tmp_path)
    assert not are_images(["moving.gif"], tmp_path)


def test_decoded_bytes_are_those_of_the_frames(tmp_path, monkeypatch):
    video = write_video(tmp_path / "a.mp4", numbered_frames(12, 64, 48))
    monkeypatch.chdir(tmp_path)
    for odd in ("12:30.mp4", "caf\udce9.mp4"):
        Path(odd).write_bytes(video.read_bytes())
        assert decoded_bytes([Path(odd)]) == 12 * 64 * 48 * 3
    image = tmp_path / "b.png"
    Image.fromarray(np.zeros((10, 20, 3), np.uint8)).save(image)
    (tmp_path / "c.mp4").write_bytes(b"no video")
    assert decoded_bytes([video]) == 12 * 64 * 48 * 3
    assert decoded_bytes([image]) == 10 * 20 * 3
    assert decoded_bytes([tmp_path / "c.mp4", video]) == 12 * 64 * 48 * 3
