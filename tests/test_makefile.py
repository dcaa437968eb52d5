"""The targets of make in a folder with a blank in its name: each finds the Python of the environment, and no other."""

import re
import shutil
import subprocess
from pathlib import Path

import pytest
from project import ROOT

TARGETS = re.findall(r"^([a-z]+): venv", (ROOT / "Makefile").read_text(), flags=re.MULTILINE)
TOOLS = ("python", "ruff", "lint-imports", "mypy", "mlflow")
# Writes down what it was called as, which python the stages would find, and with what.
TOOL = '#!/bin/sh\necho "$0 | $(command -v python) | $*" >> "{log}"\n'
# Makes the environment: python -m venv FOLDER.
MAKER = '#!/bin/sh\nmkdir -p "$3/bin" && cp "{tools}"/* "$3/bin"\n'


def executable(path: Path, text: str) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text)
    path.chmod(0o755)


@pytest.fixture
def repo(tmp_path: Path) -> Path:
    """A project of a Makefile and a lock; tools that write down how they are called lie beside it."""
    folder = tmp_path / "my repo"
    (folder / "real" / "runs").mkdir(parents=True)
    (tmp_path / "my").mkdir()
    for name in ("Makefile", "requirements.lock"):
        shutil.copy(ROOT / name, folder)
    for name in TOOLS:
        executable(tmp_path / "the tools" / name, TOOL.format(log=tmp_path / "log"))
    executable(tmp_path / "a python" / "python3", MAKER.format(tools=tmp_path / "the tools"))
    return folder


def make(repo: Path, *words: str) -> list[list[str]]:
    """Run make; what every tool that it called was called as, the python it found, and its arguments."""
    log = repo.parent / "log"
    log.unlink(missing_ok=True)
    command = ["make", "-s", f"PYTHON={repo.parent / 'a python' / 'python3'}", *words]
    done = subprocess.run(command, cwd=repo, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return [line.split(" | ") for line in log.read_text().splitlines()]


def test_there_are_targets():
    assert {"repro", "real", "paper", "check", "lint", "ui"} <= set(TARGETS)


@pytest.mark.parametrize("place", [".venv", "an env", "/an env"])
def test_every_target_finds_its_python_where_names_have_blanks(repo, place):
    inside = not place.startswith("/")
    home = repo / place if inside else repo.parent / place[1:]
    words = () if place == ".venv" else (f"VENV={place if inside else home}",)
    assert {call[2].split()[1] for call in make(repo, "venv", *words)} == {"pip"}
    assert (home / ".lock-sha256").is_file()
    for target in TARGETS:
        calls = make(repo, target, *words)
        assert calls
        for name, python, _ in calls:
            assert (repo / name).parent == home / "bin"
            assert Path(repo / python) == home / "bin" / "python"
    assert [call[2] for call in make(repo, "check", *words)] == [
        f"-m vqa.cli check --scale {s}" for s in ("demo", "real")
    ]


def test_a_new_lock_replaces_the_environment_and_nothing_else(repo):
    make(repo, "venv")
    (repo / ".venv" / "old").touch()
    assert make(repo, "repro")[0][2] == "-m vqa.cli repro --scale demo --jobs 0"
    assert (repo / ".venv" / "old").exists(), "nothing is set up twice"
    (repo / "requirements.lock").write_text("other")
    make(repo, "repro")
    assert not (repo / ".venv" / "old").exists()
    assert (repo.parent / "my").is_dir()


def test_help_lists_all_targets(repo):
    done = subprocess.run(["make", "help"], cwd=repo, capture_output=True, text=True, check=True)
    assert all(f"make {target} " in done.stdout for target in TARGETS)
