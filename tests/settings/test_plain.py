"""YAML files: what YAML reads otherwise than people mean it is refused in one line, and nothing ends in a traceback."""

from pathlib import Path

import pytest
import yaml
from project import ROOT

from vqa.settings.params import load
from vqa.settings.plain import read_yaml
from vqa.settings.strict import ParamsError

RUN = "A01-fastvqa-konvid1k-base"


def read(folder: Path, text: str | bytes) -> object:
    path = folder / "params.yaml"
    path.write_bytes(text if isinstance(text, bytes) else text.encode())
    return read_yaml(path)


@pytest.mark.parametrize("name", ["params.yaml", "sources.yaml", "real/params.yaml", "paper/params.yaml"])
def test_files_of_the_project_mean_what_yaml_says(name):
    assert read_yaml(ROOT / name) == yaml.safe_load((ROOT / name).read_text())


def test_numbers_texts_and_merges_are_as_they_look(tmp_path):
    text = (
        "a: &a {x: 0, y: -12, z: 0.10}\nb: {<<: *a, y: 1.5e+3}\nc: ['042', \"1:30\", 1e-4, x, yes, ~]\n"
        "d: [+3, .5, 7., 123456789012345678]\n"
    )
    assert read(tmp_path, text) == {
        "a": {"x": 0, "y": -12, "z": 0.1},
        "b": {"x": 0, "y": 1500.0, "z": 0.1},
        "c": ["042", "1:30", "1e-4", "x", True, None],
        "d": [3, 0.5, 7.0, 123456789012345678],
    }
    assert read(tmp_path, "\ufeffa: 1\n") == {"a": 1}


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("a: 1\nb: 2\na: 3\n", "line 3: the key 'a' stands there twice, in line 1"),
        ("a: {b: 1, c: {d: 1, d: 1}}\n", "line 1: the key 'd' stands there twice, in line 1"),
        ("a: 1\n'a': 2\n", "line 2: the key 'a' stands there twice"),
        ("a: &x {b: 1}\nc: {<<: *x, <<: *x}\n", "line 2: the key '<<' stands there twice"),
        ("a: 042\n", "line 1: '042' is no plain number"),
        ("a: [1, 0x1F]\n", "'0x1F' is no plain number"),
        ("a: 0b11\n", "'0b11' is no plain number"),
        ("a: 1_000\n", "'1_000' is no plain number"),
        ("a: 1:30\n", "'1:30' is no plain number"),
        ("a: 1:30.5\n", "'1:30.5' is no plain number"),
        ("a: 01.5\n", "'01.5' is no plain number"),
        ("a:\n  007: 1\n", "line 2: '007' is no plain number"),
        (f"a: {'9' * 5000}\n", "is no plain number"),
        ("a: !!int x\n", "'x' is no plain number"),
        ("a: 2024-13-45\n", "YAML takes '2024-13-45' for a date; put it in quotes"),
        ("a: =\n", "YAML takes '=' for"),
        ("a: !!binary x\n", "YAML takes 'x' for tag:yaml.org,2002:binary"),
        ("a: !!set {b}\n", "tag:yaml.org,2002:set is no plain data"),
        ("a: !mine [b]\n", "!mine is no plain data"),
        ("[a, b]: 1\n", "line 1: a key must be text"),
        ("a: &x [*x]\n", "line 1: holds itself"),
        ("a: 1\n---\nb: 1\n", "not valid YAML"),
        ("[" * 5000, "not valid YAML"),
        (b"a: \xe9\n", "not text in UTF-8"),
        ("a: b\n".encode("utf-16"), "not text in UTF-8"),
        ("a: \x01\n", "not valid YAML"),
    ],
)
def test_what_reads_otherwise_than_it_looks_is_refused_in_one_line(tmp_path, text, message):
    with pytest.raises(ParamsError) as error:
        read(tmp_path, text)
    assert message in str(error.value)
    assert "params.yaml: " in str(error.value)
    assert "\n" not in str(error.value)


def test_a_row_that_stands_there_twice_is_refused_with_both_lines(tmp_path):
    lines = (ROOT / "params.yaml").read_text().splitlines()
    number = next(i for i, line in enumerate(lines) if line.startswith(f"  {RUN}: {{<<"))
    lines.insert(number + 1, lines[number].replace("}", ", gamma: 0.01}"))
    (tmp_path / "params.yaml").write_text("\n".join(lines))
    message = rf"line {number + 2}: the key '{RUN}' stands there twice, in line {number + 1}"
    with pytest.raises(ParamsError, match=message):
        load(tmp_path / "params.yaml")


def test_a_folder_in_the_place_of_a_file_is_named(tmp_path):
    with pytest.raises(ParamsError, match="cannot be read"):
        read_yaml(tmp_path)
