"""Toy repositories with real DVC, whose stages note when they ran."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

import yaml
from project import ROOT

# Each stage notes when it began and ended. In DVC's "cmd" a pipe would hide a failure, so commands are joined by "&&".
NOTE = 'echo "%s $(date +%%s.%%N)" >> ../times.txt'


def stage(name: str, deps: list[str], command: str, seconds: float = 0.0) -> dict:
    """A stage of dvc.yaml that makes ``NAME.txt``."""
    cmd = " && ".join([NOTE % f"begin {name}", f"sleep {seconds}", command, NOTE % f"end {name}"])
    return {"cmd": cmd, "deps": [f"{dep}.txt" for dep in deps], "outs": [f"{name}.txt"]}


def repository(folder: Path) -> Path:
    """A git repository with DVC in it."""
    folder.mkdir()
    subprocess.run(["git", "init", "-q"], cwd=folder, check=True)
    assert run(folder, "dvc", "init", "-q").returncode == 0
    shutil.copy(ROOT / ".dvc" / "config", folder / ".dvc" / "config")
    return folder


def environment(**more: str) -> dict[str, str]:
    path = f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"
    return {**os.environ, "CUDA_VISIBLE_DEVICES": "", "PATH": path, "PYTHONPATH": str(ROOT), **more}


def run(folder: Path, *command: str, **more: str) -> subprocess.CompletedProcess:
    return subprocess.run(
        [sys.executable, "-m", *command],
        cwd=folder, env=environment(**more), text=True, capture_output=True, check=False, timeout=240,
    )  # fmt: skip


def write(folder: Path, content: dict) -> None:
    (folder / "dvc.yaml").write_text(yaml.safe_dump(content, sort_keys=False))


def lock(folder: Path) -> dict:
    return yaml.safe_load((folder / "dvc.lock").read_text())


def times(folder: Path) -> dict[str, tuple[float, float]]:
    """Begin and end of every stage that ran."""
    found: dict[str, dict[str, float]] = {}
    for line in (folder.parent / "times.txt").read_text().splitlines():
        event, name, when = line.split()
        assert event not in found.setdefault(name, {}), f"{name} ran twice"
        found[name][event] = float(when)
    return {name: (entry["begin"], entry.get("end", float("inf"))) for name, entry in found.items()}
