"""Why a fingerprint changed, in words."""

from pathlib import Path
from typing import Any

import pytest

from vqa.graph.fingerprints import fingerprint
from vqa.graph.why import _differences, _of_fingerprint, _shortened

FILES = {"vqa/__init__.py": "", "vqa/one.py": "import vqa.two\n", "vqa/two.py": "X = 1\n", "vqa/three.py": "Y = 1\n"}


def text(folder: Path, params: Any, **changes: str) -> str:
    for name, source in {**FILES, **{f"vqa/{name}.py": source for name, source in changes.items()}}.items():
        (folder / name).parent.mkdir(exist_ok=True)
        (folder / name).write_text(source)
    return fingerprint(folder, ["vqa.one"], params)


@pytest.mark.parametrize(
    ("changes", "params", "expected"),
    [
        ({"two": "X = 2\n"}, {"seed": 1}, ["module vqa.two changed"]),
        ({"two": "# remark\nX = 1\n"}, {"seed": 2}, ["seed was 1, is 2"]),
        (
            {"one": "import vqa.three\n"},
            {"seed": 1},
            [f"module vqa.{n}" for n in ("one ch", "three is us", "two is no")],
        ),
    ],
)
def test_modules_and_shared_params(changes: dict, params: dict, expected: list[str], tmp_path: Path) -> None:
    old, new = tmp_path / "old.txt", tmp_path / "new.txt"
    old.write_text(text(tmp_path, {"seed": 1}))
    new.write_text(text(tmp_path, params, **changes))
    found = list(_of_fingerprint(old, new))
    assert len(found) == len(expected)
    assert all(one.startswith(other) for one, other in zip(found, expected, strict=True))
    old.unlink()
    assert next(_of_fingerprint(old, new)).endswith("not in the cache")


def test_values_have_their_place_and_long_ones_are_cut() -> None:
    old = {"a": {"b": 1, "gone": [1]}, "same": 0, "long": "x" * 99}
    new = {"a": {"b": 2, "more": None}, "same": 0, "long": "y"}
    found = list(_differences(old, new))
    assert found[:2] == ["a.b was 1, is 2", "a.gone is gone, was [1]"]
    assert found[2] == "a.more is new: null"
    assert len(found[3]) < 100
    assert list(_shortened(iter(found)))[3:] == ["1 more of its kind"]
