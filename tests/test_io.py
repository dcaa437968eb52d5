"""Files appear whole or not at all; errors of users are one line and exit code 2, errors of the code a traceback."""

import errno
import json
import os
import subprocess
import sys
from dataclasses import dataclass, field
from pathlib import Path

import av
import numpy as np
import pandas as pd
import pytest
from project import ROOT

from vqa.io import InputError, atomic, digest, file_digest, run_stage, write_csv, write_json
from vqa.settings.strict import ParamsError


def names(folder: Path) -> set[str]:
    return {path.name for path in folder.iterdir()}


def test_atomic_replaces_the_file_and_makes_its_folder(tmp_path):
    path = tmp_path / "new" / "file.txt"
    for text in ("first", "second"):
        with atomic(path) as draft:
            assert draft.parent == path.parent, "a rename is atomic only inside one file system"
            draft.write_text(text)
        assert path.read_text() == text
    assert names(path.parent) == {"file.txt"}


@pytest.mark.parametrize("error", [RuntimeError, KeyboardInterrupt, SystemExit])
def test_atomic_keeps_the_old_file_and_leaves_no_draft_on_failure(tmp_path, error):
    path = tmp_path / "file.txt"
    path.write_text("old")

    def fail() -> None:
        with atomic(path) as draft:
            draft.write_text("half")
            assert path.read_text() == "old"
            raise error

    with pytest.raises(error):
        fail()
    assert path.read_text() == "old"
    assert names(tmp_path) == {"file.txt"}


def test_atomic_without_an_old_file_leaves_nothing_on_failure(tmp_path):
    def fail() -> None:
        with atomic(tmp_path / "file.txt") as draft:
            draft.write_text("half")
            raise RuntimeError

    with pytest.raises(RuntimeError):
        fail()
    assert names(tmp_path) == set()


def test_two_processes_have_different_drafts(tmp_path, monkeypatch):
    with atomic(tmp_path / "file.txt") as mine:
        mine.write_text("mine")
        monkeypatch.setattr(os, "getpid", lambda: -1)
        with atomic(tmp_path / "file.txt") as other:
            other.write_text("other")
        assert mine != other
        assert mine.read_text() == "mine"


@dataclass
class Inner:
    value: float
    parts: tuple[float, ...] = (1.5, float("nan"))


@dataclass
class Outer:
    inner: Inner
    table: dict[str, Inner] = field(default_factory=dict)


def test_write_json_turns_nan_into_null_and_dataclasses_into_objects(tmp_path):
    path = tmp_path / "out.json"
    nan = float("nan")
    write_json(path, {"a": nan, "b": [1, nan, {"c": nan}], "d": Outer(Inner(nan), {"x": Inner(2.0)}), "e": np.nan})
    text = path.read_text()
    assert "NaN" not in text
    assert text.endswith("}\n")
    assert json.loads(text) == {
        "a": None,
        "b": [1, None, {"c": None}],
        "d": {"inner": {"value": None, "parts": [1.5, None]}, "table": {"x": {"value": 2.0, "parts": [1.5, None]}}},
        "e": None,
    }


def test_write_json_that_fails_leaves_the_old_file(tmp_path):
    path = tmp_path / "out.json"
    write_json(path, {"a": 1})
    for content in ({"a": float("inf")}, {"a": object()}):
        with pytest.raises((ValueError, TypeError)):
            write_json(path, content)
    assert json.loads(path.read_text()) == {"a": 1}
    assert names(tmp_path) == {"out.json"}


def test_write_csv_keeps_every_digit_and_has_no_index(tmp_path):
    values = [0.1 + 0.2, 1 / 3, 1e-17, 12345678.123456789]
    write_csv(tmp_path / "out.csv", pd.DataFrame({"x": values, "y": list("abcd")}))
    content = (tmp_path / "out.csv").read_bytes()
    assert content.startswith(b"x,y\n0.30000000000000004,a\n")
    assert b"\r" not in content
    assert pd.read_csv(tmp_path / "out.csv").x.tolist() == values


def test_digests_are_sha256_of_the_bytes(tmp_path):
    (tmp_path / "file").write_bytes("abç".encode())
    known = "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"
    assert digest("abc") == digest(b"abc") == known
    assert file_digest(tmp_path / "file") == digest("abç") != known


@pytest.mark.parametrize(("result", "code"), [(None, 0), (0, 0), (1, 1)])
def test_run_stage_exits_with_what_main_returns(result, code, capsys):
    with pytest.raises(SystemExit) as stop:
        run_stage(lambda: result)
    assert stop.value.code == code
    assert capsys.readouterr().err == ""


@pytest.mark.parametrize("kind", [InputError, ParamsError])
def test_run_stage_prints_one_line_for_the_users_mistakes(kind, capsys):
    def main() -> None:
        raise kind("clip.mp4: is empty; fetch it again")

    with pytest.raises(SystemExit) as stop:
        run_stage(main)
    assert stop.value.code == 2
    assert capsys.readouterr() == ("", "error: clip.mp4: is empty; fetch it again\n")


@pytest.mark.parametrize(
    "error",
    [
        MemoryError(),
        np._core._exceptions._ArrayMemoryError((1 << 40,), np.dtype(float)),
        av.error.MemoryError(12, "Cannot allocate memory"),
        RuntimeError("[enforce fail at alloc_cpu.cpp:127] DefaultCPUAllocator: can't allocate memory: you tried"),
        OSError(errno.ENOMEM, "Cannot allocate memory"),
    ],
    ids=lambda error: type(error).__name__,
)
def test_run_stage_prints_one_line_where_memory_ends(error, capsys):
    def main() -> None:
        raise error

    with pytest.raises(SystemExit) as stop:
        run_stage(main)
    assert stop.value.code == 2
    assert capsys.readouterr().err.startswith("error: not enough memory; ")


@pytest.mark.parametrize(
    ("line", "code", "lines"),
    [("raise InputError('bad')", 2, 1), ("return 0", 0, 0), ("return 1", 1, 0), ("raise ValueError('bug')", 1, None)],
)
def test_exit_codes_of_a_real_process(tmp_path, line, code, lines):
    script = f"from vqa.io import InputError, run_stage\ndef main():\n    {line}\nrun_stage(main)\n"
    done = subprocess.run(
        [sys.executable, "-c", script], cwd=tmp_path, env={**os.environ, "PYTHONPATH": str(ROOT)}, text=True,
        capture_output=True, check=False,
    )  # fmt: skip
    assert done.returncode == code
    if lines is None:
        assert "Traceback" in done.stderr
        assert done.stderr.endswith("ValueError: bug\n")
    else:
        assert len(done.stderr.splitlines()) == lines


def in_a_process(body: str, **options: object) -> subprocess.Popen:
    """A stage in a process of its own whose main function is ``body``."""
    script = f"import sys\nfrom vqa.io import run_stage\ndef main():\n    {body}\nrun_stage(main)\n"
    environment = {**os.environ, "PYTHONPATH": str(ROOT)} | options.pop("env", {})
    return subprocess.Popen([sys.executable, "-c", script], stderr=subprocess.PIPE, env=environment, **options)


def test_a_reader_that_goes_away_ends_a_stage_in_silence():
    run = in_a_process("[print('line', flush=True) for _ in range(10**6)]", stdout=subprocess.PIPE)
    assert run.stdout.readline() == b"line\n"
    run.stdout.close()
    assert (run.stderr.read(), run.wait()) == (b"", 141)


def test_a_full_disk_is_one_line():
    with open("/dev/full", "w") as full:
        run = in_a_process("print('x' * 10**5)", stdout=full)
        assert run.communicate()[1] == b"error: output: No space left on device; make room\n"
    assert run.returncode == 2


def test_names_that_the_terminal_cannot_show_are_printed_as_escapes():
    run = in_a_process(
        r"print('caf\udce9', '\u4e2d'); print('caf\udce9', file=sys.stderr)",
        **{"stdout": subprocess.PIPE, "env": {"PYTHONIOENCODING": "ascii"}},
    )
    assert run.communicate() == (b"caf\\udce9 \\u4e2d\n", b"caf\\udce9\n")
    assert run.returncode == 0
