"""Fixtures of the tests of sources."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from download_server import Server, serving

from vqa.sources import transfer


@pytest.fixture
def server() -> Iterator[Server]:
    """A server on this machine to download from."""
    with serving() as running:
        yield running


@pytest.fixture
def place(monkeypatch: pytest.MonkeyPatch, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """No mirror, no pauses, and a working directory in which transfers grow."""
    monkeypatch.delenv("VQA_MIRROR", raising=False)
    monkeypatch.setattr(transfer, "PAUSE", 0.0)
    monkeypatch.chdir(tmp_path_factory.mktemp("cwd"))
    return Path.cwd()
