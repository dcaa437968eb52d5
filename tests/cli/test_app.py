"""The command: help, wrong use in one line, exit codes, and the scale that a command works on."""

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest
import yaml
from project import ROOT

from vqa.cli import scale
from vqa.cli.app import app, main, run
from vqa.io import InputError
from vqa.settings.strict import ParamsError

COMMANDS = sorted(command.callback.__name__ for command in app.registered_commands)


def called(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture, *arguments: str) -> tuple[int, str, str]:
    monkeypatch.setattr(sys, "argv", ["vqa", *arguments])
    with pytest.raises(SystemExit) as stop:
        main()
    return stop.value.code or 0, *capsys.readouterr()


def test_there_is_a_file_for_every_command():
    files = {path.stem for path in (ROOT / "vqa" / "cli").glob("*.py")} - {"__init__", "__main__", "app", "scale"}
    assert set(COMMANDS) == files
    assert {"repro", "score", "fetch", "check", "track", "bench", "new", "publish"} <= files


@pytest.mark.parametrize("command", COMMANDS)
def test_help_has_an_example_and_names_every_option(command, monkeypatch, capsys):
    code, out, err = called(monkeypatch, capsys, command, "--help")
    assert (code, err) == (0, "")
    assert f"vqa {command}" in re.search(r"Examples?: (.*)", out.replace("\n", " "))[1]
    assert ("SCALE  " in out) == (command not in ("new", "features", "rehearse"))


def test_without_a_command_there_is_the_list_of_them(monkeypatch, capsys):
    code, out, _ = called(monkeypatch, capsys)
    assert code == 0
    assert all(re.search(rf"\b{command}\b", out) for command in COMMANDS)


def test_help_comes_without_the_libraries_that_take_seconds():
    script = "import sys; sys.argv = ['vqa', '--help']\nfrom vqa.cli.app import run\nrun(['--help'])\n"
    script += "print(sorted({'torch', 'pandas', 'dvc', 'mlflow', 'matplotlib'} & set(sys.modules)))"
    done = subprocess.run([sys.executable, "-c", script], cwd=ROOT, text=True, capture_output=True, check=True)
    assert done.stdout.splitlines()[-1] == "[]"


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["nope"], "no such command 'nope'"),
        (["check", "--bogus"], "no such option: --bogus"),
        (["score"], "missing argument"),
        (["repro", "--jobs", "two"], "invalid value for '--jobs'"),
        (["repro", "--jobs", "-1"], "--jobs: -1 is negative"),
        (["repro", "--scale", "reel"], "--scale reel: no folder of that name"),
        (["score", "--run", "A01", "--checkpoint", "x.pth", "a.mp4"], "--run and --checkpoint"),
        (["score", "--checkpoint", "x.pth", "a.mp4"], "go together"),
        (["fetch", "konvid"], "datasets: 'konvid' is not defined (did you mean 'konvid1k'?)"),
        (["check", "--tolerances", "--seeds", "2"], "--seeds: 2 trainings show no spread"),
        (["new", "x", "--videos", ".", "--labels", "x.csv", "--test", "2"], "--test 2: not a share"),
        (["new", "x", "--videos", ".", "--labels", "x.csv", "--size", "huge"], "--size huge: not one of demo, paper"),
    ],
)
def test_wrong_use_is_one_line_and_exit_code_2(arguments, message, monkeypatch, capsys):
    monkeypatch.chdir(ROOT)
    code, out, err = called(monkeypatch, capsys, *arguments)
    assert (code, out) == (2, "")
    assert err.startswith("error: ")
    assert message in err
    assert err.count("\n") == 1


# Which scale


@pytest.fixture
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A project of four scales, two of them its own."""
    for folder, root in ((".", "."), ("real", ".."), ("paper", ".."), ("mine", ".."), ("deep/er", "../..")):
        (tmp_path / folder).mkdir(parents=True, exist_ok=True)
        (tmp_path / folder / "params.yaml").write_text(yaml.safe_dump({"root": root}))
    (tmp_path / "real" / "sub").mkdir()
    (tmp_path / "docs").mkdir()
    monkeypatch.chdir(tmp_path)
    return tmp_path


@pytest.mark.parametrize(
    ("here", "asked", "found"),
    [
        (".", None, "."),
        ("docs", None, "."),
        ("real", None, "real"),
        ("real/sub", None, "real"),
        ("real/sub", "demo", "."),
        ("mine", "paper", "paper"),
        ("docs", "mine", "mine"),
        ("docs", "../deep/er", "deep/er"),
        ("deep", "er", "deep/er"),
        ("docs", "deep/er", "deep/er"),
    ],
)
def test_the_scale_is_the_one_that_is_asked_for_or_where_one_stands(project, monkeypatch, here, asked, found):
    monkeypatch.chdir(project / here)
    assert scale.folder_of(asked) == (project / found).resolve()
    assert scale.project() == project


def test_a_scale_that_is_not_there_is_named_with_those_that_are(project):
    with pytest.raises(InputError, match=r"--scale nine: .*there are demo, real, paper, study, mine"):
        scale.folder_of("nine")


def test_outside_of_a_project_there_is_nothing_to_work_on(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    with pytest.raises(InputError, match=r"no params.yaml here or above"):
        scale.folder_of(None)


def test_a_command_works_in_the_folder_of_its_scale_and_leaves_all_as_it_was(project, monkeypatch):
    monkeypatch.chdir(project / "docs")
    before, path = list(sys.path), os.environ["PATH"]
    with scale.entered("real") as here:
        assert (Path.cwd(), here) == (project / "real", project / "docs")
        assert sys.path[0] == str(project)
        assert os.environ["PATH"].startswith(str(Path(sys.executable).parent))
    assert (Path.cwd(), sys.path, os.environ["PATH"]) == (project / "docs", before, path)


def test_a_command_of_another_project_says_whose_it_is(project):
    (project / "vqa").mkdir()
    with pytest.raises(InputError, match=rf"this vqa belongs to {ROOT}"), scale.entered(None):
        pass


def test_scales_are_completed(project):
    assert scale._complete("") == ["demo", "real", "paper", "study", "mine"]
    assert scale._complete("m") == ["mine"]


def test_a_broken_parameter_file_is_named(project):
    with pytest.raises(ParamsError, match=r"params.yaml: missing key"):
        run(["check"])
