"""Fixtures of the tests of score."""

from collections.abc import Callable
from pathlib import Path

import pytest


@pytest.fixture(scope="module")
def scored_project(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A finished project with a tiny run of every method."""
    from score_fixture import make_project  # heavy, and few tests score clips

    return make_project(tmp_path_factory.mktemp("score"))


@pytest.fixture
def score(scored_project: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture) -> Callable:
    """The command that scores clips, in that project."""
    from score_fixture import command  # as above

    return command(scored_project, monkeypatch, capsys)
